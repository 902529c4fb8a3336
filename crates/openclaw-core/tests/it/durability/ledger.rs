//! What a writing process said was recorded, and what the contents of its events have to be.
//!
//! An event's content follows from its [`Mark`], so that an event can be checked to the last byte
//! by whoever reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use openclaw_core::events::{NewEvent, Payload, RawJson, ToolPayload};
use openclaw_core::{SessionEvent, SessionEventKind};
use serde_json::json;

use super::chance::Chance;

/// The name of one event, unique over all writers: which of them made it, and where it stands in
/// its append.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    /// The append that it belongs to.
    pub(super) append: String,
    /// Its place among the events of that append, from 1.
    pub(super) part: u32,
    /// How many events that append has.
    pub(super) parts: u32,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.append, self.part, self.parts)
    }
}

/// The text is no [`Mark`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let (append, place) = text.split_once(':').ok_or(NoMark)?;
        let (part, parts) = place.split_once('/').ok_or(NoMark)?;
        Ok(Self {
            append: append.to_owned(),
            part: part.parse().map_err(|_err| NoMark)?,
            parts: parts.parse().map_err(|_err| NoMark)?,
        })
    }
}

impl Mark {
    /// Returns the marks of one append, which has from one to three events.
    pub(super) fn of_append(append: &str) -> Vec<Self> {
        let parts = 1 + u32::try_from(Chance::of(append).below(3)).unwrap();
        let mark = |part| Self {
            append: append.to_owned(),
            part,
            parts,
        };
        (1..=parts).map(mark).collect()
    }

    /// Reads the mark of an event, if it has one.
    pub(super) fn of_event(event: &SessionEvent) -> Option<Self> {
        match &event.kind {
            SessionEventKind::MessageReceived { content, .. } => {
                content.split(' ').next()?.parse().ok()
            }
            SessionEventKind::ToolResult { tool, .. } => tool.parse().ok(),
            _ => None,
        }
    }

    /// Tells whether the event of this name is a tool's result, which is audited.
    pub(super) fn is_tool_result(&self) -> bool {
        Chance::of(&self.to_string()).percent(25)
    }

    /// Returns the event of this name: one of two kinds, from a few bytes to some pages long.
    pub(super) fn event(&self) -> NewEvent {
        let name = self.to_string();
        let mut chance = Chance::of(&name);
        let is_result = chance.percent(25);
        let length = *chance.pick(&[16, 600, 80_000]);
        let length = chance.index(length);
        // As long as no page of the database is a multiple of it.
        let pattern: String = (0..61)
            .map(|_| char::from(*chance.pick(b"abcdefghijklmnopqrstuvwxyz ")))
            .collect();
        let mut filler = pattern.repeat(length.div_ceil(pattern.len()));
        filler.truncate(length);
        if !is_result {
            return NewEvent::from(SessionEventKind::MessageReceived {
                content: format!("{name} {filler}"),
                attachments: vec![],
            });
        }
        let mut event = NewEvent::from(SessionEventKind::ToolResult {
            tool: name,
            result: json!({"z": filler, "a": [1.5, null, "é\n\u{1f980}"]}),
            success: true,
        })
        .with_payload(Payload {
            tool: Some(ToolPayload {
                duration_ms: chance.below(1000),
                sandbox: Some("strict".into()),
                ..ToolPayload::default()
            }),
            ..Payload::default()
        });
        event.raw = Some(RawJson::new("{ \"kept\" :1.50 }".into()).unwrap());
        event
    }

    /// Tells whether this is what was appended under this name.
    pub(super) fn matches(&self, event: &SessionEvent) -> bool {
        let NewEvent {
            kind, payload, raw, ..
        } = self.event();
        (&event.kind, &event.payload, &event.raw) == (&kind, &payload, &raw)
    }
}

/// Where an acknowledged event was said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) session: String,
    pub(super) seq: u64,
    pub(super) position: u64,
}

/// Every event that was acknowledged.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(BTreeMap<Mark, Receipt>);

impl Ledger {
    /// Writes the line by which an event is acknowledged.
    pub(super) fn line(event: &SessionEvent, mark: &Mark) -> String {
        let SessionEvent {
            session,
            seq,
            position,
            ..
        } = event;
        format!("ack {session} {seq} {position} {mark}\n")
    }

    /// Enters an acknowledgement; other lines are passed over.
    pub(super) fn enter(&mut self, line: &str) {
        let mut words = line.split(' ');
        if words.next() != Some("ack") {
            return;
        }
        let mut word = || words.next().unwrap();
        let receipt = Receipt {
            session: word().to_owned(),
            seq: word().parse().unwrap(),
            position: word().parse().unwrap(),
        };
        let mark = word().parse().unwrap();
        let before = self.0.insert(mark, receipt);
        assert_eq!(before, None, "acknowledged twice: {line}");
    }

    pub(super) fn extend(&mut self, other: Self) {
        for (mark, receipt) in other.0 {
            let before = self.0.insert(mark, receipt);
            assert_eq!(before, None, "acknowledged twice");
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Mark, &Receipt)> {
        self.0.iter()
    }
}

//! What is recorded of a transcript in one transaction.

use openclaw_core::events::{EndReason, NewEvent};
use openclaw_core::{SessionEventKind, SessionKey};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::report::Action;
use super::{Mark, Read};
use crate::entry::Entry;
use crate::map::{Counts, IMPORTED, Mapping};
use crate::sqlite::hex;

/// What is recorded of a transcript in one transaction.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) read: &'a Read<'a>,
    /// The number of the session's last event.
    pub(super) head: u64,
    /// The events that the first entries became.
    pub(super) recorded: Vec<u64>,
    /// What the session has from before.
    pub(super) earlier: Vec<Mark>,
}

type Events = Vec<(jiff::Timestamp, NewEvent)>;

impl Batch<'_> {
    /// Returns how much there is of the whole transcript.
    pub(super) fn whole(&self) -> Counts {
        self.mapping(&self.read.found.key, 1, &[]).events().counts
    }

    fn mapping<'b>(&'b self, key: &'b SessionKey, next: u64, recorded: &'b [u64]) -> Mapping<'b> {
        Mapping {
            key,
            session_id: &self.read.found.session_id,
            store_entry: self.read.found.store_entry.as_deref(),
            entries: self.read.entries,
            recorded,
            next,
            updated: self.read.found.updated,
        }
    }

    /// Makes the events, the last of which says where they come from.
    pub(super) fn events(&self, key: &SessionKey, action: Action) -> (Events, Counts, Mark) {
        let from = self.head.saturating_add(1);
        let mut events = Vec::new();
        let mut next = from;
        if action == Action::Followed {
            next = next.saturating_add(1);
        }
        let mapped = self.mapping(key, next, &self.recorded).events();
        let counts = mapped.counts;
        let model = mapped.model;
        if action == Action::Followed {
            let begins = mapped.events.first().map(|(time, _)| *time);
            let end = SessionEventKind::SessionEnded {
                reason: EndReason::Other("reset".to_owned()),
            };
            events.push((begins.unwrap_or(self.read.found.updated), end.into()));
        }
        events.extend(mapped.events);
        let time = events
            .last()
            .map_or(self.read.found.updated, |(time, _)| *time);
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let at = self
            .head
            .saturating_add(count(events.len()))
            .saturating_add(1);
        let mark = Mark {
            key: key.clone(),
            session_id: self.read.found.session_id.clone(),
            entries: count(self.read.entries.len()),
            sha256: digest(self.read.entries),
            from,
            at,
            head: at,
        };
        let earlier: Vec<_> = self
            .earlier
            .iter()
            .filter(|earlier| earlier.session_id != mark.session_id)
            .map(Mark::to_value)
            .collect();
        let mut value = mark.to_value();
        if let Some(map) = value.as_object_mut() {
            map.insert("form".into(), json!(self.read.found.source.form()));
            let file = self.read.home.relative(self.read.found.source.file());
            map.insert("file".into(), json!(file));
            map.insert("key".into(), json!(self.read.found.original_key));
            map.insert("earlier".into(), json!(earlier));
            if let Some((provider, model)) = model {
                map.insert("provider".into(), json!(provider));
                map.insert("model".into(), json!(model));
            }
        }
        let key = IMPORTED.to_owned();
        let event = SessionEventKind::StateChanged { key, value };
        events.push((time, event.into()));
        (events, counts, mark)
    }
}

/// Returns the SHA-256 over the texts of entries.
pub(super) fn digest(entries: &[Entry]) -> String {
    let mut hasher = Sha256::new();
    for entry in entries {
        hasher.update(entry.raw.as_bytes());
        hasher.update(b"\n");
    }
    hex(&hasher.finalize())
}

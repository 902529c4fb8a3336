//! Sessions written as TypeScript OpenClaw writes them: transcripts of version 3, and
//! `sessions.json`.
//!
//! What came from OpenClaw goes back byte for byte, in its order. What happened here since is
//! appended to it in OpenClaw's words. The files lie as in a state directory
//! (`agents/<id>/sessions/`), so that the folder can be put into one.

mod calls;
mod entries;
mod files;
mod store;
mod words;

use openclaw_core::events::StoreError;
use openclaw_core::{AgentId, EventStore, SessionEvent, SessionEventKind, SessionKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::map::{IMPORTED, STORE_ENTRY};
use crate::sqlite::hex;
use crate::take::Mark;
use crate::tree::Path as Branch;

use entries::Writer;
pub use files::{ExportError, Written, write};

/// A session as OpenClaw's files.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// Whose session it is.
    pub agent: AgentId,
    /// The session here.
    pub session: SessionKey,
    /// Its transcripts, the earliest first; the last one is the current.
    pub transcripts: Vec<Lines>,
    /// Its key and its entry in `sessions.json`; a transcript that no key named there has none.
    pub store: Option<(String, Value)>,
}

/// A transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Its id, which is its file's name.
    pub session_id: String,
    /// Its lines, without line ends.
    pub lines: Vec<String>,
    /// The events that the lines came from.
    pub seqs: Vec<u64>,
}

/// Makes OpenClaw's files of a session.
pub async fn session(log: &EventStore, key: &SessionKey) -> Result<Exported, StoreError> {
    let events = log.read(key, 1..=u64::MAX).await?;
    Ok(of(key, &events))
}

fn of(key: &SessionKey, events: &[SessionEvent]) -> Exported {
    let parts = parts(key, events);
    let updated = events.last().map(|event| event.time).unwrap_or_default();
    let stored = events
        .iter()
        .rev()
        .find(|event| is_state(event, STORE_ENTRY));
    let imported = events.iter().rev().find(|event| is_state(event, IMPORTED));
    let own = parts.iter().any(|part| part.own > 0);
    let transcripts: Vec<Lines> = parts.into_iter().map(Part::into_lines).collect();
    let current = transcripts.last().map(|lines| lines.session_id.as_str());
    let store = store::entry(
        &store::Known {
            key,
            session_id: current.unwrap_or_default(),
            updated,
            stored: stored.and_then(|event| event.raw.as_ref()),
            imported: imported.map(|event| &event.kind),
        },
        own,
    );
    Exported {
        agent: key.agent(),
        session: key.clone(),
        transcripts,
        store,
    }
}

/// One transcript in the making.
#[derive(Debug)]
struct Part {
    session_id: String,
    writer: Writer,
    /// How many entries were made here.
    own: usize,
}

impl Part {
    fn into_lines(self) -> Lines {
        let (lines, seqs) = self.writer.into_lines();
        Lines {
            session_id: self.session_id,
            lines,
            seqs,
        }
    }
}

/// Cuts a session into transcripts: what was taken in keeps the transcript that it came from.
fn parts(key: &SessionKey, events: &[SessionEvent]) -> Vec<Part> {
    let marks: Vec<Mark> = events.iter().filter_map(Mark::of_event).collect();
    let mark_at = |seq: u64| {
        marks
            .iter()
            .find(|mark| (mark.from..=mark.at).contains(&seq))
    };
    let mut parts: Vec<Part> = Vec::new();
    let mut pending: Vec<&SessionEvent> = Vec::new();
    for event in events {
        let Some(mark) = mark_at(event.seq) else {
            pending.push(event);
            continue;
        };
        flush(key, &mut parts, &mut pending);
        let known = parts
            .iter()
            .position(|part| part.session_id == mark.session_id);
        let at = known.unwrap_or_else(|| {
            parts.push(Part {
                session_id: mark.session_id.clone(),
                writer: Writer::default(),
                own: 0,
            });
            parts.len().saturating_sub(1)
        });
        let raw = event.raw.as_ref().filter(|_| !is_state(event, STORE_ENTRY));
        if let (Some(part), Some(raw)) = (parts.get_mut(at), raw) {
            part.writer.raw(event.seq, raw.get());
        }
    }
    flush(key, &mut parts, &mut pending);
    parts
}

/// Writes what happened here to the end of the latest transcript.
fn flush(key: &SessionKey, parts: &mut Vec<Part>, pending: &mut Vec<&SessionEvent>) {
    let events = std::mem::take(pending);
    let Some(first) = events.first() else { return };
    if parts.is_empty() {
        let session_id = session_id(key, first);
        let mut writer = Writer::default();
        writer.header(&session_id, first);
        parts.push(Part {
            session_id,
            writer,
            own: 0,
        });
    }
    if let Some(part) = parts.last_mut() {
        part.own = part.own.saturating_add(part.writer.own(&events));
    }
}

/// Returns an id for a session that began here: the same one at every export, and a UUID in form.
fn session_id(key: &SessionKey, first: &SessionEvent) -> String {
    let seed = format!("openclaw-rs session {key} {}", first.hash);
    let digits = hex(&Sha256::digest(seed.as_bytes()));
    let mut digits = digits.chars();
    let mut part = |count: usize| digits.by_ref().take(count).collect::<String>();
    // A version 8 UUID is whatever its maker makes of it (RFC 9562).
    let mut id = format!("{}-{}-8{}-8", part(8), part(4), part(3));
    id.push_str(&part(3));
    id.push('-');
    id.push_str(&part(12));
    id
}

fn is_state(event: &SessionEvent, name: &str) -> bool {
    matches!(&event.kind, SessionEventKind::StateChanged { key, .. } if key == name)
}

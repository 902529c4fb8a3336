//! What the event log has from OpenClaw already, by its own account.

use std::collections::HashSet;

use openclaw_core::events::{AuditEntry, StoreError};
use openclaw_core::{EventStore, SessionEvent, SessionEventKind, SessionKey};
use serde_json::{Value, json};

use crate::json;
use crate::map::IMPORTED;

/// How many entries of the audit stream are read at once.
const PAGE: u64 = 1000;

/// What was taken in.
#[derive(Debug, Default)]
pub struct Ledger {
    marks: Vec<Mark>,
    /// Sessions that were taken in and deleted after that.
    deleted: HashSet<SessionKey>,
}

/// What a session has of one transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The session.
    pub(crate) key: SessionKey,
    /// The transcript's session, as the source names it.
    pub(crate) session_id: String,
    /// How many entries of it.
    pub(crate) entries: u64,
    /// The SHA-256 of their texts.
    pub(crate) sha256: String,
    /// The first event that the latest of them became.
    pub(crate) from: u64,
    /// The event that says so.
    pub(crate) at: u64,
    /// The session's last event.
    pub(crate) head: u64,
}

impl Mark {
    /// Returns the mark as it is put on record.
    pub(crate) fn to_value(&self) -> Value {
        json!({
            "sessionId": self.session_id,
            "entries": self.entries,
            "sha256": self.sha256,
            "from": self.from,
            "at": self.at,
        })
    }

    fn of(key: &SessionKey, head: u64, value: &Value) -> Option<Self> {
        Some(Self {
            key: key.clone(),
            session_id: json::text(value, "sessionId")?.to_owned(),
            entries: json::count(value, "entries"),
            sha256: json::text(value, "sha256")?.to_owned(),
            from: json::count(value, "from"),
            at: json::count(value, "at"),
            head,
        })
    }

    /// Returns the mark that an event is.
    pub(crate) fn of_event(event: &SessionEvent) -> Option<Self> {
        match &event.kind {
            SessionEventKind::StateChanged { key, value } if key == IMPORTED => {
                Self::of(&event.session, event.seq, value)
            }
            _ => None,
        }
    }
}

/// Returns what a session has, by its own account.
async fn marks(log: &EventStore, key: &SessionKey) -> Result<Vec<Mark>, StoreError> {
    let Some(session) = log.session(key).await? else {
        return Ok(Vec::new());
    };
    let projection = log.projection(key, None).await?;
    let Some(value) = projection.get(IMPORTED) else {
        return Ok(Vec::new());
    };
    let earlier = value.get("earlier").and_then(Value::as_array).cloned();
    let all = std::iter::once(&value).chain(earlier.iter().flatten());
    Ok(all
        .filter_map(|value| Mark::of(key, session.head, value))
        .collect())
}

impl Ledger {
    /// Reads it out of the log: the audit stream knows which sessions were taken in, and each of
    /// them knows what it has.
    pub async fn read(log: &EventStore) -> Result<Self, StoreError> {
        let mut ledger = Self::default();
        for key in ledger.imported(log).await? {
            ledger.marks.extend(marks(log, &key).await?);
        }
        Ok(ledger)
    }

    /// Reads again what one session has.
    pub(super) async fn look_again(
        &mut self,
        log: &EventStore,
        key: &SessionKey,
    ) -> Result<(), StoreError> {
        let marks = marks(log, key).await?;
        self.marks.retain(|mark| mark.key != *key);
        self.marks.extend(marks);
        Ok(())
    }

    /// Tells whether anything of a session of the source is there, under whatever key.
    pub fn has(&self, session_id: &str) -> bool {
        self.of_session(session_id).next().is_some()
    }

    /// Returns the sessions that were taken in and are still there; notes those that are not.
    async fn imported(&mut self, log: &EventStore) -> Result<Vec<SessionKey>, StoreError> {
        let mut imported: Vec<SessionKey> = Vec::new();
        let mut after = 0_u64;
        loop {
            let range = after.saturating_add(1)..=after.saturating_add(PAGE);
            let page = match log.read(&SessionKey::audit(), range).await {
                Ok(page) => page,
                // Nothing was ever put on record there.
                Err(StoreError::NoSession(_)) => return Ok(imported),
                Err(err) => return Err(err),
            };
            for event in &page {
                match AuditEntry::of(event) {
                    Some(AuditEntry::SessionImported { session, .. }) => {
                        self.deleted.remove(&session);
                        if !imported.contains(&session) {
                            imported.push(session);
                        }
                    }
                    Some(AuditEntry::SessionDeleted { session, .. })
                        if imported.contains(&session) =>
                    {
                        imported.retain(|key| *key != session);
                        self.deleted.insert(session);
                    }
                    _ => {}
                }
            }
            match page.last() {
                Some(last) => after = last.seq,
                None => return Ok(imported),
            }
        }
    }

    /// Returns what there is of a transcript.
    pub(super) fn of_session(&self, session_id: &str) -> impl Iterator<Item = &Mark> {
        self.marks
            .iter()
            .filter(move |mark| mark.session_id == session_id)
    }

    /// Returns the sessions that have a part of a transcript.
    pub(super) fn keys_of(&self, session_id: &str) -> impl Iterator<Item = &SessionKey> {
        self.of_session(session_id).map(|mark| &mark.key)
    }

    /// Returns what a session has from the source.
    pub(super) fn marks_of(&self, key: &SessionKey) -> Vec<Mark> {
        let of_key = |mark: &&Mark| mark.key == *key;
        self.marks.iter().filter(of_key).cloned().collect()
    }

    /// Tells whether a session was taken in and then deleted.
    pub(super) fn was_deleted(&self, key: &SessionKey) -> bool {
        self.deleted.contains(key)
    }

    /// Takes in what was just recorded.
    pub(super) fn add(&mut self, mark: Mark) {
        self.marks
            .retain(|known| known.key != mark.key || known.session_id != mark.session_id);
        for known in &mut self.marks {
            if known.key == mark.key {
                known.head = mark.head;
            }
        }
        self.marks.push(mark);
    }
}

//! Taking in a session that was exported, event by event as it was.

use super::row::Row;
use super::{Outcome, Tx};
use crate::events::audit::AuditEntry;
use crate::events::error::StoreError;
use crate::events::hash::{EventHash, Record};
use crate::events::rows::{timestamp, unsigned};
use crate::events::spending::{Source, count};
use crate::session_key::SessionKey;

/// A session whose events are to be recorded as they were.
#[derive(Debug)]
pub(in crate::events) struct Import {
    pub(in crate::events) session: SessionKey,
    /// The events, numbered from 1; each reads back as an event of a known kind.
    pub(in crate::events) records: Vec<Record>,
    /// The hash of the last of them.
    pub(in crate::events) head_hash: EventHash,
}

impl Tx<'_> {
    pub(super) fn import(&mut self, import: Import) -> Result<Outcome, StoreError> {
        let Import {
            session,
            records,
            head_hash,
        } = import;
        if session.is_system() {
            return Err(StoreError::Reserved(session));
        }
        if Row::find(self.connection, &session)?.is_some() {
            return Err(StoreError::SessionExists(session));
        }
        let begun = records
            .first()
            .map_or(self.now, |record| timestamp(record.time_ms));
        let mut row = Row::create(self.connection, &session, begun)?;
        let mut events = Vec::with_capacity(1);
        for record in records {
            row.head = unsigned(record.seq);
            match record.kind.as_str() {
                "SessionStarted" => row.ended = false,
                "SessionEnded" => row.ended = true,
                _ => {}
            }
            let (position, hash) = self.insert(&mut row, &session, &record)?;
            count(
                self.connection,
                row.id,
                &session,
                &record,
                Source::Elsewhere,
            )?;
            // Whoever asked wants the last one only; a long session is not held twice.
            events.clear();
            events.push((record, position, hash));
        }
        if row.head_hash != head_hash {
            return Err(StoreError::ImportChanged(session));
        }
        row.store(self.connection)?;
        self.audit(&AuditEntry::SessionImported {
            session: session.clone(),
            events: row.head,
            head_hash,
        })?;
        let events = events
            .into_iter()
            .map(|(record, position, hash)| {
                let seq = unsigned(record.seq);
                record
                    .decode(&session, position, hash)
                    .map_err(|source| StoreError::Damaged {
                        session: session.clone(),
                        seq,
                        source: source.into(),
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Outcome {
            events,
            ..Outcome::default()
        })
    }
}

//! Recording what happened elsewhere, at the times when it happened.

use jiff::Timestamp;

use super::row::Row;
use super::{Outcome, Tx};
use crate::events::audit::AuditEntry;
use crate::events::error::StoreError;
use crate::events::hash::Record;
use crate::events::spending::{Source, count};
use crate::events::{NewEvent, SessionEventKind};
use crate::session_key::SessionKey;

/// Events of one session that another system recorded.
#[derive(Debug)]
pub(in crate::events) struct History {
    pub(in crate::events) session: SessionKey,
    /// The number of the session's last event before; 0 for a session that is to be made.
    pub(in crate::events) head: u64,
    pub(in crate::events) events: Vec<(Timestamp, NewEvent)>,
}

impl Tx<'_> {
    pub(super) fn history(&mut self, history: History) -> Result<Outcome, StoreError> {
        let History {
            session,
            head,
            events,
        } = history;
        if session.is_system() {
            return Err(StoreError::Reserved(session));
        }
        let known = Row::find(self.connection, &session)?;
        let found = known.as_ref().map_or(0, |row| row.head);
        if found != head {
            return Err(StoreError::HeadMoved {
                session,
                expected: head,
                found,
            });
        }
        let mut row = match (known, events.first()) {
            (Some(row), _) => row,
            (None, Some((begun, first)))
                if matches!(first.kind, SessionEventKind::SessionStarted { .. }) =>
            {
                Row::create(self.connection, &session, *begun)?
            }
            (None, _) => return Err(StoreError::NoSession(session)),
        };
        self.free(&row, &session)?;
        for (time, event) in events {
            row.admit(&event.kind, &session)?;
            let record = Record::encode(&event, row.head, time)?;
            self.insert(&mut row, &session, &record)?;
            count(
                self.connection,
                row.id,
                &session,
                &record,
                Source::Elsewhere,
            )?;
        }
        row.store(self.connection)?;
        self.audit(&AuditEntry::SessionImported {
            session,
            events: row.head,
            head_hash: row.head_hash,
        })?;
        Ok(Outcome::default())
    }
}

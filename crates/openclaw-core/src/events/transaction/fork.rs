//! Branching: a new session that shares the first events of another.

use rusqlite::{OptionalExtension as _, params};

use super::row::Row;
use super::{Fork, Outcome, Tx};
use crate::events::audit::AuditEntry;
use crate::events::change::Change;
use crate::events::error::StoreError;
use crate::events::rows::{Segment, hash, segments, sql_integer};

impl Tx<'_> {
    pub(super) fn fork(&mut self, fork: Fork) -> Result<Outcome, StoreError> {
        let Fork { from, at, to } = fork;
        if let Some(system) = [&from, &to].into_iter().find(|key| key.is_system()) {
            return Err(StoreError::Reserved(system.clone()));
        }
        let parent = Row::find(self.connection, &from)?
            .ok_or_else(|| StoreError::NoSession(from.clone()))?;
        if at == 0 || at > parent.head {
            return Err(StoreError::NoEvent {
                session: from,
                seq: at,
                head: parent.head,
            });
        }
        if Row::find(self.connection, &to)?.is_some() {
            return Err(StoreError::SessionExists(to));
        }
        // The row that has the event, which may be an ancestor's: so a branch of a branch does
        // not keep alive what it does not share.
        let place = segments(self.connection, parent.id, at, at)?
            .pop()
            .ok_or(StoreError::Closed)?;
        let mut row = Row::create(self.connection, &to, self.now)?;
        row.parent = Some(place.session_id);
        row.parent_seq = at;
        row.head = at;
        row.head_hash = self
            .connection
            .query_row(
                "SELECT hash FROM events WHERE session_id = ?1 AND seq = ?2",
                params![place.session_id, sql_integer(at)],
                |row| hash(row, 0),
            )
            .map_err(StoreError::write)?;
        row.ended = self.ended_at(parent.id, at)?;
        let change = Change::SessionForked {
            from: from.clone(),
            at,
        };
        row.head = row.head.saturating_add(1);
        let event = self.record(&mut row, &to, change.to_event()?)?;
        row.store(self.connection)?;
        self.audit(&AuditEntry::SessionForked {
            session: to,
            from,
            at,
        })?;
        Ok(Outcome {
            events: vec![event],
            ..Outcome::default()
        })
    }

    /// Tells whether a session had ended after event `at`.
    fn ended_at(&self, session_id: i64, at: u64) -> Result<bool, StoreError> {
        for Segment {
            session_id,
            from,
            to,
        } in segments(self.connection, session_id, 1, at)?
            .into_iter()
            .rev()
        {
            let last: Option<String> = self
                .connection
                .query_row(
                    "SELECT kind FROM events WHERE session_id = ?1 AND seq BETWEEN ?2 AND ?3
                     AND kind IN ('SessionStarted', 'SessionEnded') ORDER BY seq DESC LIMIT 1",
                    params![session_id, sql_integer(from), sql_integer(to)],
                    |row| row.get(0),
                )
                .optional()
                .map_err(StoreError::write)?;
            if let Some(kind) = last {
                return Ok(kind == "SessionEnded");
            }
        }
        Ok(false)
    }
}

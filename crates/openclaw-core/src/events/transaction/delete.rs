//! Deleting a session: its events are emptied, their hashes and a tombstone stay.

use std::path::PathBuf;

use rusqlite::params;

use super::row::Row;
use super::{Deletion, Outcome, Tx};
use crate::events::audit::AuditEntry;
use crate::events::error::StoreError;
use crate::events::rows::{hash, sql_integer, unsigned};
use crate::session_key::SessionKey;

/// Events that are about to be emptied.
struct Range {
    session: SessionKey,
    id: i64,
    from: u64,
    to: u64,
}

impl Tx<'_> {
    pub(super) fn delete(&mut self, deletion: Deletion) -> Result<Outcome, StoreError> {
        let Deletion {
            session,
            head,
            reason,
            archive,
        } = deletion;
        if session.is_system() {
            return Err(StoreError::Reserved(session));
        }
        let row = Row::find(self.connection, &session)?
            .ok_or_else(|| StoreError::NoSession(session.clone()))?;
        self.free(&row, &session)?;
        if let Some(expected) = head.filter(|head| *head != row.head) {
            return Err(StoreError::HeadMoved {
                session,
                expected,
                found: row.head,
            });
        }
        self.execute(
            "UPDATE sessions SET deleted = 1, owner = NULL WHERE id = ?1",
            row.id,
        )?;
        self.execute("DELETE FROM idempotency WHERE session_id = ?1", row.id)?;
        // What it asked for is gone with it; what was granted and written stands.
        self.execute("DELETE FROM approvals WHERE session_id = ?1", row.id)?;
        // A new session under the key begins with the cap that the config gives it.
        self.execute(
            "DELETE FROM raises WHERE cap = 'session'
             AND subject = (SELECT key FROM sessions WHERE id = ?1)",
            row.id,
        )?;
        let own = row.parent_seq.saturating_add(1);
        let kept = self.kept(row.id)?.saturating_add(1);
        let range = Range {
            session,
            id: row.id,
            from: own.max(kept),
            to: row.head,
        };
        let tombstone = self.empty(&range, &reason, archive)?;
        if let Some(parent) = row.parent {
            self.release_ancestors(parent)?;
        }
        Ok(Outcome {
            events: vec![tombstone],
            ..Outcome::default()
        })
    }

    /// Empties the events and leaves a tombstone.
    fn empty(
        &mut self,
        range: &Range,
        reason: &str,
        archive: Option<PathBuf>,
    ) -> Result<crate::events::SessionEvent, StoreError> {
        let &Range { id, from, to, .. } = range;
        self.empty_rows(id, from, to).map_err(StoreError::write)?;
        let head_hash = self
            .connection
            .query_row(
                "SELECT coalesce((SELECT hash FROM events WHERE session_id = ?1 AND seq = ?2), head_hash)
                 FROM sessions WHERE id = ?1",
                params![id, sql_integer(to)],
                |row| hash(row, 0),
            )
            .map_err(StoreError::write)?;
        self.audit(&AuditEntry::SessionDeleted {
            session: range.session.clone(),
            stream: id,
            from,
            to,
            head_hash,
            reason: reason.to_owned(),
            archive,
        })
    }

    /// Takes the rows out and puts them back empty: SQLite gives back the pages of rows that go,
    /// but not of rows that shrink.
    fn empty_rows(&self, id: i64, from: u64, to: u64) -> rusqlite::Result<()> {
        let range = params![id, sql_integer(from), sql_integer(to)];
        let kept: Vec<(i64, i64, Option<Vec<u8>>)> = self
            .connection
            .prepare_cached(
                "SELECT position, seq, hash FROM events
                 WHERE session_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY position",
            )?
            .query_map(range, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?;
        self.connection
            .prepare_cached("DELETE FROM events WHERE session_id = ?1 AND seq BETWEEN ?2 AND ?3")?
            .execute(range)?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO events (position, session_id, seq, time_ms, kind, data, hash)
             VALUES (?1, ?2, ?3, 0, '', '', ?4)",
        )?;
        for (position, seq, hash) in kept {
            insert.execute(params![position, id, seq, hash])?;
        }
        Ok(())
    }

    /// Empties what deleted ancestors had kept for a branch that is gone now.
    fn release_ancestors(&mut self, parent: i64) -> Result<(), StoreError> {
        let mut next = Some(parent);
        while let Some(id) = next {
            let (key, head, grandparent, own, deleted): (String, u64, Option<i64>, u64, bool) =
                self.connection
                    .query_row(
                        "SELECT key, head, parent, parent_seq, deleted FROM sessions WHERE id = ?1",
                        [id],
                        |row| {
                            let (head, own) = (unsigned(row.get(1)?), unsigned(row.get(3)?));
                            Ok((row.get(0)?, head, row.get(2)?, own, row.get(4)?))
                        },
                    )
                    .map_err(StoreError::write)?;
            if !deleted {
                break;
            }
            let from = self.kept(id)?.max(own).saturating_add(1);
            // What was emptied before is empty up to the head.
            let to: u64 = self
                .connection
                .query_row(
                    "SELECT coalesce(max(seq), 0) FROM events
                     WHERE session_id = ?1 AND seq BETWEEN ?2 AND ?3 AND kind <> ''",
                    params![id, sql_integer(from), sql_integer(head)],
                    |row| row.get(0).map(unsigned),
                )
                .map_err(StoreError::write)?;
            if to >= from {
                let session = SessionKey::parse(&key).map_err(|err| {
                    StoreError::write(rusqlite::Error::ToSqlConversionFailure(Box::new(err)))
                })?;
                let range = Range {
                    session,
                    id,
                    from,
                    to,
                };
                self.empty(&range, "the last branch of it was deleted", None)?;
            }
            next = grandparent;
        }
        Ok(())
    }

    /// Returns the last event of a session that a living branch shares, 0 when none does.
    fn kept(&self, session_id: i64) -> Result<u64, StoreError> {
        let branches: Vec<(i64, u64, bool)> = self
            .connection
            .prepare_cached("SELECT id, parent_seq, deleted FROM sessions WHERE parent = ?1")
            .and_then(|mut statement| {
                statement
                    .query_map([session_id], |row| {
                        Ok((row.get(0)?, unsigned(row.get(1)?), row.get(2)?))
                    })?
                    .collect()
            })
            .map_err(StoreError::write)?;
        branches
            .into_iter()
            .try_fold(0, |most, (id, shared, deleted)| {
                let needed = if deleted {
                    shared.min(self.kept(id)?)
                } else {
                    shared
                };
                Ok(most.max(needed))
            })
    }

    fn execute(&self, sql: &str, id: i64) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([id]))
            .map(drop)
            .map_err(StoreError::write)
    }
}

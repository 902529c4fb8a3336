//! A session's row, as far as writing to the session needs it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::events::SessionEventKind;
use crate::events::error::StoreError;
use crate::events::hash::EventHash;
use crate::events::rows::{hash, sql_integer, unsigned};
use crate::session_key::SessionKey;

#[derive(Debug)]
pub(in crate::events) struct Row {
    pub(super) id: i64,
    pub(super) head: u64,
    pub(super) head_hash: EventHash,
    pub(super) updated_ms: i64,
    pub(super) ended: bool,
    pub(super) owner: Option<String>,
    pub(super) fence: u64,
    pub(super) parent: Option<i64>,
    pub(super) parent_seq: u64,
}

impl Row {
    /// Returns the row of the session that has the key now.
    pub(in crate::events) fn find(
        connection: &Connection,
        session: &SessionKey,
    ) -> Result<Option<Self>, StoreError> {
        connection
            .prepare_cached(
                "SELECT id, head, updated_ms, ended, owner, fence, parent, parent_seq, head_hash
                 FROM sessions WHERE key = ?1 AND deleted = 0",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([session.as_str()], |row| {
                        Ok(Self {
                            id: row.get(0)?,
                            head: unsigned(row.get(1)?),
                            updated_ms: row.get(2)?,
                            ended: row.get(3)?,
                            owner: row.get(4)?,
                            fence: unsigned(row.get(5)?),
                            parent: row.get(6)?,
                            parent_seq: unsigned(row.get(7)?),
                            head_hash: hash(row, 8)?,
                        })
                    })
                    .optional()
            })
            .map_err(StoreError::write)
    }

    /// Makes the row of a session without events.
    pub(in crate::events) fn create(
        connection: &Connection,
        session: &SessionKey,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let at = now.as_millisecond();
        connection
            .prepare_cached(
                "INSERT INTO sessions (key, head, started_ms, updated_ms, system)
                 VALUES (?1, 0, ?2, ?2, ?3)",
            )
            .and_then(|mut statement| {
                statement.insert(params![session.as_str(), at, session.is_system()])
            })
            .map(|id| Self {
                id,
                head: 0,
                head_hash: EventHash::START,
                updated_ms: at,
                ended: false,
                owner: None,
                fence: 0,
                parent: None,
                parent_seq: 0,
            })
            .map_err(StoreError::write)
    }

    /// Moves on to the next event, if the session is in a state that allows it.
    pub(in crate::events) fn admit(
        &mut self,
        kind: &SessionEventKind,
        session: &SessionKey,
    ) -> Result<(), StoreError> {
        match kind {
            SessionEventKind::SessionStarted { .. } if self.head > 0 && !self.ended => {
                return Err(StoreError::SessionExists(session.clone()));
            }
            SessionEventKind::SessionStarted { .. } => self.ended = false,
            SessionEventKind::MessageReceived { .. } | SessionEventKind::SessionEnded { .. }
                if self.ended =>
            {
                return Err(StoreError::SessionEnded(session.clone()));
            }
            SessionEventKind::SessionEnded { .. } => self.ended = true,
            SessionEventKind::MessageReceived { .. }
            | SessionEventKind::MessageSent { .. }
            | SessionEventKind::ToolCalled { .. }
            | SessionEventKind::ToolResult { .. }
            | SessionEventKind::AgentResponse { .. }
            | SessionEventKind::StateChanged { .. } => {}
        }
        self.head = self.head.saturating_add(1);
        Ok(())
    }

    pub(in crate::events) fn store(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "UPDATE sessions
                 SET head = ?2, head_hash = ?3, updated_ms = ?4, ended = ?5, owner = ?6, fence = ?7,
                     parent = ?8, parent_seq = ?9
                 WHERE id = ?1",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    self.id,
                    sql_integer(self.head),
                    self.head_hash.as_bytes(),
                    self.updated_ms,
                    self.ended,
                    self.owner,
                    sql_integer(self.fence),
                    self.parent,
                    sql_integer(self.parent_seq),
                ])
            })
            .map(drop)
            .map_err(StoreError::write)
    }
}

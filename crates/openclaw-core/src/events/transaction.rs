//! What one request does inside the writer's transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Savepoint, params};

use super::error::StoreError;
use super::lease::Owner;
use super::rows::{sql_integer, unsigned};
use super::{NewEvent, SessionEvent, SessionEventKind};
use crate::ids::{CallId, RunId};
use crate::session_key::SessionKey;

/// What an append has to do with the lease on its session.
#[derive(Clone, Copy, Debug)]
pub(super) enum Claim {
    /// Nothing.
    None,
    /// It takes the lease; when that is not to be had, nothing is recorded.
    Take,
    /// It is made under the lease with this fence.
    Held(u64),
    /// It is the last one under the lease with this fence, and gives it up.
    Last(u64),
}

/// What an append came to.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) events: Vec<SessionEvent>,
    /// For [`Claim::Take`]: the fence.
    pub(super) fence: Option<u64>,
}

/// A session's row, as far as an append needs it.
struct Row {
    id: i64,
    head: u64,
    updated_ms: i64,
    ended: bool,
    owner: Option<String>,
    fence: u64,
}

impl Row {
    /// Moves on to the next event, if the session is in a state that allows it.
    fn admit(&mut self, kind: &SessionEventKind, session: &SessionKey) -> Result<(), StoreError> {
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

    fn store(&self, connection: &Connection) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "UPDATE sessions
                 SET head = ?2, updated_ms = ?3, ended = ?4, owner = ?5, fence = ?6 WHERE id = ?1",
            )
            .and_then(|mut statement| {
                let (head, fence) = (sql_integer(self.head), sql_integer(self.fence));
                statement.execute(params![
                    self.id,
                    head,
                    self.updated_ms,
                    self.ended,
                    self.owner,
                    fence
                ])
            })
            .map(drop)
            .map_err(StoreError::write)
    }
}

fn head(connection: &Connection, session: &SessionKey) -> Result<Option<Row>, StoreError> {
    connection
        .prepare_cached(
            "SELECT id, head, updated_ms, ended, owner, fence FROM sessions WHERE key = ?1",
        )
        .and_then(|mut statement| {
            statement
                .query_row([session.as_str()], |row| {
                    Ok(Row {
                        id: row.get(0)?,
                        head: unsigned(row.get(1)?),
                        updated_ms: row.get(2)?,
                        ended: row.get(3)?,
                        owner: row.get(4)?,
                        fence: unsigned(row.get(5)?),
                    })
                })
                .optional()
        })
        .map_err(StoreError::write)
}

/// Where and when the events of one request are recorded.
pub(super) struct Place<'a> {
    pub(super) owner: &'a Owner,
    pub(super) now: Timestamp,
    pub(super) session: &'a SessionKey,
}

impl Place<'_> {
    /// Records the events and does to the lease what `claim` says, all or nothing.
    pub(super) fn append(
        &self,
        savepoint: Savepoint<'_>,
        events: Vec<NewEvent>,
        claim: Claim,
    ) -> Result<Appended, StoreError> {
        let mut row = match head(&savepoint, self.session)? {
            Some(row) => row,
            None => self.create(&savepoint, &events)?,
        };
        if let Claim::Held(fence) | Claim::Last(fence) = claim
            && (row.fence != fence || row.owner.as_deref() != Some(self.owner.name()))
        {
            return Err(StoreError::LeaseLost(self.session.clone()));
        }
        let mut recorded = Vec::with_capacity(events.len());
        for event in events {
            row.admit(&event.kind, self.session)?;
            recorded.push(self.insert(&savepoint, &row, event)?);
        }
        let fence = match claim {
            Claim::Take => Some(self.take(&mut row)?),
            Claim::Last(_) => {
                row.owner = None;
                None
            }
            Claim::None | Claim::Held(_) => None,
        };
        if let Some(last) = recorded.last() {
            row.updated_ms = last.time.as_millisecond();
        }
        row.store(&savepoint)?;
        savepoint.commit().map_err(StoreError::write)?;
        Ok(Appended {
            events: recorded,
            fence,
        })
    }

    /// Takes the lease, unless a living owner has it.
    fn take(&self, row: &mut Row) -> Result<u64, StoreError> {
        if row
            .owner
            .as_deref()
            .is_some_and(|holder| self.owner.lives(holder))
        {
            return Err(StoreError::Leased(self.session.clone()));
        }
        row.fence = row.fence.saturating_add(1);
        row.owner = Some(self.owner.name().to_owned());
        Ok(row.fence)
    }

    fn create(&self, connection: &Connection, events: &[NewEvent]) -> Result<Row, StoreError> {
        let starts = events
            .first()
            .is_some_and(|event| matches!(event.kind, SessionEventKind::SessionStarted { .. }));
        if !starts {
            return Err(StoreError::NoSession(self.session.clone()));
        }
        let at = self.now.as_millisecond();
        connection
            .prepare_cached(
                "INSERT INTO sessions (key, head, started_ms, updated_ms) VALUES (?1, 0, ?2, ?2)",
            )
            .and_then(|mut statement| statement.insert(params![self.session.as_str(), at]))
            .map(|id| Row {
                id,
                head: 0,
                updated_ms: at,
                ended: false,
                owner: None,
                fence: 0,
            })
            .map_err(StoreError::write)
    }

    fn insert(
        &self,
        connection: &Connection,
        row: &Row,
        event: NewEvent,
    ) -> Result<SessionEvent, StoreError> {
        let unwritable = |err: serde_json::Error| {
            StoreError::write(rusqlite::Error::ToSqlConversionFailure(Box::new(err)))
        };
        let mut tagged = serde_json::to_value(&event.kind).map_err(unwritable)?;
        let data = tagged
            .get_mut("data")
            .map(serde_json::Value::take)
            .unwrap_or_default();
        let payload = event
            .payload
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(unwritable)?;
        let position = connection
            .prepare_cached(
                "INSERT INTO events
                     (session_id, seq, time_ms, cause, run_id, step, call_id, kind, data, payload, raw)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )
            .and_then(|mut statement| {
                statement.insert(params![
                    row.id,
                    sql_integer(row.head),
                    self.now.as_millisecond(),
                    event.cause.map(sql_integer),
                    event.run_id.as_ref().map(RunId::as_str),
                    event.step,
                    event.call_id.as_ref().map(CallId::as_str),
                    event.kind.name(),
                    data.to_string(),
                    payload,
                    event.raw.as_ref().map(super::RawJson::get),
                ])
            })
            .map_err(StoreError::write)?;
        Ok(SessionEvent {
            session: self.session.clone(),
            seq: row.head,
            position: unsigned(position),
            time: self.now,
            cause: event.cause,
            run_id: event.run_id,
            step: event.step,
            call_id: event.call_id,
            kind: event.kind,
            payload: event.payload,
            raw: event.raw,
        })
    }
}

/// Gives up a lease that was dropped.
pub(super) fn release(
    connection: &Connection,
    owner: &Owner,
    session: &SessionKey,
    fence: u64,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE sessions SET owner = NULL WHERE key = ?1 AND owner = ?2 AND fence = ?3",
        )?
        .execute(params![session.as_str(), owner.name(), sql_integer(fence)])
}

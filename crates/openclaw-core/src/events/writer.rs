//! The one writer: a thread that commits what has queued up, together.
//!
//! While one commit waits for the disk the next batch gathers, so that many sessions share the
//! cost of a sync. An error in one request rolls back that request alone.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Savepoint, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot, watch};

use super::error::StoreError;
use super::lease::Owner;
use super::rows::{last_position, sql_integer, unsigned};
use super::{NewEvent, Position, SessionEvent, SessionEventKind};
use crate::clock::Clock;
use crate::ids::{CallId, RunId};
use crate::session_key::SessionKey;

/// The most requests that one commit takes.
const BATCH: usize = 256;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Append(Append),
    Lease {
        session: SessionKey,
        reply: oneshot::Sender<Result<u64, StoreError>>,
    },
    /// Nothing but to look at the releases.
    Wake,
}

#[derive(Debug)]
pub(super) struct Append {
    pub(super) session: SessionKey,
    pub(super) events: Vec<NewEvent>,
    /// The fence of the lease under which the append is made.
    pub(super) fence: Option<u64>,
    pub(super) reply: oneshot::Sender<Result<Vec<SessionEvent>, StoreError>>,
}

/// Leases that were dropped; a list beside the queue, because `drop` cannot wait for a place in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Releases(Arc<Mutex<Vec<(SessionKey, u64)>>>);

impl Releases {
    pub(super) fn push(&self, session: SessionKey, fence: u64) {
        self.0.lock().push((session, fence));
    }

    fn take(&self) -> Vec<(SessionKey, u64)> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// An answer that waits for the commit.
enum Answer {
    Append(
        oneshot::Sender<Result<Vec<SessionEvent>, StoreError>>,
        Result<Vec<SessionEvent>, StoreError>,
    ),
    Lease(
        oneshot::Sender<Result<u64, StoreError>>,
        Result<u64, StoreError>,
    ),
}

#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    owner: Owner,
    clock: Clock,
    releases: Releases,
    announce: watch::Sender<Position>,
}

impl Writer {
    pub(super) const fn new(
        connection: Connection,
        owner: Owner,
        clock: Clock,
        releases: Releases,
        announce: watch::Sender<Position>,
    ) -> Self {
        Self {
            connection,
            owner,
            clock,
            releases,
            announce,
        }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(first) = commands.blocking_recv() {
            batch.push(first);
            while batch.len() < BATCH
                && let Ok(next) = commands.try_recv()
            {
                batch.push(next);
            }
            self.commit(&mut batch);
        }
        self.commit(&mut batch);
    }

    fn commit(&mut self, batch: &mut Vec<Command>) {
        let releases = self.releases.take();
        batch.retain(|command| !matches!(command, Command::Wake));
        if batch.is_empty() && releases.is_empty() {
            return;
        }
        let mut answers = Vec::with_capacity(batch.len());
        let outcome = self.transact(batch, &releases, &mut answers);
        // What a failed transaction did not get to hears of the failure too.
        answers.extend(batch.drain(..).filter_map(unanswered));
        if let Ok(Some(position)) = &outcome {
            self.announce.send_replace(*position);
        }
        if let Err(err) = &outcome {
            tracing::error!(%err, "the event log cannot be written");
        }
        for answer in answers {
            // Who asked may have gone; the fact is recorded all the same.
            match answer {
                Answer::Append(reply, result) => {
                    drop(reply.send(outcome.clone().and(result)));
                }
                Answer::Lease(reply, result) => drop(reply.send(outcome.clone().and(result))),
            }
        }
    }

    /// Does the whole batch in one transaction; returns the last position if it grew.
    fn transact(
        &mut self,
        batch: &mut Vec<Command>,
        releases: &[(SessionKey, u64)],
        answers: &mut Vec<Answer>,
    ) -> Result<Option<Position>, StoreError> {
        let durable = batch
            .iter()
            .any(|command| matches!(command, Command::Append(_)));
        // A lease need not survive a power loss, since its owner does not either.
        let level = if durable { "FULL" } else { "NORMAL" };
        self.connection
            .pragma_update(None, "synchronous", level)
            .map_err(StoreError::write)?;
        let mut transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::write)?;
        for (session, fence) in releases {
            release(&transaction, &self.owner, session, *fence).map_err(StoreError::write)?;
        }
        let now = self.clock.now();
        for command in batch.drain(..) {
            match command {
                Command::Append(request) => {
                    let Append {
                        session,
                        events,
                        fence,
                        reply,
                    } = request;
                    let place = Place {
                        owner: &self.owner,
                        now,
                        session: &session,
                    };
                    let result = transaction
                        .savepoint()
                        .map_err(StoreError::write)
                        .and_then(|savepoint| place.append(savepoint, events, fence));
                    let failure = result.as_ref().err().cloned();
                    answers.push(Answer::Append(reply, result));
                    // SQLite ends the whole transaction by itself when the disk is full.
                    if let Some(failure) = failure.filter(|_| transaction.is_autocommit()) {
                        return Err(failure);
                    }
                }
                Command::Lease { session, reply } => {
                    answers.push(Answer::Lease(
                        reply,
                        lease(&transaction, &self.owner, &session),
                    ));
                }
                Command::Wake => {}
            }
        }
        let position = if durable {
            Some(last_position(&transaction)?)
        } else {
            None
        };
        transaction.commit().map_err(StoreError::write)?;
        Ok(position)
    }
}

fn unanswered(command: Command) -> Option<Answer> {
    match command {
        Command::Append(request) => Some(Answer::Append(request.reply, Ok(Vec::new()))),
        Command::Lease { reply, .. } => Some(Answer::Lease(reply, Ok(0))),
        Command::Wake => None,
    }
}

/// A session's row, as far as an append needs it.
struct Row {
    id: i64,
    head: u64,
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
            SessionEventKind::MessageReceived { .. } if self.ended => {
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
}

fn head(connection: &Connection, session: &SessionKey) -> Result<Option<Row>, StoreError> {
    connection
        .prepare_cached("SELECT id, head, ended, owner, fence FROM sessions WHERE key = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([session.as_str()], |row| {
                    Ok(Row {
                        id: row.get(0)?,
                        head: unsigned(row.get(1)?),
                        ended: row.get(2)?,
                        owner: row.get(3)?,
                        fence: unsigned(row.get(4)?),
                    })
                })
                .optional()
        })
        .map_err(StoreError::write)
}

/// Where and when the events of one request are recorded.
struct Place<'a> {
    owner: &'a Owner,
    now: Timestamp,
    session: &'a SessionKey,
}

impl Place<'_> {
    fn append(
        &self,
        savepoint: Savepoint<'_>,
        events: Vec<NewEvent>,
        fence: Option<u64>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let mut row = match head(&savepoint, self.session)? {
            Some(row) => row,
            None => self.create(&savepoint, &events)?,
        };
        let held = |fence| row.fence == fence && row.owner.as_deref() == Some(self.owner.name());
        if fence.is_some_and(|fence| !held(fence)) {
            return Err(StoreError::LeaseLost(self.session.clone()));
        }
        let mut recorded = Vec::with_capacity(events.len());
        for event in events {
            row.admit(&event.kind, self.session)?;
            recorded.push(self.insert(&savepoint, &row, event)?);
        }
        savepoint
            .prepare_cached(
                "UPDATE sessions SET head = ?2, updated_ms = ?3, ended = ?4 WHERE id = ?1",
            )
            .and_then(|mut statement| {
                let updated = self.now.as_millisecond();
                statement.execute(params![row.id, sql_integer(row.head), updated, row.ended])
            })
            .map_err(StoreError::write)?;
        savepoint.commit().map_err(StoreError::write)?;
        Ok(recorded)
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

fn lease(connection: &Connection, owner: &Owner, session: &SessionKey) -> Result<u64, StoreError> {
    let row = head(connection, session)?.ok_or_else(|| StoreError::NoSession(session.clone()))?;
    if row
        .owner
        .as_deref()
        .is_some_and(|holder| owner.lives(holder))
    {
        return Err(StoreError::Leased(session.clone()));
    }
    let fence = row.fence.saturating_add(1);
    connection
        .prepare_cached("UPDATE sessions SET owner = ?2, fence = ?3 WHERE id = ?1")
        .and_then(|mut statement| {
            statement.execute(params![row.id, owner.name(), sql_integer(fence)])
        })
        .map_err(StoreError::write)?;
    Ok(fence)
}

fn release(
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

//! What one request does inside the writer's transaction: all of it, or nothing.

mod append;
mod delete;
mod fork;
mod history;
mod import;
mod row;

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::anchors::Anchor;
use super::audit::AuditEntry;
use super::error::StoreError;
use super::gate::{self, Decide, Place, Withdraw};
use super::hash::{EventHash, Record};
use super::lease::Owner;
use super::rows::{MAX_EVENT_SIZE, sql_integer, unsigned};
use super::spending::{Asked, Granted, Raise, Source, count};
use super::{NewEvent, Position, SessionEvent, SessionEventKind};
use crate::session_key::SessionKey;

pub(super) use append::{Append, Claim, Guard};
pub(super) use history::History;
pub(super) use import::Import;
pub(super) use row::Row;

/// What is asked of the writer.
#[derive(Debug)]
pub(super) enum Work {
    Append(Append),
    Audit(AuditEntry),
    Fork(Fork),
    Delete(Deletion),
    Import(Import),
    History(History),
    Reserve(Box<Asked>),
    Raise(Box<Raise>),
    RecordLost,
    Decide(Decide),
    Withdraw(Withdraw),
}

impl Work {
    /// Tells whether it may record anything; a lease or a reservation alone need not survive a
    /// power loss.
    pub(super) const fn records(&self) -> bool {
        match self {
            Self::Append(append) => !append.events.is_empty(),
            Self::Reserve(_) => false,
            Self::Audit(_)
            | Self::Fork(_)
            | Self::Delete(_)
            | Self::Import(_)
            | Self::History(_)
            | Self::Raise(_)
            | Self::RecordLost
            | Self::Decide(_)
            | Self::Withdraw(_) => true,
        }
    }
}

/// A session that is to begin as a branch of another.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) from: SessionKey,
    pub(super) at: u64,
    pub(super) to: SessionKey,
}

/// A session that is to be deleted.
#[derive(Debug)]
pub(super) struct Deletion {
    pub(super) session: SessionKey,
    /// Nothing is deleted when the session has grown beyond this event, which may not be in the copy.
    pub(super) head: Option<u64>,
    pub(super) reason: String,
    pub(super) archive: Option<PathBuf>,
}

/// What a request came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) events: Vec<SessionEvent>,
    /// When a lease was taken: its fence.
    pub(super) fence: Option<u64>,
    /// When that lease was somebody's who died.
    pub(super) left_behind: bool,
    /// When money was to be set aside: whether it was.
    pub(super) granted: Option<Granted>,
}

/// One request at work.
#[derive(Debug)]
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    pub(super) owner: &'a Owner,
    pub(super) now: Timestamp,
    /// The audit stream, once something was written to it.
    audit: Option<Row>,
    anchors: Vec<Anchor>,
}

impl<'a> Tx<'a> {
    pub(super) const fn new(connection: &'a Connection, owner: &'a Owner, now: Timestamp) -> Self {
        Self {
            connection,
            owner,
            now,
            audit: None,
            anchors: Vec::new(),
        }
    }

    /// Does the work; returns also what is to be anchored of the events that it recorded.
    pub(super) fn run(mut self, work: Work) -> Result<(Outcome, Vec<Anchor>), StoreError> {
        let outcome = match work {
            Work::Append(append) => self.append(append)?,
            Work::Audit(entry) => Outcome {
                events: vec![self.audit(&entry)?],
                ..Outcome::default()
            },
            Work::Fork(fork) => self.fork(fork)?,
            Work::Delete(deletion) => self.delete(deletion)?,
            Work::Import(import) => self.import(import)?,
            Work::History(history) => self.history(history)?,
            Work::Reserve(asked) => self.reserve(&asked)?,
            Work::Raise(raise) => self.raise(*raise)?,
            Work::RecordLost => self.record_lost()?,
            Work::Decide(decide) => self.decide(decide)?,
            Work::Withdraw(withdraw) => self.withdraw(withdraw)?,
        };
        if let Some(row) = &self.audit {
            row.store(self.connection)?;
        }
        Ok((outcome, self.anchors))
    }

    /// Adds an entry to the audit stream.
    pub(super) fn audit(&mut self, entry: &AuditEntry) -> Result<SessionEvent, StoreError> {
        let session = SessionKey::audit();
        let event = entry.to_event()?.masked();
        let mut row = match self.audit.take() {
            Some(row) => row,
            None => match Row::find(self.connection, &session)? {
                Some(row) => row,
                None => Row::create(self.connection, &session, self.now)?,
            },
        };
        row.head = row.head.saturating_add(1);
        let recorded = self.record(&mut row, &session, event);
        self.audit = Some(row);
        recorded
    }

    /// Records an event as the session's last, whose number the row has already.
    pub(super) fn record(
        &mut self,
        row: &mut Row,
        session: &SessionKey,
        event: NewEvent,
    ) -> Result<SessionEvent, StoreError> {
        let record = Record::encode(&event, row.head, self.now)?;
        let (position, hash) = self.insert(row, session, &record)?;
        count(self.connection, row.id, session, &record, Source::Here)?;
        if event.raw.is_none() {
            let place = Place {
                session_id: row.id,
                seq: row.head,
                time: self.now,
            };
            gate::note(self.connection, place, &event.kind)?;
        }
        Ok(SessionEvent {
            session: session.clone(),
            seq: row.head,
            position,
            time: self.now,
            cause: event.cause,
            run_id: event.run_id,
            step: event.step,
            call_id: event.call_id,
            kind: event.kind,
            payload: event.payload,
            raw: event.raw,
            hash,
        })
    }

    fn insert(
        &mut self,
        row: &mut Row,
        session: &SessionKey,
        record: &Record,
    ) -> Result<(Position, EventHash), StoreError> {
        let size = record.size();
        if size > MAX_EVENT_SIZE {
            return Err(StoreError::EventTooLarge {
                session: session.clone(),
                size,
            });
        }
        let hash = record.hash(&row.head_hash);
        let position = self
            .connection
            .prepare_cached(
                "INSERT INTO events (session_id, seq, time_ms, cause, run_id, step, call_id, \
                                     kind, data, payload, raw, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )
            .and_then(|mut statement| {
                statement.insert(params![
                    row.id,
                    record.seq,
                    record.time_ms,
                    record.cause,
                    record.run_id,
                    record.step,
                    record.call_id,
                    record.kind,
                    record.data,
                    record.payload,
                    record.raw,
                    hash.as_bytes(),
                ])
            })
            .map(unsigned)
            .map_err(StoreError::write)?;
        row.head_hash = hash;
        row.updated_ms = record.time_ms;
        self.anchors.push(Anchor {
            position,
            session: session.as_str().to_owned(),
            seq: record.seq,
            hash,
        });
        Ok((position, hash))
    }

    /// Notes in the audit stream what an event of a session says about tools and approvals.
    pub(super) fn audit_event(&mut self, event: &SessionEvent) -> Result<(), StoreError> {
        let (session, seq, call_id) = (event.session.clone(), event.seq, event.call_id.clone());
        let entry = match &event.kind {
            SessionEventKind::ToolCalled { tool, .. } => AuditEntry::ToolCalled {
                session,
                seq,
                tool: tool.clone(),
                call_id,
            },
            SessionEventKind::ToolResult { tool, success, .. } => {
                let ran = event
                    .payload
                    .as_ref()
                    .and_then(|payload| payload.tool.clone())
                    .unwrap_or_default();
                let tool = tool.clone();
                match ran.refused {
                    Some(reason) => AuditEntry::ToolRefused {
                        session,
                        seq,
                        tool,
                        call_id,
                        reason,
                    },
                    None => AuditEntry::ToolFinished {
                        session,
                        seq,
                        tool,
                        call_id,
                        success: *success,
                        sandbox: ran.sandbox,
                        degraded: ran.degraded,
                        exit_code: ran.exit_code,
                    },
                }
            }
            SessionEventKind::StateChanged { .. } => match gate::entry(event) {
                Some(entry) => entry,
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        self.audit(&entry).map(drop)
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

//! Appending events to one session.

use rusqlite::{OptionalExtension as _, params};

use super::row::Row;
use super::{Outcome, Tx};
use crate::events::error::StoreError;
use crate::events::hash::{EventHash, Record};
use crate::events::rows::{session_events, sql_integer, unsigned};
use crate::events::{NewEvent, SessionEvent, SessionEventKind};
use crate::session_key::SessionKey;

/// Events that are to be recorded in one session.
#[derive(Debug)]
pub(in crate::events) struct Append {
    pub(in crate::events) session: SessionKey,
    pub(in crate::events) events: Vec<NewEvent>,
    pub(in crate::events) claim: Claim,
    pub(in crate::events) guard: Guard,
}

/// What an append has to do with the lease on its session.
#[derive(Clone, Copy, Debug)]
pub(in crate::events) enum Claim {
    /// Nothing.
    None,
    /// It takes the lease; when that is not to be had, nothing is recorded.
    Take,
    /// It is made under the lease with this fence.
    Held(u64),
    /// It is the last one under the lease with this fence, and gives it up.
    Last(u64),
}

/// On what condition an append is made.
#[derive(Clone, Debug)]
pub(in crate::events) enum Guard {
    /// On none.
    None,
    /// The session's last event has this number.
    Head(u64),
    /// Nothing was recorded under this key before.
    Once(String),
}

impl Tx<'_> {
    pub(super) fn append(&mut self, append: Append) -> Result<Outcome, StoreError> {
        let Append {
            session,
            events,
            claim,
            guard,
        } = append;
        if session.is_system() {
            return Err(StoreError::Reserved(session));
        }
        let known = Row::find(self.connection, &session)?;
        if let Guard::Head(expected) = guard {
            let found = known.as_ref().map_or(0, |row| row.head);
            if found != expected {
                return Err(StoreError::HeadMoved {
                    session,
                    expected,
                    found,
                });
            }
        }
        if let (Guard::Once(key), Some(row)) = (&guard, &known)
            && let Some(before) = self.recorded_before(row, &session, key, &events)?
        {
            return Ok(Outcome {
                events: before,
                ..Outcome::default()
            });
        }
        let mut row = match known {
            Some(row) => row,
            None => self.begin(&session, &events)?,
        };
        if let Claim::Held(fence) | Claim::Last(fence) = claim
            && (row.fence != fence || row.owner.as_deref() != Some(self.owner.name()))
        {
            return Err(StoreError::LeaseLost(session));
        }
        let digest = matches!(guard, Guard::Once(_)).then(|| digest(&events));
        let mut recorded: Vec<SessionEvent> = Vec::with_capacity(events.len());
        for event in events {
            row.admit(&event.kind, &session)?;
            let event = self.record(&mut row, &session, event.masked())?;
            self.audit_event(&event)?;
            recorded.push(event);
        }
        if let (Guard::Once(key), Some(digest)) = (&guard, digest) {
            self.remember(&row, key, &recorded, digest?)?;
        }
        let left_behind = matches!(claim, Claim::Take) && row.owner.is_some();
        let fence = match claim {
            Claim::Take => Some(self.take(&mut row, &session)?),
            Claim::Last(_) => {
                row.owner = None;
                None
            }
            Claim::None | Claim::Held(_) => None,
        };
        row.store(self.connection)?;
        Ok(Outcome {
            events: recorded,
            fence,
            left_behind,
            ..Outcome::default()
        })
    }

    fn begin(&self, session: &SessionKey, events: &[NewEvent]) -> Result<Row, StoreError> {
        let starts = events
            .first()
            .is_some_and(|event| matches!(event.kind, SessionEventKind::SessionStarted { .. }));
        if !starts {
            return Err(StoreError::NoSession(session.clone()));
        }
        Row::create(self.connection, session, self.now)
    }

    /// Takes the lease, unless a living owner has it.
    fn take(&self, row: &mut Row, session: &SessionKey) -> Result<u64, StoreError> {
        self.free(row, session)?;
        row.fence = row.fence.saturating_add(1);
        row.owner = Some(self.owner.name().to_owned());
        Ok(row.fence)
    }

    /// Refuses when a living owner has the lease.
    pub(super) fn free(&self, row: &Row, session: &SessionKey) -> Result<(), StoreError> {
        match row.owner.as_deref() {
            Some(holder) if self.owner.lives(holder) => Err(StoreError::Leased(session.clone())),
            _ => Ok(()),
        }
    }

    /// Returns what was recorded under a key before, if anything was.
    fn recorded_before(
        &self,
        row: &Row,
        session: &SessionKey,
        key: &str,
        events: &[NewEvent],
    ) -> Result<Option<Vec<SessionEvent>>, StoreError> {
        let before: Option<(i64, i64, Vec<u8>)> = self
            .connection
            .prepare_cached(
                "SELECT first, last, digest FROM idempotency WHERE session_id = ?1 AND key = ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![row.id, key], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .optional()
            })
            .map_err(StoreError::write)?;
        let Some((first, last, known)) = before else {
            return Ok(None);
        };
        if known != digest(events)?.as_bytes() {
            return Err(StoreError::KeyReused {
                session: session.clone(),
                key: key.to_owned(),
            });
        }
        let (first, last) = (unsigned(first), unsigned(last));
        session_events(self.connection, session, row.id, first, last).map(Some)
    }

    fn remember(
        &self,
        row: &Row,
        key: &str,
        recorded: &[SessionEvent],
        digest: EventHash,
    ) -> Result<(), StoreError> {
        let seq = |event: Option<&SessionEvent>| sql_integer(event.map_or(0, |event| event.seq));
        self.connection
            .prepare_cached(
                "INSERT INTO idempotency (session_id, key, first, last, digest)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    row.id,
                    key,
                    seq(recorded.first()),
                    seq(recorded.last()),
                    digest.as_bytes(),
                ])
            })
            .map(drop)
            .map_err(StoreError::write)
    }
}

/// Sums up what was asked to be recorded.
///
/// A repeated request has another run and another time, and may find the session already begun.
fn digest(events: &[NewEvent]) -> Result<EventHash, StoreError> {
    let asked = events
        .iter()
        .filter(|event| !matches!(event.kind, SessionEventKind::SessionStarted { .. }));
    asked.into_iter().try_fold(EventHash::START, |hash, event| {
        let written = Record::encode(event, 0, jiff::Timestamp::UNIX_EPOCH)?;
        let asked = Record {
            kind: written.kind,
            data: written.data,
            payload: written.payload,
            raw: written.raw,
            ..Record::default()
        };
        Ok(asked.hash(&hash))
    })
}

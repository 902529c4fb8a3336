//! The one writer: a thread that commits what has queued up, together.
//!
//! While one commit waits for the disk the next batch gathers, so that many sessions share the
//! cost of a sync. An error in one request rolls back that request alone.

use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::error::StoreError;
use super::lease::Owner;
use super::transaction::{Appended, Claim, Place, release};
use super::{NewEvent, Position};
use crate::clock::Clock;
use crate::session_key::SessionKey;

/// The most requests that one commit takes.
const BATCH: usize = 256;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Append(Append),
    /// Nothing but to look at the releases.
    Wake,
}

#[derive(Debug)]
pub(super) struct Append {
    pub(super) session: SessionKey,
    pub(super) events: Vec<NewEvent>,
    pub(super) claim: Claim,
    pub(super) reply: Reply,
}

type Reply = oneshot::Sender<Result<Appended, StoreError>>;

/// Leases that were dropped; a list beside the queue, because `drop` cannot wait for a place in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Releases(Arc<Mutex<Vec<(SessionKey, u64)>>>);

impl Releases {
    pub(super) fn push(&self, session: SessionKey, fence: u64) {
        self.0.lock().push((session, fence));
    }

    fn put_back(&self, releases: Vec<(SessionKey, u64)>) {
        self.0.lock().extend(releases);
    }

    fn take(&self) -> Vec<(SessionKey, u64)> {
        std::mem::take(&mut *self.0.lock())
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    owner: Owner,
    clock: Clock,
    releases: Releases,
    head: Arc<watch::Sender<Position>>,
    /// Whether commits wait for the disk now.
    synchronous: Option<&'static str>,
}

impl Writer {
    pub(super) const fn new(
        connection: Connection,
        owner: Owner,
        clock: Clock,
        releases: Releases,
        head: Arc<watch::Sender<Position>>,
    ) -> Self {
        Self {
            connection,
            owner,
            clock,
            releases,
            head,
            synchronous: None,
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
        if outcome.is_err() {
            // The next transaction gives up what this one could not.
            self.releases.put_back(releases);
        }
        // What a failed transaction did not get to hears of the failure too.
        answers.extend(batch.drain(..).filter_map(unanswered));
        if let Ok(Some(position)) = &outcome {
            advance(&self.head, *position);
        }
        if let Err(err) = &outcome {
            tracing::error!(%err, "the event log cannot be written");
        }
        for (reply, result) in answers {
            // Who asked may have gone; the fact is recorded all the same.
            drop(reply.send(outcome.clone().and(result)));
        }
    }

    /// Does the whole batch in one transaction; returns the last position if it grew.
    fn transact(
        &mut self,
        batch: &mut Vec<Command>,
        releases: &[(SessionKey, u64)],
        answers: &mut Vec<(Reply, Result<Appended, StoreError>)>,
    ) -> Result<Option<Position>, StoreError> {
        let grows = batch
            .iter()
            .any(|command| matches!(command, Command::Append(append) if !append.events.is_empty()));
        // A lease need not survive a power loss, since its owner does not either.
        self.synchronise(if grows { "FULL" } else { "NORMAL" })?;
        let mut transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::write)?;
        for (session, fence) in releases {
            release(&transaction, &self.owner, session, *fence).map_err(StoreError::write)?;
        }
        let now = self.clock.now();
        let mut last = None;
        for command in batch.drain(..) {
            let Command::Append(Append {
                session,
                events,
                claim,
                reply,
            }) = command
            else {
                continue;
            };
            let place = Place {
                owner: &self.owner,
                now,
                session: &session,
            };
            let result = transaction
                .savepoint()
                .map_err(StoreError::write)
                .and_then(|savepoint| place.append(savepoint, events, claim));
            if let Ok(Appended { events, .. }) = &result {
                last = events.last().map(|event| event.position).or(last);
            }
            let failure = result.as_ref().err().cloned();
            answers.push((reply, result));
            // SQLite ends the whole transaction by itself when the disk is full.
            if let Some(failure) = failure.filter(|_| transaction.is_autocommit()) {
                return Err(failure);
            }
        }
        transaction.commit().map_err(StoreError::write)?;
        Ok(last)
    }

    fn synchronise(&mut self, level: &'static str) -> Result<(), StoreError> {
        if self.synchronous != Some(level) {
            self.connection
                .pragma_update(None, "synchronous", level)
                .map_err(StoreError::write)?;
            self.synchronous = Some(level);
        }
        Ok(())
    }
}

/// Tells those who follow the log that it has grown to `position`.
pub(super) fn advance(head: &watch::Sender<Position>, position: Position) {
    head.send_if_modified(|known| {
        let grown = *known < position;
        *known = position.max(*known);
        grown
    });
}

fn unanswered(command: Command) -> Option<(Reply, Result<Appended, StoreError>)> {
    match command {
        Command::Append(append) => Some((append.reply, Err(StoreError::Closed))),
        Command::Wake => None,
    }
}

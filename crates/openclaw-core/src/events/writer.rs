//! The one writer: a thread that commits what has queued up, together.
//!
//! While one commit waits for the disk the next batch gathers, so that many sessions share the
//! cost of a sync. An error in one request rolls back that request alone.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::Position;
use super::anchoring::Anchoring;
use super::anchors::Anchor;
use super::audit::AuditEntry;
use super::cache::EventCache;
use super::error::StoreError;
use super::lease::Owner;
use super::report::Report;
use super::rows::last_position;
use super::schema::{BUSY_TIMEOUT, anchor_anew};
use super::spending::{Granted, Hold, spent, unspent};
use super::transaction::{Outcome, Tx, Work, release};
use super::verify::verify_hashes;
use super::witness::Witness;
use crate::clock::Clock;
use crate::session_key::SessionKey;
use crate::usage::{Cost, Usage};

/// How long a deletion waits for readers before it leaves the write-ahead log to the next one.
const PURGE_TIMEOUT: Duration = Duration::from_millis(200);

/// The most requests that one commit takes.
const BATCH: usize = 256;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Command {
    /// To record something, and to say what came of it.
    Do(Work, Reply),
    /// To take the anchors as lost and to write them anew, if the hashes hold.
    Renew(oneshot::Sender<Result<Report, StoreError>>),
    /// Nothing but to look at the releases.
    Wake,
}

pub(super) type Reply = oneshot::Sender<Result<Outcome, StoreError>>;

/// What is given up; a list beside the queue, because `drop` cannot wait for a place in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Releases(Arc<Mutex<Vec<Late>>>);

/// Something that is given up.
#[derive(Clone, Debug)]
pub(super) enum Late {
    /// A lease that was dropped.
    Lease { session: SessionKey, fence: u64 },
    /// A reservation whose call was never made.
    Unspent(String),
    /// A reservation whose call took this.
    Spent {
        id: String,
        usage: Usage,
        cost: Option<Cost>,
    },
}

impl Releases {
    pub(super) fn push(&self, late: Late) {
        self.0.lock().push(late);
    }

    fn put_back(&self, mut releases: Vec<Late>) {
        let mut later = self.0.lock();
        releases.append(&mut later);
        *later = releases;
    }

    fn take(&self) -> Vec<Late> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Names a file whatever path it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    /// Returns the id of the file that has the path now, if one has.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let file = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Some(Self(file.dev(), file.ino()))
        }
        // Elsewhere a file that is open cannot be moved.
        #[cfg(not(unix))]
        Some(Self(u64::from(file.is_file()), 0))
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) cache: Arc<EventCache>,
    /// Which file it is, so that one that is moved away is not written on unseen.
    pub(super) file: FileId,
    pub(super) anchoring: Anchoring,
    pub(super) owner: Owner,
    pub(super) clock: Clock,
    pub(super) releases: Releases,
    pub(super) head: Arc<watch::Sender<Position>>,
    pub(super) witness: Arc<OnceLock<Arc<dyn Witness>>>,
    /// Whether commits wait for the disk now.
    pub(super) synchronous: Option<&'static str>,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(first) = commands.blocking_recv() {
            let mut next = Some(first);
            while let Some(command) = next.take() {
                match command {
                    Command::Renew(reply) => {
                        self.commit(&mut batch);
                        // Who asked may have gone.
                        drop(reply.send(self.renew()));
                    }
                    command => batch.push(command),
                }
                if batch.len() < BATCH {
                    next = commands.try_recv().ok();
                }
            }
            self.commit(&mut batch);
        }
    }

    /// Checks the hashes, and if they hold, writes all anchors anew.
    fn renew(&mut self) -> Result<Report, StoreError> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|err| StoreError::write(err).at(&self.path))?;
        let report = verify_hashes(&transaction)?;
        if report.intact {
            anchor_anew(&transaction, &self.path)?;
            let last = last_position(&transaction)?;
            drop(transaction);
            self.anchoring = Anchoring::open(&self.path, &self.connection, last)?.0;
        }
        Ok(report)
    }

    fn commit(&mut self, batch: &mut Vec<Command>) {
        let releases = self.releases.take();
        batch.retain(|command| !matches!(command, Command::Wake));
        if batch.is_empty() && releases.is_empty() {
            return;
        }
        let deletes = batch
            .iter()
            .any(|command| matches!(command, Command::Do(Work::Delete(_), _)));
        let mut answers = Vec::with_capacity(batch.len());
        let outcome = self
            .transact(batch, &releases, &mut answers)
            .map_err(|err| err.at(&self.path));
        if outcome.is_err() {
            // The next transaction gives up what this one could not.
            self.releases.put_back(releases);
        }
        // What a failed transaction did not get to hears of the failure too.
        answers.extend(batch.drain(..).filter_map(unanswered));
        match &outcome {
            Ok(anchors) => {
                self.anchoring.confirm(anchors);
                if let Some(last) = anchors.last() {
                    advance(&self.head, last.position);
                    // There is nothing to find in the log's own sessions.
                    let audit = SessionKey::audit();
                    if anchors
                        .iter()
                        .any(|anchor| anchor.session != audit.as_str())
                    {
                        self.cache.grew();
                    }
                }
            }
            Err(err) => tracing::error!(%err, "the event log cannot be written"),
        }
        if deletes {
            self.purge();
        }
        let first = outcome.as_ref().ok().and_then(|anchors| anchors.first());
        if let (Some(witness), Some(first)) = (self.witness.get(), first) {
            // Whoever repeats a request gets the events that were recorded the first time.
            let done = answers
                .iter()
                .filter_map(|(_, result)| result.as_ref().ok());
            done.flat_map(|outcome| &outcome.events)
                .filter(|event| event.position >= first.position)
                .for_each(|event| witness.recorded(event));
        }
        for (reply, result) in answers {
            let result = outcome
                .clone()
                .and(result.map_err(|err| err.at(&self.path)));
            // Who asked may have gone; the fact is recorded all the same.
            drop(reply.send(result));
        }
    }

    /// Does the whole batch in one transaction; returns what is to be anchored of its events.
    fn transact(
        &mut self,
        batch: &mut Vec<Command>,
        releases: &[Late],
        answers: &mut Vec<(Reply, Result<Outcome, StoreError>)>,
    ) -> Result<Vec<Anchor>, StoreError> {
        let records = batch
            .iter()
            .any(|command| matches!(command, Command::Do(work, _) if work.records()));
        // A lease need not survive a power loss, since its owner does not either.
        self.synchronise(if records { "FULL" } else { "NORMAL" })?;
        if records && FileId::of(&self.path).is_none_or(|file| file != self.file) {
            return Err(StoreError::Gone {
                path: self.path.clone(),
            });
        }
        let mut transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::write)?;
        for late in releases {
            give_up(&transaction, &self.owner, late).map_err(StoreError::write)?;
        }
        let now = self.clock.now();
        let mut anchors = Vec::new();
        let cut = if records {
            self.anchoring.cut(last_position(&transaction)?)?
        } else {
            None
        };
        if let Some((from, to)) = cut {
            tracing::error!(from, to, "the end of the event log is gone");
            let entry = Work::Audit(AuditEntry::LogCut { from, to });
            anchors.extend(Tx::new(&transaction, &self.owner, now).run(entry)?.1);
        }
        for command in batch.drain(..) {
            let Command::Do(work, reply) = command else {
                continue;
            };
            let result = transaction
                .savepoint()
                .map_err(StoreError::write)
                .and_then(|savepoint| {
                    let done = Tx::new(&savepoint, &self.owner, now).run(work)?;
                    savepoint.commit().map_err(StoreError::write)?;
                    Ok(done)
                })
                .map(|(mut outcome, recorded)| {
                    anchors.extend(recorded);
                    if let Some(Granted::Yes { id, hold, .. }) = &mut outcome.granted {
                        *hold = Some(Hold::new(id.clone(), self.releases.clone()));
                    }
                    outcome
                });
            let failure = result.as_ref().err().cloned();
            answers.push((reply, result));
            // SQLite ends the whole transaction by itself when the disk is full.
            if let Some(failure) = failure.filter(|_| transaction.is_autocommit()) {
                return Err(failure);
            }
        }
        // What is known to be gone stays known until it is on record.
        if cut.is_none() {
            self.anchoring.announce(&anchors)?;
        }
        transaction.commit().map_err(StoreError::write)?;
        if cut.is_some()
            && let Some(last) = anchors.last()
        {
            self.anchoring.forget_cut(last.position);
        }
        Ok(anchors)
    }

    /// Takes what was deleted out of the WAL too; a reader in the way puts that off.
    fn purge(&self) {
        let checkpoint = self
            .connection
            .busy_timeout(PURGE_TIMEOUT)
            .and_then(|()| {
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            })
            .and_then(|()| self.connection.busy_timeout(BUSY_TIMEOUT));
        if let Err(err) = checkpoint {
            tracing::warn!(%err, "deleted events are still in the write-ahead log");
        }
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

fn give_up(connection: &Connection, owner: &Owner, late: &Late) -> rusqlite::Result<usize> {
    match late {
        Late::Lease { session, fence } => release(connection, owner, session, *fence),
        Late::Unspent(id) => unspent(connection, id),
        Late::Spent { id, usage, cost } => spent(connection, id, usage, *cost),
    }
}

fn unanswered(command: Command) -> Option<(Reply, Result<Outcome, StoreError>)> {
    match command {
        Command::Do(_, reply) => Some((reply, Err(StoreError::Closed))),
        Command::Renew(_) | Command::Wake => None,
    }
}

//! A cache beside the event log: an index of all its texts, and snapshots of projections.
//!
//! Everything in it is a projection of the log. It can be deleted at any time and is made anew;
//! one that is damaged, or comes from another version or another log, is thrown away. It takes
//! part in nothing that has to last: appends do not wait for it and do not fail with it.
//!
//! It does not hold the log's own sessions, and it keeps no more than 64 KiB of an event's text.
//!
//! Reading order: `schema` is its place on disk, `text` what there is to search in an event,
//! `index` takes in the log and forgets what was deleted, `query` searches, `snapshot` shortens
//! the fold of long sessions, `worker` does the taking in beside the rest of the process.

mod index;
mod query;
mod schema;
mod snapshot;
mod text;
mod worker;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

pub use query::{SearchHit, SearchKind, SearchQuery, SnippetPart};

use self::index::Budget;
use self::schema::{Failure, Open};
use super::Position;
use super::error::StoreError;
use super::projection::SessionProjection;
use crate::session_key::SessionKey;

/// After how long without use the files are closed.
const IDLE: Duration = Duration::from_secs(5);

/// How much of the log a search takes in at a time before it says how far it is.
const SEARCHING: Budget = Budget {
    events: 8192,
    time: Duration::from_millis(500),
};

/// The cache of one log, as one process uses it.
///
/// Nothing is opened before it is needed, and what was not used for a while is closed again.
#[derive(Debug)]
pub(super) struct EventCache {
    shared: Arc<Shared>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// What the worker and everybody else in the process have in common.
#[derive(Debug)]
struct Shared {
    log: PathBuf,
    path: PathBuf,
    open: Mutex<Option<Open>>,
    /// Whether there is something in `open`; whoever asks does not wait for a search to end.
    is_open: AtomicBool,
    signal: Mutex<Signal>,
    signalled: Condvar,
    /// After how long without use the files are closed.
    idle: Duration,
}

#[derive(Debug, Default)]
struct Signal {
    grew: bool,
    /// When it was last said that the log grew.
    at: Option<Instant>,
    stop: bool,
}

impl EventCache {
    /// Prepares the cache of the log at `log`; opens nothing.
    pub(super) fn new(log: &Path) -> Self {
        Self::closing_after(log, IDLE)
    }

    fn closing_after(log: &Path, idle: Duration) -> Self {
        let mut path = log.as_os_str().to_owned();
        path.push("-cache");
        Self {
            shared: Arc::new(Shared {
                log: log.to_owned(),
                path: path.into(),
                open: Mutex::default(),
                is_open: AtomicBool::new(false),
                signal: Mutex::default(),
                signalled: Condvar::new(),
                idle,
            }),
            worker: Mutex::default(),
        }
    }

    /// Says that the log grew; the new events are taken in soon, on a thread of the cache's own.
    pub(super) fn grew(&self) {
        let known = {
            let mut signal = self.shared.signal.lock();
            signal.at = Some(Instant::now());
            mem::replace(&mut signal.grew, true)
        };
        if !known {
            self.shared.signalled.notify_one();
            self.start();
        }
    }

    /// Returns the events that a query matches, the latest first.
    ///
    /// What the log has beyond the index is taken in first. `progress` hears how far that is:
    /// the last position that is taken in, and the last one there is.
    pub(super) fn search(
        &self,
        query: &SearchQuery,
        progress: &mut dyn FnMut(Position, Position),
    ) -> Result<Vec<SearchHit>, StoreError> {
        let words = query.words().ok_or(StoreError::EmptyQuery)?;
        let mut target = None;
        let hits = loop {
            let (taken, hits) = self.shared.with(|open| {
                let taken = index::take_in(open, &SEARCHING)?;
                // The log has become shorter when a backup was put back meanwhile.
                let caught_up = taken.cursor >= target.unwrap_or(taken.head).min(taken.head);
                let hits = caught_up.then(|| query::search(open, &words, query));
                Ok((taken, hits.transpose()?))
            })?;
            let target = *target.get_or_insert(taken.head);
            progress(taken.cursor.min(target), target);
            if let Some(hits) = hits {
                break hits;
            }
        };
        self.leave_open();
        Ok(hits)
    }

    /// Takes out what was deleted from the log with a tombstone and after it, if there is a cache.
    ///
    /// When that does not work it is done the next time that the log is taken in.
    pub(super) fn forget_deleted(&self, tombstone: Position) {
        if !self.shared.path.exists() {
            return;
        }
        let forget = |open: &mut Open| index::forget_deleted(open, tombstone);
        if let Err(err) = self.shared.with(forget) {
            tracing::warn!(%err, "deleted events are still in the cache of the event log");
        }
        self.leave_open();
    }

    /// Returns what the events of a session up to `at`, or all of them, add up to.
    ///
    /// Reads the log through `log`, from the session's snapshot on if there is one that fits.
    pub(super) fn projection(
        &self,
        log: &Connection,
        session: &SessionKey,
        at: Option<u64>,
    ) -> Result<SessionProjection, StoreError> {
        let projection = snapshot::projection(&self.shared, log, session, at)?;
        self.leave_open();
        Ok(projection)
    }

    /// Lets the worker close what was opened, once nobody has used it for a while.
    fn leave_open(&self) {
        self.shared.signalled.notify_one();
        self.start();
    }

    /// Ends the worker and closes the files; after it nothing is opened again.
    pub(super) fn close(&self) {
        self.shared.signal.lock().stop = true;
        self.shared.signalled.notify_one();
        if let Some(worker) = self.worker.lock().take() {
            // It logs its own failures; a panic in it was reported when it happened.
            drop(worker.join());
        }
        drop(self.shared.open.lock().take());
    }

    fn start(&self) {
        let mut worker = self.worker.lock();
        if worker.is_none() && !self.shared.signal.lock().stop {
            *worker = worker::start(&self.shared);
        }
    }
}

impl Drop for EventCache {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Runs `work` on the open cache; opens it first if need be, and makes a damaged one anew.
    fn with<T>(
        &self,
        mut work: impl FnMut(&mut Open) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut slot = self.open.lock();
        let outcome = match self.attempt(&mut slot, &mut work) {
            Err(Failure::Cache(err)) if schema::is_damage(&err) => {
                tracing::warn!(path = %self.path.display(), %err, "the cache of the event log is made anew");
                schema::reset(&self.path).and_then(|()| self.attempt(&mut slot, &mut work))
            }
            // Another process may just have made it anew.
            Err(Failure::Cache(err)) if schema::is_change(&err) => {
                self.attempt(&mut slot, &mut work)
            }
            outcome => outcome,
        };
        self.is_open.store(slot.is_some(), Ordering::Relaxed);
        outcome.map_err(|failure| match failure {
            Failure::Cache(source) => StoreError::Cache {
                path: self.path.clone(),
                source: Arc::new(source),
            },
            Failure::Log(err) => err.at(&self.log),
        })
    }

    fn attempt<T>(
        &self,
        slot: &mut Option<Open>,
        work: &mut impl FnMut(&mut Open) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(gone) = slot.take_if(|open| !open.is_at(&self.path)) {
            gone.abandon();
        }
        let mut open = match slot.take() {
            Some(open) => open,
            None => Open::new(&self.path, &self.log)?,
        };
        let done = work(&mut open)?;
        open.used = Instant::now();
        *slot = Some(open);
        Ok(done)
    }

    /// Closes what nobody has used for a while.
    fn close_idle(&self) {
        // Whoever holds the lock is using it.
        if let Some(mut slot) = self.open.try_lock() {
            drop(slot.take_if(|open| open.used.elapsed() >= self.idle));
            self.is_open.store(slot.is_some(), Ordering::Relaxed);
        }
    }
}

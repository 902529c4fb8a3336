//! One run per session, across processes.
//!
//! Every process that runs sessions has a file in `owners/` and holds the operating system's lock
//! on it; the kernel drops the lock when the process dies, however it dies. A session's row names
//! the owner who runs it now, and a fence number that grows with every change of owner, so that a
//! late append of a former owner is refused.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rusqlite::Row;
use uuid::Uuid;

use super::error::StoreError;
use super::rows::column_text;
use super::store::EventStore;
use super::transaction::{Append, Claim, Guard, Work};
use super::{NewEvent, SessionEvent};
use crate::session_key::SessionKey;
use crate::state_dir::{private_dir, private_file};

/// The right to run one session; it ends when this is dropped.
#[derive(Debug)]
pub struct Lease {
    store: EventStore,
    session: SessionKey,
    fence: u64,
    given_up: AtomicBool,
    /// Whether whoever had it before died with it.
    left_behind: bool,
}

impl Lease {
    pub(super) const fn new(store: EventStore, session: SessionKey, fence: u64) -> Self {
        Self {
            store,
            session,
            fence,
            given_up: AtomicBool::new(false),
            left_behind: false,
        }
    }

    #[expect(
        clippy::fn_params_excessive_bools,
        reason = "it is what the transaction found, and goes no further than a getter"
    )]
    pub(super) const fn taken_over(mut self, left_behind: bool) -> Self {
        self.left_behind = left_behind;
        self
    }

    /// Tells whether whoever had the lease before died with it, so that what they had begun in the
    /// session may have been cut off.
    pub const fn is_taken_over(&self) -> bool {
        self.left_behind
    }

    /// Returns the session that may be run.
    pub const fn session(&self) -> &SessionKey {
        &self.session
    }

    /// Tells whether the lease was not given up with the last events.
    pub fn is_held(&self) -> bool {
        !self.given_up.load(Ordering::Relaxed)
    }

    /// Returns the store that the lease is from.
    pub const fn store(&self) -> &EventStore {
        &self.store
    }

    /// Records events as [`EventStore::append`] does, but only while the lease is held.
    pub async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<SessionEvent>, StoreError> {
        self.submit(events, Claim::Held(self.fence)).await
    }

    /// Records the last events under the lease and gives it up in the same transaction.
    pub async fn append_last(
        &self,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let recorded = self.submit(events, Claim::Last(self.fence)).await?;
        self.given_up.store(true, Ordering::Relaxed);
        Ok(recorded)
    }

    async fn submit(
        &self,
        events: Vec<NewEvent>,
        claim: Claim,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let append = Append {
            session: self.session.clone(),
            events,
            claim,
            guard: Guard::None,
        };
        Ok(self.store.submit(Work::Append(append)).await?.events)
    }
}

impl EventStore {
    /// Returns the sessions that somebody had the lease on who died.
    pub async fn left_behind(&self) -> Result<Vec<SessionKey>, StoreError> {
        let owned: Vec<(SessionKey, String)> = self
            .query(|connection| {
                connection
                    .prepare_cached(
                        "SELECT key, owner FROM sessions
                         WHERE owner IS NOT NULL AND deleted = 0 AND system = 0 ORDER BY id",
                    )
                    .and_then(|mut statement| {
                        let row = |row: &Row<'_>| {
                            Ok((column_text(row, 0, SessionKey::parse)?, row.get(1)?))
                        };
                        statement.query_map([], row)?.collect()
                    })
                    .map_err(StoreError::read)
            })
            .await?;
        Ok(owned
            .into_iter()
            .filter(|(_, owner)| !self.lives(owner))
            .map(|(session, _)| session)
            .collect())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.given_up.load(Ordering::Relaxed) {
            self.store.release(&self.session, self.fence);
        }
    }
}

/// This process, or rather this handle to the store, as an owner of leases.
#[derive(Clone, Debug)]
pub(super) struct Owner(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    name: String,
    folder: PathBuf,
    lock: Mutex<Option<File>>,
}

impl Owner {
    /// Makes an owner whose file will lie in `owners/` of the store's folder.
    pub(super) fn new(folder: &Path) -> Self {
        Self(Arc::new(Identity {
            name: Uuid::new_v4().to_string(),
            folder: folder.join("owners"),
            lock: Mutex::default(),
        }))
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Makes and locks the owner's file, at the first call.
    pub(super) fn register(&self) -> Result<(), StoreError> {
        let mut lock = self.0.lock.lock();
        if lock.is_none() {
            let made = private_dir(&self.0.folder)
                .and_then(|()| private_file(&self.0.file(self.name())))
                .and_then(|file| file.lock().map(|()| file));
            let file =
                made.map_err(|source| StoreError::folder(&self.0.folder, &self.0.folder, source))?;
            *lock = Some(file);
        }
        Ok(())
    }

    /// Tells whether the owner of that name still lives; the file of a dead one is removed.
    pub(super) fn lives(&self, name: &str) -> bool {
        if name == self.name() {
            return true;
        }
        let path = self.0.file(name);
        match File::open(&path).map(|file| file.try_lock()) {
            Ok(Ok(())) => {
                // Nobody takes the name again, so that a file that stays behind does no harm.
                drop(fs::remove_file(&path));
                false
            }
            Err(err) if err.kind() == io::ErrorKind::NotFound => false,
            // Locked means alive, and so does whoever cannot be judged: two runs at once would be worse.
            Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) | Err(_) => true,
        }
    }
}

impl Identity {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.lock"))
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        if self.lock.lock().take().is_some() {
            // A file that cannot be removed is not locked any more, which is what counts.
            drop(fs::remove_file(self.file(&self.name)));
        }
    }
}

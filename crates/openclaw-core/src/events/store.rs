//! The event store: opening it and writing to it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task;

use super::anchoring::Anchoring;
use super::audit::AuditEntry;
use super::backup::lock_file;
use super::cache::EventCache;
use super::error::StoreError;
use super::lease::Owner;
use super::report::Report;
use super::rows::last_position;
use super::shared_page::SharedPage;
use super::subscribe::{Subscription, Which};
use super::transaction::{Deletion, Fork, Outcome, Work};
use super::witness::Witness;
use super::writer::{Command, FileId, Late, Releases, Writer, advance};
use super::{Position, SessionEvent, schema};
use crate::clock::Clock;
use crate::session_key::SessionKey;
use crate::state_dir::{private_dir, private_file, sync_folder};

/// How many requests wait for the writer before `append` makes its callers wait.
const QUEUE: usize = 1024;
/// How many reads run at the same time.
const READERS: usize = 4;

/// The durable log of every session.
///
/// A handle is cheap to clone. When the last one goes, what has been accepted is written out.
///
/// ```
/// use openclaw_core::{EventStore, SessionEventKind, SessionKey};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let store = EventStore::open(&dir.path().join("events.sqlite"))?;
/// let session = SessionKey::parse("agent:main:main")?;
/// store
///     .append(
///         &session,
///         vec![
///             SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() }.into(),
///             SessionEventKind::MessageReceived { content: "hi".into(), attachments: vec![] }.into(),
///         ],
///     )
///     .await?;
/// let events = store.read(&session, 1..=100).await?;
/// assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct EventStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    path: PathBuf,
    /// Taken by `drop`, so that the writer sees the end of the queue.
    queue: Option<mpsc::Sender<Command>>,
    releases: Releases,
    /// The position of the last event that this process knows of.
    head: Arc<watch::Sender<Position>>,
    /// When appends of other processes were last looked for.
    looked: Mutex<Instant>,
    /// What those who follow the log have in common.
    page: SharedPage,
    readers: Mutex<Vec<Connection>>,
    reading: Semaphore,
    /// Whoever wants to know what is recorded, once somebody does.
    witness: Arc<OnceLock<Arc<dyn Witness>>>,
    cache: Arc<EventCache>,
    /// The cache does one thing at a time.
    searching: Semaphore,
    owner: Owner,
    writer: Option<JoinHandle<()>>,
    /// Shared by all who have the log open, so that it is not replaced under them.
    _lock: File,
}

impl EventStore {
    /// Opens the log at `path`; makes the file, and its folder, when they are missing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with_clock(path, Clock::system())
    }

    /// Opens the log with a clock of the caller's.
    pub fn open_with_clock(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let in_folder = |source| StoreError::folder(path, folder, source);
        durable_dir(folder).map_err(in_folder)?;
        // SQLite gives its files beside this one the same mode.
        match private_file(path) {
            Ok(_) => {}
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(in_folder(err)),
        }
        let lock = lock_file(path).map_err(in_folder)?;
        match lock.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Restoring {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(err)) => return Err(in_folder(err)),
        }
        let connection = schema::open_writer(path)?;
        restrict(path).map_err(in_folder)?;
        let position = last_position(&connection).map_err(|err| err.at(path))?;
        let (anchoring, filled) = Anchoring::open(path, &connection, position)?;
        let head = Arc::new(watch::Sender::new(position));
        let (queue, commands) = mpsc::channel(QUEUE);
        let releases = Releases::default();
        let witness = Arc::<OnceLock<_>>::default();
        let owner = Owner::new(folder);
        let cache = Arc::new(EventCache::new(path));
        let writer = Writer {
            connection,
            cache: Arc::clone(&cache),
            path: path.to_owned(),
            file: FileId::of(path).ok_or_else(|| StoreError::Gone {
                path: path.to_owned(),
            })?,
            anchoring,
            owner: owner.clone(),
            clock,
            releases: releases.clone(),
            head: Arc::clone(&head),
            witness: Arc::clone(&witness),
            synchronous: None,
        };
        if filled > 0 {
            note_filled(&queue, filled);
        }
        let thread = std::thread::Builder::new()
            .name("event-writer".to_owned())
            .spawn(move || writer.run(commands))
            .map_err(in_folder)?;
        Ok(Self {
            shared: Arc::new(Shared {
                path: path.to_owned(),
                queue: Some(queue),
                releases,
                head,
                looked: Mutex::new(Instant::now()),
                page: SharedPage::default(),
                readers: Mutex::default(),
                reading: Semaphore::new(READERS),
                witness,
                cache,
                searching: Semaphore::new(1),
                owner,
                writer: Some(thread),
                _lock: lock,
            }),
        })
    }

    /// Adds an entry to the audit stream; it returns after the entry is on disk.
    pub async fn audit(&self, entry: AuditEntry) -> Result<SessionEvent, StoreError> {
        self.submit(Work::Audit(entry))
            .await?
            .events
            .pop()
            .ok_or(StoreError::Closed)
    }

    /// Makes the session `to`, which shares the first `at` events of `from` and then goes its own way.
    ///
    /// The events are shared and not copied; they stay for as long as the branch lives, even when
    /// `from` is deleted.
    pub async fn fork(
        &self,
        from: &SessionKey,
        at: u64,
        to: &SessionKey,
    ) -> Result<SessionEvent, StoreError> {
        let fork = Fork {
            from: from.clone(),
            at,
            to: to.clone(),
        };
        self.submit(Work::Fork(fork))
            .await?
            .events
            .pop()
            .ok_or(StoreError::Closed)
    }

    /// Deletes a session and returns its tombstone, which is in the audit stream.
    ///
    /// The contents of its events go, their hashes stay. What a living branch shares with it is
    /// kept until the branch goes too. With `head`, nothing is deleted when the session has a
    /// later event; `archive` names the file where a copy was kept.
    pub async fn delete(
        &self,
        session: &SessionKey,
        head: Option<u64>,
        reason: &str,
        archive: Option<PathBuf>,
    ) -> Result<SessionEvent, StoreError> {
        let deletion = Deletion {
            session: session.clone(),
            head,
            reason: reason.to_owned(),
            archive,
        };
        let outcome = self.submit(Work::Delete(deletion)).await?;
        self.shared.page.forget();
        let tombstone = outcome
            .events
            .into_iter()
            .next()
            .ok_or(StoreError::Closed)?;
        let position = tombstone.position;
        self.in_cache(move |cache| {
            cache.forget_deleted(position);
            Ok(())
        })
        .await?;
        Ok(tombstone)
    }

    /// Accepts the log as it is when its anchors are lost, if its hashes hold.
    ///
    /// The report says what does not hold; then nothing was changed. The audit stream says that
    /// this happened.
    pub async fn renew_anchors(&self, reason: &str) -> Result<Report, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Renew(reply)).await?;
        let report = answer.await.map_err(|_closed| StoreError::Closed)??;
        if report.intact {
            self.audit(AuditEntry::LogAccepted {
                events: report.events,
                reason: reason.to_owned(),
            })
            .await?;
        }
        Ok(report)
    }

    pub(super) async fn submit(&self, work: Work) -> Result<Outcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        let witness = self.shared.witness.get().filter(|_| work.records());
        let since = Instant::now();
        self.send(Command::Do(work, reply)).await?;
        let outcome = answer.await.map_err(|_closed| StoreError::Closed)?;
        if let Some(witness) = witness {
            witness.waited(since.elapsed());
        }
        outcome
    }

    /// Shows a witness from now on what this process records; whoever came first stays.
    pub fn show(&self, witness: Arc<dyn Witness>) {
        drop(self.shared.witness.set(witness));
    }

    /// Returns the path of the log.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Makes this process known as an owner of leases.
    pub(super) fn register(&self) -> Result<(), StoreError> {
        self.shared.owner.register()
    }

    /// Returns the name of this process as an owner of leases.
    pub(super) fn owner(&self) -> &str {
        self.shared.owner.name()
    }

    /// Tells whether an owner of leases still lives.
    pub(super) fn lives(&self, owner: &str) -> bool {
        self.shared.owner.lives(owner)
    }

    pub(super) fn shared_page(&self) -> &SharedPage {
        &self.shared.page
    }

    pub(super) fn cache(&self) -> Arc<EventCache> {
        Arc::clone(&self.shared.cache)
    }

    /// Runs a search off the async threads and beside the readers: it may have to take in a log first.
    pub(super) async fn in_cache<T: Send + 'static>(
        &self,
        work: impl FnOnce(&EventCache) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = self
            .shared
            .searching
            .acquire()
            .await
            .map_err(|_closed| StoreError::Closed)?;
        let shared = Arc::clone(&self.shared);
        task::spawn_blocking(move || work(&shared.cache))
            .await
            .map_err(|_panicked| StoreError::Closed)?
    }

    pub(super) fn release(&self, session: &SessionKey, fence: u64) {
        self.shared.releases.push(Late::Lease {
            session: session.clone(),
            fence,
        });
        self.wake();
    }

    /// Lets the writer look at what is given up.
    pub(super) fn wake(&self) {
        if let Some(queue) = &self.shared.queue {
            // A full queue means that the writer is awake and will see the release anyway.
            drop(queue.try_send(Command::Wake));
        }
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        let queue = self.shared.queue.as_ref().ok_or(StoreError::Closed)?;
        queue
            .send(command)
            .await
            .map_err(|_closed| StoreError::Closed)
    }

    /// Follows the conversations from `cursor` on: first what is recorded, then what will be.
    pub fn subscribe(&self, cursor: Position) -> Subscription {
        let head = self.shared.head.subscribe();
        Subscription::new(self.clone(), cursor, head, Which::Sessions)
    }

    /// Follows the audit stream from `cursor` on.
    pub fn subscribe_audit(&self, cursor: Position) -> Subscription {
        let head = self.shared.head.subscribe();
        Subscription::new(self.clone(), cursor, head, Which::Audit)
    }

    /// Returns the position of the last event that this process knows of.
    pub fn position(&self) -> Position {
        *self.shared.head.borrow()
    }

    /// Looks for what other processes have appended, and tells all who follow the log.
    ///
    /// However many follow it, the log is looked at once in every `every`.
    pub(super) async fn look_for_foreign_appends(&self, every: Duration) -> Result<(), StoreError> {
        {
            let mut looked = self.shared.looked.lock();
            if looked.elapsed() < every {
                return Ok(());
            }
            *looked = Instant::now();
        }
        let position = self.query(last_position).await?;
        if position > self.position() {
            advance(&self.shared.head, position);
            self.shared.cache.grew();
        }
        Ok(())
    }

    /// Runs a query on a connection of the pool, off the async threads.
    pub(super) async fn query<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = self
            .shared
            .reading
            .acquire()
            .await
            .map_err(|_closed| StoreError::Closed)?;
        let shared = Arc::clone(&self.shared);
        task::spawn_blocking(move || {
            let pooled = shared.readers.lock().pop();
            let connection = match pooled {
                Some(connection) => connection,
                None => schema::open_reader(&shared.path)?,
            };
            let answer = work(&connection).map_err(|err| err.at(&shared.path));
            shared.readers.lock().push(connection);
            answer
        })
        .await
        .map_err(|_panicked| StoreError::Closed)?
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The writer's connection has to be the last one: it takes the write-ahead log away.
        self.cache.close();
        self.readers.lock().clear();
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // The writer logs its own failures; a panic in it was reported when it happened.
            drop(writer.join());
        }
    }
}

/// Makes a folder whose name survives a power loss, and so do those of the folders above it.
fn durable_dir(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    private_dir(folder)?;
    missing.into_iter().try_for_each(sync_folder)
}

/// SQLite makes its files with the mode of the process; conversations are the owner's alone.
pub(super) fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Puts on record that slots of the anchors were filled after a power loss.
fn note_filled(queue: &mpsc::Sender<Command>, count: u64) {
    let entry = AuditEntry::AnchorsRenewed { count };
    let (reply, _nobody_waits) = oneshot::channel();
    // The queue is new and empty.
    drop(queue.try_send(Command::Do(Work::Audit(entry), reply)));
}

//! The event store: opening it and writing to it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task;

use super::anchoring::Anchoring;
use super::audit::AuditEntry;
use super::backup::lock_file;
use super::error::StoreError;
use super::lease::{Lease, Owner};
use super::rows::last_position;
use super::subscribe::{Subscription, Which};
use super::transaction::{Append, Claim, Deletion, Fork, Guard, Outcome, Work};
use super::verify::Report;
use super::writer::{Command, Releases, Writer, advance};
use super::{NewEvent, Position, SessionEvent, schema};
use crate::clock::Clock;
use crate::session_key::SessionKey;
use crate::state_dir::{private_dir, private_file};

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
    readers: Mutex<Vec<Connection>>,
    reading: Semaphore,
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
        let in_folder = |source| StoreError::Folder {
            path: folder.to_owned(),
            source: Arc::new(source),
        };
        private_dir(folder).map_err(in_folder)?;
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
        let owner = Owner::new(folder);
        let writer = Writer {
            connection,
            path: path.to_owned(),
            anchoring,
            owner: owner.clone(),
            clock,
            releases: releases.clone(),
            head: Arc::clone(&head),
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
                readers: Mutex::default(),
                reading: Semaphore::new(READERS),
                owner,
                writer: Some(thread),
                _lock: lock,
            }),
        })
    }

    /// Records events of one session in one transaction and returns them as recorded.
    ///
    /// It returns after they are on disk. A session begins with `SessionStarted`; anything else
    /// on an unknown session is refused, and so is a message to one that has ended.
    ///
    /// # Cancel safety
    /// When the future is dropped, the events may or may not have been recorded.
    pub async fn append(
        &self,
        session: &SessionKey,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::None,
            guard: Guard::None,
        };
        Ok(self.submit(Work::Append(append)).await?.events)
    }

    /// Records events as [`EventStore::append`] does, unless somebody else has appended meanwhile.
    ///
    /// `head` is the number of the session's last event as the caller knows it, 0 for a session
    /// that is to be made; when it is another, nothing is recorded.
    ///
    /// ```
    /// # use openclaw_core::{EventStore, SessionEventKind, SessionKey};
    /// # use openclaw_core::events::StoreError;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let store = EventStore::open(&dir.path().join("events.sqlite"))?;
    /// # let session = SessionKey::parse("agent:main:main")?;
    /// let start = || SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() };
    /// store.append_expecting(&session, 0, vec![start().into()]).await?;
    /// let late = store.append_expecting(&session, 0, vec![start().into()]).await;
    /// assert!(matches!(late, Err(StoreError::HeadMoved { expected: 0, found: 1, .. })));
    /// # Ok(()) }
    /// ```
    pub async fn append_expecting(
        &self,
        session: &SessionKey,
        head: u64,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::None,
            guard: Guard::Head(head),
        };
        Ok(self.submit(Work::Append(append)).await?.events)
    }

    /// Records events as [`EventStore::append`] does, but only once under a key.
    ///
    /// A repeated call returns the events that the first one recorded. The session remembers its
    /// keys for as long as it lives; the same key with other events is refused.
    ///
    /// ```
    /// # use openclaw_core::{EventStore, SessionEventKind, SessionKey};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let store = EventStore::open(&dir.path().join("events.sqlite"))?;
    /// # let session = SessionKey::parse("agent:main:main")?;
    /// # store.append(&session, vec![SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() }.into()]).await?;
    /// let message = || vec![SessionEventKind::MessageReceived { content: "hi".into(), attachments: vec![] }.into()];
    /// let first = store.append_once(&session, "telegram:4711", message()).await?;
    /// let again = store.append_once(&session, "telegram:4711", message()).await?;
    /// assert_eq!(first, again);
    /// # Ok(()) }
    /// ```
    pub async fn append_once(
        &self,
        session: &SessionKey,
        key: &str,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::None,
            guard: Guard::Once(key.to_owned()),
        };
        Ok(self.submit(Work::Append(append)).await?.events)
    }

    /// Records events as [`EventStore::append`] does, and takes the lease on the session with them.
    ///
    /// Nothing is recorded when somebody else has the lease.
    pub async fn append_and_lease(
        &self,
        session: &SessionKey,
        events: Vec<NewEvent>,
    ) -> Result<(Vec<SessionEvent>, Lease), StoreError> {
        self.shared.owner.register()?;
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::Take,
            guard: Guard::None,
        };
        let outcome = self.submit(Work::Append(append)).await?;
        let fence = outcome
            .fence
            .ok_or_else(|| StoreError::Leased(session.clone()))?;
        Ok((
            outcome.events,
            Lease::new(self.clone(), session.clone(), fence),
        ))
    }

    /// Records events as [`EventStore::append_once`] does, and takes the lease as
    /// [`EventStore::append_and_lease`] does; there is no lease when the key was used before.
    pub async fn append_once_and_lease(
        &self,
        session: &SessionKey,
        key: &str,
        events: Vec<NewEvent>,
    ) -> Result<(Vec<SessionEvent>, Option<Lease>), StoreError> {
        self.shared.owner.register()?;
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::Take,
            guard: Guard::Once(key.to_owned()),
        };
        let outcome = self.submit(Work::Append(append)).await?;
        let lease = outcome
            .fence
            .map(|fence| Lease::new(self.clone(), session.clone(), fence));
        Ok((outcome.events, lease))
    }

    /// Takes the lease on a session: until it is dropped, nobody else may run that session.
    ///
    /// A lease that a dead process left behind is taken over at once.
    pub async fn lease(&self, session: &SessionKey) -> Result<Lease, StoreError> {
        Ok(self.append_and_lease(session, Vec::new()).await?.1)
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
        self.submit(Work::Delete(deletion))
            .await?
            .events
            .pop()
            .ok_or(StoreError::Closed)
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
            self.audit(AuditEntry::AnchorsRenewed {
                count: report.events,
                reason: reason.to_owned(),
            })
            .await?;
        }
        Ok(report)
    }

    pub(super) async fn submit(&self, work: Work) -> Result<Outcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Do(work, reply)).await?;
        answer.await.map_err(|_closed| StoreError::Closed)?
    }

    /// Returns the path of the log.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    pub(super) fn release(&self, session: &SessionKey, fence: u64) {
        self.shared.releases.push(session.clone(), fence);
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
        advance(&self.shared.head, position);
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
        drop(self.queue.take());
        self.readers.lock().clear();
        if let Some(writer) = self.writer.take() {
            // The writer logs its own failures; a panic in it was reported when it happened.
            drop(writer.join());
        }
    }
}

/// SQLite makes its files with the mode of the process; conversations are the owner's alone.
fn restrict(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Puts on record that slots of the anchors were filled after a power loss.
fn note_filled(queue: &mpsc::Sender<Command>, count: u64) {
    let entry = AuditEntry::AnchorsRenewed {
        count,
        reason: "they were missing after a restart of the machine".to_owned(),
    };
    let (reply, _nobody_waits) = oneshot::channel();
    // The queue is new and empty.
    drop(queue.try_send(Command::Do(Work::Audit(entry), reply)));
}

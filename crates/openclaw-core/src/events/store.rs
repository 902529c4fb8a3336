//! The event store: opening it, appending to it and reading from it.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task;

use super::error::StoreError;
use super::lease::{Lease, Owner};
use super::rows::{
    SUMMARY, last_position, select_events, session_id, sql_integer, summary, unsigned,
};
use super::subscribe::Subscription;
use super::transaction::{Appended, Claim};
use super::writer::{Append, Command, Releases, Writer, advance};
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
}

/// What a listing shows of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSummary {
    /// The session.
    pub key: SessionKey,
    /// The sequence number of its last event.
    pub head: u64,
    /// When it started.
    pub started: Timestamp,
    /// When its last event was recorded.
    pub updated: Timestamp,
    /// Whether it has ended.
    pub ended: bool,
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
        let connection = schema::open_writer(path)?;
        restrict(path).map_err(in_folder)?;
        let head = last_position(&connection)?;
        let head = Arc::new(watch::Sender::new(head));
        let (queue, commands) = mpsc::channel(QUEUE);
        let releases = Releases::default();
        let owner = Owner::new(folder);
        let writer = Writer::new(
            connection,
            owner.clone(),
            clock,
            releases.clone(),
            Arc::clone(&head),
        );
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
        Ok(self.submit(session, events, Claim::None).await?.events)
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
        let appended = self.submit(session, events, Claim::Take).await?;
        let fence = appended
            .fence
            .ok_or_else(|| StoreError::Leased(session.clone()))?;
        Ok((
            appended.events,
            Lease::new(self.clone(), session.clone(), fence),
        ))
    }

    /// Takes the lease on a session: until it is dropped, nobody else may run that session.
    ///
    /// A lease that a dead process left behind is taken over at once.
    pub async fn lease(&self, session: &SessionKey) -> Result<Lease, StoreError> {
        Ok(self.append_and_lease(session, Vec::new()).await?.1)
    }

    pub(super) async fn submit(
        &self,
        session: &SessionKey,
        events: Vec<NewEvent>,
        claim: Claim,
    ) -> Result<Appended, StoreError> {
        let (reply, answer) = oneshot::channel();
        let append = Append {
            session: session.clone(),
            events,
            claim,
            reply,
        };
        self.send(Command::Append(append)).await?;
        answer.await.map_err(|_closed| StoreError::Closed)?
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

    /// Returns the events of a session whose sequence numbers lie in `range`.
    pub async fn read(
        &self,
        session: &SessionKey,
        range: RangeInclusive<u64>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let key = session.clone();
        let (from, to) = (sql_integer(*range.start()), sql_integer(*range.end()));
        self.query(move |connection| {
            let id = session_id(connection, &key)?;
            select_events(
                connection,
                "WHERE e.session_id = ?1 AND e.seq BETWEEN ?2 AND ?3 ORDER BY e.seq",
                params![id, from, to],
            )
        })
        .await
    }

    /// Returns up to `limit` events of all sessions that were recorded after `cursor`.
    pub async fn read_after(
        &self,
        cursor: Position,
        limit: u32,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        self.query(move |connection| {
            select_events(
                connection,
                "WHERE e.position > ?1 ORDER BY e.position LIMIT ?2",
                params![sql_integer(cursor), limit],
            )
        })
        .await
    }

    /// Follows the log from `cursor` on: first what is recorded, then what will be.
    pub fn subscribe(&self, cursor: Position) -> Subscription {
        Subscription::new(self.clone(), cursor, self.shared.head.subscribe())
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

    /// Returns what a listing shows of one session, if it exists.
    pub async fn session(&self, key: &SessionKey) -> Result<Option<SessionSummary>, StoreError> {
        let key = key.clone();
        self.query(move |connection| {
            connection
                .prepare_cached(&format!("{SUMMARY} WHERE key = ?1"))
                .and_then(|mut statement| statement.query_row([key.as_str()], summary).optional())
                .map_err(StoreError::read)
        })
        .await
    }

    /// Returns up to `limit` sessions, the latest first, leaving out the first `skip`.
    pub async fn sessions(&self, skip: u64, limit: u32) -> Result<Vec<SessionSummary>, StoreError> {
        self.query(move |connection| {
            connection
                .prepare_cached(&format!(
                    "{SUMMARY} ORDER BY updated_ms DESC, id DESC LIMIT ?1 OFFSET ?2"
                ))
                .and_then(|mut statement| {
                    statement
                        .query_map(params![limit, sql_integer(skip)], summary)?
                        .collect()
                })
                .map_err(StoreError::read)
        })
        .await
    }

    /// Returns how many sessions there are.
    pub async fn session_count(&self) -> Result<u64, StoreError> {
        self.query(|connection| {
            connection
                .query_row("SELECT count(*) FROM sessions", [], |row| {
                    row.get::<_, i64>(0)
                })
                .map(unsigned)
                .map_err(StoreError::read)
        })
        .await
    }

    /// Runs a query on a connection of the pool, off the async threads.
    async fn query<T: Send + 'static>(
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
            let answer = work(&connection);
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

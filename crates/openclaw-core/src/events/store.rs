//! The event store: opening it, appending to it and reading from it.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use jiff::Timestamp;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task;

use super::lease::{Lease, Owner};
use super::subscribe::Subscription;
use super::writer::{Append, Command, Releases, Writer};
use super::{NewEvent, Payload, Position, RawJson, SessionEvent, SessionEventKind, schema};
use crate::clock::Clock;
use crate::ids::{CallId, RunId};
use crate::kind::Kind;
use crate::session_key::SessionKey;
use crate::state_dir::private_dir;

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
    head: watch::Receiver<Position>,
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

/// Why the store could not do something. Nothing is half done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open the event log `{path}`: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Arc<rusqlite::Error>,
    },
    /// The folder of the file cannot be used.
    #[error("cannot use the folder of the event log `{path}`: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// The file belongs to another program.
    #[error("`{path}` is a database of another program")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file comes from a later version of this program.
    #[error("the event log `{path}` has version {found}, this program knows up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: usize,
        /// The highest version that this program knows.
        known: usize,
    },
    /// A read failed.
    #[error("cannot read the event log: {0}")]
    Read(#[source] Arc<rusqlite::Error>),
    /// A write failed; nothing of it was recorded.
    #[error("cannot write the event log: {0}")]
    Write(#[source] Arc<rusqlite::Error>),
    /// A stored event cannot be understood.
    #[error("event {seq} of `{session}` cannot be read: {source}")]
    Damaged {
        /// The session.
        session: SessionKey,
        /// The event's sequence number.
        seq: u64,
        /// What is wrong with it.
        source: Arc<serde_json::Error>,
    },
    /// There is no such session.
    #[error("there is no session `{0}`")]
    NoSession(SessionKey),
    /// The session exists and has not ended.
    #[error("the session `{0}` exists already")]
    SessionExists(SessionKey),
    /// The session has ended.
    #[error("the session `{0}` has ended")]
    SessionEnded(SessionKey),
    /// Another process, or another run, works on the session.
    #[error("the session `{0}` is being run by another process or run")]
    Leased(SessionKey),
    /// The lease under which an append was made has passed to somebody else.
    #[error("the lease on the session `{0}` has passed to another process")]
    LeaseLost(SessionKey),
    /// The store is shutting down.
    #[error("the event log is closed")]
    Closed,
}

impl StoreError {
    pub(super) fn open(path: &Path, source: rusqlite::Error) -> Self {
        Self::Open {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    pub(super) fn write(source: rusqlite::Error) -> Self {
        Self::Write(Arc::new(source))
    }

    fn read(source: rusqlite::Error) -> Self {
        Self::Read(Arc::new(source))
    }

    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoSession(_) => Kind::NotFound,
            Self::SessionExists(_) | Self::SessionEnded(_) | Self::LeaseLost(_) => Kind::Conflict,
            Self::Leased(_) => Kind::Busy,
            Self::Damaged { .. } => Kind::Internal,
            Self::Open { .. }
            | Self::Folder { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Read(_)
            | Self::Write(_)
            | Self::Closed => Kind::Unavailable,
        }
    }
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
        let connection = schema::open_writer(path)?;
        restrict(path).map_err(in_folder)?;
        let head = last_position(&connection)?;
        let (announce, head) = watch::channel(head);
        let (queue, commands) = mpsc::channel(QUEUE);
        let releases = Releases::default();
        let owner = Owner::new(folder);
        let writer = Writer::new(connection, owner.clone(), clock, releases.clone(), announce);
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
        self.submit(session, events, None).await
    }

    pub(super) async fn submit(
        &self,
        session: &SessionKey,
        events: Vec<NewEvent>,
        fence: Option<u64>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let append = Append {
            session: session.clone(),
            events,
            fence,
            reply,
        };
        self.send(Command::Append(append)).await?;
        answer.await.map_err(|_closed| StoreError::Closed)?
    }

    /// Takes the lease on a session: until it is dropped, nobody else may run that session.
    ///
    /// A lease that a dead process left behind is taken over at once.
    pub async fn lease(&self, session: &SessionKey) -> Result<Lease, StoreError> {
        self.shared.owner.register()?;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Lease {
            session: session.clone(),
            reply,
        })
        .await?;
        let fence = answer.await.map_err(|_closed| StoreError::Closed)??;
        Ok(Lease::new(self.clone(), session.clone(), fence))
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
        Subscription::new(self.clone(), cursor, self.shared.head.clone())
    }

    /// Returns the position of the last event that this process knows of.
    pub fn position(&self) -> Position {
        *self.shared.head.borrow()
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

const SUMMARY: &str = "SELECT key, head, started_ms, updated_ms, ended FROM sessions";

fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    Ok(SessionSummary {
        key: column_text(row, 0, SessionKey::parse)?,
        head: unsigned(row.get(1)?),
        started: timestamp(row.get(2)?),
        updated: timestamp(row.get(3)?),
        ended: row.get(4)?,
    })
}

fn select_events(
    connection: &Connection,
    clause: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<SessionEvent>, StoreError> {
    let sql = format!(
        "SELECT e.position, s.key, e.seq, e.time_ms, e.cause, e.run_id, e.step, e.call_id,
                e.kind, e.data, e.payload, e.raw
         FROM events e JOIN sessions s ON s.id = e.session_id {clause}"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(StoreError::read)?;
    let mut rows = statement.query(parameters).map_err(StoreError::read)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        events.push(event(row)?);
    }
    Ok(events)
}

fn event(row: &Row<'_>) -> Result<SessionEvent, StoreError> {
    let session = column_text(row, 1, SessionKey::parse).map_err(StoreError::read)?;
    let seq = unsigned(row.get(2).map_err(StoreError::read)?);
    let stored = stored(row).map_err(StoreError::read)?;
    let damaged = |source| StoreError::Damaged {
        session: session.clone(),
        seq,
        source: Arc::new(source),
    };
    let kind: SessionEventKind = serde_json::from_str(&format!(
        r#"{{"kind":"{}","data":{}}}"#,
        stored.kind, stored.data
    ))
    .map_err(damaged)?;
    let payload: Option<Payload> = stored
        .payload
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(damaged)?;
    let raw = stored.raw.map(RawJson::new).transpose().map_err(damaged)?;
    Ok(SessionEvent {
        session,
        seq,
        position: stored.position,
        time: stored.time,
        cause: stored.cause,
        run_id: stored.run_id,
        step: stored.step,
        call_id: stored.call_id,
        kind,
        payload,
        raw,
    })
}

/// The columns of an event before their texts are parsed.
struct Stored {
    position: Position,
    time: Timestamp,
    cause: Option<u64>,
    run_id: Option<RunId>,
    step: Option<u32>,
    call_id: Option<CallId>,
    kind: String,
    data: String,
    payload: Option<String>,
    raw: Option<String>,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        position: unsigned(row.get(0)?),
        time: timestamp(row.get(3)?),
        cause: row.get::<_, Option<i64>>(4)?.map(unsigned),
        run_id: row.get::<_, Option<String>>(5)?.map(RunId),
        step: row.get(6)?,
        call_id: row.get::<_, Option<String>>(7)?.map(CallId),
        kind: row.get(8)?,
        data: row.get(9)?,
        payload: row.get(10)?,
        raw: row.get(11)?,
    })
}

pub(super) fn session_id(connection: &Connection, key: &SessionKey) -> Result<i64, StoreError> {
    connection
        .prepare_cached("SELECT id FROM sessions WHERE key = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([key.as_str()], |row| row.get(0))
                .optional()
        })
        .map_err(StoreError::read)?
        .ok_or_else(|| StoreError::NoSession(key.clone()))
}

pub(super) fn last_position(connection: &Connection) -> Result<Position, StoreError> {
    connection
        .query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| {
            row.get(0)
        })
        .map(unsigned)
        .map_err(StoreError::read)
}

/// Sequence numbers and positions come from SQLite, which counts in signed integers from 1.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(super) fn sql_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn column_text<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    parse(&text).map_err(|err| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(err))
    })
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

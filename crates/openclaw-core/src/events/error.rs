//! Why the event log could not do something.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

use super::rows::MAX_EVENT_SIZE;
use crate::approvals::ApprovalId;
use crate::kind::Kind;
use crate::session_key::SessionKey;

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
    /// The disk is full; nothing was recorded.
    #[error(
        "the disk that holds the event log `{path}` is full: nothing was recorded; free some space and try again"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file, or its file system, cannot be written to.
    #[error(
        "the event log `{path}` is read-only: nothing was recorded; make it and its folder writable"
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what SQLite left behind.
    #[error(
        "`{path}` is damaged, or no event log: {source}; put a backup in its place with `openclaw backup restore`"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Arc<rusqlite::Error>,
    },
    /// The anchors beside the log cannot be used.
    #[error("cannot use the anchors of the event log `{path}`: {source}")]
    Anchors {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// The file was moved away or replaced while it was open.
    #[error(
        "the event log `{path}` was moved away or replaced: nothing was recorded; put it back, or start again"
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// A backup is being put in the place of the log.
    #[error("the event log `{path}` is being restored; try again in a moment")]
    Restoring {
        /// The file.
        path: PathBuf,
    },
    /// The session is the log's own.
    #[error("the session `{0}` belongs to the event log itself")]
    Reserved(SessionKey),
    /// The session has no such event.
    #[error("the session `{session}` has no event {seq}; its last one is {head}")]
    NoEvent {
        /// The session.
        session: SessionKey,
        /// The number that was asked for.
        seq: u64,
        /// The number of its last event.
        head: u64,
    },
    /// The log has no such position.
    #[error("the event log has no position {cursor}; its last one is {last}")]
    NoPosition {
        /// The position that was asked for.
        cursor: u64,
        /// The last position.
        last: u64,
    },
    /// Somebody else appended first.
    #[error("the last event of `{session}` is {found} and not {expected}")]
    HeadMoved {
        /// The session.
        session: SessionKey,
        /// The number that the last event was expected to have.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
    /// An idempotency key stands for something else already.
    #[error("the idempotency key `{key}` was used in `{session}` for something else")]
    KeyReused {
        /// The session.
        session: SessionKey,
        /// The key.
        key: String,
    },
    /// An event is too large.
    #[error("an event of `{session}` has {size} bytes, at most {MAX_EVENT_SIZE} are allowed")]
    EventTooLarge {
        /// The session.
        session: SessionKey,
        /// Its size in bytes.
        size: usize,
    },
    /// The events of an import do not have the hashes that the file says they have.
    #[error("the events of `{0}` are not those that were exported")]
    ImportChanged(SessionKey),
    /// Nobody has asked for that, or the session is gone in which it was asked for.
    #[error("there is no request for approval `{0}`")]
    NoApproval(ApprovalId),
    /// There is a request of that name.
    #[error("the request for approval `{0}` exists already")]
    AlreadyAsked(ApprovalId),
    /// So many requests wait already that nobody could keep track of more.
    #[error("{most} requests for approval wait already in this {place}")]
    TooManyAsked {
        /// How many may wait.
        most: u32,
        /// What they wait in: a session, or all of those of an agent.
        place: &'static str,
    },
    /// Somebody was first, or the request was given up.
    #[error(
        "the request for approval `{approval}` was {} already ({by})",
        if *allowed { "allowed" } else { "denied" }
    )]
    AlreadyDecided {
        /// The request.
        approval: ApprovalId,
        /// What was decided.
        allowed: bool,
        /// Who decided it.
        by: String,
    },
    /// The time for an answer is up.
    #[error("the request for approval `{0}` has expired, which counts as denied")]
    ApprovalExpired(ApprovalId),
    /// No standing answer has that digest.
    #[error("there is no standing approval with the digest `{0}`")]
    NoGrant(String),
    /// A search has no words to look for.
    #[error("there is nothing to search for: give at least one word of letters or digits")]
    EmptyQuery,
    /// The cache beside the log cannot be used.
    #[error(
        "cannot use the cache of the event log `{path}`: {source}; it can be deleted and is made anew"
    )]
    Cache {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Arc<rusqlite::Error>,
    },
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
        .at(path)
    }

    /// Says what keeps a folder of the log at `path`, or a file in it, from being used.
    pub(super) fn folder(path: &Path, folder: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Folder {
                path: folder.to_owned(),
                source: Arc::new(source),
            },
        }
    }

    pub(super) fn write(source: rusqlite::Error) -> Self {
        Self::Write(Arc::new(source))
    }

    pub(super) fn read(source: rusqlite::Error) -> Self {
        Self::Read(Arc::new(source))
    }

    /// Says more precisely what SQLite found wrong with the file at `path`.
    pub(super) fn at(self, path: &Path) -> Self {
        let (Self::Read(source) | Self::Write(source) | Self::Open { source, .. }) = &self else {
            return self;
        };
        let path = path.to_owned();
        let extended = source.sqlite_error().map(|err| err.extended_code);
        if extended == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            // The file of shared memory cannot grow, which says the same.
            return Self::DiskFull { path };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt {
                path,
                source: Arc::clone(source),
            },
            _ => self,
        }
    }

    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoSession(_)
            | Self::NoEvent { .. }
            | Self::NoPosition { .. }
            | Self::NoApproval(_)
            | Self::NoGrant(_) => Kind::NotFound,
            Self::SessionExists(_)
            | Self::SessionEnded(_)
            | Self::LeaseLost(_)
            | Self::HeadMoved { .. }
            | Self::KeyReused { .. }
            | Self::AlreadyAsked(_)
            | Self::AlreadyDecided { .. }
            | Self::ApprovalExpired(_) => Kind::Conflict,
            Self::Reserved(_) => Kind::Denied,
            Self::EventTooLarge { .. } | Self::ImportChanged(_) | Self::EmptyQuery => Kind::Invalid,
            Self::Leased(_) | Self::Restoring { .. } | Self::TooManyAsked { .. } => Kind::Busy,
            Self::Damaged { .. } => Kind::Internal,
            Self::Open { .. }
            | Self::Folder { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Read(_)
            | Self::Write(_)
            | Self::DiskFull { .. }
            | Self::ReadOnly { .. }
            | Self::Corrupt { .. }
            | Self::Gone { .. }
            | Self::Anchors { .. }
            | Self::Cache { .. }
            | Self::Closed => Kind::Unavailable,
        }
    }
}

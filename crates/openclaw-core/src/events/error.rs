//! Why the event log could not do something.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

    pub(super) fn read(source: rusqlite::Error) -> Self {
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

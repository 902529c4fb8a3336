//! Keeping sessions for as long as they are wanted: copies of them as files, deleting with a copy,
//! and the limits of age and size that `session.maintenance` of the config sets.
//!
//! The command line and the gateway go the same way: [`delete()`] is for one session, [`clean`] for
//! all that are due.

mod cleanup;
mod daily;
mod delete;
mod export;

use std::io;
use std::path::PathBuf;

use openclaw_core::events::StoreError;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Kind, SessionKey};
use tokio::task;

pub use cleanup::{Due, Limits, Step, Why, clean, plan};
pub(crate) use daily::Daily;
pub use delete::{CopyTo, Deleted, delete};
pub use export::{Export, ExportedFile, write_file};

/// Why a session was not copied or not deleted.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The file of the copy cannot be written.
    #[error("cannot write `{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is a file of that name.
    #[error("`{0}` exists already; name another file")]
    Exists(PathBuf),
    /// The session was deleted, and perhaps made anew, while it was copied.
    #[error("the session `{0}` changed while it was copied; the copy was dropped")]
    Changed(SessionKey),
    /// The log is in the way.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RetentionError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File { .. } => Kind::Unavailable,
            Self::Exists(_) | Self::Changed(_) => Kind::Conflict,
            Self::Store(err) => err.kind(),
        }
    }
}

/// Returns the folder that copies of deleted sessions go to.
pub fn archive_folder(state: &StateDir) -> PathBuf {
    state.own().join("archive")
}

/// Does work on the file system off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panicked) => Err(io::Error::other(panicked)),
    }
}

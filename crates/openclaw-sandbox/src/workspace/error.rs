//! Why a file in a workspace was not read or written.

use std::{io, path::PathBuf};

use openclaw_core::Kind;

use super::EntryKind;

/// A file operation was refused or failed. Paths are as the caller wrote them.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The path leads out of the workspace, by itself or through a symlink.
    #[error("`{}` leads out of the workspace `{}`", path.display(), workspace.display())]
    Outside {
        /// The path.
        path: PathBuf,
        /// The workspace's folder.
        workspace: PathBuf,
    },
    /// Other programs act upon what is written there; see [`ProtectionFault`](crate::ProtectionFault).
    #[error("`{}` is protected: a program outside the sandbox may run what it says", path.display())]
    Protected {
        /// The path.
        path: PathBuf,
    },
    /// What is there is not what was expected: somebody else has changed it.
    #[error("`{}` was changed by somebody else meanwhile", path.display())]
    Changed {
        /// The path.
        path: PathBuf,
    },
    /// Something is there already.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// The path contains a null byte or a name that is too long.
    #[error("{path:?} cannot be the path of a file")]
    BadPath {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Nothing is there.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// Something other than a regular file is there.
    #[error("`{}` is not a regular file but {}", path.display(), found.describe())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: EntryKind,
    },
    /// Something other than a directory is there, or on the way there.
    #[error("`{}` is not a directory, or lies beneath something that is none", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The file is longer than the caller wants to read.
    #[error("`{}` is longer than {limit} bytes", path.display())]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// The most that was to be read.
        limit: u64,
    },
    /// The operating system does not permit it.
    #[error("the operating system denies access to `{}`", path.display())]
    NotPermitted {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Anything else that the operating system said.
    #[error("{action} `{}` failed", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl FileError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Outside { .. } | Self::Protected { .. } | Self::NotPermitted { .. } => {
                Kind::Denied
            }
            Self::Missing { .. } => Kind::NotFound,
            Self::Changed { .. } | Self::Exists { .. } => Kind::Conflict,
            Self::BadPath { .. } | Self::NotAFile { .. } | Self::NotADirectory { .. } => {
                Kind::Invalid
            }
            Self::TooLarge { .. } => Kind::Limited,
            Self::Io { .. } => Kind::Unavailable,
        }
    }

    /// Returns what the caller can do about it, if there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Outside { .. } => Some("name a path within the workspace"),
            Self::Protected { .. } => {
                Some("ask the owner to make this change; reading the file is allowed")
            }
            Self::Missing { .. } => Some("list the directory to see what is there"),
            Self::Changed { .. } => Some("read it again"),
            Self::Exists { .. } => Some("name another path, or change what is there"),
            Self::NotAFile {
                found: EntryKind::Directory,
                ..
            } => Some("name a file within the directory, or list it"),
            Self::NotAFile { .. } => Some("name a regular file"),
            Self::NotADirectory { .. } => Some("name a directory"),
            Self::TooLarge { .. } => Some("read a part of it by a command such as head or grep"),
            Self::NotPermitted { .. } => Some("change the permissions of the file or its folder"),
            Self::BadPath { .. } | Self::Io { .. } => None,
        }
    }
}

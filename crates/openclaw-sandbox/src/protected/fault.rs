//! Why a workspace cannot be protected as it is.

use std::io;

/// What is wrong with a protected path; the command is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProtectionFault {
    /// It is a symlink, or one leads to it: what it means could be changed where it leads to.
    #[error("it is a symlink")]
    Symlink,
    /// A command made something there that leads git elsewhere, and that does not go away.
    #[error("what a command made there leads git elsewhere and cannot be removed: {0}")]
    Relic(#[source] io::Error),
    /// A path of the settings that does not name something within a workspace.
    #[error("it is no path within a workspace")]
    BadName,
    /// Settings of git that are longer than what is read of them.
    #[error("it is too long to be looked at")]
    TooLong,
    /// More than what can be mounted over a workspace, or included by settings.
    #[error("there are too many of its kind")]
    TooMany,
    /// What stands in for something missing is taken and given up again all the time.
    #[error("other commands do not let go of it")]
    Busy,
    /// The operating system does not let us look at it or put something in its place.
    #[error("{0}")]
    Io(#[source] io::Error),
}

impl ProtectionFault {
    /// Returns what the user can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Symlink => {
                "remove the symlink outside the sandbox, after looking where it leads, or put a \
                 real file or folder in its place"
            }
            Self::Relic(_) => {
                "look at what is new there, and remove it before you use git in that folder"
            }
            Self::BadName => "write a path relative to the workspace, without `..`",
            Self::TooLong => "make the file shorter than 1 MiB",
            Self::TooMany => {
                "remove repositories from the workspace that are not needed, or name a smaller \
                 folder as the workspace"
            }
            Self::Busy => "try again when other commands in this workspace have ended",
            Self::Io(_) => "see that the user of this process may read and write the workspace",
        }
    }
}

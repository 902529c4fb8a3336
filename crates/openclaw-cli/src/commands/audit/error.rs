//! Why a command about the audit stream failed, beyond what the event log says.

use std::io;
use std::path::PathBuf;

use openclaw_core::Kind;
use openclaw_core::events::Finding;

/// Why a command about the audit stream failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// There is no event log.
    #[error("the event log `{}` does not exist yet", .0.display())]
    NoLog(PathBuf),
    /// The log cannot be accepted, because it does not fit together by itself.
    #[error("the log cannot be accepted: {}", super::report::place(.0))]
    Broken(Box<Finding>),
    /// There is a file of that name.
    #[error("`{}` exists already; name another file", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// One document cannot hold what was asked for.
    #[error("{0}")]
    Format(&'static str),
}

impl AuditError {
    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::NoLog(_) => Kind::NotFound,
            Self::Broken(_) => Kind::Denied,
            Self::Exists(_) => Kind::Conflict,
            Self::Write { .. } => Kind::Unavailable,
            Self::Format(_) => Kind::Invalid,
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoLog(_) => {
                Some("say something first: `openclaw agent --message \"hello\"`".to_owned())
            }
            Self::Broken(_) => {
                Some("put a backup back with `openclaw backup restore FILE`".to_owned())
            }
            Self::Exists(_) | Self::Write { .. } | Self::Format(_) => None,
        }
    }
}

//! Why nothing was taken over.

use std::io;
use std::path::{Path, PathBuf};

use openclaw_config::edit::SaveError;
use openclaw_core::Kind;

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    /// There is nothing at the place that was named.
    #[error("`{}` is no state directory of OpenClaw", .0.display())]
    NoHome(PathBuf),
    /// A file cannot be read or copied.
    #[error("cannot copy `{}`: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Keys were to be taken out of a home that is only read.
    #[error("--redact-credentials is for the home that is used: another one is only read")]
    RedactElsewhere,
    /// The config cannot be written in the current form.
    #[error("the config cannot be written in the current form: {0}")]
    Config(#[from] SaveError),
}

impl MigrateError {
    /// Makes the failure of a file or folder.
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::NoHome(_) => Kind::NotFound,
            Self::RedactElsewhere => Kind::Invalid,
            Self::File { .. } => Kind::Unavailable,
            Self::Config(err) => err.kind(),
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoHome(_) => {
                "name the folder that has `openclaw.json` and `agents`, with --from".to_owned()
            }
            Self::RedactElsewhere => "leave it out, or leave --from out".to_owned(),
            Self::File { .. } => "correct that and run it again: nothing is taken twice".to_owned(),
            Self::Config(_) => "look at it with `openclaw config validate`".to_owned(),
        }
    }
}

//! Why a config was not changed, or what was looked for is not in it.

use std::path::PathBuf;

use openclaw_core::Kind;

use super::path::PathError;
use crate::edit::SaveError;
use crate::problem::Problem;

/// Why a config was not changed, or what was looked for is not in it.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The path cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A value cannot be what it is.
    #[error("{name} {problem}")]
    Value {
        /// What the value is called where it comes from.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no config file.
    #[error("there is no config file `{}`", .0.display())]
    NoFile(PathBuf),
    /// The config is wrong already.
    #[error("the config `{}` is invalid", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
        /// Whether it is in the form of an earlier release.
        form: Form,
    },
    /// The config would be wrong with the change.
    #[error("nothing was changed, because the config `{}` would be invalid", file.display())]
    WouldBeInvalid {
        /// The file.
        file: PathBuf,
        /// Everything that would be wrong with it.
        problems: Vec<Problem>,
    },
    /// Nothing is set at the path.
    #[error("`{0}` is not set")]
    NotSet(String),
    /// The config has no such path.
    #[error("the config has no `{path}`")]
    Unknown {
        /// The path as it was typed.
        path: String,
        /// The path that is most like it.
        nearest: Option<String>,
    },
    /// There is nothing to remove.
    #[error("there is no `{0}` in the config, so nothing was changed")]
    NothingToRemove(String),
    /// The change would throw away what somebody added.
    #[error("nothing was changed: `{path}` would lose {}", lost.join(", "))]
    WouldLose {
        /// What would be replaced.
        path: String,
        /// The entries that would be gone.
        lost: Vec<String>,
    },
    /// The value there is another one than was expected.
    #[error("nothing was changed: what stands at `{0}` is not what was expected there")]
    NotAsExpected(String),
    /// Somebody has changed the config since it was looked at.
    #[error("nothing was changed: the config is not the one that the change is meant for")]
    Moved,
    /// What is kept by the program itself.
    #[error("`{path}` cannot be edited: {why}")]
    Managed {
        /// The path.
        path: String,
        /// Who keeps it.
        why: &'static str,
    },
    /// The placeholder of a secret stands where there is no secret.
    #[error("`{0}` cannot be the text that stands for a secret: there is no secret to keep")]
    NoSecret(String),
    /// Two values cannot be brought together.
    #[error("`{0}` cannot be merged: one of the two values is no object")]
    NotMergeable(String),
    /// A model whose provider nobody knows.
    #[error("nothing was changed: no provider `{provider}` is known for the model `{model}`")]
    UnknownProvider {
        /// The model.
        model: String,
        /// Its provider.
        provider: String,
    },
    /// The config cannot be written.
    #[error(transparent)]
    Save(SaveError),
}

/// The form that a config is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The current one, as far as can be seen.
    Current,
    /// That of an earlier release; in the current form it would be valid.
    Earlier,
}

impl ChangeError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NotSet(_) | Self::Unknown { .. } | Self::NothingToRemove(_) | Self::NoFile(_) => {
                Kind::NotFound
            }
            Self::NotAsExpected(_) | Self::Moved => Kind::Conflict,
            Self::Save(err) => err.kind(),
            Self::Invalid { .. } | Self::WouldBeInvalid { .. } => Kind::Config,
            Self::Path(_)
            | Self::Value { .. }
            | Self::WouldLose { .. }
            | Self::Managed { .. }
            | Self::NoSecret(_)
            | Self::NotMergeable(_)
            | Self::UnknownProvider { .. } => Kind::Invalid,
        }
    }

    /// Returns everything that is wrong, or would be, with the config.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. }
            | Self::WouldBeInvalid { problems, .. }
            | Self::Save(SaveError::Unreadable(problems) | SaveError::Refused(problems)) => {
                problems
            }
            _ => &[],
        }
    }
}

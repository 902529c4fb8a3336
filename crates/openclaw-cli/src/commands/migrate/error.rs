//! Why nothing was taken over.

use std::path::PathBuf;

use openclaw_core::Kind;

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    /// There is nothing at the place that was named.
    #[error("there is no state directory `{}`", .0.display())]
    NoHome(PathBuf),
}

impl MigrateError {
    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::NoHome(_) => Kind::NotFound,
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoHome(_) => {
                "name the folder that has `openclaw.json` and `agents`, with --from".to_owned()
            }
        }
    }
}

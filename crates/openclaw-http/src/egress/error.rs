//! Why a request is refused, or comes to nothing.

use openclaw_core::Kind;

use crate::guard::{ConnectError, Refused, Target};

/// Why a connection that was asked for is not made.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not among the hosts that are allowed.
    #[error("{target} is not in {setting}")]
    NotAllowed {
        /// What was asked for.
        target: Target,
        /// The list.
        setting: &'static str,
    },
    /// It is among the hosts that are denied, or one of its addresses is.
    #[error("{target} is denied by `{entry}` in {setting}")]
    Denied {
        /// What was asked for.
        target: Target,
        /// The entry.
        entry: String,
        /// The list.
        setting: &'static str,
    },
    /// The judge of addresses refuses it, or cannot judge it.
    #[error(transparent)]
    Guard(#[from] Refused),
    /// The name was not found in time.
    #[error("{} was not found in time", target.host)]
    Slow {
        /// What was asked for.
        target: Target,
    },
    /// It may be reached, but is not there.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl Refusal {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NotAllowed { .. } | Self::Denied { .. } => Kind::Denied,
            Self::Guard(refused) => refused.kind(),
            Self::Slow { .. } => Kind::Unavailable,
            Self::Connect(err) => err.kind(),
        }
    }
}

//! How far the network of one run reaches.

use std::path::Path;

use crate::{Egress, Reach, SandboxConfig, SandboxError, SandboxLevel, bwrap::arguments::Network};

/// What the command gets to see of the network.
#[derive(Clone, Debug)]
pub(super) enum Access {
    /// Nothing.
    None,
    /// A proxy.
    Proxy(Egress),
    /// Everything.
    Host,
}

impl Access {
    /// Returns what a configuration comes to, inside `bubblewrap` if there is one.
    pub(super) fn of(
        config: &SandboxConfig,
        reach: &Reach,
        bubblewrap: Option<&Path>,
    ) -> Result<Self, SandboxError> {
        match (config.level, config.network_access) {
            (SandboxLevel::None, _) => Ok(Self::Host),
            (SandboxLevel::Relaxed | SandboxLevel::Strict, false)
            | (SandboxLevel::Strict, true) => Ok(Self::None),
            (SandboxLevel::Relaxed, true) => match reach {
                Reach::Nowhere => Err(SandboxError::NoEgress),
                // On a network that is shared, nothing would make the command use the proxy.
                Reach::Proxy(_) if bubblewrap.is_none() => Ok(Self::None),
                Reach::Proxy(egress) => Ok(Self::Proxy(egress.clone())),
                Reach::Host => Ok(Self::Host),
            },
        }
    }

    /// Returns who serves the proxy, if there is to be one.
    pub(super) fn egress(&self) -> Option<Egress> {
        match self {
            Self::Proxy(egress) => Some(egress.clone()),
            Self::None | Self::Host => None,
        }
    }

    pub(super) fn network(&self) -> Network {
        match self {
            Self::None | Self::Proxy(_) => Network::Unshared,
            Self::Host => Network::Shared,
        }
    }
}

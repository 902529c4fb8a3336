//! What the config asks of those who come.

use openclaw_config::{AuthMode, ProxyAuth};
use openclaw_core::access::{Admitted, SharedSecret};

use crate::audit::Door;

/// How callers show who they are.
#[derive(Clone, Debug)]
pub(crate) enum Rules {
    /// Nobody has said; nobody is let in.
    Shut,
    /// By the token or the password.
    Secret(SharedSecret),
    /// By a proxy; the owner of the machine by a secret.
    Proxy(ProxyAuth, SharedSecret),
    /// Not at all.
    Anybody,
}

impl Rules {
    /// Makes the rules of a config's mode and the secret that goes with it.
    pub(crate) fn of(mode: AuthMode, proxy: Option<&ProxyAuth>, secret: SharedSecret) -> Self {
        match (mode, proxy) {
            (AuthMode::Token | AuthMode::Password, _) => Self::Secret(secret),
            (AuthMode::TrustedProxy, Some(proxy)) => Self::Proxy(proxy.clone(), secret),
            (AuthMode::TrustedProxy, None) => Self::Shut,
            (AuthMode::None, _) => Self::Anybody,
        }
    }

    /// Returns the secret that opens the gateway to somebody who comes in by this door.
    pub(super) fn secret_for(&self, door: Door) -> Option<&SharedSecret> {
        match self {
            Self::Secret(secret) => Some(secret),
            // Beside the proxy there is a way for programs on this machine, and for nobody else.
            Self::Proxy(_, secret) if door.local => Some(secret),
            Self::Shut | Self::Proxy(..) | Self::Anybody => None,
        }
    }

    /// Admits a user of a trusted proxy's.
    pub(super) fn proxied(&self, user: &str) -> Option<Admitted> {
        let Self::Proxy(proxy, _) = self else {
            return None;
        };
        let listed =
            proxy.allow_users.is_empty() || proxy.allow_users.iter().any(|one| one == user);
        listed.then(|| Admitted::proxied(user))
    }

    /// Tells whether somebody who shows nothing is let in.
    ///
    /// # Security
    /// The gateway does not listen beyond this machine then; what a proxy passes on comes from
    /// beyond it all the same.
    pub(super) fn anybody_may(&self, door: Door) -> bool {
        matches!(self, Self::Anybody) && door.local
    }

    /// Tells whether a password opens the gateway, which may be any text.
    pub(super) fn asks_password(&self) -> bool {
        match self {
            Self::Secret(secret) | Self::Proxy(_, secret) => secret.is_guessable(),
            Self::Shut | Self::Anybody => false,
        }
    }

    pub(super) const fn is_shut(&self) -> bool {
        matches!(self, Self::Shut)
    }

    /// Tells whether the same callers get in.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shut, Self::Shut) | (Self::Anybody, Self::Anybody) => true,
            (Self::Secret(one), Self::Secret(other)) => one.same(other),
            (Self::Proxy(one, secret), Self::Proxy(other, other_secret)) => {
                one == other && secret.same(other_secret)
            }
            _ => false,
        }
    }
}

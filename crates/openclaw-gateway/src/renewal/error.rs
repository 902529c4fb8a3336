//! Why there is no sign-in, or no new one.

use std::io;
use std::path::PathBuf;

use openclaw_config::OWN_FILE;
use openclaw_core::{Kind, ProviderId};
use openclaw_http::oauth::OauthError;

use crate::vault::VaultError;

/// Why there is no sign-in at a provider, or no new one.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The settings do not say how.
    #[error("the provider `{0}` is not signed in to: `{OWN_FILE}` has no `oauth.{0}`")]
    NotConfigured(ProviderId),
    /// The server, or the way to it, does not do what it should.
    #[error("the sign-in at `{provider}`: {source}")]
    Oauth {
        /// The provider.
        provider: ProviderId,
        /// The reason.
        source: OauthError,
    },
    /// The credential store cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another process has been looking after the sign-in for longer than that takes.
    #[error("another process holds the sign-in at `{0}`")]
    Busy(ProviderId),
    /// The lock cannot be used.
    #[error("cannot lock `{}`: {source}", path.display())]
    Lock {
        /// Its file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl SignInError {
    /// Makes the failure of a sign-in at this provider.
    pub fn at(provider: &ProviderId, source: OauthError) -> Self {
        Self::Oauth {
            provider: provider.clone(),
            source,
        }
    }

    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::NotConfigured(_) => Kind::Config,
            Self::Oauth { source, .. } => source.kind(),
            Self::Vault(err) => err.kind(),
            Self::Busy(_) => Kind::Busy,
            Self::Lock { .. } => Kind::Unavailable,
        }
    }

    /// Returns what the user can do about it; it starts with a verb.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotConfigured(provider) => Some(format!(
                "add `oauth: {{ {provider}: {{ issuer: \"https://...\", clientId: \"...\", scopes: [...] }} }}` to {OWN_FILE}"
            )),
            Self::Oauth {
                source: OauthError::SignInAgain(_),
                provider,
            } => Some(format!(
                "sign in again: `openclaw configure --section auth --login {provider}`"
            )),
            Self::Oauth { source, .. } => source.hint().map(str::to_owned),
            Self::Vault(err) => err.hint(),
            Self::Busy(_) | Self::Lock { .. } => None,
        }
    }
}

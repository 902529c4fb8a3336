//! Secrets that cannot be printed, and references to secrets that live elsewhere.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the type that others are to use in place of the text"
)]

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretBox};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A secret: an API key, a bot token, a bearer token.
///
/// It prints as `[REDACTED]` everywhere and cannot be serialised. Its memory is zeroed when it is
/// dropped, or when [`redaction`](crate::redaction), which was told of it, needs it no longer.
///
/// ```
/// use openclaw_core::secrets::ApiKey;
///
/// let key = ApiKey::new("sk-ant-...".to_string());
/// assert_eq!(format!("{key}"), "[REDACTED]");
/// assert_eq!(format!("{key:?}"), "ApiKey([REDACTED])");
/// assert_eq!(key.expose_secret(), "sk-ant-...");
/// ```
///
/// It has no way into JSON:
///
/// ```compile_fail,E0277
/// serde_json::to_string(&openclaw_core::secrets::ApiKey::new("sk".into()));
/// ```
///
/// And there is one of it; who needs it in two places shares it in an [`Arc`]:
///
/// ```compile_fail,E0599
/// let copy = openclaw_core::secrets::ApiKey::new("sk".into()).clone();
/// ```
pub struct ApiKey(Arc<SecretBox<str>>);

/// Any secret; keys were the first of them.
pub use ApiKey as Secret;

impl ApiKey {
    /// Takes ownership of the secret text.
    pub fn new(s: String) -> Self {
        Self(Arc::new(SecretBox::new(s.into_boxed_str())))
    }

    /// Returns the secret itself.
    ///
    /// # Security
    /// Call this only where the secret leaves for the party that it belongs to.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the memory that it shares with the redaction table.
    pub(crate) const fn shared(&self) -> &Arc<SecretBox<str>> {
        &self.0
    }

    /// Tells whether there is no text in it.
    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }

    /// Returns how many bytes it has.
    pub fn len(&self) -> usize {
        self.0.expose_secret().len()
    }

    /// Tells whether `presented` is this secret.
    ///
    /// # Security
    /// Hashes are compared, so that neither content nor length shows in the time it takes.
    pub fn verify(&self, presented: &str) -> bool {
        let expected = Sha256::digest(self.0.expose_secret());
        bool::from(expected.ct_eq(&Sha256::digest(presented)))
    }

    /// Tells whether two secrets are the same, as [`verify`](Self::verify) does.
    pub fn same(&self, other: &Self) -> bool {
        self.verify(other.0.expose_secret())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([REDACTED])")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Where a secret is to be found; the reference itself is not secret.
///
/// In a config it is `{source, provider, id}`, as in OpenClaw. `provider` is the alias of an entry
/// of `secrets.providers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretRef {
    /// An environment variable of the gateway's process.
    Env {
        /// The alias of the secret provider, `default` unless configured otherwise.
        provider: String,
        /// The variable's name.
        id: String,
    },
    /// A file on this machine.
    File {
        /// The alias of the secret provider that names the file.
        provider: String,
        /// A JSON pointer (RFC 6901) into the file, or `value` for all of it.
        id: String,
    },
    /// A program that prints secrets.
    Exec {
        /// The alias of the secret provider that names the program.
        provider: String,
        /// What the program calls the secret.
        id: String,
    },
    /// The encrypted credential store.
    Store {
        /// The alias of the secret provider, `default` unless configured otherwise.
        provider: String,
        /// The credential's name.
        id: String,
    },
}

impl SecretRef {
    /// Returns the name of the secret where it is kept.
    pub fn id(&self) -> &str {
        let (Self::Env { id, .. }
        | Self::File { id, .. }
        | Self::Exec { id, .. }
        | Self::Store { id, .. }) = self;
        id
    }
}

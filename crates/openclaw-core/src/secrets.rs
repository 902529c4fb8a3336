//! Secrets that cannot be printed, and references to secrets that live elsewhere.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretBox};
use serde::{Deserialize, Serialize};

/// A secret: an API key, a bot token, a bearer token.
///
/// It is zeroed when dropped, prints as `[REDACTED]` everywhere, and cannot be serialised.
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
/// ```compile_fail
/// // A secret has no way into JSON.
/// serde_json::to_string(&openclaw_core::secrets::ApiKey::new("sk".into()));
/// ```
pub struct ApiKey(SecretBox<str>);

impl ApiKey {
    /// Takes ownership of the secret text.
    pub fn new(s: String) -> Self {
        Self(SecretBox::new(s.into_boxed_str()))
    }

    /// Returns the secret itself.
    ///
    /// # Security
    /// Call this only where the secret leaves for the party that it belongs to.
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns `text` with every occurrence of the secret replaced by `[REDACTED]`.
    ///
    /// Servers quote keys in their error messages; this runs over such text before it is kept.
    pub fn redact(&self, text: &str) -> String {
        let secret = self.expose_secret();
        if secret.is_empty() {
            text.to_owned()
        } else {
            text.replace(secret, "[REDACTED]")
        }
    }
}

impl Clone for ApiKey {
    fn clone(&self) -> Self {
        Self::new(self.expose_secret().to_owned())
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

//! The encrypted credential store, as a config sees it: names that may have a secret.

use std::error::Error;

use openclaw_core::ApiKey;
use openclaw_core::env::Env;

use super::secrets::{SecretError, variable};

/// Where the records of the credential store come from.
///
/// Whoever resolves secrets passes one in: a config knows neither the files nor the password.
pub trait Credentials {
    /// Returns the secret of a record, or nothing where there is no such record.
    fn credential(&self, record: &str) -> Result<Option<ApiKey>, CredentialsError>;
}

/// Why the credential store, or one record of it, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct CredentialsError {
    /// What the user can do about it; it starts with a verb.
    pub hint: Option<String>,
    /// The reason.
    pub source: Box<dyn Error + Send + Sync>,
}

/// Returns the name of the record that a reference means.
///
/// References are written in capitals, as OpenClaw demands (`OPENAI_API_KEY`), and records are
/// named in small letters (`openai_api_key`).
pub fn record_name(id: &str) -> String {
    id.to_ascii_lowercase()
}

/// Returns what `{{ NAME }}` means: the record, or else the environment variable.
///
/// A store that cannot be opened does not fall back to the environment: what is there may be a
/// value that was meant to be replaced.
pub(super) fn named(
    name: &str,
    env: &Env,
    store: Option<&dyn Credentials>,
) -> Result<ApiKey, SecretError> {
    let Some(store) = store else {
        return variable(name, env);
    };
    match kept(store, &record_name(name))? {
        Some(secret) => Ok(secret),
        None => variable(name, env).map_err(|_unset| SecretError::Nowhere(name.to_owned())),
    }
}

/// Returns the secret of a record.
pub(super) fn kept(store: &dyn Credentials, record: &str) -> Result<Option<ApiKey>, SecretError> {
    store
        .credential(record)
        .map_err(|source| SecretError::Store {
            record: record.to_owned(),
            source,
        })
}

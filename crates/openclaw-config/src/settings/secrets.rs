//! Secrets in a config: written out, or a reference to where they are kept.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::env::Env;
use openclaw_core::redaction;
use openclaw_core::secrets::SecretRef;
use openclaw_core::{ApiKey, Kind};
use serde_json::Value;

use super::credentials::{Credentials, CredentialsError, kept, named, record_name};
use super::reader::Reader;

/// The alias that needs no entry of its own.
const DEFAULT_ALIAS: &str = "default";
/// The most bytes of a secret file, unless its entry says otherwise.
const MAX_FILE: u64 = 1024 * 1024;
/// The id that stands for a whole file.
const WHOLE: &str = "value";

/// A secret as a config gives it.
#[derive(Clone, Debug)]
pub enum SecretInput {
    /// The secret itself stands in the file.
    Inline(Arc<ApiKey>),
    /// The file says where the secret is.
    Ref(SecretRef),
    /// `{{ NAME }}`: a credential of that name, or else the environment variable.
    Named(String),
}

/// Two are the same where the config says the same; what a reference leads to is not looked at.
impl PartialEq for SecretInput {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline(one), Self::Inline(other)) => one.same(other),
            (Self::Ref(one), Self::Ref(other)) => one == other,
            (Self::Named(one), Self::Named(other)) => one == other,
            (Self::Inline(_) | Self::Ref(_) | Self::Named(_), _) => false,
        }
    }
}

/// One entry of `secrets.providers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretProvider {
    /// Environment variables; with a list, only these.
    Env {
        /// The names that may be read.
        allowlist: Option<Vec<String>>,
    },
    /// A file.
    File {
        /// The file.
        path: PathBuf,
        /// What the file has.
        holds: Holds,
        /// The most bytes that it may have.
        max_bytes: u64,
    },
    /// A program that prints secrets.
    Exec,
    /// The encrypted credential store.
    Store,
}

/// What a secret file has (`mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A JSON document with secrets in it (`json`).
    Json,
    /// One secret and nothing else (`singleValue`).
    OneSecret,
}

/// Where secrets come from: `secrets.providers`.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    providers: BTreeMap<String, SecretProvider>,
    /// The alias of the credential store that needs no entry (`secrets.defaults.store`).
    store_alias: Option<String>,
}

/// Why a secret cannot be had. No message has any part of a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment variable `{0}` is not set")]
    Variable(String),
    /// The variable is not on the list of its provider.
    #[error("`secrets.providers.{alias}` does not allow the variable `{id}`")]
    NotAllowed {
        /// The provider.
        alias: String,
        /// The variable.
        id: String,
    },
    /// There is no such provider, or it is of another kind.
    #[error("there is no `secrets.providers.{alias}` of the source `{source_kind}`")]
    NoProvider {
        /// The alias.
        alias: String,
        /// The source that was asked for.
        source_kind: &'static str,
    },
    /// The file cannot be read.
    #[error("the secret file `{path}` cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file does not keep its secret.
    #[error("the secret file `{path}` {why}")]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file has no such secret.
    #[error("the secret file `{path}` has no text at `{id}`")]
    NotInFile {
        /// The file.
        path: PathBuf,
        /// The JSON pointer.
        id: String,
    },
    /// The reference names a source that this program cannot ask yet.
    #[error("secrets of the source `{0}` cannot be read by this version")]
    Source(&'static str),
    /// The credential store has no such record.
    #[error("the credential store has no record `{0}`")]
    NoRecord(String),
    /// Neither the credential store nor the environment has it.
    #[error("neither is there a credential `{record}` nor is the environment variable `{0}` set", record = record_name(.0))]
    Nowhere(String),
    /// The credential store, or the record, cannot be used.
    #[error("the credential `{record}` cannot be read: {source}")]
    Store {
        /// The record.
        record: String,
        /// The reason.
        source: CredentialsError,
    },
    /// The secret is empty, or its form is not known.
    #[error("the secret is empty, or a reference that this version does not know")]
    Empty,
}

impl SecretError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }

    /// Returns what the user can do about it; it starts with a verb.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Variable(name) => Some(format!("set `{name}` in the environment of the gateway")),
            Self::NoRecord(record) => {
                Some(format!("store it with `openclaw credentials set {record}`"))
            }
            Self::Nowhere(name) => Some(format!(
                "store it with `openclaw credentials set {}`, or set `{name}` in the environment of the gateway",
                record_name(name)
            )),
            Self::Store { source, .. } => source.hint.clone(),
            Self::NotAllowed { .. }
            | Self::NoProvider { .. }
            | Self::File { .. }
            | Self::Unsafe { .. }
            | Self::NotInFile { .. }
            | Self::Source(_)
            | Self::Empty => None,
        }
    }
}

impl SecretInput {
    /// Reads the text of a secret: `{{ NAME }}` and a `${NAME}` that had no value are references.
    pub(super) fn from_text(text: &str) -> Self {
        let between = |open, close| {
            let name = text.trim().strip_prefix(open)?.strip_suffix(close)?;
            let name = name.trim();
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            (!name.is_empty() && name.chars().all(legal)).then(|| name.to_owned())
        };
        if let Some(name) = between("{{", "}}") {
            return Self::Named(name);
        }
        match between("${", "}") {
            Some(id) => Self::Ref(SecretRef::Env {
                provider: DEFAULT_ALIAS.to_owned(),
                id,
            }),
            None => Self::Inline(Arc::new(ApiKey::new(text.to_owned()))),
        }
    }

    /// Returns the name by which the secret is known; nothing of one that stands in the file.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Inline(_) => None,
            Self::Ref(reference) => Some(reference.id()),
            Self::Named(name) => Some(name),
        }
    }
}

impl Secrets {
    /// Returns a secret that a config gives or points to.
    ///
    /// Without a credential store, what only that can have is not looked for.
    pub fn resolve(
        &self,
        input: &SecretInput,
        env: &Env,
        store: Option<&dyn Credentials>,
    ) -> Result<Arc<ApiKey>, SecretError> {
        let secret = match input {
            SecretInput::Inline(secret) => Arc::clone(secret),
            SecretInput::Named(name) => Arc::new(named(name, env, store)?),
            SecretInput::Ref(reference) => Arc::new(self.referred(reference, env, store)?),
        };
        if secret.is_empty() {
            return Err(SecretError::Empty);
        }
        redaction::learn(&secret);
        Ok(secret)
    }

    fn referred(
        &self,
        reference: &SecretRef,
        env: &Env,
        store: Option<&dyn Credentials>,
    ) -> Result<ApiKey, SecretError> {
        match reference {
            SecretRef::Env { provider, id } => match self.providers.get(provider) {
                Some(SecretProvider::Env {
                    allowlist: Some(allowed),
                }) if !allowed.contains(id) => Err(SecretError::NotAllowed {
                    alias: provider.clone(),
                    id: id.clone(),
                }),
                Some(SecretProvider::Env { .. }) => variable(id, env),
                None if provider == DEFAULT_ALIAS => variable(id, env),
                _ => Err(no_provider(provider, "env")),
            },
            SecretRef::File { provider, id } => match self.providers.get(provider) {
                Some(SecretProvider::File {
                    path,
                    holds,
                    max_bytes,
                }) => in_file(path, *holds, *max_bytes, id),
                _ => Err(no_provider(provider, "file")),
            },
            SecretRef::Exec { .. } => Err(SecretError::Source("exec")),
            SecretRef::Store { provider, id } => {
                let implied = self.store_alias.as_deref().unwrap_or(DEFAULT_ALIAS);
                match self.providers.get(provider) {
                    Some(SecretProvider::Store) => {}
                    _ if provider == implied => {}
                    _ => return Err(no_provider(provider, "store")),
                }
                let store = store.ok_or(SecretError::Source("store"))?;
                let record = record_name(id);
                kept(store, &record)?.ok_or(SecretError::NoRecord(record))
            }
        }
    }
}

fn no_provider(alias: &str, source_kind: &'static str) -> SecretError {
    SecretError::NoProvider {
        alias: alias.to_owned(),
        source_kind,
    }
}

pub(super) fn variable(name: &str, env: &Env) -> Result<ApiKey, SecretError> {
    env.get(name)
        .map(|value| ApiKey::new(value.to_owned()))
        .ok_or_else(|| SecretError::Variable(name.to_owned()))
}

fn in_file(path: &Path, holds: Holds, max_bytes: u64, id: &str) -> Result<ApiKey, SecretError> {
    let text = private_text(path, max_bytes)?;
    let missing = || SecretError::NotInFile {
        path: path.to_owned(),
        id: id.to_owned(),
    };
    if holds == Holds::OneSecret {
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        return (id == WHOLE)
            .then(|| ApiKey::new(text.to_owned()))
            .ok_or_else(missing);
    }
    let document: Value = serde_json::from_str(&text).map_err(|_quotes_the_text| missing())?;
    document
        .pointer(id)
        .and_then(Value::as_str)
        .map(|secret| ApiKey::new(secret.to_owned()))
        .ok_or_else(missing)
}

/// Reads a file that nobody else can read, and that is nothing but a file.
fn private_text(path: &Path, max_bytes: u64) -> Result<String, SecretError> {
    let failed = |source| SecretError::File {
        path: path.to_owned(),
        source,
    };
    let refused = |why| SecretError::Unsafe {
        path: path.to_owned(),
        why,
    };
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let about = fs::symlink_metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(refused("is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if about.mode() & 0o077 != 0 {
            return Err(refused("can be read by others: `chmod 600` it"));
        }
        if about.nlink() > 1 {
            return Err(refused("has further names (hard links)"));
        }
    }
    let mut text = String::new();
    File::open(path)
        .and_then(|file| {
            file.take(max_bytes.saturating_add(1))
                .read_to_string(&mut text)
        })
        .map_err(failed)?;
    if u64::try_from(text.len()).is_ok_and(|size| size > max_bytes) {
        return Err(refused("is larger than `maxBytes`"));
    }
    Ok(text)
}

impl Reader<'_> {
    pub(super) fn secrets(&mut self) -> Secrets {
        let entries: Vec<(&str, &Value)> = self.members(&["secrets", "providers"]).collect();
        let providers = entries
            .into_iter()
            .filter_map(|(alias, entry)| Some((alias.to_owned(), self.secret_provider(entry)?)))
            .collect();
        Secrets {
            providers,
            store_alias: self.string(&["secrets", "defaults", "store"]),
        }
    }

    fn secret_provider(&self, entry: &Value) -> Option<SecretProvider> {
        let text = |key| entry.get(key).and_then(Value::as_str);
        Some(match text("source")? {
            "env" => SecretProvider::Env {
                allowlist: entry
                    .get("allowlist")
                    .and_then(Value::as_array)
                    .map(|names| {
                        names
                            .iter()
                            .filter_map(Value::as_str)
                            .map(str::to_owned)
                            .collect()
                    }),
            },
            "file" => SecretProvider::File {
                path: self.path(text("path")?),
                holds: match text("mode") {
                    Some("singleValue") => Holds::OneSecret,
                    _ => Holds::Json,
                },
                max_bytes: entry
                    .get("maxBytes")
                    .and_then(Value::as_u64)
                    .unwrap_or(MAX_FILE),
            },
            "exec" => SecretProvider::Exec,
            "store" => SecretProvider::Store,
            _ => return None,
        })
    }
}

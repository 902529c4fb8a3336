//! What a config means: what the user's `openclaw.json` means.
//!
//! Two types keep "what the file says" and "what it means" apart: [`raw::RawConfig`] holds the
//! JSON5 document with every key, known or not; [`Config`] is immutable and complete, and is made
//! from it in one go with *all* problems reported together.

mod maintenance;
mod quantity;
mod raw;
mod resolve;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use maintenance::{Maintenance, MaintenanceMode};
pub use quantity::{QuantityError, parse_duration, parse_size};
pub use raw::RawConfig;

use openclaw_core::secrets::SecretRef;
use openclaw_core::{ApiKey, Kind, ModelRef, ProviderId};

use crate::problem::Problem;

/// The port that the gateway listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 18789;

/// What the config means.
#[derive(Clone, Debug)]
pub struct Config {
    /// The model that agents use (`agents.defaults.model.primary`).
    pub model: Option<ModelRef>,
    /// The agents' workspace (`agents.defaults.workspace`).
    pub workspace: Option<PathBuf>,
    /// The configured providers (`models.providers`).
    pub providers: BTreeMap<ProviderId, ProviderSettings>,
    /// The gateway's own settings.
    pub gateway: GatewaySettings,
    /// How long sessions are kept (`session.maintenance`).
    pub maintenance: Maintenance,
    /// What was understood but is not followed, for the operator to know.
    pub warnings: Vec<Problem>,
}

/// One entry of `models.providers`.
#[derive(Clone, Debug, Default)]
pub struct ProviderSettings {
    /// Where the provider's API is (`baseUrl`).
    pub base_url: Option<String>,
    /// The wire format that it speaks (`api`), such as `openai-completions`.
    pub api: Option<String>,
    /// Its API key, or where to find it (`apiKey`).
    pub api_key: Option<SecretInput>,
    /// What is said about its models (`models`).
    pub models: Vec<ModelSettings>,
}

/// One entry of `models.providers.<id>.models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSettings {
    /// The provider's name for the model.
    pub id: String,
    /// The most tokens that it may write in one answer.
    pub max_tokens: Option<u32>,
}

/// The settings under `gateway`.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// The port to listen on.
    pub port: u16,
    /// Which addresses to listen on.
    pub bind: Bind,
    /// The configured bearer token, or where to find it (`auth.token`).
    pub token: Option<SecretInput>,
}

/// Which addresses the gateway listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// 127.0.0.1 only.
    Loopback,
    /// Every address of the machine.
    Lan,
}

/// A secret as a config gives it.
#[derive(Clone, Debug)]
pub enum SecretInput {
    /// The secret itself stands in the file.
    Inline(ApiKey),
    /// The file says where the secret is.
    Ref(SecretRef),
}

/// Why there is no usable config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The file says something that has no meaning here.
    #[error("the config `{path}` is invalid: {}", list(problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong with it, in the order of the file's areas.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }
}

impl Config {
    /// Reads the config file; a missing file means all defaults.
    pub fn load(path: &std::path::Path) -> Result<Self, ConfigError> {
        let raw = RawConfig::load(path)?;
        resolve::resolve(&raw).map_err(|problems| ConfigError::Invalid {
            path: path.to_owned(),
            problems,
        })
    }
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

//! What a config means: immutable, complete, and made in one go from what the files say.
//!
//! A config gets here only after it was judged (see [`crate::rules`]), so that nothing is refused
//! here any more. What OpenClaw accepts and this program does not follow becomes a warning.

mod agents;
mod approvals;
mod auth;
mod budget;
mod compaction;
mod credentials;
mod diagnostics;
mod embeddings;
mod extensions;
mod followed;
mod gateway;
mod http_api;
mod http_tools;
mod known_secrets;
pub(crate) mod limits;
mod load;
mod logging;
mod maintenance;
mod model_choice;
mod oauth;
mod own;
mod own_gateway;
mod own_providers;
mod provenance;
mod providers;
mod quantity;
mod queue;
mod reader;
mod request;
mod sandbox;
mod secrets;
mod skills;
#[cfg(test)]
mod tests;
mod tls;
mod tools;
mod tools_sessions;
mod tools_web;
mod webhooks;

use std::collections::BTreeMap;
use std::path::PathBuf;

use openclaw_core::env::Env;
use openclaw_core::{AgentId, Kind, ModelRef, ProviderId};

pub use agents::{AgentSettings, DEFAULT_AGENT};
pub use approvals::{ApprovalSettings, WhenUnattended};
pub use auth::{AuthMode, AuthSettings, LockoutSettings, ProxyAuth};
pub use budget::{BudgetSettings, Cap};
pub use compaction::CompactionSettings;
pub use credentials::{Credentials, CredentialsError, record_name};
pub use diagnostics::{DiagnosticsSettings, MetricsAccess, OtelSettings};
pub use embeddings::EmbeddingSettings;
pub use extensions::Extensions;
pub use gateway::{Bind, ClientAddress, DEFAULT_PORT, GatewayRefusal, GatewaySettings, ReloadMode};
pub use http_api::{Answers, ByUrl, ChatRoute, HttpApiSettings, ResponsesRoute, Sources};
pub use http_tools::{HttpToolSettings, OverHttp};
pub use limits::LimitSettings;
pub use load::{Judged, judge};
pub use logging::{ConsoleStyle, LogLevel, LoggingSettings};
pub use maintenance::{Maintenance, MaintenanceMode};
pub use model_choice::{Misnamed, ModelParams, Thinking, aliases, model_named};
pub use oauth::{OauthEndpoints, OauthSettings};
pub use own::{OWN_FILE, OwnSettings};
pub use own_gateway::OwnGateway;
pub use own_providers::{OwnProvider, OwnTimeouts};
pub use provenance::{ASKED_EFFECTS, ProvenanceSettings, UNTRUSTED_ORIGINS};
pub use providers::{ModelSettings, ProviderSettings};
pub use quantity::{QuantityError, parse_duration, parse_size};
pub use queue::{
    CommandTimes, LoopDetection, QueueMode, QueueOverflow, QueueSettings, TurnSettings,
};
pub use request::{ProxySettings, RequestAuth, RequestSettings};
pub use sandbox::{
    Confinement, SandboxLimits, SandboxNetwork, SandboxPolicy, SandboxSettings, Set, SetBy,
};
pub use secrets::{Holds, SecretError, SecretInput, SecretProvider, Secrets};
pub use skills::{AgentSkillSettings, SkillEntry, SkillLimits, SkillSettings};
pub use tls::{TlsSettings, WhenMissing};
pub use tools::ToolSettings;

pub use tools_sessions::{SessionToolSettings, SessionVisibility};
pub use tools_web::{
    BraveSettings, SearxngSettings, WebFetchSettings, WebLists, WebSearchSettings, WebSettings,
};

pub use webhooks::{KeysBySender, MappedAction, WebhookKeys, WebhookMapping, WebhookSettings};

use crate::problem::Problem;

/// What the config means.
#[derive(Clone, Debug)]
pub struct Config {
    /// The agents, the default one first; there is always one.
    pub agents: Vec<AgentSettings>,
    /// The configured providers (`models.providers`).
    pub providers: BTreeMap<ProviderId, ProviderSettings>,
    /// The short names of models (`agents.defaults.models.*.alias`).
    pub aliases: BTreeMap<String, ModelRef>,
    /// Which of a provider's sign-ins comes first (`auth.order`).
    pub sign_in_order: BTreeMap<ProviderId, Vec<String>>,
    /// The gateway's own settings.
    pub gateway: GatewaySettings,
    /// Which routes speak OpenAI's HTTP API (`gateway.http.endpoints`).
    pub http_api: HttpApiSettings,
    /// Which tools `POST /tools/invoke` runs (`gateway.tools`).
    pub http_tools: HttpToolSettings,
    /// Who may hand something to agents; none where nobody may (`hooks`).
    pub webhooks: Option<WebhookSettings>,
    /// How long sessions are kept (`session.maintenance`).
    pub maintenance: Maintenance,
    /// What is written to the log (`logging`).
    pub logging: LoggingSettings,
    /// What is measured, and who gets it (`diagnostics`).
    pub diagnostics: DiagnosticsSettings,
    /// Where secrets come from (`secrets.providers`).
    pub secrets: Secrets,
    /// Which skills there are, and who may have them (`skills`).
    pub skills: SkillSettings,
    /// When sessions are summed up, and by whom (`agents.defaults.compaction`).
    pub compaction: CompactionSettings,
    /// How turns go (`messages.queue`, `tools.loopDetection`).
    pub turns: TurnSettings,
    /// Which tools may be called, by whom (`tools`).
    pub tools: ToolSettings,
    /// How the web is read and searched (`tools.web`).
    pub web: WebSettings,
    /// Which sessions agents may look into (`tools.sessions`, `tools.agentToAgent`).
    pub session_tools: SessionToolSettings,
    /// The models that look at pictures (`agents.defaults.imageModel`).
    pub image_models: Vec<ModelRef>,
    /// What only this program knows (`openclaw-rs.json5`).
    pub own: OwnSettings,
    /// The environment with what the `.env` files add.
    pub env: Env,
    /// The files that this was read from, or would have been: what to watch for changes.
    pub files: Vec<PathBuf>,
    /// What the operator should know, as OpenClaw says it too.
    pub warnings: Vec<Problem>,
    /// What was understood but is not followed.
    pub not_followed: Vec<Problem>,
}

impl Config {
    /// Returns the agent that answers where nobody else is named.
    pub fn default_agent(&self) -> Option<&AgentSettings> {
        self.agents.first()
    }

    /// Returns the agent of that id.
    pub fn agent(&self, id: &AgentId) -> Option<&AgentSettings> {
        self.agents.iter().find(|agent| agent.id == *id)
    }
}

/// Why there is no usable config.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the config `{path}` is invalid: {}", list(problems))]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// Everything that is wrong with it, in the order of the file.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }
}

fn list(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

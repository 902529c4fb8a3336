//! Output of the method about the gateway's own health.

use openclaw_core::{AgentId, SessionKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Output of `health.get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthGetOutput {
    /// Whether the gateway can do its work.
    pub ready: bool,
    /// What stands in the way; empty where nothing does.
    pub causes: Vec<HealthCause>,
    /// What the gateway is doing.
    pub gateway: GatewayStatus,
}

/// Something that stands in the way of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthCause {
    /// Which part it is: `draining`, `recovering`, `log`, `agents`, `model`, `config` or `tls`.
    pub code: String,
    /// What is the matter with it.
    pub message: String,
}

/// What the gateway is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatus {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started, as RFC 3339 in UTC.
    pub started_at: String,
    /// How long ago that is, in milliseconds.
    pub uptime_ms: u64,
    /// The agents.
    pub agents: Vec<AgentId>,
    /// How many sessions the log has; null where the log does not answer.
    pub sessions: Option<u64>,
    /// The sessions in which a run is under way.
    pub active_sessions: Vec<SessionKey>,
    /// The registered tools.
    pub tools: Vec<String>,
}

//! Params and outputs of the methods about agents.

use openclaw_core::{AgentId, ProviderId, RunId, SessionKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Output of `agent.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentListOutput {
    /// The configured agents, in the order of the configuration.
    pub agents: Vec<AgentSummary>,
}

/// A configured agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSummary {
    /// The agent's id.
    pub agent_id: AgentId,
    /// The model that it asks; null while none is configured.
    pub model: Option<String>,
    /// The provider of that model.
    pub provider: Option<ProviderId>,
    /// Whether messages without another route go to it.
    pub default: bool,
}

/// Params of `agent.status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentStatusParams {
    /// The agent's id.
    pub agent_id: AgentId,
}

/// Output of `agent.status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatusOutput {
    /// The agent.
    pub agent: AgentSummary,
    /// What it does now.
    pub state: AgentState,
    /// Its runs that are under way, oldest first.
    pub runs: Vec<ActiveRun>,
    /// The names of the tools that it may use.
    pub tools: Vec<String>,
}

/// What an agent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentState {
    /// Nothing.
    Idle,
    /// At least one run is under way.
    Running,
}

/// A run that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveRun {
    /// The run.
    pub run_id: RunId,
    /// The session that it is in.
    pub session_key: SessionKey,
}

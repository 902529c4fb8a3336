//! Params and outputs of the methods about the rules for tools.

use openclaw_core::{AgentId, ChannelId, PeerId, SessionKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Params of `policy.explain`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyExplainParams {
    /// The tool's name, or one of its other names.
    pub tool: String,
    /// The agent; the default agent unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// The channel that the sender writes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// Who they are there; anybody unless given. Without a channel and a sender, the caller is
    /// meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<PeerId>,
    /// The session that the call is made in; a direct one of the sender unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// The model that makes the call, as `provider/model`; the agent's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The call's arguments; without them the question is whether the tool is there at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Map<String, Value>>,
}

/// Output of `policy.explain`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyExplainOutput {
    /// The agent.
    pub agent_id: AgentId,
    /// The tool, by its own name.
    pub tool: String,
    /// Whose call it is.
    pub sender: PolicySender,
    /// The session that it is made in, where there is one.
    pub session_key: Option<SessionKey>,
    /// The model that makes it, where there is one.
    pub model: Option<String>,
    /// How the agent's commands are confined.
    pub sandbox: String,
    /// What may be done.
    pub decision: PolicyDecision,
    /// The setting that decided.
    pub rule: String,
    /// The file that it stands in, where it does, and the line.
    pub file: Option<String>,
    /// What it says.
    pub reason: String,
    /// Everything that was looked at, in order.
    pub layers: Vec<PolicyLayer>,
}

/// Whose call it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicySender {
    /// The channel that they write on.
    pub channel: ChannelId,
    /// Who they are there.
    pub peer: PeerId,
    /// What they are to the agent.
    pub standing: PolicyStanding,
}

/// What a sender is to the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyStanding {
    /// Somebody whom it works for.
    Owner,
    /// Somebody else, who may speak to it.
    Guest,
    /// A program that the owner has let in to hand on what others wrote.
    Webhook,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyDecision {
    /// The call may run.
    Allow,
    /// It may run if somebody says so.
    Ask,
    /// It may not run.
    Deny,
}

/// One setting, and what it says about a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyLayer {
    /// The setting.
    pub rule: String,
    /// The file that it stands in, where it does, and the line.
    pub file: Option<String>,
    /// What it says; null where it has nothing to say against the call, nor for it.
    pub says: Option<PolicyDecision>,
    /// That, in words.
    pub reason: String,
}

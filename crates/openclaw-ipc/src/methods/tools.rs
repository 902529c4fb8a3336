//! Params and outputs of the methods about tools.

use openclaw_core::{CallId, SessionKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Output of `tools.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolsListOutput {
    /// The registered tools, by name.
    pub tools: Vec<ToolSummary>,
}

/// A registered tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolSummary {
    /// The tool's name.
    pub name: String,
    /// What it does, as the model is told.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
    /// Other names that it answers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// Params of `tools.execute`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ToolsExecuteParams {
    /// The tool's name, or one of its other names.
    pub tool: String,
    /// Its arguments; none unless given.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// The session to run it in; a session of the call's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
}

/// Output of `tools.execute`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolsExecuteOutput {
    /// Whether the tool did what was asked.
    pub success: bool,
    /// What it answered, as the model would see it.
    pub result: Value,
    /// The session whose log has the call.
    pub session_key: SessionKey,
    /// The call, as its events name it.
    pub call_id: CallId,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

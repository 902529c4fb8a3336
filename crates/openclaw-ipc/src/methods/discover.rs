//! Output of `rpc.discover`: an OpenRPC document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Output of `rpc.discover`: a document of OpenRPC 1.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RpcDiscoverOutput {
    /// The version of OpenRPC that the document follows.
    pub openrpc: String,
    /// What the document is about.
    pub info: RpcDiscoverInfo,
    /// The methods, as OpenRPC describes them.
    pub methods: Vec<Map<String, Value>>,
    /// The types and errors that the methods name.
    pub components: Map<String, Value>,
    /// The notifications of the WebSocket, with a name, a summary and the schema of their params
    /// each; OpenRPC has no place of its own for them.
    #[serde(rename = "x-notifications")]
    pub notifications: Vec<Map<String, Value>>,
}

/// What an OpenRPC document is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RpcDiscoverInfo {
    /// The name of what speaks so.
    pub title: String,
    /// The version of what speaks so.
    pub version: String,
    /// More about it; Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

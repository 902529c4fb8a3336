//! `sessions.patch`: what a client wants to be different in one session.
//!
//! Sessions here have no settings of their own: model, tools and rules are those of the agent. So
//! what holds anyway is granted, and everything else is refused by its name, for nobody is to think
//! that a setting had an effect. Only how much of the work a client shows is its own affair: it is
//! sent all of it, and is told back what it asked for.

use openclaw_core::Kind;
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::keys;
use super::write::shown;
use crate::openclaw::methods::agents::{self, Defaults};
use crate::openclaw::methods::given::Given;
use crate::rpc::Rpc;

/// How much of the work is shown.
const VERBOSE: [&str; 3] = ["off", "on", "full"];

/// What can only be as it is: the words for that, beside null and false.
const AS_IT_IS: [(&str, &[&str]); 6] = [
    ("traceLevel", &["off"]),
    ("reasoningLevel", &["off"]),
    ("responseUsage", &["off"]),
    ("elevatedLevel", &["off"]),
    ("sendPolicy", &["allow"]),
    ("boardFace", &["chat"]),
];

/// What sessions here do not have.
const NOT_HAD: [&str; 28] = [
    "label",
    "icon",
    "color",
    "category",
    "statusNote",
    "attention",
    "ttlMinutes",
    "archived",
    "pinned",
    "unread",
    "contextWindow",
    "thinkingLevel",
    "fastMode",
    "toolOverrides",
    "execHost",
    "execSecurity",
    "execAsk",
    "execNode",
    "permissionMode",
    "completionOwnerSessionKey",
    "inheritedToolPolicyVersion",
    "inheritedToolAllow",
    "inheritedToolDeny",
    "groupActivation",
    "expectedLifecycleRevision",
    "expectedMarkedUnreadAt",
    "expectedPermissionMode",
    "expectedToolOverrides",
];

/// `sessions.patch`.
pub(crate) async fn patch(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("key")?;
    let agent = given.text("agentId");
    let expected = given.text("expectedSessionId");
    let model = given.nullable_text("model");
    let verbose = given.nullable_one_of("verboseLevel", &VERBOSE);
    for (name, words) in AS_IT_IS {
        given.only(name, words);
    }
    given.not_followed(&NOT_HAD);
    given.done()?;
    let key = keys::read(rpc, &key, agent.as_deref())?;
    let agent = agents::find(rpc, Some(key.agent().as_str()))?;
    if let Some(model) = model {
        is_the_agents(&model, &Defaults::of(Some(&agent)))?;
    }
    let mut answer = shown(rpc, &key).await?;
    let id = answer.get("sessionId").and_then(Value::as_str);
    if expected.is_some_and(|expected| id != Some(&expected)) {
        let message = format!("session {key} is another one by now");
        return Err(RpcError::new(Kind::Conflict, message).with_field("expectedSessionId"));
    }
    if let (Some(verbose), Some(entry)) = (verbose, answer.get_mut("entry"))
        && let Some(entry) = entry.as_object_mut()
    {
        entry.insert("verboseLevel".to_owned(), json!(verbose));
    }
    Ok(answer)
}

/// Refuses a model that is not the one that the session's agent asks anyway.
fn is_the_agents(model: &str, own: &Defaults) -> Result<(), RpcError> {
    let name = own.model.as_deref().unwrap_or_default();
    let provider = own.model_provider.as_deref().unwrap_or_default();
    if model == name || model.strip_prefix(provider) == Some(&format!("/{name}")) {
        return Ok(());
    }
    let shown: String = model.chars().take(200).collect();
    let message = format!(
        "model not allowed: {shown} (sessions of this gateway have no model of their own; \
         agents.defaults.model or the agent's own `model` in openclaw.json chooses it)"
    );
    Err(RpcError::new(Kind::Invalid, message).with_field("model"))
}

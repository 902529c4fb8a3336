//! `agents.list` and `agent.identity.get`: who answers here, and what is set for them.

use std::sync::Arc;

use openclaw_agents::Agent;
use openclaw_core::{AgentId, Kind, ModelRef, SessionKey};
use openclaw_ipc::RpcError;
use serde::Serialize;
use serde_json::{Value, json};

use super::given::Given;
use super::sessions::keys;
use crate::rpc::Rpc;

/// The end of the key of an agent's main session.
const MAIN_KEY: &str = "main";

/// Each peer has a session of its own.
const SESSION_SCOPE: &str = "per-sender";

/// The models of an agent.
#[derive(Debug, Serialize)]
struct Chain {
    primary: String,
    fallbacks: Vec<String>,
}

/// What holds for sessions that have set nothing themselves.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Defaults {
    /// The provider of the agent's model.
    pub(crate) model_provider: Option<String>,
    /// The agent's model.
    pub(crate) model: Option<String>,
    /// How many tokens it takes in.
    pub(crate) context_tokens: Option<u64>,
}

impl Defaults {
    /// Returns what holds for an agent's sessions.
    pub(crate) fn of(agent: Option<&Agent>) -> Self {
        let model = agent.and_then(|agent| agent.model.as_ref().ok());
        let Some(model) = model.and_then(|model| model.model_ref()) else {
            return Self::default();
        };
        Self {
            model_provider: Some(model.provider.to_string()),
            model: Some(model.model.clone()),
            context_tokens: agent.and_then(|agent| window(agent, model)),
        }
    }
}

/// Returns how many tokens one of an agent's models takes in, if that is known.
pub(super) fn window(agent: &Agent, model: &ModelRef) -> Option<u64> {
    let models = agent.model.as_ref().ok()?.route.candidates();
    let candidate = models.iter().find(|candidate| candidate.model == *model)?;
    candidate.info.as_ref()?.context_window
}

/// Returns the agent of that id, or the default agent.
pub(super) fn find(rpc: &Rpc, id: Option<&str>) -> Result<Arc<Agent>, RpcError> {
    let Some(id) = id else { return rpc.agent(None) };
    rpc.find_agent(&AgentId::from(id)).ok_or_else(|| {
        let shown: String = id.chars().take(64).collect();
        RpcError::new(Kind::NotFound, format!("unknown agent id \"{shown}\"")).with_field("agentId")
    })
}

/// `agents.list`.
pub(super) fn list(rpc: &Rpc, given: Given) -> Result<Value, RpcError> {
    given.done()?;
    let agents = rpc.agents.all();
    let first = rpc.agent(None)?;
    let mut list = json!({
        "defaultId": first.id,
        "selectionRequired": false,
        "mainKey": MAIN_KEY,
        "scope": SESSION_SCOPE,
        "agents": agents.iter().map(|agent| described(agent)).collect::<Vec<_>>(),
    });
    if let (1, Some(list)) = (agents.len(), list.as_object_mut()) {
        list.insert("ownership".to_owned(), "sole".into());
    }
    Ok(list)
}

fn described(agent: &Agent) -> Value {
    let mut described = json!({
        "id": agent.id,
        "kind": "agent",
        "name": agent.name,
        "identity": { "name": agent.name },
        "workspace": agent.workspace,
    });
    let model = agent.model.as_ref().ok();
    let candidates = model.map(|model| model.route.candidates());
    if let (Some([first, others @ ..]), Some(described)) = (candidates, described.as_object_mut()) {
        let chain = Chain {
            primary: first.model.to_string(),
            fallbacks: others.iter().map(|other| other.model.to_string()).collect(),
        };
        described.insert("model".to_owned(), json!(chain));
    }
    described
}

/// `agent.identity.get`: how the agent of a session is shown.
pub(super) fn identity(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let agent = given.text("agentId");
    let session = given.any_text("sessionKey").filter(|key| !key.is_empty());
    given.done()?;
    let session = session
        .map(|key| keys::read(rpc, &key, agent.as_deref()))
        .transpose()?;
    let of_session = session.as_ref().map(SessionKey::agent);
    let id = agent
        .as_deref()
        .or(of_session.as_ref().map(AgentId::as_str));
    let agent = find(rpc, id)?;
    let letter = agent.name.chars().next();
    let letter = letter.map(|letter| letter.to_uppercase().to_string());
    Ok(json!({
        "agentId": agent.id,
        "name": agent.name,
        // Without a picture, OpenClaw shows the first letter.
        "avatar": letter,
        "avatarStatus": "none",
    }))
}

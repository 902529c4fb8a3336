//! What a request asks for: which tool, with what, of which agent, in which session.

use std::sync::Arc;

use axum::http::HeaderMap;
use openclaw_agents::Agent;
use openclaw_agents::calls::Call;
use openclaw_config::OverHttp;
use openclaw_core::access::{Scope, Sender};
use openclaw_core::decode::decode;
use openclaw_core::redaction::mask;
use openclaw_core::{AgentId, CallId, ChannelId, RunId, SessionKey};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::NAME;
use super::refusal::Refusal;
use crate::pipeline::caller;
use crate::rpc::{CallCx, OwnCall, Rpc};

/// The header that says on which channel the caller is, for the rules of that channel.
const CHANNEL: &str = "x-openclaw-message-channel";
/// The name of every agent's main session.
const MAIN: &str = "main";
/// The longest name of a channel, in bytes.
const MAX_CHANNEL: usize = 64;

/// A request's body; what else is in it is read over, as OpenClaw does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    tool: Option<String>,
    name: Option<String>,
    action: Option<String>,
    #[serde(default)]
    args: Map<String, Value>,
    session_key: Option<String>,
    agent_id: Option<String>,
    dry_run: Option<bool>,
}

/// A call that may be made.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The call.
    pub(super) own: OwnCall,
    /// Whether it is to be made.
    pub(super) run: Run,
}

/// Whether a call is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// It is.
    Really,
    /// It is only asked whether it could be.
    NotAtAll,
}

impl Wanted {
    /// Finds out what is asked for, and whether this caller may have it.
    pub(super) fn of(
        rpc: &Rpc,
        cx: &CallCx,
        headers: &HeaderMap,
        body: Map<String, Value>,
    ) -> Result<Self, Refusal> {
        let asked: Asked = decode(Value::Object(body))?;
        let agent = trimmed(asked.agent_id.as_deref());
        let (agent, session) = target(rpc, agent, trimmed(asked.session_key.as_deref()))?;
        let sender = Sender {
            channel: channel(headers)?.unwrap_or_else(|| caller(cx).channel),
            ..caller(cx)
        };
        let name = trimmed(asked.name.as_deref()).or_else(|| trimmed(asked.tool.as_deref()));
        let Some(tool) = name else {
            return Err(Refusal::invalid("tools.invoke requires a tool"));
        };
        let tool = available(rpc, cx, (&agent, &session, &sender), tool)?;
        let mut params = asked.args;
        if let Some(action) = trimmed(asked.action.as_deref()) {
            with_action(rpc, &tool, &mut params, action);
        }
        let params = Value::Object(params);
        rpc.tools
            .check(&tool, &params)
            .map_err(|err| Refusal::arguments(mask(&err.to_string())))?;
        let run = RunId::generate();
        Ok(Self {
            run: match asked.dry_run {
                Some(true) => Run::NotAtAll,
                _ => Run::Really,
            },
            own: OwnCall {
                agent,
                session,
                sender,
                // The run's id is unique, and this is its only call.
                call: Call {
                    id: CallId(run.to_string()),
                    tool,
                    params,
                },
                run,
                stop: rpc.scope.stop().child_token(),
            },
        })
    }
}

/// Returns a tool's own name, if the caller may have it by this door.
fn available(
    rpc: &Rpc,
    cx: &CallCx,
    (agent, session, sender): (&Agent, &SessionKey, &Sender),
    named: &str,
) -> Result<String, Refusal> {
    let tool = rpc.tools.own_name(named);
    let refused = || Refusal::not_available(&mask(named));
    if !rpc.tools.names().contains(&tool) {
        return Err(refused());
    }
    let settings = rpc.home.get().map(|home| home.config.http_tools.clone());
    let by_door = match settings.unwrap_or_default().judge(tool) {
        OverHttp::Runs => true,
        OverHttp::RunsForAdmins => cx.admitted.may(Scope::Admin),
        OverHttp::Denied => false,
    };
    let by_policy = || {
        let offered = agent.offered(&rpc.tools, Some(session), sender);
        offered.names().contains(&tool)
    };
    if by_door && by_policy() {
        return Ok(tool.to_owned());
    }
    rpc.forbidden(cx, NAME);
    Err(refused())
}

/// Returns the agent and the session that a request is for.
fn target(
    rpc: &Rpc,
    agent: Option<&str>,
    key: Option<&str>,
) -> Result<(Arc<Agent>, SessionKey), Refusal> {
    let key = key.filter(|key| *key != MAIN);
    let whole = key.and_then(|key| SessionKey::parse(key).ok());
    let named = agent.map(AgentId::from);
    let of_key = whole.as_ref().map(SessionKey::agent);
    let id = named.clone().or_else(|| of_key.clone());
    let agent = rpc
        .agent(id.as_ref())
        .map_err(|err| Refusal::invalid(mask(&err.message)))?;
    if let Some((named, of_key)) = named.zip(of_key).filter(|(named, key)| named != key) {
        let message = format!(
            "agent id \"{}\" does not match session agent \"{}\"",
            mask(named.as_str()),
            mask(of_key.as_str())
        );
        return Err(Refusal::invalid(message));
    }
    let session = match (whole, key) {
        (Some(whole), _) => Ok(whole),
        (None, Some(key)) => SessionKey::parse(&format!("agent:{}:{key}", agent.id)),
        (None, None) => SessionKey::main(&agent.id),
    };
    let session = session.map_err(|err| Refusal::invalid(err.to_string()))?;
    if session.is_system() || mask(session.as_str()) != session.as_str() {
        return Err(Refusal::invalid(
            "`sessionKey` is no session to call tools in",
        ));
    }
    Ok((agent, session))
}

/// Puts an action among the arguments of a tool that has such a one, unless it is there.
fn with_action(rpc: &Rpc, tool: &str, params: &mut Map<String, Value>, action: &str) {
    let specs = rpc.tools.specs();
    let spec = specs.iter().find(|spec| spec.name == tool);
    let takes = spec.is_some_and(|spec| spec.parameters.pointer("/properties/action").is_some());
    if takes && !params.contains_key("action") {
        params.insert("action".to_owned(), action.into());
    }
}

fn channel(headers: &HeaderMap) -> Result<Option<ChannelId>, Refusal> {
    let Some(value) = headers.get(CHANNEL) else {
        return Ok(None);
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = value.to_str().ok().map(str::trim);
    let name = name.filter(|name| name.len() <= MAX_CHANNEL && name.chars().all(legal));
    let Some(name) = name.filter(|name| mask(name) == *name) else {
        let message = format!("the header `{CHANNEL}` names no channel");
        return Err(Refusal::invalid(message));
    };
    Ok(trimmed(Some(name)).map(|name| ChannelId::from(name.to_ascii_lowercase().as_str())))
}

/// Returns a text without the blanks around it, unless nothing is left.
fn trimmed(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

//! `tools.catalog` and `tools.effective`: what tools there are, and which of them a session has.

use openclaw_config::builtin::{self, Section};
use openclaw_core::access::{Sender, Standing};
use openclaw_core::{Kind, SessionKey};
use openclaw_ipc::RpcError;
use serde_json::{Value, json};

use super::agents;
use super::given::Given;
use super::sessions::keys;
use crate::pipeline::caller;
use crate::rpc::{CallCx, Rpc};

/// The profile of an agent whose config names none: it may have every tool.
const NO_PROFILE: &str = "full";

/// The profiles that a config can name.
const PROFILES: [(&str, &str); 4] = [
    ("minimal", "Minimal"),
    ("coding", "Coding"),
    ("messaging", "Messaging"),
    ("full", "Full"),
];

/// The group of tools that OpenClaw does not have.
const OTHER: Section = Section {
    id: "other",
    label: "Other",
};

/// `tools.catalog`.
pub(super) fn catalog(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let agent = given.text("agentId");
    given.flag("includePlugins");
    given.done()?;
    let agent = agents::find(rpc, agent.as_deref())?;
    let mut groups: Vec<(Section, Vec<Value>)> = Vec::new();
    for spec in rpc.tools.specs() {
        let section = builtin::section(&spec.name).unwrap_or(OTHER);
        let tool = json!({
            "id": spec.name,
            "label": spec.name,
            "description": spec.description,
            "source": "core",
            "defaultProfiles": builtin::profiles(&spec.name),
        });
        match groups.iter_mut().find(|(known, _)| *known == section) {
            Some((_, tools)) => tools.push(tool),
            None => groups.push((section, vec![tool])),
        }
    }
    groups.sort_by_key(|(section, _)| builtin::place(*section));
    let group = |(section, tools): (Section, Vec<Value>)| json!({ "id": section.id, "label": section.label, "source": "core", "tools": tools });
    let profile = |(id, label): &(&str, &str)| json!({ "id": id, "label": label });
    Ok(json!({
        "agentId": agent.id,
        "profiles": PROFILES.iter().map(profile).collect::<Vec<_>>(),
        "groups": groups.into_iter().map(group).collect::<Vec<_>>(),
    }))
}

/// `tools.effective`: the tools that the caller's messages could reach in a session.
pub(super) async fn effective(rpc: &Rpc, cx: &CallCx, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("sessionKey")?;
    let agent = given.text("agentId");
    given.done()?;
    let session = keys::read(rpc, &key, agent.as_deref())?;
    if keys::summary(rpc, &session).await?.is_none() {
        return Err(unknown_session(&session));
    }
    let agent = agents::find(rpc, Some(session.agent().as_str()))?;
    let sender = Sender {
        // Who may look sees what those may call who may.
        standing: Standing::Principal,
        ..caller(cx)
    };
    let offered = agent.offered(&rpc.tools, Some(&session), &sender);
    let tool = |spec: openclaw_providers::ToolSpec| {
        json!({
            "id": spec.name,
            "label": spec.name,
            "description": spec.description,
            "rawDescription": spec.description,
            "source": "core",
        })
    };
    let tools: Vec<Value> = offered.specs().into_iter().map(tool).collect();
    let group = json!({
        "id": "core", "label": "Built-in tools", "source": "core", "tools": tools,
    });
    let groups: Vec<Value> = if tools.is_empty() {
        vec![]
    } else {
        vec![group]
    };
    Ok(json!({
        "agentId": agent.id,
        "profile": profile(rpc, &session),
        "groups": groups,
    }))
}

/// Returns the profile that the config names for the agent of a session.
fn profile(rpc: &Rpc, session: &SessionKey) -> String {
    let rules = rpc
        .home
        .get()
        .map(|home| home.config.tool_rules(&session.agent()));
    let named = rules.and_then(|rules| rules.own.profile.or(rules.shared.profile));
    named.map_or_else(|| NO_PROFILE.to_owned(), |profile| profile.name)
}

fn unknown_session(session: &SessionKey) -> RpcError {
    let message = format!("unknown session key \"{session}\"");
    RpcError::new(Kind::NotFound, message).with_field("sessionKey")
}

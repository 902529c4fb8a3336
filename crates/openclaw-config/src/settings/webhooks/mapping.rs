//! `hooks.mappings`: what becomes of requests to addresses of one's own.

use std::time::Duration;

use serde_json::Value;

use super::super::agents::DEFAULT_AGENT;
use super::super::reader::whole_number;

/// Where a mapping is for any of the channels that somebody wrote on last.
const LAST: &str = "last";

/// What becomes of requests to one address, or from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookMapping {
    /// Its name in logs (`id`).
    pub id: String,
    /// The address below the path that it is for; none means any (`match.path`).
    pub path: Option<String>,
    /// The `source` of the payloads that it is for; none means any (`match.source`).
    pub source: Option<String>,
    /// The list of the payload each element of which is one message (`forEach`).
    pub for_each: Option<String>,
    /// What is done.
    pub action: MappedAction,
    /// The agent (`agentId`).
    pub agent: Option<String>,
    /// The template of its session key (`sessionKey`).
    pub session_key: Option<String>,
    /// Whether the session goes on from one message to the next (`sessionMode`).
    pub persistent: Option<bool>,
    /// The template of the message (`messageTemplate`, `textTemplate`).
    pub template: String,
    /// The template of the name that it is told under (`name`).
    pub name: Option<String>,
    /// `now` or `next-heartbeat` (`wakeMode`).
    pub wake_mode: Option<String>,
    /// Whether what comes of it is told to somebody (`deliver`).
    pub deliver: Option<bool>,
    /// The channel on which it is told (`channel`).
    pub channel: Option<String>,
    /// The template of whom it is told to (`to`).
    pub to: Option<String>,
    /// The template of the model that answers (`model`).
    pub model: Option<String>,
    /// The template of how much it thinks (`thinking`).
    pub thinking: Option<String>,
    /// The longest that the turn may take (`timeoutSeconds`).
    pub timeout: Option<Duration>,
    /// Whether its messages are meant to be trusted, which they are not (`allowUnsafeExternalContent`).
    unsafe_content: Option<bool>,
}

/// What a mapping does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappedAction {
    /// It has an agent take a turn in a session of the webhook's (`agent`).
    Agent,
    /// It has an agent's main session hear of something (`wake`).
    Wake,
    /// It would have JavaScript decide, which is not run here (`transform`).
    Transform,
}

impl WebhookMapping {
    pub(super) fn read(index: usize, said: &Value) -> Self {
        let raw = |key: &str| said.get(key);
        let as_text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let text = |key: &str| as_text(raw(key)).filter(|text| !text.trim().is_empty());
        let matched = |key: &str| as_text(said.pointer(&format!("/match/{key}")));
        let wakes = raw("action").and_then(Value::as_str) == Some("wake");
        let action = match raw("transform") {
            Some(_) => MappedAction::Transform,
            None if wakes => MappedAction::Wake,
            None => MappedAction::Agent,
        };
        let template = if wakes {
            "textTemplate"
        } else {
            "messageTemplate"
        };
        let count = index.saturating_add(1);
        Self {
            id: text("id").map_or_else(|| format!("mapping-{count}"), |id| id.trim().to_owned()),
            path: matched("path")
                .map(|path| path.trim().trim_matches('/').to_owned())
                .filter(|path| !path.is_empty()),
            source: matched("source")
                .map(|source| source.trim().to_owned())
                .filter(|source| !source.is_empty()),
            for_each: text("forEach").map(|key| key.trim().to_owned()),
            action,
            agent: text("agentId").map(|id| id.trim().to_owned()),
            session_key: text("sessionKey"),
            persistent: raw("sessionMode").map(|mode| *mode == "persistent"),
            template: text(template).unwrap_or_default(),
            name: text("name"),
            wake_mode: text("wakeMode"),
            deliver: raw("deliver").and_then(Value::as_bool),
            channel: text("channel"),
            to: text("to"),
            model: text("model"),
            thinking: text("thinking"),
            timeout: raw("timeoutSeconds")
                .and_then(whole_number)
                .map(Duration::from_secs),
            unsafe_content: raw("allowUnsafeExternalContent").and_then(Value::as_bool),
        }
    }

    /// Tells whether it is for a channel that somebody would have to be reached on.
    pub fn names_a_channel(&self) -> bool {
        let named = self.channel.as_deref().map(str::trim);
        named.is_some_and(|channel| !channel.eq_ignore_ascii_case(LAST)) || self.to.is_some()
    }

    /// Returns what of it has no effect here, by its keys; `agents` are those of the config.
    pub(super) fn not_followed(&self, agents: &[String]) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let mut note = |key, message: &str| all.push((key, message.to_owned()));
        if self.action == MappedAction::Transform {
            note(
                "transform",
                "JavaScript is not run here: what this mapping is for is refused; write a template",
            );
        }
        if self.unsafe_content == Some(true) {
            note(
                "allowUnsafeExternalContent",
                "has no effect: what comes by a webhook stays untrusted",
            );
        }
        if self.wake_mode.as_deref() == Some("next-heartbeat") {
            note(
                "wakeMode",
                "is the same as `now`: there is no heartbeat to wait for",
            );
        }
        let told = self.action == MappedAction::Agent && self.deliver != Some(false);
        if told && self.names_a_channel() {
            let key = self.to.as_ref().map_or("channel", |_| "to");
            note(
                key,
                "there is no messenger channel yet: what this mapping is for is refused unless \
                 `deliver` is false",
            );
        }
        let known = |id: &str| {
            let id = id.to_lowercase();
            agents.contains(&id) || (agents.is_empty() && id == DEFAULT_AGENT)
        };
        if let Some(agent) = self.agent.as_deref().filter(|agent| !known(agent)) {
            let message = format!(
                "there is no agent `{agent}`: what this mapping is for is refused, and not given \
                 to another agent"
            );
            note("agentId", &message);
        }
        all
    }
}

/// Tells whether a mapping that requests reach fills in its session key.
pub(super) fn fills_in_a_key(mappings: &[WebhookMapping]) -> bool {
    let mut before: Vec<&WebhookMapping> = Vec::new();
    for mapping in mappings {
        if before.iter().any(|earlier| earlier.hides(mapping)) {
            continue;
        }
        let key = mapping.session_key.as_deref();
        if key.is_some_and(is_template) {
            return true;
        }
        before.push(mapping);
    }
    false
}

impl WebhookMapping {
    /// Tells whether nothing reaches another mapping that comes after this one.
    fn hides(&self, later: &Self) -> bool {
        let of_path = self.path.is_none() || self.path == later.path;
        of_path && (self.source.is_none() || self.source == later.source)
    }

    /// Tells whether what is sent decides about the session.
    pub fn fills_in_its_key(&self) -> bool {
        self.session_key.as_deref().is_some_and(is_template)
    }
}

/// Tells whether something is filled in.
fn is_template(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("{{") {
        match behind.split_once('}') {
            Some((name, end)) if !name.is_empty() && end.starts_with('}') => return true,
            _ => rest = behind,
        }
    }
    false
}

/// The preset for mails that come from Gmail.
pub(super) mod gmail {
    use super::{MappedAction, WebhookMapping};

    /// The address that it is for, and its name.
    pub(in crate::settings::webhooks) const PATH: &str = "gmail";

    const MESSAGE: &str = "New email from {{messages[0].from}}\nSubject: {{messages[0].subject}}\n\
                           {{messages[0].snippet}}\n{{messages[0].body}}";

    pub(in crate::settings::webhooks) fn mapping() -> WebhookMapping {
        WebhookMapping {
            id: PATH.to_owned(),
            path: Some(PATH.to_owned()),
            source: None,
            for_each: Some("messages".to_owned()),
            action: MappedAction::Agent,
            agent: None,
            session_key: Some("hook:gmail:{{messages[0].id}}".to_owned()),
            persistent: None,
            template: MESSAGE.to_owned(),
            name: Some("Gmail".to_owned()),
            wake_mode: None,
            deliver: None,
            channel: None,
            to: None,
            model: None,
            thinking: None,
            timeout: None,
            unsafe_content: None,
        }
    }
}

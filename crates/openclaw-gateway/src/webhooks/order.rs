//! What an agent is to do: what a request asks for, once it is known that it may have it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use openclaw_agents::{Agent, AgentModel};
use openclaw_config::{Thinking, WebhookSettings};
use openclaw_core::redaction::{mask, masked};
use openclaw_core::validation::validate_message;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::keys::{self, Keeps, Key, Place};
use super::memory::{Memory, Waits};
use super::refusal::Refusal;
use crate::other_model::Other;
use crate::rpc::Rpc;

/// The longest name that a message is told under, in characters.
const MAX_NAME: usize = 64;
/// How many digits of a digest make an id.
const ID_DIGITS: usize = 32;
/// The name of what only wakes an agent.
const WAKE: &str = "wake";

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// What is said.
    pub(super) text: String,
    /// To which agent; the default one if that is not said.
    pub(super) agent: Option<String>,
    /// In which session.
    pub(super) key: Option<Key>,
    /// And how.
    pub(super) deed: Deed,
}

/// What is done with what is said.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// The agent's main session hears of it.
    Wake(Mode),
    /// The agent takes a turn in a session of the webhook's.
    Turn(Box<Turn>),
}

/// A turn that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// The name that it is told under.
    pub(super) name: String,
    /// Whether its session goes on from one message to the next.
    pub(super) keeps: Keeps,
    /// Who hears what comes of it.
    pub(super) told: Told,
    /// The model that answers in place of the agent's own.
    pub(super) model: Option<String>,
    /// How much it thinks.
    pub(super) thinking: Option<String>,
    /// The longest that it may take.
    pub(super) within: Option<Duration>,
}

/// When an agent is to be woken. There is no heartbeat that could be waited for, so both are at
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// At once.
    Now,
    /// With the next heartbeat.
    NextHeartbeat,
}

/// Who hears what comes of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The agent's main session.
    Main,
    /// Nobody, unless it fails.
    Nobody,
}

/// How a request is known when it is sent again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Again<'a> {
    /// Not at all.
    Unknown,
    /// By a key that its sender gave it.
    ByKey(&'a str),
    /// By what it says, for a while: how often the same stood before it in its list.
    ByContent(usize),
}

/// What an agent is to do.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) agent: Arc<Agent>,
    /// The name that it is told under.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) place: Place,
    /// Under which id its message is recorded once.
    pub(super) once: Option<String>,
    pub(super) told: Told,
    /// The model that answers in place of the agent's own.
    pub(super) instead: Option<AgentModel>,
    pub(super) within: Option<Duration>,
    /// Keeps the same from being said again before it is read.
    pub(super) waits: Option<Waits>,
}

impl Mode {
    /// Reads it; what is no mode is the usual one.
    pub(super) fn of(name: Option<&str>) -> Self {
        match name {
            Some("next-heartbeat") => Self::NextHeartbeat,
            _ => Self::Now,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::NextHeartbeat => "next-heartbeat",
        }
    }
}

impl Wish {
    /// Makes an order of it, if the config lets it be one; `path` is where it came to.
    pub(super) async fn order(
        self,
        (rpc, memory): (&Rpc, &Memory),
        settings: &WebhookSettings,
        path: &str,
        again: Again<'_>,
    ) -> Result<Order, Refusal> {
        let agent = agent(rpc, settings, self.agent.as_deref())?;
        let digest = |by: &str| self.digest(path, &agent, by);
        let once = match again {
            Again::Unknown => None,
            Again::ByKey(key) => Some(digest(key)),
            Again::ByContent(before) => Some(memory.id_of(&digest(&before.to_string()))),
        };
        let id = once.clone();
        let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let rules = &settings.keys;
        let (name, place, told, instead, within) = match self.deed {
            Deed::Wake(_) => {
                let main = Key::OfConfig("main".to_owned());
                let session = match &self.key {
                    Some(key) => keys::named(rules, &agent.id, key)?,
                    // The agent's own session is no matter of prefixes.
                    None => {
                        keys::named(&openclaw_config::WebhookKeys::default(), &agent.id, &main)?
                    }
                };
                let place = Place {
                    session,
                    line: None,
                };
                (WAKE.to_owned(), place, Told::Nobody, None, None)
            }
            Deed::Turn(turn) => {
                let place = keys::place(rules, &agent.id, self.key.as_ref(), turn.keeps, &id)?;
                let instead = instead(rpc, &agent, &turn).await?;
                (label(&turn.name), place, turn.told, instead, turn.within)
            }
        };
        let text = format!("[Hook {name}; isUser=false]\n{}", self.text);
        validate_message(&text).map_err(|err| Refusal::invalid(err.to_string()))?;
        Ok(Order {
            agent,
            name,
            text,
            place,
            once,
            told,
            instead,
            within,
            waits: None,
        })
    }

    /// Returns what tells it from others: all that decides what is done.
    fn digest(&self, path: &str, agent: &Agent, by: &str) -> String {
        let key = self.key.as_ref().map(Key::text);
        let of_deed = match &self.deed {
            Deed::Wake(mode) => json!([mode.as_str()]),
            Deed::Turn(turn) => json!([
                turn.name,
                turn.keeps == Keeps::Everything,
                turn.told == Told::Main,
                turn.model,
                turn.thinking,
                turn.within.map(|within| within.as_secs()),
            ]),
        };
        let all = json!([path, agent.id, key, self.text, of_deed, by]);
        let mut hex = String::new();
        for byte in Sha256::digest(all.to_string()) {
            hex.extend(format!("{byte:02x}").chars());
        }
        hex.truncate(ID_DIGITS);
        hex
    }
}

/// Returns the agent that is meant, if webhooks may reach it.
fn agent(rpc: &Rpc, settings: &WebhookSettings, id: Option<&str>) -> Result<Arc<Agent>, Refusal> {
    let agent = match id {
        Some(id) => {
            let agents = rpc.agents.all();
            let same = |agent: &&Arc<Agent>| agent.id.as_str().eq_ignore_ascii_case(id);
            let found = agents.iter().find(same).map(Arc::clone);
            found.ok_or_else(|| Refusal::invalid(format!("there is no agent `{}`", mask(id))))?
        }
        None => rpc.agent(None)?,
    };
    let id = agent.id.as_str().to_lowercase();
    match &settings.agents {
        Some(allowed) if !allowed.contains(&id) => Err(Refusal::invalid(format!(
            "hooks.allowedAgentIds does not name the agent `{}`",
            agent.id
        ))),
        _ => Ok(agent),
    }
}

/// Returns the model that is to answer in place of the agent's own, if one is asked for.
async fn instead(rpc: &Rpc, agent: &Agent, turn: &Turn) -> Result<Option<AgentModel>, Refusal> {
    let thinking =
        match turn.thinking.as_deref() {
            Some(name) => Some(Thinking::of(name).ok_or_else(|| {
                Refusal::invalid(format!("`thinking` cannot be `{}`", mask(name)))
            })?),
            None => None,
        };
    if turn.model.is_none() && thinking.is_none() {
        return Ok(None);
    }
    let other = Other {
        model: turn.model.as_deref(),
        thinking,
    };
    let model = other.of(rpc, agent).await;
    model.map(Some).map_err(|err| {
        let why = mask(&err.to_string()).into_owned();
        Refusal::new(StatusCode::BAD_REQUEST, format!("`model`: {why}"))
    })
}

/// Returns a name as it can be shown: one short line without a secret.
fn label(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line = masked(words.join(" "));
    line.chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(label(" Mail\n of\tthe\u{0} day "), "Mail of the day");
        assert_eq!(label(&"x".repeat(500)).len(), MAX_NAME);
    }

    #[test]
    fn what_is_no_mode_is_now() {
        assert_eq!(Mode::of(Some("next-heartbeat")).as_str(), "next-heartbeat");
        assert_eq!(Mode::of(Some("later")).as_str(), "now");
        assert_eq!(Mode::of(None), Mode::Now);
    }
}

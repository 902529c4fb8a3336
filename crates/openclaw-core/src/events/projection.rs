//! What a session's events add up to.
//!
//! State keys merge last-write-wins, with the event's sequence number as the version, so that the
//! same events give the same state in whatever order they are taken in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{SessionEvent, SessionEventKind};
use crate::ids::CallId;

/// A value, and the sequence number of the event that set it.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned {
    /// The value.
    pub value: Value,
    /// The event that set it.
    pub seq: u64,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The person.
    Peer,
    /// The agent.
    Agent,
}

/// One line of the conversation as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// The event that it comes from.
    pub seq: u64,
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub content: String,
}

/// The state of a session after some of its events.
///
/// Besides the keys of `StateChanged` events there are derived ones: `tokens.total`, the tokens of
/// all answers; `tools.active`, the tools whose calls have no result yet; `messages.total`.
///
/// ```
/// # use openclaw_core::{EventStore, SessionEventKind, SessionKey};
/// use openclaw_core::SessionProjection;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let store = EventStore::open(&dir.path().join("events.sqlite"))?;
/// # let session = SessionKey::parse("agent:main:main")?;
/// # let mut facts: Vec<openclaw_core::events::NewEvent> = vec![SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() }.into()];
/// # facts.extend((0..12).map(|n| SessionEventKind::AgentResponse { content: "hi".into(), model: "m".into(), tokens: n }.into()));
/// # let events = store.append(&session, facts).await?;
/// let projection = SessionProjection::project(&events);
///
/// // Read derived state
/// let active_tools = projection.get("tools.active");
/// let token_count = projection.get("tokens.total");
/// # assert_eq!((active_tools, token_count), (Some(serde_json::json!([])), Some(serde_json::json!(66))));
///
/// // What did the agent see at step 12?
/// let snapshot = SessionProjection::project(&events[..12]);
/// # assert_eq!(snapshot.get("tokens.total"), Some(serde_json::json!(55)));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionProjection {
    state: BTreeMap<String, Versioned>,
    chat: BTreeMap<u64, ChatMessage>,
    tokens: BTreeMap<u64, u64>,
    called: BTreeMap<CallId, String>,
    answered: BTreeSet<CallId>,
}

impl SessionProjection {
    /// Folds events, in any order.
    pub fn project<'a>(events: impl IntoIterator<Item = &'a SessionEvent>) -> Self {
        let mut projection = Self::default();
        for event in events {
            projection.apply(event);
        }
        projection
    }

    /// Takes one more event in.
    pub fn apply(&mut self, event: &SessionEvent) {
        let seq = event.seq;
        match &event.kind {
            SessionEventKind::MessageReceived { content, .. } => {
                self.say(seq, Speaker::Peer, content);
            }
            SessionEventKind::AgentResponse {
                content, tokens, ..
            } => {
                self.say(seq, Speaker::Agent, content);
                self.tokens.insert(seq, *tokens);
            }
            SessionEventKind::ToolCalled { tool, .. } => {
                if let Some(call) = &event.call_id {
                    self.called.insert(call.clone(), tool.clone());
                }
            }
            SessionEventKind::ToolResult { .. } => {
                self.answered.extend(event.call_id.clone());
            }
            SessionEventKind::StateChanged { key, value } => {
                let newer = self.state.get(key).is_none_or(|known| known.seq < seq);
                if newer {
                    self.state.insert(
                        key.clone(),
                        Versioned {
                            value: value.clone(),
                            seq,
                        },
                    );
                }
            }
            SessionEventKind::SessionStarted { .. }
            | SessionEventKind::MessageSent { .. }
            | SessionEventKind::SessionEnded { .. } => {}
        }
    }

    fn say(&mut self, seq: u64, speaker: Speaker, content: &str) {
        self.chat.insert(
            seq,
            ChatMessage {
                seq,
                speaker,
                content: content.to_owned(),
            },
        );
    }

    /// Returns the value of a state key, derived or recorded.
    pub fn get(&self, key: &str) -> Option<Value> {
        match key {
            "tokens.total" => Some(json!(
                self.tokens
                    .values()
                    .fold(0_u64, |sum, n| sum.saturating_add(*n))
            )),
            "tools.active" => Some(json!(self.active_tools())),
            "messages.total" => Some(json!(self.chat.len())),
            _ => self.state.get(key).map(|known| known.value.clone()),
        }
    }

    /// Returns every state key with its value, derived ones included, sorted by key.
    pub fn state(&self) -> BTreeMap<String, Value> {
        let recorded = self
            .state
            .iter()
            .map(|(key, known)| (key.clone(), known.value.clone()));
        let derived = ["messages.total", "tokens.total", "tools.active"]
            .into_iter()
            .filter_map(|key| self.get(key).map(|value| (key.to_owned(), value)));
        recorded.chain(derived).collect()
    }

    /// Returns the conversation as people see it.
    pub fn chat(&self) -> impl Iterator<Item = &ChatMessage> {
        self.chat.values()
    }

    fn active_tools(&self) -> Vec<&str> {
        let mut open: Vec<&str> = self
            .called
            .iter()
            .filter(|(call, _)| !self.answered.contains(*call))
            .map(|(_, tool)| tool.as_str())
            .collect();
        open.sort_unstable();
        open.dedup();
        open
    }
}

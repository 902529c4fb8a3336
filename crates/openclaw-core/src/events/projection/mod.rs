//! What a session's events add up to.
//!
//! Everything is kept under the sequence number of the event that it comes from, and of two values
//! of one thing the later one stays. So the same events give the same state in whatever order,
//! how often and in however many parts they are taken in.

use std::collections::BTreeMap;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::{Change, SessionEvent, SessionEventKind};
use crate::ids::CallId;
use crate::usage::Usage;

/// The version of a projection's stored form; one of another version is not read.
const FORMAT: u32 = 1;

/// The keys of the state that no event sets.
const DERIVED: [&str; 5] = [
    "cost.total",
    "messages.total",
    "tokens.total",
    "tools.active",
    "usage.total",
];

/// A value, and the sequence number of the event that set it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versioned {
    /// The value.
    pub value: Value,
    /// The event that set it.
    pub seq: u64,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The person.
    Peer,
    /// The agent.
    Agent,
}

/// One line of the conversation as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
/// all answers; `usage.total`, what the model calls used, by sort of token; `cost.total`, what they
/// cost in US dollars; `tools.active`, the tools whose calls have no result yet; `messages.total`.
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionProjection {
    format: Format,
    state: BTreeMap<String, Versioned>,
    chat: BTreeMap<u64, ChatMessage>,
    tokens: BTreeMap<u64, u64>,
    usage: BTreeMap<u64, Usage>,
    /// Summed in the order of the events: sums of floating-point numbers depend on the order.
    cost: BTreeMap<u64, f64>,
    calls: BTreeMap<CallId, Call>,
}

/// What is known of the tool calls with one id; some models number their calls anew in every step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Call {
    /// The last call, and its tool.
    called: Option<(u64, String)>,
    /// The last result.
    answered: Option<u64>,
}

impl Call {
    fn called(seq: u64, tool: &str) -> Self {
        Self {
            called: Some((seq, tool.to_owned())),
            answered: None,
        }
    }

    const fn answered(seq: u64) -> Self {
        Self {
            called: None,
            answered: Some(seq),
        }
    }

    /// Returns the tool, if the last call has no result yet.
    fn open(&self) -> Option<&str> {
        let (seq, tool) = self.called.as_ref()?;
        self.answered
            .is_none_or(|answered| answered < *seq)
            .then_some(tool.as_str())
    }
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
        if let Some(step) = event.payload.as_ref().and_then(|known| known.step.as_ref()) {
            self.usage.insert(seq, step.usage);
        }
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
                    self.call(call, &Call::called(seq, tool));
                }
            }
            SessionEventKind::ToolResult { .. } => {
                if let Some(call) = &event.call_id {
                    self.call(call, &Call::answered(seq));
                }
            }
            SessionEventKind::StateChanged { key, value } => {
                if let Some(Change::UsageCost { usd }) = Change::of(event) {
                    self.cost.insert(seq, usd);
                }
                let value = value.clone();
                self.set(key, &Versioned { value, seq });
            }
            SessionEventKind::SessionStarted { .. }
            | SessionEventKind::MessageSent { .. }
            | SessionEventKind::SessionEnded { .. } => {}
        }
    }

    /// Takes in what another projection of the same session knows.
    ///
    /// The result is the projection of all events that either has seen, so it does not matter
    /// which of the two takes in the other, in what order several are merged, or how often.
    ///
    /// ```
    /// # use openclaw_core::{EventStore, SessionEventKind, SessionKey, SessionProjection};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let store = EventStore::open(&dir.path().join("events.sqlite"))?;
    /// # let session = SessionKey::parse("agent:main:main")?;
    /// # let events = store.append(&session, vec![
    /// #     SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() }.into(),
    /// #     SessionEventKind::MessageReceived { content: "hi".into(), attachments: vec![] }.into(),
    /// # ]).await?;
    /// let (first, rest) = events.split_at(1);
    /// let mut late = SessionProjection::project(rest);
    /// late.merge(&SessionProjection::project(first));
    /// assert_eq!(late, SessionProjection::project(&events));
    /// # Ok(()) }
    /// ```
    pub fn merge(&mut self, other: &Self) {
        for (key, theirs) in &other.state {
            self.set(key, theirs);
        }
        for (call, theirs) in &other.calls {
            self.call(call, theirs);
        }
        union(&mut self.chat, &other.chat);
        union(&mut self.tokens, &other.tokens);
        union(&mut self.usage, &other.usage);
        union(&mut self.cost, &other.cost);
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

    fn set(&mut self, key: &str, value: &Versioned) {
        match self.state.get_mut(key) {
            Some(known) if known.seq >= value.seq => {}
            Some(known) => known.clone_from(value),
            None => {
                self.state.insert(key.to_owned(), value.clone());
            }
        }
    }

    fn call(&mut self, id: &CallId, news: &Call) {
        let known = self.calls.entry(id.clone()).or_default();
        let at = |called: &Option<(u64, String)>| called.as_ref().map(|(seq, _)| *seq);
        if at(&known.called) < at(&news.called) {
            known.called.clone_from(&news.called);
        }
        known.answered = known.answered.max(news.answered);
    }

    /// Returns the value of a state key, derived or recorded.
    pub fn get(&self, key: &str) -> Option<Value> {
        match key {
            "cost.total" => Some(json!(self.cost.values().fold(0.0, |sum, usd| sum + usd))),
            "messages.total" => Some(json!(self.chat.len())),
            "tokens.total" => Some(json!(
                self.tokens
                    .values()
                    .fold(0_u64, |sum, n| sum.saturating_add(*n))
            )),
            "tools.active" => Some(json!(self.active_tools())),
            "usage.total" => Some(self.total_usage()),
            _ => self.state.get(key).map(|known| known.value.clone()),
        }
    }

    /// Returns every state key with its value, derived ones included, sorted by key.
    pub fn state(&self) -> BTreeMap<String, Value> {
        let recorded = self
            .state
            .iter()
            .map(|(key, known)| (key.clone(), known.value.clone()));
        let derived = DERIVED
            .into_iter()
            .filter_map(|key| self.get(key).map(|value| (key.to_owned(), value)));
        recorded.chain(derived).collect()
    }

    /// Returns the conversation as people see it.
    pub fn chat(&self) -> impl Iterator<Item = &ChatMessage> {
        self.chat.values()
    }

    fn active_tools(&self) -> Vec<&str> {
        let mut open: Vec<&str> = self.calls.values().filter_map(Call::open).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    fn total_usage(&self) -> Value {
        let mut total = Usage::default();
        for usage in self.usage.values() {
            total += *usage;
        }
        json!({
            "inputTokens": total.input,
            "outputTokens": total.output,
            "cacheReadTokens": total.cache_read,
            "cacheWriteTokens": total.cache_write,
        })
    }
}

/// Adds what is missing. Two entries under one number come from one event, and are the same.
fn union<T: Clone>(ours: &mut BTreeMap<u64, T>, theirs: &BTreeMap<u64, T>) {
    for (seq, value) in theirs {
        ours.entry(*seq).or_insert_with(|| value.clone());
    }
}

/// Stands for [`FORMAT`] in the stored form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FORMAT.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            FORMAT => Ok(Self),
            other => Err(D::Error::invalid_value(
                Unexpected::Unsigned(other.into()),
                &"the format of this version",
            )),
        }
    }
}

#[cfg(test)]
mod tests;

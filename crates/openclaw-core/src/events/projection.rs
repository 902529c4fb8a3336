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
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, subsequence};

    use super::*;
    use crate::events::{EventHash, NewEvent, Payload, StepPayload};
    use crate::session_key::SessionKey;

    fn event(seq: u64, new: NewEvent) -> SessionEvent {
        SessionEvent {
            session: SessionKey::parse("agent:main:main").unwrap(),
            seq,
            position: seq,
            time: jiff::Timestamp::UNIX_EPOCH,
            cause: new.cause,
            run_id: new.run_id,
            step: new.step,
            call_id: new.call_id,
            kind: new.kind,
            payload: new.payload,
            raw: new.raw,
            hash: EventHash::START,
        }
    }

    fn step(usage: Usage) -> Payload {
        Payload {
            step: Some(StepPayload {
                provider: "p".into(),
                model: "m".into(),
                stop: "end".into(),
                usage,
                blocks: vec![],
            }),
            ..Payload::default()
        }
    }

    fn facts() -> impl Strategy<Value = NewEvent> {
        let usage =
            (any::<u64>(), any::<u32>(), any::<u32>()).prop_map(|(input, output, cached)| Usage {
                input,
                output: output.into(),
                cache_read: cached.into(),
                ..Usage::default()
            });
        let call = || "[ab]";
        prop_oneof![
            "[a-z]{0,8}".prop_map(|content| SessionEventKind::MessageReceived {
                content,
                attachments: vec![],
            }
            .into()),
            ("[a-z]{0,8}", any::<u64>(), usage).prop_map(|(content, tokens, usage)| {
                let model = "m".into();
                NewEvent::from(SessionEventKind::AgentResponse {
                    content,
                    model,
                    tokens,
                })
                .with_payload(step(usage))
            }),
            ("[xy]", call()).prop_map(|(tool, call)| {
                let params = Value::Null;
                NewEvent::from(SessionEventKind::ToolCalled { tool, params })
                    .about_call(&call.into())
            }),
            call().prop_map(|call| {
                let (tool, result) = ("x".into(), Value::Null);
                NewEvent::from(SessionEventKind::ToolResult {
                    tool,
                    result,
                    success: true,
                })
                .about_call(&call.into())
            }),
            ("[kl]", any::<i32>()).prop_map(|(key, value)| {
                let value = value.into();
                SessionEventKind::StateChanged { key, value }.into()
            }),
            (0.0..10.0).prop_map(|usd| Change::UsageCost { usd }.to_event().unwrap()),
        ]
    }

    fn history() -> impl Strategy<Value = Vec<SessionEvent>> {
        prop::collection::vec(facts(), 0..40).prop_map(|facts| {
            (1..)
                .zip(facts)
                .map(|(seq, fact)| event(seq, fact))
                .collect()
        })
    }

    fn merged(a: &SessionProjection, b: &SessionProjection) -> SessionProjection {
        let mut merged = a.clone();
        merged.merge(b);
        merged
    }

    /// A history and three parts of it, which may overlap and leave something out.
    fn parts() -> impl Strategy<Value = (Vec<SessionEvent>, [Vec<SessionEvent>; 3])> {
        history().prop_flat_map(|events| {
            let part = || subsequence(events.clone(), 0..=events.len());
            let parts = [part(), part(), part()];
            (Just(events.clone()), parts)
        })
    }

    proptest! {
        #[test]
        fn the_order_and_the_number_of_times_do_not_matter(
            (events, mixed) in history().prop_flat_map(|events| {
                let twice = [events.clone(), events.clone()].concat();
                (Just(events), Just(twice).prop_shuffle())
            })
        ) {
            prop_assert_eq!(SessionProjection::project(&mixed), SessionProjection::project(&events));
        }

        #[test]
        fn the_fold_of_all_is_the_fold_of_a_beginning_and_then_the_rest(
            events in history(), at in any::<Index>()
        ) {
            let (beginning, rest) = events.split_at(at.index(events.len() + 1));
            let mut projection = SessionProjection::project(beginning);
            for event in rest {
                projection.apply(event);
            }
            prop_assert_eq!(projection, SessionProjection::project(&events));
        }

        #[test]
        fn merging_is_commutative_associative_and_idempotent((_, parts) in parts()) {
            let [a, b, c] = parts.map(|part| SessionProjection::project(&part));
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a);
        }

        #[test]
        fn merging_is_the_fold_of_what_either_has_seen((events, [a, b, _]) in parts()) {
            let seen = events.iter().filter(|event| a.contains(event) || b.contains(event));
            let merged = merged(&SessionProjection::project(&a), &SessionProjection::project(&b));
            prop_assert_eq!(merged, SessionProjection::project(seen));
        }

        #[test]
        fn the_stored_form_comes_back_as_it_was(events in history()) {
            let projection = SessionProjection::project(&events);
            let stored = serde_json::to_string(&projection).unwrap();
            prop_assert_eq!(serde_json::from_str::<SessionProjection>(&stored).unwrap(), projection);
        }
    }

    #[test]
    fn usage_and_cost_are_summed() {
        let usage = |input, output| Usage {
            input,
            output,
            cache_read: 1,
            ..Usage::default()
        };
        let answer = |usage| {
            let (content, model) = (String::new(), "m".into());
            NewEvent::from(SessionEventKind::AgentResponse {
                content,
                model,
                tokens: 7,
            })
            .with_payload(step(usage))
        };
        let cost = |usd| Change::UsageCost { usd }.to_event().unwrap();
        let facts = [
            answer(usage(1, 2)),
            cost(0.5),
            answer(usage(3, 4)),
            cost(0.25),
        ];
        let events: Vec<_> = (1..)
            .zip(facts)
            .map(|(seq, fact)| event(seq, fact))
            .collect();
        let projection = SessionProjection::project(&events);
        assert_eq!(
            (projection.get("usage.total"), projection.get("cost.total")),
            (
                Some(json!({
                    "inputTokens": 4, "outputTokens": 6, "cacheReadTokens": 2, "cacheWriteTokens": 0,
                })),
                Some(json!(0.75))
            )
        );
    }

    #[test]
    fn a_tool_is_active_again_when_its_call_id_is_used_again() {
        let called = || {
            let (tool, params) = ("exec".into(), Value::Null);
            NewEvent::from(SessionEventKind::ToolCalled { tool, params })
                .about_call(&"call_0".into())
        };
        let (tool, result) = ("exec".into(), Value::Null);
        let answered = NewEvent::from(SessionEventKind::ToolResult {
            tool,
            result,
            success: true,
        })
        .about_call(&"call_0".into());
        let mut projection = SessionProjection::project(&[event(1, called()), event(2, answered)]);
        assert_eq!(projection.get("tools.active"), Some(json!([])));
        projection.apply(&event(3, called()));
        assert_eq!(projection.get("tools.active"), Some(json!(["exec"])));
    }

    #[test]
    fn a_stored_form_of_another_version_is_not_read() {
        let mut stored = serde_json::to_value(SessionProjection::default()).unwrap();
        stored["format"] = json!(FORMAT + 1);
        assert!(serde_json::from_value::<SessionProjection>(stored).is_err());
    }
}

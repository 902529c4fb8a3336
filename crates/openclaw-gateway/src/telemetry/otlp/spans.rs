//! From facts to spans: a turn is `invoke_agent`, with `chat` and `execute_tool` below it.
//!
//! The id of a run is the id of its trace, so that a line of the log leads to the trace.
//! A session's key may name people, so that a conversation is named by a hash of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use openclaw_core::{CallId, ModelRef, RunId, SessionKey};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::facts::{Asked, Fact, OK, What};
use super::message::{Attribute, Role, Span, Value};

/// How many runs are followed at the same time; the oldest is given up for a new one.
const MOST_RUNS: usize = 4096;
/// How many spans a run may have.
const MOST_SPANS: usize = 2000;

/// The runs that go on, and the spans of those that have ended.
#[derive(Debug)]
pub(super) struct Spans {
    /// The part of all runs that is followed.
    rate: f64,
    open: BTreeMap<RunId, Open>,
    /// How many spans could not be kept.
    dropped: u64,
}

/// A run that goes on.
#[derive(Debug)]
struct Open {
    trace: [u8; 16],
    session: SessionKey,
    began: Timestamp,
    tools: BTreeMap<CallId, (String, Timestamp)>,
    spans: Vec<Span>,
}

impl Spans {
    pub(super) const fn new(rate: f64) -> Self {
        Self {
            rate,
            open: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// Takes a fact in; returns the spans of the run if it ended with it.
    pub(super) fn take(&mut self, fact: Fact) -> Vec<Span> {
        let Fact { run, time, what } = fact;
        match what {
            What::Began(session) => self.begin(run, session, time),
            What::Ended(outcome) => {
                return self
                    .open
                    .remove(&run)
                    .map(|open| open.ended(&run, &outcome, time))
                    .unwrap_or_default();
            }
            what => {
                let full = self
                    .open
                    .get_mut(&run)
                    .is_some_and(|open| !open.take(&run, what, time));
                self.dropped = self.dropped.saturating_add(u64::from(full));
            }
        }
        Vec::new()
    }

    /// Returns how many spans were dropped since the last call.
    pub(super) const fn take_dropped(&mut self) -> u64 {
        std::mem::replace(&mut self.dropped, 0)
    }

    fn begin(&mut self, run: RunId, session: SessionKey, began: Timestamp) {
        let trace = trace_of(&run);
        if !is_sampled(trace, self.rate) || self.open.contains_key(&run) {
            return;
        }
        if self.open.len() >= MOST_RUNS && self.open.pop_first().is_some() {
            self.dropped = self.dropped.saturating_add(1);
        }
        let open = Open {
            trace,
            session,
            began,
            tools: BTreeMap::new(),
            spans: Vec::new(),
        };
        self.open.insert(run, open);
    }
}

impl Open {
    /// Takes in what happened in the run; returns whether there was room for it.
    fn take(&mut self, run: &RunId, what: What, time: Timestamp) -> bool {
        if self.spans.len() >= MOST_SPANS {
            return false;
        }
        match what {
            What::Asked(calls) => {
                // They came one after the other, so each began when the one before had ended.
                let mut ended = time;
                for asked in calls.into_iter().rev() {
                    let took = SignedDuration::try_from(asked.took).unwrap_or_default();
                    let began = ended.checked_sub(took).unwrap_or(ended).max(self.began);
                    let span = self.chat(run, asked, (began, ended));
                    self.spans.push(span);
                    ended = began;
                }
            }
            What::Called(call, tool) => drop(self.tools.insert(call, (tool, time))),
            What::Returned(call, outcome) => {
                if let Some((tool, began)) = self.tools.remove(&call) {
                    let span = self.tool(run, (call, tool), outcome, (began, time));
                    self.spans.push(span);
                }
            }
            What::Began(_) | What::Ended(_) => {}
        }
        true
    }

    fn chat(&self, run: &RunId, asked: Asked, (began, ended): (Timestamp, Timestamp)) -> Span {
        let ModelRef { provider, model } = asked.model;
        let usage = asked.usage;
        let mut attributes = vec![
            ("gen_ai.operation.name", text("chat")),
            ("gen_ai.provider.name", text(provider.as_str())),
            ("gen_ai.request.model", text(&model)),
            ("gen_ai.usage.input_tokens", Value::Whole(usage.input)),
            ("gen_ai.usage.output_tokens", Value::Whole(usage.output)),
            (
                "gen_ai.usage.cache_read.input_tokens",
                Value::Whole(usage.cache_read),
            ),
            (
                "gen_ai.usage.cache_creation.input_tokens",
                Value::Whole(usage.cache_write),
            ),
        ];
        attributes.extend(asked.usd.map(|usd| ("openclaw.cost.usd", Value::Real(usd))));
        self.child(
            (run, format!("chat {model}"), Role::Client),
            (began, ended),
            attributes,
            asked.failure,
        )
    }

    fn tool(
        &self,
        run: &RunId,
        (call, tool): (CallId, String),
        outcome: &str,
        times: (Timestamp, Timestamp),
    ) -> Span {
        let attributes = vec![
            ("gen_ai.operation.name", text("execute_tool")),
            ("gen_ai.tool.name", text(&tool)),
            ("gen_ai.tool.call.id", text(call.as_str())),
            ("gen_ai.tool.type", text("function")),
            ("openclaw.outcome", text(outcome)),
        ];
        let failure = (outcome != OK).then(|| outcome.to_owned());
        let name = format!("execute_tool {tool}");
        self.child((run, name, Role::Internal), times, attributes, failure)
    }

    fn child(
        &self,
        (run, name, role): (&RunId, String, Role),
        (began, ended): (Timestamp, Timestamp),
        attributes: Vec<Attribute>,
        failure: Option<String>,
    ) -> Span {
        Span {
            trace: self.trace,
            id: span_id(run, self.spans.len().saturating_add(1)),
            parent: Some(span_id(run, 0)),
            name,
            role,
            began,
            ended,
            attributes: with_error(attributes, failure.as_deref()),
            failure,
        }
    }

    fn ended(mut self, run: &RunId, outcome: &str, ended: Timestamp) -> Vec<Span> {
        let agent = self.session.agent();
        let attributes = vec![
            ("gen_ai.operation.name", text("invoke_agent")),
            ("gen_ai.agent.name", text(agent.as_str())),
            ("gen_ai.agent.id", text(agent.as_str())),
            ("gen_ai.conversation.id", text(&conversation(&self.session))),
            ("openclaw.run.id", text(run.as_str())),
            ("openclaw.outcome", text(outcome)),
        ];
        let failure = (outcome != OK).then(|| outcome.to_owned());
        self.spans.push(Span {
            trace: self.trace,
            id: span_id(run, 0),
            parent: None,
            name: format!("invoke_agent {agent}"),
            role: Role::Internal,
            began: self.began,
            ended,
            attributes: with_error(attributes, failure.as_deref()),
            failure,
        });
        self.spans
    }
}

fn with_error(mut attributes: Vec<Attribute>, failure: Option<&str>) -> Vec<Attribute> {
    attributes.extend(failure.map(|failure| ("error.type", text(failure))));
    attributes
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Returns the id of a run's trace: the run's own.
fn trace_of(run: &RunId) -> [u8; 16] {
    match Uuid::parse_str(run.as_str()) {
        Ok(id) => id.into_bytes(),
        Err(_other) => hash(run.as_str(), 0).0,
    }
}

fn span_id(run: &RunId, n: usize) -> [u8; 8] {
    let (id, _) = hash(run.as_str(), n);
    *id.first_chunk().unwrap_or(&[1; 8])
}

fn hash(text: &str, n: usize) -> ([u8; 16], [u8; 16]) {
    let digest: [u8; 32] = Sha256::digest(format!("{text}/{n}")).into();
    let half = |from: usize| {
        let part = digest.get(from..).and_then(<[u8]>::first_chunk);
        part.copied().unwrap_or_default()
    };
    (half(0), half(16))
}

fn conversation(session: &SessionKey) -> String {
    format!("{:032x}", u128::from_be_bytes(hash(session.as_str(), 0).0))
}

/// Tells whether a trace belongs to the part that is sent, so that whoever decides by the same id
/// and part decides the same. The last 62 bits of the id are random.
fn is_sampled(trace: [u8; 16], rate: f64) -> bool {
    let random = u128::from_be_bytes(trace) & ((1 << 62) - 1);
    let Ok(random) = u64::try_from(random >> 30) else {
        return true;
    };
    super::super::number::float(random) < rate * 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openclaw_core::Usage;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn run(spans: &mut Spans, run: &RunId) -> Vec<Span> {
        let session = SessionKey::parse("agent:main:main").unwrap();
        let asked = |took, failure: Option<&str>| Asked {
            model: ModelRef {
                provider: "anthropic".into(),
                model: "claude".into(),
            },
            failure: failure.map(str::to_owned),
            usage: Usage::default(),
            usd: None,
            took: Duration::from_millis(took),
        };
        let facts = [
            (1000, What::Began(session)),
            (
                1500,
                What::Asked(vec![asked(100, Some("limited")), asked(200, None)]),
            ),
            (1500, What::Called("c1".into(), "exec".to_owned())),
            (1900, What::Returned("c1".into(), OK)),
            (2500, What::Ended(OK.to_owned())),
        ];
        let mut all = Vec::new();
        for (ms, what) in facts {
            all.extend(spans.take(Fact {
                run: run.clone(),
                time: at(ms),
                what,
            }));
        }
        all
    }

    #[test]
    fn a_turn_is_a_span_with_its_calls_below_it() {
        let id = RunId::generate();
        let spans = run(&mut Spans::new(1.0), &id);
        let shown: Vec<_> = spans
            .iter()
            .map(|span| {
                let ms = |time: Timestamp| time.as_millisecond();
                (span.name.as_str(), ms(span.began), ms(span.ended))
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("chat claude", 1300, 1500),
                ("chat claude", 1200, 1300),
                ("execute_tool exec", 1500, 1900),
                ("invoke_agent main", 1000, 2500),
            ]
        );
        let root = &spans[3];
        assert_eq!((root.parent, root.id), (None, span_id(&id, 0)));
        for span in &spans[..3] {
            assert_eq!((span.parent, span.trace), (Some(root.id), root.trace));
        }
        assert_eq!(spans[1].failure.as_deref(), Some("limited"));
        assert_eq!(Uuid::from_bytes(root.trace).to_string(), id.as_str());
    }

    #[test]
    fn a_part_of_the_turns_is_followed() {
        let mut spans = Spans::new(0.25);
        let sent = (0..400).filter(|_| {
            let id = RunId(Uuid::new_v4().to_string());
            !run(&mut spans, &id).is_empty()
        });
        let sent = sent.count();
        assert!((50..150).contains(&sent), "{sent}");
        assert!(run(&mut Spans::new(0.0), &RunId::generate()).is_empty());
    }
}

//! What a program asks for beside its message: tools of its own, more to be told to the model, and
//! a line by which it is told of its run.
//!
//! A call of a client's own tool is not run here. It is recorded like any other, the run ends with
//! it, and the client's next message brings what came of it, which is recorded as the call's result
//! before the model is asked again. A call that the client goes on without is closed by a result
//! that says so: the conversation stays a legal one, and the log says who did what.

use std::collections::{HashMap, HashSet};

use openclaw_core::events::{NewEvent, Payload, StepPayload};
use openclaw_core::provenance::Mark;
use openclaw_core::{CallId, RunId, SessionEvent, SessionEventKind, Usage};
use openclaw_providers::{Arguments, AssistantBlock, Completion, ToolSpec};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::calls::Call;
use crate::ending::{Total, step_payload};
use crate::error::AgentError;
use crate::run::{Reply, Run};
use crate::step::text_of;
use crate::transcript::{self, OpenCall};

/// What stands in for the result of a client's call that it went on without.
const NOT_ANSWERED: &str = "not answered: the client went on without a result of this call";
/// The part of an answer's payload that names the calls which were handed to a client.
const HANDED_OVER: &str = "handedOver";
/// The part of a message's payload that names the calls whose results its text stands for.
const STANDS_FOR: &str = "standsFor";
/// The part of a message's payload that has what came with it.
const TERMS: &str = "terms";

/// What comes with a message that a program sends, beside it.
///
/// A turn on terms is nobody else's: no other message is taken into its run, and it into none.
#[derive(Debug, Default)]
pub struct Terms {
    /// What the model is told after its system prompt.
    pub instructions: Option<String>,
    /// The client's own tools: their names are none of the tools' here.
    pub tools: Vec<ToolSpec>,
    /// What came of calls of the client's tools in earlier turns of the session.
    pub results: Vec<ClientResult>,
    /// Whether the message says anything beside the results.
    pub words: Words,
    /// The most tokens that the model may write in a step.
    pub max_tokens: Option<u32>,
    /// How freely the model chooses its words.
    pub temperature: Option<f64>,
    /// The line to the client.
    pub line: Line,
}

/// What came of a call of a client's tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientResult {
    /// The call.
    pub call: CallId,
    /// What the client says that came of it.
    pub output: String,
}

/// Whether a message has words of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// Its text is for the model.
    #[default]
    Own,
    /// Its text only repeats the results: the model sees those in its place.
    Results,
}

/// A client's line to its run.
#[derive(Debug, Default)]
pub struct Line {
    gone: CancellationToken,
    run: watch::Sender<Option<RunId>>,
}

impl Line {
    /// Ends the run, whenever it comes: whoever asked has gone.
    pub fn hang_up(&self) {
        self.gone.cancel();
    }

    /// Returns what hangs up when it is cancelled.
    pub const fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    /// Returns what tells the run's id once it starts.
    pub fn run(&self) -> watch::Receiver<Option<RunId>> {
        self.run.subscribe()
    }

    pub(crate) fn starts(&self, run: &RunId) {
        self.run.send_replace(Some(run.clone()));
    }
}

/// A call of a client's own tool, which the client is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCall {
    /// Its id, which no other call of any session has.
    pub id: CallId,
    /// The tool.
    pub tool: String,
    /// The arguments as the model wrote them: a JSON object, if it kept to its task.
    pub arguments: String,
}

impl Terms {
    /// Tells whether a call is for the client.
    pub(crate) fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|spec| spec.name == tool)
    }

    /// Returns the part of the message's payload that says what came with it.
    pub(crate) fn on_record(&self) -> Vec<(String, Value)> {
        let mut parts = Vec::new();
        if self.instructions.is_some() || !self.tools.is_empty() {
            let tools: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
            let terms = json!({ "instructions": self.instructions, "tools": tools });
            parts.push((TERMS.to_owned(), terms));
        }
        if self.words == Words::Results {
            let calls: Vec<&CallId> = self.results.iter().map(|result| &result.call).collect();
            parts.push((STANDS_FOR.to_owned(), json!(calls)));
        }
        parts
    }
}

/// Tells whether a message only repeats results that are on record after it, among the events that
/// the model sees.
pub(crate) fn stands_for_results(message: &SessionEvent, seen: &[&SessionEvent]) -> bool {
    let Some(calls) = named(message, STANDS_FOR) else {
        return false;
    };
    // A client names what it likes: only a call that was its to answer has its result in a message,
    // and one that has left the view has its result nowhere else.
    let handed = handed_over(seen.iter().copied());
    let about = |event: &SessionEvent, call: &str| {
        event.call_id.as_ref().is_some_and(|of| of.as_str() == call)
    };
    let stands = |call: &String| {
        let is_call = |event: &&SessionEvent| {
            matches!(event.kind, SessionEventKind::ToolCalled { .. }) && about(event, call)
        };
        let is_result = |event: &&SessionEvent| {
            matches!(event.kind, SessionEventKind::ToolResult { .. })
                && event.seq > message.seq
                && about(event, call)
        };
        let mut events = seen.iter().copied();
        handed.contains(call)
            && events.clone().any(|event| is_call(&event))
            && events.any(|event| is_result(&event))
    };
    !calls.is_empty() && calls.iter().all(stands)
}

/// Returns the calls that a part of an event's payload names.
fn named(event: &SessionEvent, part: &str) -> Option<Vec<String>> {
    let part = event.payload.as_ref()?.other.get(part)?;
    serde_json::from_value(part.clone()).ok()
}

/// Tells whether an event is the end of a run that handed calls to a client.
pub(crate) fn hands_over(event: &SessionEvent) -> bool {
    let payload = event.payload.as_ref();
    payload.is_some_and(|payload| payload.other.contains_key(HANDED_OVER))
}

/// Returns the calls of a session that were handed to clients.
pub(crate) fn handed_over<'a>(
    events: impl IntoIterator<Item = &'a SessionEvent>,
) -> HashSet<String> {
    events
        .into_iter()
        .filter_map(|event| named(event, HANDED_OVER))
        .flatten()
        .collect()
}

impl Run {
    /// Returns the events that close calls of earlier runs: with what the client says came of them,
    /// where it says so.
    pub(crate) fn closing(&self, open: Vec<OpenCall>, events: &[SessionEvent]) -> Vec<NewEvent> {
        let handed = handed_over(events);
        let brought: HashMap<&CallId, &str> = self
            .terms
            .iter()
            .flat_map(|terms| &terms.results)
            .map(|result| (&result.call, result.output.as_str()))
            .collect();
        let mut marks = None;
        open.into_iter()
            .map(|call| {
                let handed = handed.contains(call.call_id.as_str());
                let output = brought.get(&call.call_id).filter(|_| handed);
                let text = match output {
                    Some(output) => *output,
                    None if handed => NOT_ANSWERED,
                    None => transcript::INTERRUPTED,
                };
                let result = NewEvent::from(SessionEventKind::ToolResult {
                    tool: call.tool,
                    result: Value::String(text.to_owned()),
                    success: output.is_some(),
                })
                .in_run(&call.run_id, Some(call.seq))
                .at_step(call.step)
                .about_call(&call.call_id);
                if output.is_none() {
                    return result;
                }
                let marks = marks.get_or_insert_with(|| self.marks_of_sender()).clone();
                result.with_payload(Payload {
                    marks,
                    ..Payload::default()
                })
            })
            .collect()
    }

    /// A client's results are as trusted as the words of whoever sends them.
    fn marks_of_sender(&self) -> Vec<Mark> {
        crate::taint::of_message(&self.agent.rules.taint, &self.sender, &[])
    }

    /// Tells whether a call is for the client.
    pub(crate) fn is_clients(&self, tool: &str) -> bool {
        self.terms.as_ref().is_some_and(|terms| terms.has(tool))
    }

    /// Gives the client's calls of a step ids that no other call has, so that an answer to one is
    /// never taken for another's.
    pub(crate) fn with_own_ids(&self, completion: &mut Completion, calls: &mut [Call]) {
        for call in calls.iter_mut().filter(|call| self.is_clients(&call.tool)) {
            let id = CallId(format!("call_{}", Uuid::new_v4().simple()));
            for block in &mut completion.content {
                if let AssistantBlock::ToolCall(written) = block
                    && written.id == call.id
                {
                    written.id = id.clone();
                }
            }
            call.id = id;
        }
    }

    /// Ends the run with calls that the client is to run.
    pub(crate) async fn hand_over(
        &self,
        completion: &Completion,
        total: Total,
        step: u32,
    ) -> Result<Reply, AgentError> {
        let calls: Vec<ClientCall> = completion
            .content
            .iter()
            .filter_map(|block| match block {
                AssistantBlock::ToolCall(call) if self.is_clients(&call.name) => Some(ClientCall {
                    id: call.id.clone(),
                    tool: call.name.clone(),
                    arguments: match &call.arguments {
                        Arguments::Object(object) => Value::Object(object.clone()).to_string(),
                        Arguments::Malformed(text) => text.clone(),
                    },
                }),
                _ => None,
            })
            .collect();
        let ids: Vec<&CallId> = calls.iter().map(|call| &call.id).collect();
        let mut payload = Payload {
            // What the model wrote is on record with its calls already: this says only that the
            // run ended.
            step: Some(StepPayload {
                blocks: Vec::new(),
                usage: Usage::default(),
                ..step_payload(completion)
            }),
            ..Payload::default()
        };
        payload.other.insert(HANDED_OVER.to_owned(), json!(ids));
        let content = text_of(&completion.content);
        let event = NewEvent::from(SessionEventKind::AgentResponse {
            content: content.clone(),
            model: completion.model.clone(),
            tokens: total.usage.total(),
        })
        .in_run(&self.id, Some(self.cause))
        .at_step(step)
        .with_payload(payload);
        self.append_end(vec![event]).await?;
        Ok(Reply {
            run_id: self.id.clone(),
            content,
            provider: completion.provider.clone(),
            model: completion.model.clone(),
            usage: total.usage,
            stop: completion.stop.clone(),
            steps: step,
            cost: total.cost(),
            fallback: None,
            before: Vec::new(),
            calls,
        })
    }

    /// Waits until whoever asked has gone, if that can be told.
    pub(crate) async fn hung_up(&self) {
        match &self.terms {
            Some(terms) => terms.line.gone.cancelled().await,
            None => std::future::pending().await,
        }
    }
}

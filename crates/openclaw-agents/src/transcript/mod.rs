//! The transcript that a model sees: a fold of the events and of nothing else.
//!
//! The result is always a legal conversation. Every tool call is answered exactly once, by its
//! result or, when a crash took the result away, by a note that says so; messages that wait for
//! their own turn, or were cancelled before it, are left out; adjacent messages of the same speaker are one.

mod heard;

use std::collections::{HashMap, HashSet};

use openclaw_core::events::{Block, Change, StepPayload, by_run};
use openclaw_core::{CallId, Kind, RunId, SessionEvent, SessionEventKind};
use openclaw_providers::{
    Arguments, AssistantBlock, Message, Thinking, ToolCall, ToolResult, UserBlock,
};
use serde_json::Value;

use crate::compaction::Window;
use crate::tools::model_text;

use heard::Log;
pub(crate) use heard::{hear, heard_between, said, taken};

/// What stands in for the result of a call whose run was cut off.
pub(crate) const INTERRUPTED: &str =
    "interrupted: the program stopped while this ran; whether it took effect is not known";

/// What stands in for the result of a call that was not approved before its program stopped.
pub(crate) const UNAPPROVED: &str =
    "not run: the program stopped while an approval of this was waited for";

/// What stands before a model's message that nothing else stands before.
const GOES_ON: &str = "(The conversation goes on from here.)";

/// A call that has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenCall {
    pub(crate) seq: u64,
    pub(crate) run_id: RunId,
    pub(crate) step: u32,
    pub(crate) call_id: CallId,
    pub(crate) tool: String,
}

/// Returns the model's calls of earlier runs that have no result.
pub(crate) fn open_calls(events: &[SessionEvent]) -> Vec<OpenCall> {
    let answered: HashSet<CallKey<'_>> = events
        .iter()
        .filter(|event| matches!(event.kind, SessionEventKind::ToolResult { .. }))
        .filter_map(call_key)
        .collect();
    events
        .iter()
        .filter(|event| call_key(event).is_some_and(|key| !answered.contains(&key)))
        .filter_map(
            |event| match (&event.kind, &event.run_id, event.step, &event.call_id) {
                (SessionEventKind::ToolCalled { tool, .. }, Some(run), Some(step), Some(call)) => {
                    Some(OpenCall {
                        seq: event.seq,
                        run_id: run.clone(),
                        step,
                        call_id: call.clone(),
                        tool: tool.clone(),
                    })
                }
                _ => None,
            },
        )
        .collect()
}

/// Folds a session's events into what the model sees in the run `current`.
pub(crate) fn fold(events: &[SessionEvent], current: &RunId) -> Vec<Message> {
    let window = Window::of(events);
    let pieces = pieces(events, &window, current);
    conversation(&window, pieces)
}

/// One thing in the model's view: what somebody said, or a step with its results.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    /// The event that stands for it in the view.
    pub(crate) seq: u64,
    /// The first event that it is made of, where that is not the same one.
    pub(crate) from: u64,
    /// The run that it belongs to.
    pub(crate) run: Option<RunId>,
    /// What is seen.
    pub(crate) said: Said,
}

/// Who said a piece.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// The person.
    User(Vec<UserBlock>),
    /// The model.
    Step(Step),
}

/// Returns what the model sees of the events below a window's summary, one piece after the other
/// and uncut, up to the run `current`.
pub(crate) fn pieces(events: &[SessionEvent], window: &Window, current: &RunId) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = window.pinned(events).filter_map(message).collect();
    let log = Log::new(events, window.seen(events).collect());
    for (index, run) in by_run(window.seen(events)).into_iter().enumerate() {
        let Some(first) = run.first() else { continue };
        if index > 0 && window.is_remainder(first) {
            continue;
        }
        let last = first.run_id.as_ref() == Some(current);
        if last || !was_withdrawn(&run) {
            of_run(&run, &log, &mut pieces);
        }
        if last {
            break;
        }
    }
    pieces
}

/// Returns the messages whose turn comes after the run `current`.
pub(crate) fn pending(events: &[SessionEvent], window: &Window, current: &RunId) -> Vec<u64> {
    let taken = taken(events);
    by_run(window.seen(events))
        .into_iter()
        .skip_while(|run| first_run(run) != Some(current))
        .skip(1)
        .filter_map(|run| run.first().copied())
        .filter(|first| matches!(first.kind, SessionEventKind::MessageReceived { .. }))
        .map(|first| first.seq)
        .filter(|seq| !taken.contains(seq))
        .collect()
}

fn first_run<'a>(run: &[&'a SessionEvent]) -> Option<&'a RunId> {
    run.first()?.run_id.as_ref()
}

/// Makes of the pieces in a window the conversation that the model gets.
pub(crate) fn conversation(window: &Window, pieces: Vec<Piece>) -> Vec<Message> {
    let mut messages = Messages::default();
    if let Some(text) = window.introduction() {
        messages.user(vec![UserBlock::Text(text)]);
    }
    for piece in pieces {
        match window.cut(piece) {
            Said::User(blocks) => messages.user(blocks),
            Said::Step(step) => {
                messages.assistant(step.blocks);
                messages.results(step.answers);
            }
        }
    }
    messages.0
}

/// Tells whether a message was cancelled before the model had answered anything to it.
fn was_withdrawn(run: &[&SessionEvent]) -> bool {
    let mut cancelled = false;
    for event in run {
        match &event.kind {
            SessionEventKind::ToolCalled { .. } | SessionEventKind::AgentResponse { .. } => {
                return false;
            }
            SessionEventKind::StateChanged { .. } => {
                if let Some(Change::RunFailed { kind, .. }) = Change::of(event) {
                    cancelled = kind == Kind::Cancelled;
                }
            }
            _ => {}
        }
    }
    cancelled
}

/// Names a call within a session: models may use an id again in another step.
type CallKey<'a> = (Option<&'a RunId>, Option<u32>, &'a CallId);

fn call_key(event: &SessionEvent) -> Option<CallKey<'_>> {
    event
        .call_id
        .as_ref()
        .map(|call| (event.run_id.as_ref(), event.step, call))
}

fn of_run(run: &[&SessionEvent], log: &Log<'_>, pieces: &mut Vec<Piece>) {
    let calls = Calls::of(run);
    for event in run {
        if log.is_elsewhere(event) || log.is_seen_as_results(event) {
            continue;
        }
        if let Some(message) = message(event).or_else(|| log.heard(event)) {
            pieces.push(message);
        } else if let Some(step) = calls.step(event) {
            pieces.push(piece(event, Said::Step(step)));
        }
    }
}

fn message(event: &SessionEvent) -> Option<Piece> {
    said(event).map(|blocks| piece(event, Said::User(blocks)))
}

fn piece(event: &SessionEvent, said: Said) -> Piece {
    Piece {
        seq: event.seq,
        from: event.seq,
        run: event.run_id.clone(),
        said,
    }
}

/// What the model wrote in one step of a run, and what it was told in return.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// What it wrote, in its order.
    pub(crate) blocks: Vec<AssistantBlock>,
    /// One result for each call in it, in the same order.
    pub(crate) answers: Vec<ToolResult>,
}

/// The calls of a run and their results.
#[derive(Debug)]
pub(crate) struct Calls<'a> {
    called: HashMap<CallKey<'a>, &'a SessionEvent>,
    results: HashMap<CallKey<'a>, &'a SessionEvent>,
}

impl<'a> Calls<'a> {
    /// Finds them among a run's events.
    pub(crate) fn of(run: &[&'a SessionEvent]) -> Self {
        let (mut called, mut results) = (HashMap::new(), HashMap::new());
        for event in run {
            let Some(key) = call_key(event) else { continue };
            if matches!(event.kind, SessionEventKind::ToolCalled { .. }) {
                called.insert(key, *event);
            } else if matches!(event.kind, SessionEventKind::ToolResult { .. }) {
                results.insert(key, *event);
            }
        }
        Self { called, results }
    }

    /// Returns the step that an event of the run begins, if it begins one.
    pub(crate) fn step(&self, event: &SessionEvent) -> Option<Step> {
        let payload = event
            .payload
            .as_ref()
            .and_then(|payload| payload.step.as_ref());
        match (&event.kind, payload) {
            (SessionEventKind::ToolCalled { .. }, Some(payload)) => Some(self.read(event, payload)),
            (SessionEventKind::AgentResponse { .. }, Some(payload)) => Some(Step {
                answers: Vec::new(),
                ..self.read(event, payload)
            }),
            (SessionEventKind::AgentResponse { content, .. }, None) => Some(Step {
                blocks: vec![AssistantBlock::Text(content.clone())],
                answers: Vec::new(),
            }),
            // A tool called without a step was called by a client: the model never knew of it.
            _ => None,
        }
    }

    fn read(&self, event: &SessionEvent, payload: &StepPayload) -> Step {
        let mut step = Step {
            blocks: Vec::new(),
            answers: Vec::new(),
        };
        for block in &payload.blocks {
            match block {
                Block::Text(text) => step.blocks.push(AssistantBlock::Text(text.clone())),
                Block::Thinking(thinking) => {
                    step.blocks.push(AssistantBlock::Thinking(Thinking {
                        text: thinking.text.clone(),
                        signature: thinking.signature.clone(),
                        redacted: thinking.redacted.clone(),
                        by: Some(payload.provider.clone()),
                    }));
                }
                Block::Call(call) => {
                    let key = (event.run_id.as_ref(), event.step, call);
                    let Some(SessionEventKind::ToolCalled { tool, params }) =
                        self.called.get(&key).map(|called| &called.kind)
                    else {
                        continue;
                    };
                    step.blocks.push(AssistantBlock::ToolCall(ToolCall {
                        id: call.clone(),
                        name: tool.clone(),
                        arguments: arguments(params),
                    }));
                    let result = self.results.get(&key).map(|result| &result.kind);
                    step.answers.push(answer(call, result));
                }
            }
        }
        step
    }
}

fn answer(call: &CallId, result: Option<&SessionEventKind>) -> ToolResult {
    match result {
        Some(SessionEventKind::ToolResult {
            result, success, ..
        }) => ToolResult {
            call_id: call.clone(),
            content: model_text(result),
            is_error: !success,
        },
        _ => ToolResult {
            call_id: call.clone(),
            content: INTERRUPTED.to_owned(),
            is_error: true,
        },
    }
}

/// Arguments as they are recorded, which is as models get them back.
fn arguments(params: &Value) -> Arguments {
    match params {
        Value::Object(map) => Arguments::Object(map.clone()),
        other => Arguments::Malformed(other.to_string()),
    }
}

/// Messages under construction; speakers alternate.
#[derive(Default)]
struct Messages(Vec<Message>);

impl Messages {
    fn user(&mut self, blocks: Vec<UserBlock>) {
        hear(&mut self.0, blocks);
    }

    fn assistant(&mut self, blocks: Vec<AssistantBlock>) {
        if blocks.is_empty() {
            return;
        }
        if self.0.is_empty() {
            // What was kept may begin in the midst of a turn; no API takes that as a beginning.
            self.user(vec![UserBlock::Text(GOES_ON.to_owned())]);
        }
        match self.0.last_mut() {
            Some(Message::Assistant(last)) => last.extend(blocks),
            _ => self.0.push(Message::Assistant(blocks)),
        }
    }

    fn results(&mut self, answers: Vec<ToolResult>) {
        if !answers.is_empty() {
            self.0.push(Message::ToolResults(answers));
        }
    }
}

#[cfg(test)]
mod tests;

//! The transcript that a model sees: a fold of the events and of nothing else.
//!
//! The result is always a legal conversation. Every tool call is answered exactly once, by its
//! result or, when a crash took the result away, by a note that says so; messages that wait for
//! their own turn, or were cancelled before it, are left out; adjacent messages of the same speaker are one.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_core::events::{Block, Change, StepPayload, by_run};
use openclaw_core::validation::{Attachment, AttachmentKind};
use openclaw_core::{CallId, Kind, RunId, SessionEvent, SessionEventKind};
use openclaw_providers::{
    Arguments, AssistantBlock, Message, Thinking, ToolCall, ToolResult, UserBlock,
};
use serde_json::Value;

use crate::tools::model_text;

/// What stands in for the result of a call whose run was cut off.
pub(crate) const INTERRUPTED: &str =
    "interrupted: the program stopped while this ran; whether it took effect is not known";

/// What the model is told before the summary of what it does not see any more.
const SUMMARY: &str = "This is a summary of the conversation so far:";

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
    let mut messages = Messages::default();
    if !window.summary.is_empty() {
        let text = format!("{SUMMARY}\n\n{}", window.summary);
        messages.user(vec![UserBlock::Text(text)]);
    }
    for run in by_run(window.events) {
        let last = run
            .first()
            .is_some_and(|event| event.run_id.as_ref() == Some(current));
        if last || !was_withdrawn(&run) {
            fold_run(&run, &mut messages);
        }
        if last {
            break;
        }
    }
    messages.0
}

/// The part of a session that the model sees.
struct Window<'a> {
    /// What stands for everything before it.
    summary: String,
    events: &'a [SessionEvent],
}

impl<'a> Window<'a> {
    /// A session begins where it last started; a compaction since then says from where on the
    /// model sees the events as they are, which may be before that start.
    fn of(events: &'a [SessionEvent]) -> Self {
        let start = events
            .iter()
            .rposition(|event| matches!(event.kind, SessionEventKind::SessionStarted { .. }))
            .unwrap_or_default();
        let since = events.get(start..).unwrap_or_default();
        let compacted = since
            .iter()
            .rev()
            .find_map(|event| match Change::of(event) {
                Some(Change::ContextCompacted {
                    summary,
                    first_kept,
                    ..
                }) => Some((summary, first_kept)),
                _ => None,
            });
        let Some((summary, first_kept)) = compacted else {
            return Self {
                summary: String::new(),
                events: since,
            };
        };
        let from = events.partition_point(|event| event.seq < first_kept);
        Self {
            summary,
            events: events.get(from..).unwrap_or_default(),
        }
    }
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

fn fold_run(run: &[&SessionEvent], messages: &mut Messages) {
    let calls = Calls::of(run);
    for event in run {
        if let SessionEventKind::MessageReceived {
            content,
            attachments,
        } = &event.kind
        {
            messages.user(user_blocks(content, attachments));
        } else if let Some(step) = calls.step(event) {
            messages.assistant(step.blocks);
            messages.results(step.answers);
        }
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

fn user_blocks(content: &str, attachments: &[Attachment]) -> Vec<UserBlock> {
    let mut blocks = vec![UserBlock::Text(content.to_owned())];
    blocks.extend(attachments.iter().map(attachment_block));
    blocks
}

fn attachment_block(attachment: &Attachment) -> UserBlock {
    let name = attachment.filename.as_deref().unwrap_or("unnamed");
    let picture = matches!(attachment.kind, AttachmentKind::Photo)
        && ["image/png", "image/jpeg", "image/gif", "image/webp"]
            .contains(&attachment.mime.as_str());
    if picture {
        return UserBlock::Image {
            mime: attachment.mime.clone(),
            base64: STANDARD.encode(&attachment.bytes),
        };
    }
    if attachment.mime == "application/pdf" {
        return UserBlock::Document {
            mime: attachment.mime.clone(),
            name: name.to_owned(),
            base64: STANDARD.encode(&attachment.bytes),
        };
    }
    match std::str::from_utf8(&attachment.bytes) {
        Ok(text) if attachment.mime.starts_with("text/") => {
            UserBlock::Text(format!("[attached file {name}]\n{text}"))
        }
        _ => UserBlock::Text(format!(
            "[attached file {name}: {}, {} bytes, not shown]",
            attachment.mime,
            attachment.bytes.len()
        )),
    }
}

/// Messages under construction; speakers alternate.
#[derive(Default)]
struct Messages(Vec<Message>);

impl Messages {
    fn user(&mut self, blocks: Vec<UserBlock>) {
        match self.0.last_mut() {
            Some(Message::User(last)) => last.extend(blocks),
            _ => self.0.push(Message::User(blocks)),
        }
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

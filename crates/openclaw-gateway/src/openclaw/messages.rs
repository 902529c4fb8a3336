//! A conversation as OpenClaw writes it: who said what, as a list of messages with blocks.

use std::collections::HashMap;

use openclaw_agents::MESSAGE_ID;
use openclaw_core::events::{Block, Change, StepPayload};
use openclaw_core::{CallId, Kind, RunId, SessionEvent, SessionEventKind};
use serde_json::{Map, Value, json};

/// What OpenClaw adds to the name of a run for the message that began it.
const OF_USER: &str = ":user";

/// What the events of a session say about each other.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// The calls of tools, as they were asked for.
    calls: HashMap<CallId, (String, Value)>,
    /// The senders' names for runs.
    names: HashMap<RunId, String>,
}

/// Returns the sender's own name for a message, if it has one.
pub(super) fn own_name(event: &SessionEvent) -> Option<&str> {
    event.payload.as_ref()?.other.get(MESSAGE_ID)?.as_str()
}

/// Returns the messages of a stretch of a session, in order.
pub(super) fn messages(events: &[SessionEvent]) -> Vec<Value> {
    let mut context = Context::default();
    for event in events {
        context.learn(event);
    }
    let messages = events.iter().filter_map(|event| context.message(event));
    messages.collect()
}

impl Context {
    /// Takes up what later messages refer to.
    pub(super) fn learn(&mut self, event: &SessionEvent) {
        match &event.kind {
            SessionEventKind::ToolCalled { tool, params } => {
                if let Some(call) = &event.call_id {
                    let asked = (tool.clone(), params.clone());
                    self.calls.insert(call.clone(), asked);
                }
            }
            SessionEventKind::MessageReceived { .. } => {
                if let (Some(run), Some(name)) = (&event.run_id, own_name(event)) {
                    self.names.insert(run.clone(), name.to_owned());
                }
            }
            SessionEventKind::SessionStarted { .. }
            | SessionEventKind::MessageSent { .. }
            | SessionEventKind::ToolResult { .. }
            | SessionEventKind::AgentResponse { .. }
            | SessionEventKind::SessionEnded { .. }
            | SessionEventKind::StateChanged { .. } => {}
        }
    }

    /// Returns the message that an event stands for, if it stands for one.
    pub(super) fn message(&self, event: &SessionEvent) -> Option<Value> {
        if let Some(step) = event
            .payload
            .as_ref()
            .and_then(|payload| payload.step.as_ref())
            && !step.blocks.is_empty()
        {
            return Some(self.of_model(event, step));
        }
        match &event.kind {
            SessionEventKind::MessageReceived {
                content,
                attachments,
            } => {
                let mut message = self.begin(event, "user", json!(content));
                if !attachments.is_empty() {
                    let mut blocks = vec![text(content)];
                    blocks.extend(attachments.iter().map(|one| {
                        json!({"type": "image", "mimeType": one.mime, "fileName": one.filename, "omitted": true, "bytes": one.bytes.len()})
                    }));
                    message.insert("content".to_owned(), blocks.into());
                }
                if let Some(name) = own_name(event) {
                    let key = format!("{name}{OF_USER}");
                    message.insert("idempotencyKey".to_owned(), key.clone().into());
                    if let Some(own) = message.get_mut("__openclaw").and_then(Value::as_object_mut)
                    {
                        own.insert("idempotencyKey".to_owned(), key.into());
                    }
                }
                Some(message.into())
            }
            SessionEventKind::AgentResponse { content, model, .. } => {
                if content.is_empty() {
                    return None;
                }
                let blocks = json!([text(content)]);
                let mut message = self.begin(event, "assistant", blocks);
                message.insert("model".to_owned(), json!(model));
                message.insert("stopReason".to_owned(), json!("stop"));
                Some(message.into())
            }
            SessionEventKind::ToolResult {
                tool,
                result,
                success,
            } => {
                let blocks = json!([text(&shown(result))]);
                let mut message = self.begin(event, "toolResult", blocks);
                message.insert("toolCallId".to_owned(), json!(event.call_id));
                message.insert("toolName".to_owned(), json!(tool));
                message.insert("isError".to_owned(), json!(!success));
                Some(message.into())
            }
            SessionEventKind::StateChanged { .. } => self.of_failure(event),
            SessionEventKind::SessionStarted { .. }
            | SessionEventKind::MessageSent { .. }
            | SessionEventKind::ToolCalled { .. }
            | SessionEventKind::SessionEnded { .. } => None,
        }
    }

    /// Returns what a model wrote in a step.
    fn of_model(&self, event: &SessionEvent, step: &StepPayload) -> Value {
        let blocks = step.blocks.iter().map(|block| match block {
            Block::Text(written) => text(written),
            Block::Thinking(thinking) => json!({"type": "thinking", "thinking": thinking.text}),
            Block::Call(id) => {
                let (name, arguments) = match self.calls.get(id) {
                    Some((name, arguments)) => (name.as_str(), arguments.clone()),
                    None => ("", json!({})),
                };
                json!({"type": "toolCall", "id": id, "name": name, "arguments": arguments})
            }
        });
        let mut message = self.begin(event, "assistant", blocks.collect());
        let usage = &step.usage;
        message.insert("provider".to_owned(), json!(step.provider));
        message.insert("model".to_owned(), json!(step.model));
        message.insert(
            "usage".to_owned(),
            json!({
                "input": usage.input,
                "output": usage.output,
                "cacheRead": usage.cache_read,
                "cacheWrite": usage.cache_write,
                "totalTokens": usage.total(),
            }),
        );
        message.insert("stopReason".to_owned(), json!(stop_reason(&step.stop)));
        message.into()
    }

    /// Returns what stands for a run that failed.
    fn of_failure(&self, event: &SessionEvent) -> Option<Value> {
        let (stop, why) = match Change::of(event)? {
            Change::RunFailed {
                kind: Kind::Cancelled,
                message,
                ..
            } => ("aborted", message),
            Change::RunFailed { message, .. } => ("error", message),
            Change::RunCutOff { .. } => (
                "error",
                "the gateway stopped before the run had ended".to_owned(),
            ),
            _ => return None,
        };
        let mut message = self.begin(event, "assistant", json!([]));
        message.insert("stopReason".to_owned(), json!(stop));
        message.insert("errorMessage".to_owned(), json!(why));
        Some(message.into())
    }

    fn begin(&self, event: &SessionEvent, role: &str, content: Value) -> Map<String, Value> {
        let at = event.time.as_millisecond();
        let mut own = Map::new();
        if let Some(run) = &event.run_id {
            let name = self
                .names
                .get(run)
                .map_or_else(|| run.as_str(), String::as_str);
            own.insert("runId".to_owned(), json!(name));
        }
        own.insert("id".to_owned(), json!(id_of(event)));
        own.insert("recordTimestampMs".to_owned(), json!(at));
        own.insert("seq".to_owned(), json!(event.seq));
        let mut message = Map::new();
        message.insert("role".to_owned(), json!(role));
        message.insert("content".to_owned(), content);
        message.insert("timestamp".to_owned(), json!(at));
        message.insert("__openclaw".to_owned(), own.into());
        message
    }
}

/// Returns the name of a message: its place in the log, which nothing changes.
pub(super) fn id_of(event: &SessionEvent) -> String {
    format!("m-{}", event.position)
}

/// Returns a block of text.
pub(super) fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// Returns what a tool answered, as text.
pub(super) fn shown(result: &Value) -> String {
    match result {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns OpenClaw's word for why a model stopped.
pub(super) fn stop_reason(stop: &str) -> &'static str {
    match stop {
        "tool_use" | "toolUse" | "tooluse" => "toolUse",
        "max_tokens" | "maxtokens" | "length" => "length",
        _ => "stop",
    }
}

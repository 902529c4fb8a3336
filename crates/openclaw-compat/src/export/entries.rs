//! Entries of a transcript: those that came from OpenClaw, and events of ours in its words.
//!
//! | event | entry |
//! |---|---|
//! | `MessageReceived` | user's message |
//! | `ToolCalled` that begins a step | assistant's message with all calls of the step |
//! | `ToolResult` | tool's result; a call without one gets one that says so |
//! | `AgentResponse` | assistant's message |
//! | `run.failed` | assistant's message with the error |
//! | `model.changed` | change of model |
//! | `context.compacted` | compaction |
//! | `SessionStarted` after the first | reset |
//! | any other | custom entry of type `openclaw-rs.event`, which the model does not see |
//!
//! Events stand in the order in which the model sees them: a message that came in during a run
//! comes after that run.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{Block, Change, StepPayload, by_run};
use openclaw_core::{CallId, Kind, SessionEvent, SessionEventKind, Usage};
use serde_json::{Map, Value, json};

use super::Branch;
use super::calls::Calls;
use super::words::{named, stop, text};
use crate::entry::Entry;

/// The version of the transcripts that are written.
const VERSION: u64 = 3;
/// The type of entries that have no counterpart.
const EVENT: &str = "openclaw-rs.event";
/// What stands for the result of a call that has none.
const NO_RESULT: &str = "interrupted: no result was recorded";

/// Writes a transcript.
#[derive(Debug, Default)]
pub(super) struct Writer {
    lines: Vec<String>,
    /// The events that the lines came from.
    seqs: Vec<u64>,
    /// The entries by the events that they came from.
    ids: BTreeMap<u64, String>,
    used: HashSet<String>,
    /// The entry that the next one hangs on.
    parent: Option<String>,
    /// Whether raw entries came after the parent was last known.
    stale: bool,
    model: (String, String),
}

impl Writer {
    /// Returns the lines, and the events that they came from.
    pub(super) fn into_lines(self) -> (Vec<String>, Vec<u64>) {
        (self.lines, self.seqs)
    }

    /// Writes what came from OpenClaw as it came.
    pub(super) fn raw(&mut self, seq: u64, raw: &str) {
        let value: Value = crate::json::parse(raw).unwrap_or_default();
        if let Some(id) = value.get("id").and_then(Value::as_str) {
            self.ids.insert(seq, id.to_owned());
            self.used.insert(id.to_owned());
        }
        // A line ends where the entry ends; JSON may have line ends between its parts only.
        let line = if raw.contains(['\n', '\r']) {
            value.to_string()
        } else {
            raw.to_owned()
        };
        self.push(line, seq);
        self.stale = true;
    }

    /// Writes the first line of a transcript that began here.
    pub(super) fn header(&mut self, session_id: &str, first: &SessionEvent) {
        let header = json!({
            "type": "session",
            "version": VERSION,
            "id": session_id,
            "timestamp": rfc3339(first.time),
            "cwd": "",
        });
        self.push(header.to_string(), first.seq);
    }

    fn push(&mut self, line: String, seq: u64) {
        self.lines.push(line);
        self.seqs.push(seq);
    }

    /// Writes what happened here; returns how many entries that made.
    pub(super) fn own(&mut self, events: &[&SessionEvent]) -> usize {
        let before = self.lines.len();
        self.find_parent();
        let first = before <= 1;
        for run in by_run(events.iter().copied()) {
            let mut calls = Calls::of(&run);
            for event in &run {
                let begins = first && self.lines.len() == before;
                let started = matches!(event.kind, SessionEventKind::SessionStarted { .. });
                // The header says already that the session began.
                if !(begins && started) {
                    self.event(event, &mut calls);
                }
            }
            self.close(&mut calls, run.last());
        }
        self.lines.len().saturating_sub(before)
    }

    /// Finds the entry that the conversation goes on from.
    fn find_parent(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let entries: Vec<Entry> = self
            .lines
            .iter()
            .zip(1..)
            .filter_map(|(line, place)| {
                let value: Value = crate::json::parse(line).ok()?;
                Some(Entry::new(place, line.clone(), &value))
            })
            .collect();
        self.parent = Branch::of(&entries)
            .end
            .and_then(|at| entries.get(at))
            .and_then(|entry| entry.id().map(str::to_owned));
    }

    fn event(&mut self, event: &SessionEvent, calls: &mut Calls<'_>) {
        let result = matches!(event.kind, SessionEventKind::ToolResult { .. });
        if !result && !matches!(event.kind, SessionEventKind::ToolCalled { .. }) {
            self.close(calls, Some(&event));
        }
        let step = event.payload.as_ref().and_then(|known| known.step.as_ref());
        match &event.kind {
            SessionEventKind::SessionStarted { .. } => {
                self.entry(event, "reset", json!({ "reason": "reset" }));
            }
            SessionEventKind::MessageReceived {
                content,
                attachments,
            } => {
                let mut parts = vec![json!({ "type": "text", "text": content })];
                parts.extend(attachments.iter().map(|file| {
                    json!({ "type": "image", "data": STANDARD.encode(&file.bytes), "mimeType": file.mime })
                }));
                self.message(event, json!({ "role": "user", "content": parts }));
            }
            SessionEventKind::ToolCalled { tool, params } => match (step, calls.known(event)) {
                (Some(step), _) => {
                    self.close(calls, Some(&event));
                    self.step(event, step, calls);
                }
                // It is part of a step that is written.
                (None, true) => {}
                (None, false) => self.aside(event, json!({ "tool": tool, "params": params })),
            },
            SessionEventKind::ToolResult {
                tool,
                result,
                success,
            } => {
                if calls.answer(event) {
                    self.result(event, tool, &text(result), !success);
                } else {
                    self.aside(event, json!({ "tool": tool, "result": result }));
                }
            }
            SessionEventKind::AgentResponse { content, model, .. } => match step {
                Some(step) => self.step(event, step, calls),
                None => self.answer(event, content, model),
            },
            SessionEventKind::StateChanged { key, value } => self.state(event, key, value),
            SessionEventKind::MessageSent {
                content,
                message_id,
            } => {
                let sent = json!({ "content": content, "messageId": message_id });
                self.aside(event, sent);
            }
            SessionEventKind::SessionEnded { reason } => {
                self.aside(event, json!({ "reason": reason }));
            }
        }
    }

    fn state(&mut self, event: &SessionEvent, key: &str, value: &Value) {
        match Change::read(key, value) {
            Some(Change::ModelChanged { provider, model }) => {
                self.model = (provider.0.clone(), model.clone());
                let fields = json!({ "provider": provider, "modelId": model });
                self.entry(event, "model_change", fields);
            }
            Some(Change::ContextCompacted {
                summary,
                first_kept,
                tokens_before,
                how: _,
            }) => {
                let kept = self
                    .ids
                    .range(first_kept..)
                    .next()
                    .map(|(_, id)| id.clone());
                let id = self.id(event);
                let fields = json!({
                    "summary": summary,
                    // An entry that comes later, as this one itself, keeps nothing.
                    "firstKeptEntryId": kept.unwrap_or_else(|| id.clone()),
                    "tokensBefore": tokens_before,
                });
                self.entry_as(event, id, "compaction", fields);
            }
            Some(Change::RunFailed { kind, message, .. }) => {
                let stop = if kind == Kind::Cancelled {
                    "aborted"
                } else {
                    "error"
                };
                let mut said = self.assistant(event, &[], Usage::default(), stop);
                if let Some(map) = said.as_object_mut() {
                    map.insert("errorMessage".into(), message.into());
                }
                self.message(event, said);
            }
            Some(
                Change::SessionForked { .. }
                | Change::ApprovalRequested { .. }
                | Change::ApprovalDecided { .. }
                | Change::SummaryAsked { .. }
                | Change::ContextRestored { .. }
                | Change::MessageTaken { .. }
                | Change::FileWritten { .. }
                | Change::FileCleared { .. }
                | Change::FilesWatched { .. }
                | Change::FilesSettled { .. }
                | Change::ModelTold { .. }
                | Change::RunCutOff { .. }
                | Change::CallsLost { .. }
                | Change::UsageCost { .. },
            )
            | None => self.aside(event, json!({ "key": key, "value": value })),
        }
    }

    /// Writes what the model wrote in a step.
    fn step(&mut self, event: &SessionEvent, step: &StepPayload, calls: &mut Calls<'_>) {
        self.model = (step.provider.0.clone(), step.model.clone());
        let mut parts = Vec::new();
        let mut calling = false;
        for block in &step.blocks {
            match block {
                Block::Text(text) => parts.push(json!({ "type": "text", "text": text })),
                Block::Thinking(thinking) => {
                    let mut part = Map::new();
                    part.insert("type".into(), "thinking".into());
                    part.insert("thinking".into(), thinking.text.clone().into());
                    let signature = thinking.redacted.as_ref().or(thinking.signature.as_ref());
                    if let Some(signature) = signature {
                        part.insert("thinkingSignature".into(), signature.clone().into());
                    }
                    if thinking.redacted.is_some() {
                        part.insert("redacted".into(), true.into());
                    }
                    parts.push(Value::Object(part));
                }
                Block::Call(call) => {
                    if let Some((tool, params)) = calls.open(event, call) {
                        calling = true;
                        parts.push(json!({
                            "type": "toolCall",
                            "id": call,
                            "name": tool,
                            "arguments": params,
                        }));
                    }
                }
            }
        }
        let stop = if calling { "toolUse" } else { stop(&step.stop) };
        let said = self.assistant(event, &parts, step.usage, stop);
        self.message(event, said);
    }

    fn answer(&mut self, event: &SessionEvent, content: &str, model: &str) {
        model.clone_into(&mut self.model.1);
        let parts = [json!({ "type": "text", "text": content })];
        let said = self.assistant(event, &parts, Usage::default(), "stop");
        self.message(event, said);
    }

    fn assistant(&self, event: &SessionEvent, parts: &[Value], usage: Usage, stop: &str) -> Value {
        let (provider, model) = &self.model;
        let signed = parts
            .iter()
            .any(|part| part.get("thinkingSignature").is_some());
        let api = if signed || provider == "anthropic" {
            "anthropic-messages"
        } else {
            "openai-completions"
        };
        json!({
            "role": "assistant",
            "content": parts,
            "api": api,
            "provider": named(provider),
            "model": named(model),
            "usage": {
                "input": usage.input,
                "output": usage.output,
                "cacheRead": usage.cache_read,
                "cacheWrite": usage.cache_write,
                "totalTokens": usage.total(),
                "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0 },
            },
            "stopReason": stop,
            "timestamp": event.time.as_millisecond(),
        })
    }

    fn result(&mut self, event: &SessionEvent, tool: &str, text: &str, failed: impl Into<Value>) {
        let call = event.call_id.as_ref().map_or("", CallId::as_str);
        let mut said = json!({
            "role": "toolResult",
            "toolCallId": call,
            "toolName": tool,
            "content": [{ "type": "text", "text": text }],
            "isError": failed.into(),
        });
        let ran = event.payload.as_ref().and_then(|known| known.tool.as_ref());
        if let (Some(ran), Some(map)) = (ran, said.as_object_mut()) {
            let mut details = json!({ "durationMs": ran.duration_ms });
            if let (Some(code), Some(details)) = (ran.exit_code, details.as_object_mut()) {
                details.insert("exitCode".into(), code.into());
            }
            map.insert("details".into(), details);
        }
        self.message(event, said);
    }

    /// Answers the calls that have no result, before anybody else speaks.
    fn close(&mut self, calls: &mut Calls<'_>, at: Option<&&SessionEvent>) {
        let Some(at) = at else { return };
        for (call, tool) in calls.take_open() {
            let mut event = SessionEvent::clone(at);
            event.call_id = Some(call);
            event.payload = None;
            self.result(&event, &tool, NO_RESULT, true);
        }
    }

    /// Writes something that the model does not see.
    fn aside(&mut self, event: &SessionEvent, data: Value) {
        let mut data = data;
        if let Some(map) = data.as_object_mut() {
            map.insert("kind".into(), event.kind.name().into());
        }
        self.entry(
            event,
            "custom",
            json!({ "customType": EVENT, "data": data }),
        );
    }

    fn message(&mut self, event: &SessionEvent, mut message: Value) {
        if let Some(map) = message.as_object_mut() {
            let time = event.time.as_millisecond();
            map.entry("timestamp").or_insert_with(|| time.into());
        }
        self.entry(event, "message", json!({ "message": message }));
    }

    fn entry(&mut self, event: &SessionEvent, kind: &str, fields: Value) {
        let id = self.id(event);
        self.entry_as(event, id, kind, fields);
    }

    fn entry_as(&mut self, event: &SessionEvent, id: String, kind: &str, fields: Value) {
        let mut entry = json!({
            "type": kind,
            "id": id,
            "parentId": self.parent,
            "timestamp": rfc3339(event.time),
        });
        if let (Some(entry), Value::Object(fields)) = (entry.as_object_mut(), fields) {
            entry.extend(fields);
        }
        self.push(entry.to_string(), event.seq);
        self.ids.entry(event.seq).or_insert_with(|| id.clone());
        self.parent = Some(id);
    }

    /// Returns an id that no entry has: the same one at every export.
    fn id(&mut self, event: &SessionEvent) -> String {
        let hash = event.hash.to_string();
        let short: String = hash.chars().take(8).collect();
        let mut id = short.clone();
        let mut n = 2_u32;
        while !self.used.insert(id.clone()) {
            id = format!("{short}-{n}");
            n = n.saturating_add(1);
        }
        id
    }
}

//! What people, the model and tools said.

use openclaw_core::events::{Change, NewEvent, Payload, StepPayload, ToolPayload};
use openclaw_core::provenance::Source;
use openclaw_core::{CallId, Kind, RunId, SessionEventKind, Usage};
use serde_json::Value;

use super::content::{Called, pictures, result_text, shell, step, texts};
use super::{ENTRY, Mapper, Step, origin};
use crate::entry::{Entry, EntryKind};
use crate::json;

/// The provider that OpenClaw names for what no model wrote.
const OPENCLAW: &str = "openclaw";
/// The models that it names for what a messenger got, and for what a client put in.
const MIRRORS: [&str; 2] = ["delivery-mirror", "gateway-injected"];

impl Mapper<'_> {
    /// Takes in an entry with something that was said.
    pub(super) fn said(&mut self, entry: &Entry) {
        let value: Value = json::parse(&entry.raw).unwrap_or_default();
        let message = match entry.kind {
            EntryKind::Message => value.get("message").cloned().unwrap_or_default(),
            _ => value,
        };
        if message.get("excludeFromContext") == Some(&Value::Bool(true)) {
            // The model does not see it, and it is no part of what people said to each other.
            self.state(ENTRY, entry);
            return;
        }
        let role = match entry.kind {
            EntryKind::CustomMessage => "custom",
            EntryKind::BranchSummary => "branchSummary",
            _ => message
                .get("role")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        };
        match role {
            "user" => {
                self.new_run(entry);
                let source = origin::of_user(self.key, &message);
                self.received(&message, source, entry);
            }
            // The name that version 3 changed to `custom`.
            "custom" | "hookMessage" => {
                let source = origin::of_extension(&message);
                self.received(&message, Some(source), entry);
            }
            "bashExecution" => self.told(shell(&message), Source::Command, entry),
            "branchSummary" => self.branch(&message, entry),
            "assistant" => self.assistant(&message, entry),
            "toolResult" => self.result(&message, entry),
            _ => self.state(ENTRY, entry),
        }
    }

    /// Begins the run that a message of the user's set off; its id is the same at every reading.
    fn new_run(&mut self, entry: &Entry) {
        let name = match entry.id() {
            Some(id) => id.to_owned(),
            None => entry.place.to_string(),
        };
        self.run = Some(RunId(format!("openclaw:{}:{name}", self.session_id)));
        self.steps = 0;
        self.used = Usage::default();
    }

    fn received(&mut self, message: &Value, source: Option<Source>, entry: &Entry) {
        let content = message.get("content").unwrap_or(&Value::Null);
        let (text, attachments) = (texts(content), pictures(content));
        if text.is_empty() && attachments.is_empty() {
            self.state(ENTRY, entry);
            return;
        }
        let kind = SessionEventKind::MessageReceived {
            content: text,
            attachments,
        };
        self.count_message();
        let event = match source {
            Some(source) => NewEvent::from(kind).with_payload(origin::unvouched(source, None)),
            None => kind.into(),
        };
        self.in_run(event, entry);
    }

    fn told(&mut self, content: String, source: Source, entry: &Entry) {
        let kind = SessionEventKind::MessageReceived {
            content,
            attachments: Vec::new(),
        };
        self.count_message();
        let event = NewEvent::from(kind).with_payload(origin::unvouched(source, None));
        self.in_run(event, entry);
    }

    fn branch(&mut self, message: &Value, entry: &Entry) {
        match json::text(message, "summary") {
            Some(summary) => self.told(
                format!("Summary of a branch of this conversation that was left:\n\n{summary}"),
                // What it sums up is not in the conversation, and has no marks there.
                Source::Session {
                    key: self.key.clone(),
                },
                entry,
            ),
            None => self.state(ENTRY, entry),
        }
    }

    fn assistant(&mut self, message: &Value, entry: &Entry) {
        let (provider, model) = (
            json::text(message, "provider").unwrap_or_default(),
            json::text(message, "model").unwrap_or_default(),
        );
        if provider == OPENCLAW && MIRRORS.contains(&model) {
            let message_id = entry.id().unwrap_or_default().into();
            let content = texts(message.get("content").unwrap_or(&Value::Null));
            let kind = SessionEventKind::MessageSent {
                content,
                message_id,
            };
            self.in_run(kind.into(), entry);
            return;
        }
        self.steps = self.steps.saturating_add(1);
        let (step, calls) = step(message);
        self.used += step.payload.usage;
        let StepPayload {
            provider, model, ..
        } = &step.payload;
        self.mapped.model = Some((provider.clone(), model.clone()));
        if calls.is_empty() {
            self.answer(message, &step, entry);
        } else {
            self.calls(&step, calls, entry);
        }
        if step.cost > 0.0 {
            self.change(&Change::UsageCost { usd: step.cost }, None);
        }
    }

    /// A step that ended without calls: the answer, or the reason why there is none.
    fn answer(&mut self, message: &Value, step: &Step, entry: &Entry) {
        let payload = Payload {
            step: Some(step.payload.clone()),
            ..Payload::default()
        };
        let failed = matches!(step.payload.stop.as_str(), "error" | "aborted");
        if let (true, Some(run_id)) = (failed && step.text.trim().is_empty(), self.run.clone()) {
            let kind = if step.payload.stop == "aborted" {
                Kind::Cancelled
            } else {
                Kind::Unavailable
            };
            let change = Change::RunFailed {
                run_id,
                kind,
                message: json::text(message, "errorMessage")
                    .unwrap_or("the model gave no answer")
                    .to_owned(),
            };
            match change.to_event() {
                Ok(event) => self.in_run(event.with_payload(payload), entry),
                Err(_) => self.state(ENTRY, entry),
            }
            return;
        }
        let kind = SessionEventKind::AgentResponse {
            content: step.text.clone(),
            model: step.payload.model.clone(),
            tokens: self.used.total(),
        };
        let event = NewEvent::from(kind)
            .at_step(self.steps)
            .with_payload(payload);
        self.count_message();
        self.in_run(event, entry);
    }

    /// A step that asked for tools: all calls are recorded, and the first has the step.
    fn calls(&mut self, step: &Step, calls: Vec<Called>, entry: &Entry) {
        let (mut payload, mut entry) = (Some(step.payload.clone()), Some(entry));
        for call in calls {
            let place = (self.run.clone(), self.steps, call.tool.clone());
            self.open.insert(call.id.clone(), place);
            let kind = SessionEventKind::ToolCalled {
                tool: call.tool,
                params: call.params,
            };
            let mut event = NewEvent::from(kind)
                .at_step(self.steps)
                .about_call(&call.id);
            event.run_id.clone_from(&self.run);
            event.payload = payload.take().map(|step| Payload {
                step: Some(step),
                ..Payload::default()
            });
            if !self.muted {
                let counts = &mut self.mapped.counts;
                counts.tool_calls = counts.tool_calls.saturating_add(1);
            }
            self.push(event, entry.take());
        }
    }

    fn result(&mut self, message: &Value, entry: &Entry) {
        let id = CallId::from(json::text(message, "toolCallId").unwrap_or_default());
        let said = json::text(message, "toolName").map(str::to_owned);
        let (run, step, tool) = match self.open.remove(&id) {
            Some((run, step, tool)) => (run, Some(step), said.unwrap_or(tool)),
            None => (
                self.run.clone(),
                None,
                said.unwrap_or_else(|| "unknown".into()),
            ),
        };
        let source = Source::Tool { name: tool.clone() };
        let kind = SessionEventKind::ToolResult {
            tool,
            result: Value::String(result_text(message.get("content").unwrap_or(&Value::Null))),
            success: message.get("isError") != Some(&Value::Bool(true)),
        };
        let ran = message.get("details").map(|details| ToolPayload {
            duration_ms: json::count(details, "durationMs"),
            exit_code: details
                .get("exitCode")
                .and_then(Value::as_i64)
                .and_then(|code| i32::try_from(code).ok()),
            ..ToolPayload::default()
        });
        let mut event = NewEvent::from(kind).about_call(&id);
        event.run_id = run;
        event.step = step;
        event.payload = Some(origin::unvouched(source, ran));
        self.push(event, Some(entry));
    }

    fn in_run(&mut self, mut event: NewEvent, entry: &Entry) {
        event.run_id.clone_from(&self.run);
        self.push(event, Some(entry));
    }

    fn count_message(&mut self) {
        if !self.muted {
            let counts = &mut self.mapped.counts;
            counts.messages = counts.messages.saturating_add(1);
        }
    }
}

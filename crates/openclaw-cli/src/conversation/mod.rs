//! A turn as a person watches it: text while it is being written, tool calls, their output.
//!
//! `order` decides what is shown when; this is how.

mod order;

use openclaw_core::SessionKey;
use openclaw_core::redaction::mask;
use openclaw_ipc::methods::SessionMessageOutput;
use openclaw_ipc::notifications::{DeltaChannel, SessionDeltaParams, ToolOutputParams};
use openclaw_ipc::{Event, EventData, Notification};
use serde_json::Value;

use self::order::Order;
use crate::error::CliError;
use crate::output::{Look, Output};
use crate::text;

/// How much of a tool call's arguments or failure is shown.
const SUMMARY: usize = 160;

/// How much of a turn is shown, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Text on standard output; tool calls beside it, on standard error.
    Answer,
    /// Everything on standard output, with the output of the tools.
    Everything,
}

/// What the cursor stands behind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cursor {
    LineStart,
    Text,
    ToolOutput,
}

/// One turn while it is shown.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    out: &'a Output,
    detail: Detail,
    order: Order,
    text_step: u32,
    text: String,
    cursor: Cursor,
    failure: Option<CliError>,
}

impl<'a> Conversation<'a> {
    /// Waits for the turn that `message` sets off in `session`.
    pub(crate) fn new(
        out: &'a Output,
        detail: Detail,
        session: &SessionKey,
        message: &str,
    ) -> Self {
        Self {
            out,
            detail,
            order: Order::of_turn(session, message),
            text_step: 0,
            text: String::new(),
            cursor: Cursor::LineStart,
            failure: None,
        }
    }

    /// Takes a notification; what is not of this turn is passed over.
    pub(crate) fn take(&mut self, notification: Notification) {
        for due in self.order.take(notification) {
            self.show(due);
        }
    }

    /// Tells whether the end of the turn has been shown.
    pub(crate) const fn is_over(&self) -> bool {
        self.order.is_over()
    }

    /// Shows what is still held back, and the answer as far as it has not been shown.
    pub(crate) fn finish(mut self, answer: Option<&SessionMessageOutput>) -> Result<(), CliError> {
        for late in self.order.rest(answer.map(|answer| &answer.run_id)) {
            self.show(late);
        }
        // Who asked may know more secrets than who answers, and the other way round.
        let whole = mask(answer.map_or("", |answer| &answer.content));
        if mask(&self.text) != whole && !whole.is_empty() {
            if !self.text.is_empty() {
                self.aside(
                    Look::Dim,
                    "(some pieces were lost; the whole answer follows)",
                );
            }
            self.text.clear();
            self.text_piece(&whole);
        }
        self.end_line();
        self.failure.map_or(Ok(()), Err)
    }

    fn show(&mut self, notification: Notification) {
        match notification {
            Notification::SessionEvent(params) => self.event(&params.event),
            Notification::SessionDelta(params) => self.delta(&params),
            Notification::ToolOutput(params) => self.tool_output(&params),
            Notification::StreamLagged(_) | Notification::ApprovalRequested(_) => {}
        }
    }

    fn event(&mut self, event: &Event) {
        match &event.data {
            EventData::ToolCalled { tool, params } => {
                let line = format!("-> {tool}  {}", arguments(params));
                self.aside(Look::Strong, &line);
            }
            EventData::ToolResult { tool, success, .. } => {
                let line = format!("<- {tool}  {}", outcome(event));
                self.aside(if *success { Look::Good } else { Look::Bad }, &line);
            }
            EventData::SessionStarted { .. }
            | EventData::MessageReceived { .. }
            | EventData::MessageSent { .. }
            | EventData::AgentResponse { .. }
            | EventData::SessionEnded { .. }
            | EventData::StateChanged { .. } => {}
        }
    }

    fn delta(&mut self, delta: &SessionDeltaParams) {
        if delta.channel == DeltaChannel::Thinking {
            return;
        }
        if delta.step != self.text_step {
            self.text_step = delta.step;
            self.text.clear();
            self.end_line();
        }
        self.text_piece(&delta.text);
    }

    fn text_piece(&mut self, piece: &str) {
        if self.cursor != Cursor::Text {
            self.end_line();
            if self.detail == Detail::Everything {
                let label = self.out.look(Look::Strong, "agent> ").into_owned();
                self.print(&label);
            }
        }
        self.text.push_str(piece);
        self.print(&text::escape(piece));
        self.cursor = Cursor::Text;
    }

    fn tool_output(&mut self, output: &ToolOutputParams) {
        if self.detail == Detail::Answer {
            return;
        }
        if self.cursor == Cursor::Text {
            self.end_line();
        }
        for line in output.text.split_inclusive('\n') {
            let mark = if self.cursor == Cursor::ToolOutput {
                ""
            } else {
                "   | "
            };
            let shown = format!("{mark}{}", text::escape(line));
            let shown = self.out.look(Look::Dim, &shown).into_owned();
            self.print(&shown);
            self.cursor = if line.ends_with('\n') {
                Cursor::LineStart
            } else {
                Cursor::ToolOutput
            };
        }
    }

    /// Prints a line that is not part of the answer.
    fn aside(&mut self, look: Look, line: &str) {
        self.end_line();
        let line = text::one_line(line);
        match self.detail {
            Detail::Answer => self.out.note(self.out.look_aside(Look::Dim, &line)),
            Detail::Everything => {
                let line = format!("{}\n", self.out.look(look, &line));
                self.print(&line);
            }
        }
    }

    fn end_line(&mut self) {
        if self.cursor != Cursor::LineStart {
            self.print("\n");
            self.cursor = Cursor::LineStart;
        }
    }

    /// Prints until that fails; the first failure is told at the end.
    fn print(&mut self, piece: &str) {
        if self.failure.is_none() {
            self.failure = self.out.piece(piece).err();
        }
    }
}

/// Returns what a tool was asked to do, in one line.
pub(crate) fn arguments(params: &Value) -> String {
    text::shorten(&text::one_line(&whole_arguments(params)), SUMMARY).into_owned()
}

/// Returns what a tool was asked to do as it was written, which is not safe for a terminal.
pub(crate) fn whole_arguments(params: &Value) -> String {
    let only = params.as_object().filter(|map| map.len() == 1);
    match only.and_then(|map| map.values().next()) {
        Some(Value::String(text)) => text.clone(),
        _ => params.to_string(),
    }
}

/// Returns how a tool call went, in one line.
pub(crate) fn outcome(event: &Event) -> String {
    let EventData::ToolResult {
        result, success, ..
    } = &event.data
    else {
        return String::new();
    };
    let tool = event
        .payload
        .as_ref()
        .and_then(|payload| payload.get("tool"));
    let fact = |name: &str| {
        tool.and_then(|tool| tool.get(name))
            .filter(|fact| !fact.is_null())
    };
    let mut parts = vec![if *success { "ok" } else { "failed" }.to_owned()];
    if let Some(code) = fact("exitCode") {
        parts.push(format!("exit code {code}"));
    }
    if let (false, Value::String(reason)) = (success, result) {
        parts.push(text::shorten(&text::one_line(reason), SUMMARY).into_owned());
    }
    if let Some(time) = fact("durationMs") {
        parts.push(format!("{time} ms"));
    }
    if let Some(Value::String(level)) = fact("sandbox") {
        parts.push(format!("sandbox {level}"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_single_text_argument_is_shown_as_it_is() {
        assert_eq!(arguments(&json!({"command": "ls -la"})), "ls -la");
        assert_eq!(arguments(&json!({"a": 1, "b": "x"})), r#"{"a":1,"b":"x"}"#);
        assert_eq!(
            arguments(&json!({"command": "a\n\u{1b}[2J"})),
            "a\\n\\u{1b}[2J"
        );
        assert_eq!(
            arguments(&json!({"command": "x".repeat(500)})).len(),
            SUMMARY
        );
    }

    #[test]
    fn the_outcome_says_how_a_command_ended_and_where_it_ran() {
        let event = |payload: &Value, success: &str| -> Event {
            let data = json!({"tool": "exec", "result": "no\nfile", "success": success == "ok"});
            serde_json::from_value(json!({
                "sessionKey": "agent:main:main", "seq": 1, "position": 1, "time": "", "hash": "0".repeat(64),
                "kind": "ToolResult", "data": data, "payload": payload,
            }))
            .unwrap()
        };
        let tool = json!({"tool": {"durationMs": 5, "sandbox": "strict", "exitCode": 0}});
        assert_eq!(
            outcome(&event(&tool, "ok")),
            "ok, exit code 0, 5 ms, sandbox strict"
        );
        assert_eq!(outcome(&event(&json!({}), "failed")), "failed, no\\nfile");
    }
}

//! The lines of Ollama's chat API.

use std::collections::VecDeque;

use openclaw_core::Usage;
use serde::Deserialize;
use serde_json::Value;

use crate::count;
use crate::error::Reason;
use crate::event::{StopReason, StreamEvent};
use crate::ids::CallIds;
use crate::request::Request;
use crate::sse;
use crate::wire::{Decode, Fault, Framing, Skipped, not_empty, read_json, sent, written};

/// Reads one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The model that was asked for, until the answer has begun.
    asked: Option<String>,
    ids: CallIds,
    calls: u32,
    finished: bool,
    skipped: Skipped,
}

/// A line: a piece of the message, or the end, or an error.
#[derive(Debug, Deserialize)]
struct Line {
    model: Option<String>,
    message: Option<Message>,
    done: Option<bool>,
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Value,
    #[serde(default)]
    eval_count: Value,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Debug, Deserialize)]
struct Call {
    id: Option<String>,
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    name: String,
    arguments: Option<Value>,
}

impl Decoder {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            asked: Some(request.model.clone()),
            ids: CallIds::after(&request.messages),
            calls: 0,
            finished: false,
            skipped: Skipped::default(),
        }
    }

    fn line(
        &mut self,
        line: Line,
        data: &str,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        if let Some(error) = &line.error {
            return Err(match sent(error) {
                // A text without any name is what went wrong while the model ran.
                Fault::Sent {
                    reason: Reason::Unknown,
                    message,
                } => Fault::Sent {
                    reason: Reason::Server,
                    message,
                },
                fault => fault,
            });
        }
        if line.message.is_none() && line.done.is_none() {
            self.skipped.add(data.len());
            return Ok(());
        }
        if let Some(asked) = self.asked.take() {
            let model = line.model.and_then(not_empty).unwrap_or(asked);
            out.push_back(StreamEvent::Started { model });
        }
        if let Some(message) = line.message {
            self.message(message, out);
        }
        if line.done == Some(true) {
            let told = |tokens: Value| count::of(&tokens).unwrap_or(0);
            out.push_back(StreamEvent::Usage(Usage {
                input: told(line.prompt_eval_count),
                output: told(line.eval_count),
                ..Usage::default()
            }));
            let reason = self.stop_reason(line.done_reason);
            out.push_back(StreamEvent::Stop(reason));
            self.finished = true;
        }
        Ok(())
    }

    fn message(&mut self, message: Message, out: &mut VecDeque<StreamEvent>) {
        let thoughts = message.thinking.and_then(not_empty);
        out.extend(thoughts.map(StreamEvent::Thinking));
        let text = message.content.and_then(not_empty);
        out.extend(text.map(StreamEvent::Text));
        for call in message.tool_calls.unwrap_or_default() {
            self.call(call, out);
        }
    }

    /// Every call comes whole.
    fn call(&mut self, call: Call, out: &mut VecDeque<StreamEvent>) {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        out.push_back(StreamEvent::ToolCallStart {
            index,
            id: self.ids.accept(call.id.as_deref().unwrap_or_default()),
            name: call.function.name,
        });
        let json = call.function.arguments.map(written);
        out.extend(json.map(|json| StreamEvent::ToolCallArguments { index, json }));
        out.push_back(StreamEvent::ToolCallEnd { index });
    }

    /// Ollama says `stop` after tool calls too, and its first versions gave no reason at all.
    fn stop_reason(&self, name: Option<String>) -> StopReason {
        match name.unwrap_or_default().as_str() {
            "" | "stop" | "tool_calls" if self.calls > 0 => StopReason::ToolUse,
            "" | "stop" | "tool_calls" => StopReason::EndTurn,
            "length" => StopReason::MaxTokens,
            other => StopReason::Other(other.to_owned()),
        }
    }
}

impl Decode for Decoder {
    const FRAMING: Framing = Framing::NdJson;

    /// An answer that does not stream is one line with everything in it.
    fn document(&mut self, text: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        self.line(read_json(text)?, text, out)?;
        self.end(out)
    }

    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        // A line that breaks off is the last one: the connection was closed in the middle of it.
        match serde_json::from_str(&event.data) {
            Ok(line) => self.line(line, &event.data, out),
            Err(error) if error.is_eof() => Err(Fault::EndedEarly),
            Err(_what) => Err(Fault::malformed(
                "a line that its API does not have",
                &event.data,
            )),
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn skipped(&self) -> Skipped {
        self.skipped
    }
}

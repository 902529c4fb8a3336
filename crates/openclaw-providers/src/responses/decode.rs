//! The events of the Responses API.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use super::items::{Items, Piece, Told};
use crate::event::{StopReason, StreamEvent};
use crate::ids::CallIds;
use crate::openai::tokens;
use crate::request::Request;
use crate::sse;
use crate::wire::{Decode, Fault, Skipped, not_empty, read_json, sent};

/// Events that say nothing that another one does not say as well.
const SILENT: &[&str] = &[
    "response.queued",
    "response.in_progress",
    "response.content_part.added",
    "response.content_part.done",
    "response.output_text.done",
    "response.output_text.annotation.added",
    "response.refusal.done",
    "response.function_call_arguments.done",
    "response.reasoning_summary_part.done",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.done",
    "keepalive",
];

/// Reads one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The model that was asked for, until the answer has begun.
    asked: Option<String>,
    items: Items,
    finished: bool,
    skipped: Skipped,
}

/// An event; what it does not have is empty.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: Option<String>,
    output_index: Option<u64>,
    #[serde(default)]
    delta: Value,
    item: Option<Told>,
    response: Option<Response>,
}

/// The answer as a whole, as far as it goes.
#[derive(Debug, Deserialize)]
struct Response {
    model: Option<String>,
    status: Option<String>,
    error: Option<Value>,
    incomplete_details: Option<Incomplete>,
    output: Option<Vec<Value>>,
    #[serde(default)]
    usage: Value,
}

#[derive(Debug, Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

impl Decoder {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            asked: Some(request.model.clone()),
            items: Items::new(CallIds::after(&request.messages)),
            finished: false,
            skipped: Skipped::default(),
        }
    }

    fn start(&mut self, model: Option<String>, out: &mut VecDeque<StreamEvent>) {
        if let Some(asked) = self.asked.take() {
            let model = model.and_then(not_empty).unwrap_or(asked);
            out.push_back(StreamEvent::Started { model });
        }
    }

    /// Takes an event that has so many bytes.
    fn take(
        &mut self,
        kind: &str,
        event: Event,
        bytes: usize,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        let at = event.output_index.unwrap_or(0);
        let delta = event.delta.as_str().unwrap_or_default();
        match kind {
            "response.created" => {
                self.start(event.response.and_then(|response| response.model), out);
                Ok(())
            }
            // Azure had a shorter name for the first of them.
            "response.output_text.delta" | "response.text.delta" => {
                self.items.piece(at, Piece::Text, delta, out)
            }
            "response.refusal.delta" => self.items.piece(at, Piece::Refusal, delta, out),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.items.piece(at, Piece::Thought, delta, out)
            }
            "response.reasoning_summary_part.added" => self.items.part(at, out),
            "response.function_call_arguments.delta" => self.items.arguments(at, delta, out),
            "response.output_item.added" => match event.item {
                Some(Told::Unknown) | None => {
                    self.skipped.add(bytes);
                    Ok(())
                }
                Some(told) => self.items.begin(at, &told, out),
            },
            "response.output_item.done" => match event.item {
                Some(Told::Unknown) => {
                    self.items.pass_by(at)?;
                    self.skipped.weigh(bytes);
                    Ok(())
                }
                Some(told) => self.items.end(at, told, out),
                None => Ok(()),
            },
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => match event.response {
                Some(response) => self.finish(response, out),
                None => Err(Fault::malformed("the end of no response", kind)),
            },
            silent if SILENT.contains(&silent) => Ok(()),
            _ => {
                // A piece of something unknown counts without what it is wrapped in.
                self.skipped.add(match delta {
                    "" => bytes,
                    delta => delta.len(),
                });
                Ok(())
            }
        }
    }

    /// Ends the answer, after whatever was not streamed of it.
    fn finish(&mut self, response: Response, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        if let Some(error) = &response.error {
            return Err(sent(error));
        }
        self.start(response.model, out);
        let items = response.output.into_iter().flatten();
        for (at, item) in (0..).zip(items) {
            match Told::deserialize(&item).map_err(|_what| odd_item(&item))? {
                Told::Unknown if self.items.pass_by(at)? => {
                    self.skipped.weigh(item.to_string().len());
                }
                Told::Unknown => {}
                told => self.items.end(at, told, out)?,
            }
        }
        self.items.end_calls(out);
        let reason = response.incomplete_details.and_then(|why| why.reason);
        let stop = match (response.status.as_deref(), reason) {
            (Some("failed" | "cancelled"), _) => {
                let message = "the provider gave no reason";
                return Err(sent(&json!({"code": "server_error", "message": message})));
            }
            (Some("in_progress" | "queued"), _) => return Err(Fault::EndedEarly),
            (_, Some(reason)) => match reason.as_str() {
                "max_output_tokens" => StopReason::MaxTokens,
                "content_filter" => StopReason::Refusal,
                _ => StopReason::Other(reason),
            },
            (Some("incomplete"), None) => StopReason::MaxTokens,
            _ if self.items.has_calls() => StopReason::ToolUse,
            _ if self.items.is_refusal() => StopReason::Refusal,
            _ => StopReason::EndTurn,
        };
        out.extend(tokens::usage(&response.usage).map(StreamEvent::Usage));
        out.push_back(StreamEvent::Stop(stop));
        self.finished = true;
        Ok(())
    }
}

fn odd_item(item: &Value) -> Fault {
    Fault::malformed("an item that its API does not have", &item.to_string())
}

impl Decode for Decoder {
    fn document(&mut self, text: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let response: Response = read_json(text)?;
        if response.output.is_none() {
            return Err(Fault::malformed("a document instead of a stream", text));
        }
        self.finish(response, out)
    }

    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data == "[DONE]" {
            return self.end(out);
        }
        let told: Event = read_json(data)?;
        let kind = told.kind.clone().unwrap_or_else(|| event.name.clone());
        if kind == "error" {
            let error: Value = read_json(data)?;
            return Err(sent(error.get("error").unwrap_or(&error)));
        }
        self.take(&kind, told, data.len(), out)
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn skipped(&self) -> Skipped {
        self.skipped
    }
}

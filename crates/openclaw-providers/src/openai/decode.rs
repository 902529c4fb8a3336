//! The events of the Chat Completions API.

use std::collections::VecDeque;

use openclaw_core::Usage;
use serde_json::json;

use super::calls::{Calls, Piece};
use super::chunk::{Choice, Chunk, Delta};
use super::details::{self, Details};
use super::think::ThinkTags;
use super::tokens;
use crate::count;
use crate::event::{StopReason, StreamEvent};
use crate::ids::CallIds;
use crate::request::Request;
use crate::sse;
use crate::wire::{Decode, Fault, Skipped, not_empty, read_json, sent};

/// Reads one answer.
///
/// What ends the answer is held back until the stream is done, because the usage comes last.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The model that was asked for, until the answer has begun.
    asked: Option<String>,
    refused: bool,
    calls: Calls,
    details: Details,
    /// Splits thoughts off the text, where a model writes them there.
    tags: Option<ThinkTags>,
    usage: Option<Usage>,
    finish_reason: Option<String>,
    finished: bool,
    skipped: Skipped,
}

impl Decoder {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            asked: Some(request.model.clone()),
            refused: false,
            calls: Calls::new(CallIds::after(&request.messages)),
            details: Details::default(),
            tags: None,
            usage: None,
            finish_reason: None,
            finished: false,
            skipped: Skipped::default(),
        }
    }

    /// Looks for thoughts at the beginning of the text.
    pub(crate) fn with_think_tags(mut self) -> Self {
        self.tags = Some(ThinkTags::default());
        self
    }

    fn chunk(&mut self, data: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let chunk: Chunk = read_json(data)?;
        if let Some(error) = &chunk.error {
            return Err(sent(error));
        }
        if chunk.object.as_deref() == Some("error") {
            return Err(sent(&read_json(data)?));
        }
        // Some servers count all through the answer.
        let usage = chunk.usage().filter_map(tokens::usage).last();
        if chunk.choices.is_none() && usage.is_none() {
            self.skipped.add(data.len());
            return Ok(());
        }
        if let Some(usage) = usage {
            self.usage = Some(count::most(self.usage.unwrap_or_default(), usage));
        }
        let choices = chunk.choices.unwrap_or_default();
        let model = chunk.model.and_then(not_empty);
        // Azure's first chunk is about the prompt and names no model.
        if model.is_some() || !choices.is_empty() {
            self.start(model, out);
        }
        for choice in choices {
            self.choice(choice, data, out)?;
        }
        Ok(())
    }

    fn start(&mut self, model: Option<String>, out: &mut VecDeque<StreamEvent>) {
        if let Some(asked) = self.asked.take() {
            let model = model.unwrap_or(asked);
            out.push_back(StreamEvent::Started { model });
        }
    }

    fn choice(
        &mut self,
        mut choice: Choice,
        data: &str,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        if choice.index.unwrap_or(0) != 0 {
            self.skipped.add(data.len());
            return Ok(());
        }
        if let Some(error) = &choice.error {
            return Err(sent(error));
        }
        if let Some(delta) = choice.take_delta() {
            self.delta(delta, out)?;
        }
        if let Some(reason) = choice.finish_reason.and_then(not_empty) {
            self.finish_reason = Some(reason);
        }
        Ok(())
    }

    fn delta(&mut self, mut delta: Delta, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let details = delta.take_details();
        let (mut thoughts, texts) = delta.take_content();
        thoughts.insert(0, delta.thoughts(&details));
        for piece in details {
            // What is hidden is handed on when it is whole, which it may never be.
            self.skipped.weigh(details::hidden(&piece));
            self.details.push(piece);
        }
        let thoughts = thoughts.into_iter().filter_map(not_empty);
        out.extend(thoughts.map(StreamEvent::Thinking));
        let refusal = delta.refusal.and_then(not_empty);
        let legacy = delta.function_call.map(Piece::only);
        let calls = delta.tool_calls.into_iter().flatten().chain(legacy);
        let mut calls = calls.peekable();
        let texts = texts.into_iter().filter_map(not_empty).collect::<Vec<_>>();
        if !texts.is_empty() || refusal.is_some() || calls.peek().is_some() {
            self.end_thoughts(out);
        }
        for text in texts {
            match &mut self.tags {
                Some(tags) => tags.push(&text, out),
                None => out.push_back(StreamEvent::Text(text)),
            }
        }
        if let Some(refusal) = refusal {
            self.refused = true;
            out.push_back(StreamEvent::Text(refusal));
        }
        calls.try_for_each(|piece| self.calls.push(piece, out))
    }

    /// Hands on what the provider wants back of the thoughts so far.
    fn end_thoughts(&mut self, out: &mut VecDeque<StreamEvent>) {
        let signature = self.details.take_signature();
        out.extend(signature.map(StreamEvent::ThinkingSignature));
    }

    /// Ends the answer; a fault if no chunk said that the model was done.
    fn finish(&mut self, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let Some(reason) = self.finish_reason.take() else {
            return Err(Fault::EndedEarly);
        };
        let stop = self.stop_reason(reason)?;
        if let Some(tags) = &mut self.tags {
            tags.end(out);
        }
        let Some(ends) = self.calls.end() else {
            return Err(Fault::malformed("a tool call without a name", ""));
        };
        out.extend(ends);
        self.end_thoughts(out);
        out.extend(self.usage.map(StreamEvent::Usage));
        out.push_back(StreamEvent::Stop(stop));
        self.finished = true;
        Ok(())
    }

    /// Some servers say `stop` after tool calls, and some `tool_calls` without any.
    fn stop_reason(&self, name: String) -> Result<StopReason, Fault> {
        Ok(match name.as_str() {
            "stop" | "end" | "eos" | "tool_call" | "tool_calls" | "function_call" => {
                if !self.calls.is_empty() {
                    StopReason::ToolUse
                } else if self.refused {
                    StopReason::Refusal
                } else {
                    StopReason::EndTurn
                }
            }
            // Mistral's and Anthropic's words for it are passed on by servers in front of them.
            "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => {
                StopReason::MaxTokens
            }
            "content_filter" | "sensitive" => StopReason::Refusal,
            // OpenRouter, Z.AI and DeepSeek put a failure there.
            "error" | "network_error" | "insufficient_system_resource" => {
                let message = format!("finish_reason: {name}");
                return Err(sent(&json!({"code": "server_error", "message": message})));
            }
            _ => StopReason::Other(name),
        })
    }
}

impl Decode for Decoder {
    fn document(&mut self, text: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        self.chunk(text, out)?;
        if self.asked.is_some() {
            return Err(Fault::malformed("a document instead of a stream", text));
        }
        self.finish(out)
    }

    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        match event.data.trim() {
            "[DONE]" => self.finish(out),
            data => self.chunk(data, out),
        }
    }

    fn end(&mut self, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        if self.finished {
            Ok(())
        } else {
            self.finish(out)
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn may_end(&self) -> bool {
        self.finish_reason.is_some()
    }

    fn skipped(&self) -> Skipped {
        self.skipped
    }
}

//! The events of the Chat Completions API.

use std::collections::VecDeque;

use openclaw_core::Usage;
use serde::Deserialize;
use serde_json::Value;

use crate::event::{StopReason, StreamEvent};
use crate::ids::CallIds;
use crate::openai::calls::{Calls, Piece};
use crate::request::Request;
use crate::sse;
use crate::wire::{Decode, Fault, not_empty, read_json, sent};

/// Reads one answer.
///
/// What ends the answer is held back until the stream is done, because the usage comes last.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The model that was asked for, until the answer has begun.
    asked: Option<String>,
    refused: bool,
    calls: Calls,
    usage: Option<Usage>,
    finish_reason: Option<String>,
    finished: bool,
    skipped: u32,
}

#[derive(Debug, Deserialize)]
struct Chunk {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
    error: Option<Value>,
    /// Some servers write `error` here and leave the envelope out.
    object: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    index: Option<u64>,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    content: Option<Content>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<Piece>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    #[serde(rename = "prompt_tokens")]
    prompt: Option<u64>,
    #[serde(rename = "completion_tokens")]
    completion: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let prompt = tokens.prompt_tokens_details;
        let completion = tokens.completion_tokens_details;
        let cache_read = prompt
            .and_then(|details| details.cached_tokens)
            .unwrap_or(0);
        let reasoning = completion.and_then(|details| details.reasoning_tokens);
        Self {
            // The prompt's tokens include the cached ones here.
            input: tokens.prompt.unwrap_or(0).saturating_sub(cache_read),
            output: tokens.completion.unwrap_or(0),
            cache_read,
            cache_write: 0,
            reasoning: reasoning.unwrap_or(0),
        }
    }
}

impl Decoder {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            asked: Some(request.model.clone()),
            refused: false,
            calls: Calls::new(CallIds::after(&request.messages)),
            usage: None,
            finish_reason: None,
            finished: false,
            skipped: 0,
        }
    }

    fn start(&mut self, model: Option<String>, out: &mut VecDeque<StreamEvent>) {
        if let Some(asked) = self.asked.take() {
            let model = model.and_then(not_empty).unwrap_or(asked);
            out.push_back(StreamEvent::Started { model });
        }
    }

    fn choice(&mut self, choice: Choice, out: &mut VecDeque<StreamEvent>) {
        if choice.index.unwrap_or(0) != 0 {
            self.skip();
            return;
        }
        if let Some(delta) = choice.delta {
            self.delta(delta, out);
        }
        if let Some(reason) = choice.finish_reason.and_then(not_empty) {
            self.finish_reason = Some(reason);
        }
    }

    fn delta(&mut self, delta: Delta, out: &mut VecDeque<StreamEvent>) {
        // A server that fills both fields fills them with the same.
        let thoughts = delta.reasoning_content.or(delta.reasoning);
        out.extend(thoughts.and_then(not_empty).map(StreamEvent::Thinking));
        let texts = match delta.content {
            None => Vec::new(),
            Some(Content::Text(text)) => vec![text],
            Some(Content::Parts(parts)) => parts.into_iter().filter_map(|part| part.text).collect(),
        };
        let texts = texts.into_iter().filter_map(not_empty);
        out.extend(texts.map(StreamEvent::Text));
        if let Some(refusal) = delta.refusal.and_then(not_empty) {
            self.refused = true;
            out.push_back(StreamEvent::Text(refusal));
        }
        for piece in delta.tool_calls.unwrap_or_default() {
            self.calls.push(piece, out);
        }
    }

    /// Ends the answer; a fault if no chunk said that the model was done.
    fn finish(&mut self, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let Some(reason) = self.finish_reason.take() else {
            return Err(Fault::EndedEarly);
        };
        let Some(ends) = self.calls.end() else {
            return Err(Fault::malformed("a tool call without a name", ""));
        };
        out.extend(ends);
        out.extend(self.usage.map(StreamEvent::Usage));
        out.push_back(StreamEvent::Stop(self.stop_reason(reason)));
        self.finished = true;
        Ok(())
    }

    /// Some servers say `stop` after tool calls, and some `tool_calls` without any.
    fn stop_reason(&self, name: String) -> StopReason {
        match name.as_str() {
            "stop" | "tool_calls" | "function_call" if !self.calls.is_empty() => {
                StopReason::ToolUse
            }
            "stop" | "tool_calls" | "function_call" if self.refused => StopReason::Refusal,
            "stop" | "tool_calls" | "function_call" => StopReason::EndTurn,
            "length" => StopReason::MaxTokens,
            "content_filter" => StopReason::Refusal,
            _ => StopReason::Other(name),
        }
    }

    fn skip(&mut self) {
        self.skipped = self.skipped.saturating_add(1);
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let data = event.data.trim();
        if data == "[DONE]" {
            return self.finish(out);
        }
        let chunk: Chunk = read_json(data)?;
        if let Some(error) = &chunk.error {
            return Err(sent(error));
        }
        if chunk.object.as_deref() == Some("error") {
            return Err(sent(&read_json(data)?));
        }
        if chunk.choices.is_none() && chunk.usage.is_none() {
            self.skip();
            return Ok(());
        }
        self.start(chunk.model, out);
        for choice in chunk.choices.unwrap_or_default() {
            self.choice(choice, out);
        }
        if let Some(tokens) = chunk.usage {
            self.usage = Some(tokens.into());
        }
        Ok(())
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

    fn skipped(&self) -> u32 {
        self.skipped
    }
}

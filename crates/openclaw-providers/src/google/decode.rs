//! The answers of the Gemini API: each event is a `GenerateContentResponse`.

use std::collections::VecDeque;

use openclaw_core::Usage;
use serde::Deserialize;
use serde_json::Value;

use crate::count;
use crate::error::Reason;
use crate::event::{StopReason, StreamEvent};
use crate::google::signature::Place;
use crate::ids::CallIds;
use crate::request::Request;
use crate::sse;
use crate::wire::{Decode, Fault, Skipped, not_empty, read_json, sent, written};

/// Reads one answer.
///
/// Nothing but the end of the stream ends it: what comes with the reason for stopping need not be
/// the last, since a signature or the usage may follow.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The model that was asked for, until the answer has begun.
    asked: Option<String>,
    ids: CallIds,
    calls: u32,
    usage: Usage,
    finish: Option<Finish>,
    finished: bool,
    skipped: Skipped,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Value>,
    model_version: Option<String>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    index: Option<u64>,
    content: Option<Content>,
    #[serde(flatten)]
    finish: Finish,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finish {
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Content {
    parts: Option<Vec<Part>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    thought_signature: Option<String>,
    function_call: Option<Call>,
}

#[derive(Debug, Deserialize)]
struct Call {
    id: Option<String>,
    name: String,
    args: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
    block_reason_message: Option<String>,
}

impl Part {
    fn is_known(&self) -> bool {
        let signature = self.thought_signature.as_ref();
        self.text.is_some()
            || self.function_call.is_some()
            || signature.is_some_and(|signature| !signature.is_empty())
    }
}

/// Reads the token counts of the whole answer so far.
///
/// The prompt's tokens include the cached ones here, and the answer's not the thoughts.
fn usage(told: &Value) -> Usage {
    let count = |name| told.get(name).and_then(count::of).unwrap_or(0);
    let cache_read = count("cachedContentTokenCount");
    let reasoning = count("thoughtsTokenCount");
    Usage {
        input: count("promptTokenCount")
            .saturating_add(count("toolUsePromptTokenCount"))
            .saturating_sub(cache_read),
        output: count("candidatesTokenCount").saturating_add(reasoning),
        cache_read,
        reasoning,
        ..Usage::default()
    }
}

impl Decoder {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            asked: Some(request.model.clone()),
            ids: CallIds::after(&request.messages),
            calls: 0,
            usage: Usage::default(),
            finish: None,
            finished: false,
            skipped: Skipped::default(),
        }
    }

    /// Takes a chunk that has so many bytes.
    fn chunk(
        &mut self,
        chunk: Chunk,
        bytes: usize,
        out: &mut VecDeque<StreamEvent>,
    ) -> Result<(), Fault> {
        if let Some(error) = &chunk.error {
            return Err(sent(error));
        }
        if let Some(fault) = chunk.prompt_feedback.and_then(Feedback::fault) {
            return Err(fault);
        }
        if chunk.candidates.is_none() && chunk.usage_metadata.is_none() {
            self.skipped.add(bytes);
            return Ok(());
        }
        if let Some(asked) = self.asked.take() {
            let model = chunk.model_version.and_then(not_empty).unwrap_or(asked);
            out.push_back(StreamEvent::Started { model });
        }
        for candidate in chunk.candidates.unwrap_or_default() {
            self.candidate(candidate, bytes, out);
        }
        if let Some(usage) = chunk.usage_metadata.as_ref().map(usage)
            && usage != self.usage
        {
            self.usage = usage;
            out.push_back(StreamEvent::Usage(usage));
        }
        Ok(())
    }

    fn candidate(&mut self, candidate: Candidate, bytes: usize, out: &mut VecDeque<StreamEvent>) {
        if candidate.index.unwrap_or(0) != 0 {
            self.skipped.add(bytes);
            return;
        }
        let parts = candidate.content.and_then(|content| content.parts);
        for part in parts.unwrap_or_default() {
            if part.is_known() {
                self.part(part, out);
            } else {
                self.skipped.add(bytes);
            }
        }
        if candidate.finish.finish_reason.is_some() {
            self.finish = Some(candidate.finish);
        }
    }

    fn part(&mut self, part: Part, out: &mut VecDeque<StreamEvent>) {
        let signature = part.thought_signature.and_then(not_empty);
        let signed = |place: Place| {
            let signature = signature.as_deref();
            signature.map(|signature| StreamEvent::ThinkingSignature(place.mark_on(signature)))
        };
        match (part.function_call, part.text.and_then(not_empty)) {
            (Some(call), _) => {
                out.extend(signed(Place::Call));
                self.call(call, out);
            }
            (None, Some(thoughts)) if part.thought => {
                out.push_back(StreamEvent::Thinking(thoughts));
                out.extend(signed(Place::Thoughts));
            }
            (None, Some(text)) => {
                out.extend(signed(Place::Words));
                out.push_back(StreamEvent::Text(text));
            }
            (None, None) if part.thought => out.extend(signed(Place::Thoughts)),
            (None, None) => out.extend(signed(Place::Nothing)),
        }
    }

    fn call(&mut self, call: Call, out: &mut VecDeque<StreamEvent>) {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        out.push_back(StreamEvent::ToolCallStart {
            index,
            id: self.ids.accept(call.id.as_deref().unwrap_or_default()),
            name: call.name,
        });
        if let Some(json) = call.args.map(written).filter(|args| args != "{}") {
            out.push_back(StreamEvent::ToolCallArguments { index, json });
        }
        out.push_back(StreamEvent::ToolCallEnd { index });
    }
}

impl Feedback {
    fn fault(self) -> Option<Fault> {
        let reason = self.block_reason?;
        let said = self.block_reason_message.unwrap_or_default();
        Some(Fault::Sent {
            reason: Reason::ContentFilter,
            message: format!("the prompt was blocked: {reason} {said}"),
        })
    }
}

impl Finish {
    /// Returns why the model stopped; a fault if it broke down.
    ///
    /// After `FinishReason` in <https://ai.google.dev/api/generate-content#FinishReason>.
    fn stop(self, calls: u32) -> Result<StopReason, Fault> {
        let reason = self.finish_reason.unwrap_or_default();
        let broke_down = |because| Fault::Sent {
            reason: because,
            message: format!("{reason} {}", self.finish_message.unwrap_or_default()),
        };
        Ok(match reason.as_str() {
            // Some that copy the API have a name of their own for this.
            "STOP" | "FUNCTION_CALL" if calls > 0 => StopReason::ToolUse,
            "STOP" => StopReason::EndTurn,
            "MAX_TOKENS" => StopReason::MaxTokens,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "MODEL_ARMOR"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => StopReason::Refusal,
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MALFORMED_RESPONSE" => return Err(broke_down(Reason::Server)),
            "MISSING_THOUGHT_SIGNATURE" => return Err(broke_down(Reason::InvalidRequest)),
            _ => StopReason::Other(reason),
        })
    }
}

impl Decode for Decoder {
    /// A server that is asked without `alt=sse`, or that does not know it, sends an array.
    fn document(&mut self, text: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let chunks = match read_json(text)? {
            Value::Array(chunks) => chunks,
            one => vec![one],
        };
        for chunk in chunks {
            let bytes = chunk.to_string().len();
            let chunk = serde_json::from_value(chunk)
                .map_err(|_what| Fault::malformed("an answer that its API does not have", text))?;
            self.chunk(chunk, bytes, out)?;
        }
        self.end(out)
    }

    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        if event.data.trim() == "[DONE]" {
            return self.end(out);
        }
        self.chunk(read_json(&event.data)?, event.data.len(), out)
    }

    fn end(&mut self, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        if self.finished {
            return Ok(());
        }
        let finish = self.finish.take().ok_or(Fault::EndedEarly)?;
        out.push_back(StreamEvent::Stop(finish.stop(self.calls)?));
        self.finished = true;
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn may_end(&self) -> bool {
        self.finish.is_some()
    }

    fn skipped(&self) -> Skipped {
        self.skipped
    }
}

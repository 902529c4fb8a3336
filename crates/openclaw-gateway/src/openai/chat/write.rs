//! A chat completion, in one piece or in chunks.

use axum::http::StatusCode;
use axum::response::Response;
use openclaw_core::Usage as Tokens;
use openclaw_ipc::openai::ErrorBody;
use openclaw_ipc::openai::chat::{
    AnswerMessage, CallDelta, CalledFunction, ChatCall, ChatChunk, ChatCompletion, ChatUsage,
    Choice, ChunkChoice, Delta, FinishReason, FunctionDelta, PromptDetails,
};

use crate::http::routes::json_text;
use crate::openai::asking::{Asking, End, Outcome};
use crate::openai::door::Failure;
use crate::openai::streamed::{Frame, Voice};

/// How many bytes of a call's arguments a chunk has.
const PIECE: usize = 256;

/// What every piece of an answer says of it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    id: String,
    created: i64,
    model: String,
}

/// Whether a stream tells what the answer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    Told,
    Untold,
}

/// Says an answer in chunks.
#[derive(Debug)]
pub(super) struct Chunks {
    identity: Identity,
    usage: Usage,
}

impl Identity {
    pub(super) fn of(asking: &Asking) -> Self {
        Self {
            id: asking.id.clone(),
            created: asking.created,
            model: asking.target.model.clone(),
        }
    }
}

/// Returns an answer in one piece.
pub(super) fn completion(identity: Identity, outcome: Outcome) -> Response {
    let usage = usage(&outcome.usage);
    let finish_reason = finish(outcome.end);
    let calls = outcome.calls.into_iter().map(|call| ChatCall {
        id: call.id.0,
        kind: "function".to_owned(),
        function: CalledFunction {
            name: call.tool,
            arguments: call.arguments,
        },
    });
    let completion = ChatCompletion {
        id: identity.id,
        object: "chat.completion".to_owned(),
        created: identity.created,
        model: identity.model,
        choices: vec![Choice {
            index: 0,
            message: AnswerMessage {
                role: "assistant".to_owned(),
                content: outcome.text,
                tool_calls: calls.collect(),
            },
            finish_reason,
        }],
        usage,
    };
    let text = serde_json::to_string(&completion).unwrap_or_default();
    json_text(StatusCode::OK, text)
}

const fn finish(end: End) -> FinishReason {
    match end {
        End::Whole => FinishReason::Stop,
        End::Length => FinishReason::Length,
        End::Declined => FinishReason::ContentFilter,
        End::Calls => FinishReason::ToolCalls,
    }
}

/// What was written to a cache counts in the sum alone, as OpenClaw has it.
fn usage(tokens: &Tokens) -> ChatUsage {
    let cached = tokens.cache_read;
    ChatUsage {
        prompt_tokens: tokens.input.saturating_add(cached),
        completion_tokens: tokens.output,
        total_tokens: tokens.total(),
        prompt_tokens_details: (cached > 0).then_some(PromptDetails {
            cached_tokens: cached,
        }),
    }
}

impl Chunks {
    pub(super) const fn new(identity: Identity, usage: Usage) -> Self {
        Self { identity, usage }
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Option<ChatUsage>) -> Frame {
        let chunk = ChatChunk {
            id: self.identity.id.clone(),
            object: "chat.completion.chunk".to_owned(),
            created: self.identity.created,
            model: self.identity.model.clone(),
            choices,
            usage,
        };
        Frame::of(None, &chunk)
    }

    fn delta(&self, delta: Delta, finish_reason: Option<FinishReason>) -> Frame {
        let choice = ChunkChoice {
            index: 0,
            delta,
            finish_reason,
        };
        self.chunk(vec![choice], None)
    }

    fn of_call(&self, call: CallDelta) -> Frame {
        let delta = Delta {
            tool_calls: vec![call],
            ..Delta::default()
        };
        self.delta(delta, None)
    }
}

impl Voice for Chunks {
    fn begin(&mut self) -> Vec<Frame> {
        let delta = Delta {
            role: Some("assistant".to_owned()),
            ..Delta::default()
        };
        vec![self.delta(delta, None)]
    }

    fn text(&mut self, piece: String) -> Vec<Frame> {
        let delta = Delta {
            content: Some(piece),
            ..Delta::default()
        };
        vec![self.delta(delta, None)]
    }

    fn end(&mut self, outcome: &Outcome) -> Vec<Frame> {
        let mut frames = Vec::new();
        for (index, call) in outcome.calls.iter().enumerate() {
            frames.push(self.of_call(CallDelta {
                index,
                id: Some(call.id.0.clone()),
                kind: Some("function".to_owned()),
                function: FunctionDelta {
                    name: Some(call.tool.clone()),
                    arguments: String::new(),
                },
            }));
            frames.extend(pieces(&call.arguments).into_iter().map(|piece| {
                self.of_call(CallDelta {
                    index,
                    id: None,
                    kind: None,
                    function: FunctionDelta {
                        name: None,
                        arguments: piece.to_owned(),
                    },
                })
            }));
        }
        frames.push(self.delta(Delta::default(), Some(finish(outcome.end))));
        if self.usage == Usage::Told {
            frames.push(self.chunk(Vec::new(), Some(usage(&outcome.usage))));
        }
        frames
    }

    fn failed(&mut self, failure: &Failure) -> Vec<Frame> {
        let body = ErrorBody {
            error: failure.error.clone(),
        };
        vec![Frame::of(None, &body)]
    }
}

/// Cuts a text into pieces, each of whole characters.
pub(in crate::openai) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rest.floor_char_boundary(PIECE));
        pieces.push(piece);
        rest = left;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_whole_characters_and_add_up() {
        let text = "ä".repeat(1000);
        let cut = pieces(&text);
        assert!(cut.iter().all(|piece| piece.len() <= PIECE));
        assert_eq!(cut.concat(), text);
        assert!(pieces("").is_empty());
    }

    #[test]
    fn what_was_read_from_a_cache_is_part_of_the_prompt() {
        let tokens = Tokens {
            input: 100,
            output: 12,
            cache_read: 20,
            cache_write: 5,
            ..Tokens::default()
        };
        let told = serde_json::to_value(usage(&tokens)).unwrap();
        let recorded = serde_json::json!({
            "prompt_tokens": 120, "completion_tokens": 12, "total_tokens": 137,
            "prompt_tokens_details": {"cached_tokens": 20},
        });
        assert_eq!(told, recorded);
    }
}

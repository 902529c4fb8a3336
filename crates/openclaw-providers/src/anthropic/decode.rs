//! The events of the Messages API, and the whole message of a server that does not stream.

use std::collections::{BTreeMap, VecDeque};

use openclaw_core::Usage;
use serde::Deserialize;
use serde_json::Value;

use crate::count;
use crate::event::{StopReason, StreamEvent};
use crate::ids::CallIds;
use crate::request::Request;
use crate::sse;
use crate::wire::{Decode, Fault, Skipped, not_empty, read_json, sent, written};

/// Reads one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    model: String,
    ids: CallIds,
    blocks: BTreeMap<u32, Block>,
    usage: Usage,
    stop: Option<StopReason>,
    finished: bool,
    skipped: Skipped,
}

/// An open content block.
#[derive(Debug)]
enum Block {
    /// Text or thoughts.
    Words,
    /// A tool call, with the arguments that came with its start.
    Call { whole: Option<String> },
    /// A kind of block that this program does not know.
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Payload {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: u32,
        content_block: BlockStart,
    },
    ContentBlockDelta {
        index: u32,
        delta: BlockDelta,
    },
    ContentBlockStop {
        index: u32,
    },
    MessageDelta {
        delta: End,
        #[serde(default)]
        usage: Value,
    },
    MessageStop,
    Ping,
    Error {
        error: Value,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
struct Start {
    model: Option<String>,
    #[serde(default)]
    usage: Value,
}

/// A message that came in one piece.
#[derive(Debug, Deserialize)]
struct Whole {
    #[serde(flatten)]
    start: Start,
    content: Vec<Value>,
    #[serde(flatten)]
    end: End,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockStart {
    Text {
        text: Option<String>,
    },
    Thinking {
        thinking: Option<String>,
        signature: Option<String>,
    },
    RedactedThinking {
        data: String,
    },
    ToolUse {
        #[serde(default)]
        id: String,
        name: String,
        input: Option<Value>,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
struct End {
    stop_reason: Option<String>,
    stop_details: Option<Details>,
}

/// Why a message was refused; nobody has promised how this is worded.
#[derive(Debug, Deserialize)]
struct Details {
    category: Option<String>,
    explanation: Option<String>,
}

impl Decoder {
    pub(crate) fn new(request: &Request) -> Self {
        Self {
            model: request.model.clone(),
            ids: CallIds::after(&request.messages),
            blocks: BTreeMap::new(),
            usage: Usage::default(),
            stop: None,
            finished: false,
            skipped: Skipped::default(),
        }
    }

    /// Takes the beginning of a block; it has so many bytes.
    fn block_start(
        &mut self,
        index: u32,
        start: BlockStart,
        bytes: usize,
        out: &mut VecDeque<StreamEvent>,
    ) {
        let block = match start {
            BlockStart::Text { text } => {
                out.extend(text.and_then(not_empty).map(StreamEvent::Text));
                Block::Words
            }
            BlockStart::Thinking {
                thinking,
                signature,
            } => {
                out.extend(thinking.and_then(not_empty).map(StreamEvent::Thinking));
                out.extend(
                    signature
                        .and_then(not_empty)
                        .map(StreamEvent::ThinkingSignature),
                );
                Block::Words
            }
            BlockStart::RedactedThinking { data } => {
                out.push_back(StreamEvent::RedactedThinking(data));
                Block::Words
            }
            BlockStart::ToolUse { id, name, input } => {
                let id = self.ids.accept(&id);
                out.push_back(StreamEvent::ToolCallStart { index, id, name });
                // Anthropic itself starts with an empty object and sends pieces; some others send
                // everything here.
                Block::Call {
                    whole: input.map(written).filter(|input| input != "{}"),
                }
            }
            BlockStart::Unknown => {
                self.skipped.add(bytes);
                Block::Unknown
            }
        };
        self.blocks.insert(index, block);
    }

    /// Takes a further piece of a block; it has so many bytes.
    fn block_delta(&mut self, index: u32, delta: BlockDelta, bytes: usize) -> Option<StreamEvent> {
        match (self.blocks.get_mut(&index)?, delta) {
            (Block::Words, BlockDelta::TextDelta { text }) => {
                not_empty(text).map(StreamEvent::Text)
            }
            (Block::Words, BlockDelta::ThinkingDelta { thinking }) => {
                not_empty(thinking).map(StreamEvent::Thinking)
            }
            (Block::Words, BlockDelta::SignatureDelta { signature }) => {
                not_empty(signature).map(StreamEvent::ThinkingSignature)
            }
            (Block::Call { whole }, BlockDelta::InputJsonDelta { partial_json }) => {
                let json = not_empty(partial_json)?;
                *whole = None;
                Some(StreamEvent::ToolCallArguments { index, json })
            }
            (
                Block::Unknown | Block::Words | Block::Call { .. },
                BlockDelta::TextDelta { text }
                | BlockDelta::ThinkingDelta { thinking: text }
                | BlockDelta::SignatureDelta { signature: text }
                | BlockDelta::InputJsonDelta { partial_json: text },
            ) => {
                self.skipped.add(text.len());
                None
            }
            (Block::Unknown | Block::Words | Block::Call { .. }, BlockDelta::Unknown) => {
                self.skipped.add(bytes);
                None
            }
        }
    }

    fn block_stop(&mut self, index: u32, out: &mut VecDeque<StreamEvent>) {
        if let Some(Block::Call { whole }) = self.blocks.remove(&index) {
            if let Some(json) = whole {
                out.push_back(StreamEvent::ToolCallArguments { index, json });
            }
            out.push_back(StreamEvent::ToolCallEnd { index });
        }
    }

    fn start(&mut self, start: Start, out: &mut VecDeque<StreamEvent>) {
        let model = start.model.unwrap_or_else(|| self.model.clone());
        out.push_back(StreamEvent::Started { model });
        out.extend(self.count(&start.usage));
    }

    /// Each count is the total so far; one that is missing stays as it was.
    fn count(&mut self, told: &Value) -> Option<StreamEvent> {
        let told = told.as_object()?;
        let by_time = told.get("cache_creation").and_then(Value::as_object);
        let all_times = || {
            let counts = by_time?.values().filter_map(count::of);
            Some(counts.fold(0, u64::saturating_add))
        };
        let named = |name| told.get(name).and_then(count::of);
        let set = |count: &mut u64, now: Option<u64>| *count = now.unwrap_or(*count);
        let usage = &mut self.usage;
        set(&mut usage.input, named("input_tokens"));
        set(&mut usage.output, named("output_tokens"));
        set(&mut usage.cache_read, named("cache_read_input_tokens"));
        let cache_write = named("cache_creation_input_tokens").or_else(all_times);
        set(&mut usage.cache_write, cache_write);
        let hour = by_time.and_then(|times| times.get("ephemeral_1h_input_tokens"));
        set(&mut usage.cache_write_1h, hour.and_then(count::of));
        let thought = told
            .get("output_tokens_details")
            .and_then(|details| details.get("thinking_tokens"));
        set(&mut usage.reasoning, thought.and_then(count::of));
        Some(StreamEvent::Usage(*usage))
    }

    fn ended(&mut self, end: End) {
        if let Some(details) = end.stop_details {
            let Details {
                category,
                explanation,
            } = details;
            tracing::info!(
                category,
                explanation,
                "the provider says why the model stopped"
            );
        }
        self.stop = end.stop_reason.map(stop_reason).or(self.stop.take());
    }

    fn finish(&mut self, data: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let Some(stop) = self.stop.take() else {
            return Err(Fault::malformed("an end without a reason", data));
        };
        // Blocks that nothing ended.
        while let Some(index) = self.blocks.keys().next().copied() {
            self.block_stop(index, out);
        }
        out.push_back(StreamEvent::Stop(stop));
        self.finished = true;
        Ok(())
    }
}

impl Decode for Decoder {
    fn document(&mut self, text: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        let whole: Whole = read_json(text)?;
        self.start(whole.start, out);
        for (index, block) in (0..).zip(whole.content) {
            let bytes = block.to_string().len();
            let block = serde_json::from_value(block)
                .map_err(|_what| Fault::malformed("a block that its API does not have", text))?;
            self.block_start(index, block, bytes, out);
            self.block_stop(index, out);
        }
        self.ended(whole.end);
        self.finish(text, out)
    }

    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        // The data repeats the event's name; some gateways in between drop the name.
        match read_json(&event.data)? {
            Payload::MessageStart { mut message } => {
                // What was written when the answer began is not what it took.
                if let Some(usage) = message.usage.as_object_mut() {
                    usage.remove("output_tokens");
                }
                self.start(message, out);
            }
            Payload::ContentBlockStart {
                index,
                content_block,
            } => self.block_start(index, content_block, event.data.len(), out),
            Payload::ContentBlockDelta { index, delta } => {
                if !self.blocks.contains_key(&index) {
                    return Err(Fault::malformed("a piece of no open block", &event.data));
                }
                out.extend(self.block_delta(index, delta, event.data.len()));
            }
            Payload::ContentBlockStop { index } => self.block_stop(index, out),
            Payload::MessageDelta { delta, usage } => {
                self.ended(delta);
                out.extend(self.count(&usage));
            }
            Payload::MessageStop => self.finish(&event.data, out)?,
            Payload::Ping => {}
            Payload::Error { error } => return Err(sent(&error)),
            Payload::Unknown => self.skipped.add(event.data.len()),
        }
        Ok(())
    }

    /// Whatever says that the message is over only repeats what the reason to stop has said.
    fn end(&mut self, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        match (self.finished, &self.stop) {
            (true, _) => Ok(()),
            (false, Some(_)) => self.finish("", out),
            (false, None) => Err(Fault::EndedEarly),
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn may_end(&self) -> bool {
        self.stop.is_some()
    }

    fn skipped(&self) -> Skipped {
        self.skipped
    }
}

fn stop_reason(name: String) -> StopReason {
    match name.as_str() {
        "end_turn" => StopReason::EndTurn,
        "tool_use" => StopReason::ToolUse,
        "max_tokens" => StopReason::MaxTokens,
        "model_context_window_exceeded" => StopReason::ContextLength,
        "refusal" => StopReason::Refusal,
        "stop_sequence" => StopReason::StopSequence,
        _ => StopReason::Other(name),
    }
}

//! The events of the Messages API.

use std::collections::{BTreeMap, VecDeque};

use openclaw_core::Usage;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::event::{StopReason, StreamEvent};
use crate::ids::CallIds;
use crate::request::Request;
use crate::sse;
use crate::wire::{Decode, Fault, not_empty, read_json, sent};

/// Reads one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    model: String,
    ids: CallIds,
    blocks: BTreeMap<u32, Block>,
    usage: Usage,
    stop: Option<StopReason>,
    finished: bool,
    skipped: u32,
}

/// An open content block.
#[derive(Debug)]
enum Block {
    /// Text or thoughts.
    Words,
    /// A tool call, with the arguments that came with its start.
    Call { whole: Option<Map<String, Value>> },
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
        usage: Option<Tokens>,
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
    usage: Option<Tokens>,
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
        input: Option<Map<String, Value>>,
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
}

/// Token counts; each is the total so far, and one that is missing stays as it was.
#[derive(Debug, Deserialize)]
struct Tokens {
    #[serde(rename = "input_tokens")]
    input: Option<u64>,
    #[serde(rename = "output_tokens")]
    output: Option<u64>,
    #[serde(rename = "cache_read_input_tokens")]
    cache_read: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens")]
    cache_write: Option<u64>,
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
            skipped: 0,
        }
    }

    fn block_start(&mut self, index: u32, start: BlockStart, out: &mut VecDeque<StreamEvent>) {
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
                    whole: input.filter(|input| !input.is_empty()),
                }
            }
            BlockStart::Unknown => {
                self.skip();
                Block::Unknown
            }
        };
        self.blocks.insert(index, block);
    }

    fn block_delta(&mut self, index: u32, delta: BlockDelta) -> Option<StreamEvent> {
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
                BlockDelta::Unknown
                | BlockDelta::TextDelta { .. }
                | BlockDelta::ThinkingDelta { .. }
                | BlockDelta::SignatureDelta { .. }
                | BlockDelta::InputJsonDelta { .. },
            ) => {
                self.skip();
                None
            }
        }
    }

    fn block_stop(&mut self, index: u32, out: &mut VecDeque<StreamEvent>) {
        if let Some(Block::Call { whole }) = self.blocks.remove(&index) {
            if let Some(whole) = whole {
                let json = Value::Object(whole).to_string();
                out.push_back(StreamEvent::ToolCallArguments { index, json });
            }
            out.push_back(StreamEvent::ToolCallEnd { index });
        }
    }

    fn count(&mut self, tokens: Option<Tokens>) -> StreamEvent {
        if let Some(tokens) = tokens {
            let set = |count: &mut u64, now: Option<u64>| *count = now.unwrap_or(*count);
            set(&mut self.usage.input, tokens.input);
            set(&mut self.usage.output, tokens.output);
            set(&mut self.usage.cache_read, tokens.cache_read);
            set(&mut self.usage.cache_write, tokens.cache_write);
        }
        StreamEvent::Usage(self.usage)
    }

    fn skip(&mut self) {
        self.skipped = self.skipped.saturating_add(1);
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        // The data repeats the event's name; some gateways in between drop the name.
        match read_json(&event.data)? {
            Payload::MessageStart { message } => {
                let model = message.model.unwrap_or_else(|| self.model.clone());
                out.push_back(StreamEvent::Started { model });
                out.push_back(self.count(message.usage));
            }
            Payload::ContentBlockStart {
                index,
                content_block,
            } => self.block_start(index, content_block, out),
            Payload::ContentBlockDelta { index, delta } => {
                if !self.blocks.contains_key(&index) {
                    return Err(Fault::malformed("a piece of no open block", &event.data));
                }
                out.extend(self.block_delta(index, delta));
            }
            Payload::ContentBlockStop { index } => self.block_stop(index, out),
            Payload::MessageDelta { delta, usage } => {
                self.stop = delta.stop_reason.map(stop_reason).or(self.stop.take());
                out.push_back(self.count(usage));
            }
            Payload::MessageStop => {
                let Some(stop) = self.stop.take() else {
                    return Err(Fault::malformed("an end without a reason", &event.data));
                };
                out.push_back(StreamEvent::Stop(stop));
                self.finished = true;
            }
            Payload::Ping => {}
            Payload::Error { error } => return Err(sent(&error)),
            Payload::Unknown => self.skip(),
        }
        Ok(())
    }

    fn end(&mut self, _out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        if self.finished {
            Ok(())
        } else {
            Err(Fault::EndedEarly)
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn skipped(&self) -> u32 {
        self.skipped
    }
}

fn stop_reason(name: String) -> StopReason {
    match name.as_str() {
        "end_turn" => StopReason::EndTurn,
        "tool_use" => StopReason::ToolUse,
        "max_tokens" => StopReason::MaxTokens,
        "refusal" => StopReason::Refusal,
        "stop_sequence" => StopReason::StopSequence,
        _ => StopReason::Other(name),
    }
}

//! The body of a request in the Messages API.
//!
//! What the API refuses is put so that the conversation stays usable: empty texts are left out,
//! messages of one role in a row become one, malformed arguments are wrapped in an object (see
//! [`Arguments::to_object`](crate::Arguments::to_object)), thoughts that somebody else signed, or
//! nobody, are not sent back, and of a file that the API does not take its name is told.
//!
//! The marks of [`cache`](super::cache) are the only thing that moves as a conversation grows: what
//! stands before the last message is the same text from one request to the next.

use std::borrow::Cow;

use openclaw_core::ProviderId;
use serde::Serialize;
use serde_json::{Map, Value};

use super::cache::Mark;
use super::files;
use super::thinking::{self, History, Output, Wanted};
use crate::ids::{WireIds, wire_name};
use crate::request::{
    AssistantBlock, Message, Request, Thinking, ToolCall, ToolResult, ToolSpec, UserBlock,
};

/// Whether a provider gets its own signed thoughts back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thoughts {
    /// It does, as it wants it.
    Returned,
    /// It does not, since it did not take them.
    Dropped,
}

#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<thinking::Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Output>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
}

#[derive(Debug, Serialize)]
struct Turn<'a> {
    role: Role,
    content: Vec<Block<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    User,
    Assistant,
}

#[derive(Debug, Serialize)]
struct Block<'a> {
    #[serde(flatten)]
    part: Part<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Mark>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: files::Source<'a>,
    },
    Document {
        source: files::Source<'a>,
        #[serde(skip_serializing_if = "str::is_empty")]
        title: &'a str,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: String,
        name: Cow<'a, str>,
        input: Map<String, Value>,
    },
    ToolResult {
        tool_use_id: String,
        #[serde(skip_serializing_if = "str::is_empty")]
        content: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Mark>,
}

/// What a body is written for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) provider: &'a ProviderId,
    pub(super) thoughts: Thoughts,
}

impl Writer<'_> {
    /// Writes the body of a request.
    pub(super) fn body<'a>(&self, request: &'a Request) -> Body<'a> {
        let messages = self.turns(&request.messages);
        let manner = thinking::manner(
            &request.model,
            Wanted {
                effort: request.effort,
                max_tokens: request.max_tokens,
                temperature: request.temperature,
                history: history(&messages),
            },
        );
        let mut body = Body {
            model: &request.model,
            max_tokens: manner.max_tokens,
            stream: true,
            temperature: manner.temperature,
            thinking: manner.thinking,
            output_config: manner.output,
            tools: request.tools.iter().map(tool).collect(),
            system: words(&request.system).map(block).into_iter().collect(),
            messages,
        };
        if let Some(mark) = Mark::of(request.cache) {
            body.mark(mark);
        }
        body
    }

    /// Tells whether a body has thoughts in it that the provider could object to.
    pub(super) fn returns_any(&self, request: &Request) -> bool {
        let mut blocks = request.messages.iter().filter_map(|message| match message {
            Message::Assistant(blocks) => Some(blocks),
            Message::User(_) | Message::ToolResults(_) => None,
        });
        blocks.any(|blocks| {
            blocks.iter().any(|block| match block {
                AssistantBlock::Thinking(thinking) => self.thoughts(thinking).is_some(),
                AssistantBlock::Text(_) | AssistantBlock::ToolCall(_) => false,
            })
        })
    }

    fn turns<'a>(&self, messages: &'a [Message]) -> Vec<Turn<'a>> {
        let ids = WireIds::of(messages);
        let mut turns: Vec<Turn<'_>> = Vec::new();
        for message in messages {
            let (role, content) = self.turn(message, &ids);
            match turns.last_mut() {
                _ if content.is_empty() => {}
                Some(last) if last.role == role => last.content.extend(content),
                _ => turns.push(Turn { role, content }),
            }
        }
        turns
    }

    fn turn<'a>(&self, message: &'a Message, ids: &WireIds<'_>) -> (Role, Vec<Block<'a>>) {
        let (role, parts) = match message {
            Message::User(blocks) => {
                let parts: Vec<_> = blocks.iter().filter_map(user).collect();
                (Role::User, parts)
            }
            Message::Assistant(blocks) => {
                let parts = blocks.iter().filter_map(|block| self.assistant(block, ids));
                (Role::Assistant, parts.collect())
            }
            Message::ToolResults(results) => {
                let parts = results.iter().map(|result| tool_result(result, ids));
                (Role::User, parts.collect())
            }
        };
        (role, parts.into_iter().map(block).collect())
    }

    fn assistant<'a>(&self, block: &'a AssistantBlock, ids: &WireIds<'_>) -> Option<Part<'a>> {
        match block {
            AssistantBlock::Text(text) => words(text),
            AssistantBlock::Thinking(thinking) => self.thoughts(thinking),
            AssistantBlock::ToolCall(call) => Some(tool_use(call, ids)),
        }
    }

    fn thoughts<'a>(&self, thinking: &'a Thinking) -> Option<Part<'a>> {
        if self.thoughts == Thoughts::Dropped || !thinking.is_by(self.provider) {
            return None;
        }
        match (&thinking.redacted, &thinking.signature) {
            (Some(data), _) => Some(Part::RedactedThinking { data }),
            (None, Some(signature)) => Some(Part::Thinking {
                thinking: &thinking.text,
                signature,
            }),
            (None, None) => None,
        }
    }
}

impl Body<'_> {
    fn mark(&mut self, mark: Mark) {
        if let Some(last) = self.tools.last_mut() {
            last.cache_control = Some(mark);
        }
        if let Some(last) = self.system.last_mut() {
            last.cache_control = Some(mark);
        }
        let users = self
            .messages
            .iter_mut()
            .filter(|turn| turn.role == Role::User);
        for turn in users.rev().take(2) {
            if let Some(last) = turn.content.last_mut() {
                last.cache_control = Some(mark);
            }
        }
    }
}

/// Models that think with a budget want the message whose calls are answered to begin with thoughts.
fn history(turns: &[Turn<'_>]) -> History {
    let is_result = |block: &Block<'_>| matches!(block.part, Part::ToolResult { .. });
    let is_thought = |block: &Block<'_>| {
        matches!(
            block.part,
            Part::Thinking { .. } | Part::RedactedThinking { .. }
        )
    };
    match turns {
        [.., asked, answered]
            if answered.content.first().is_some_and(is_result)
                && !asked.content.first().is_some_and(is_thought) =>
        {
            History::Thoughtless
        }
        _ => History::Open,
    }
}

const fn block(part: Part<'_>) -> Block<'_> {
    Block {
        part,
        cache_control: None,
    }
}

fn user(block: &UserBlock) -> Option<Part<'_>> {
    match block {
        UserBlock::Text(text) => words(text),
        UserBlock::Image { mime, base64 } => Some(files::image(mime, base64)),
        UserBlock::Document { mime, name, base64 } => Some(files::document(mime, name, base64)),
    }
}

/// The API refuses texts of nothing but white space.
fn words(text: &str) -> Option<Part<'_>> {
    (!text.trim().is_empty()).then_some(Part::Text { text: text.into() })
}

fn tool_use<'a>(call: &'a ToolCall, ids: &WireIds<'_>) -> Part<'a> {
    Part::ToolUse {
        id: ids.get(&call.id).to_owned(),
        name: wire_name(&call.name),
        input: call.arguments.to_object(),
    }
}

/// The API refuses a failure that says nothing.
fn tool_result<'a>(result: &'a ToolResult, ids: &WireIds<'_>) -> Part<'a> {
    Part::ToolResult {
        tool_use_id: ids.get(&result.call_id).to_owned(),
        content: if result.is_error && result.content.trim().is_empty() {
            "error"
        } else {
            &result.content
        },
        is_error: result.is_error,
    }
}

fn tool(spec: &ToolSpec) -> Tool<'_> {
    Tool {
        name: &spec.name,
        description: &spec.description,
        input_schema: &spec.parameters,
        cache_control: None,
    }
}

#[cfg(test)]
mod tests;

//! The body of a request in the Messages API.
//!
//! What the API refuses is put so that the conversation stays usable: empty texts are left out,
//! messages of one role in a row become one, malformed arguments are wrapped in an object (see
//! [`Arguments::to_object`](crate::Arguments::to_object)), and thoughts that nobody signed are not
//! sent back.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::anthropic::DEFAULT_MAX_TOKENS;
use crate::ids::{WireIds, wire_name};
use crate::request::{
    AssistantBlock, Message, Request, Thinking, ToolCall, ToolResult, ToolSpec, UserBlock,
};

#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    system: &'a str,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
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
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Source<'a>,
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
struct Source<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    media_type: &'a str,
    data: &'a str,
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
}

pub(super) fn of(request: &Request) -> Body<'_> {
    let ids = WireIds::of(&request.messages);
    let mut messages: Vec<Turn<'_>> = Vec::new();
    for message in &request.messages {
        let (role, content) = turn(message, &ids);
        match messages.last_mut() {
            _ if content.is_empty() => {}
            Some(last) if last.role == role => last.content.extend(content),
            _ => messages.push(Turn { role, content }),
        }
    }
    Body {
        model: &request.model,
        max_tokens: request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        stream: true,
        system: &request.system,
        messages,
        tools: request.tools.iter().map(tool).collect(),
    }
}

fn turn<'a>(message: &'a Message, ids: &WireIds<'_>) -> (Role, Vec<Block<'a>>) {
    match message {
        Message::User(blocks) => (Role::User, blocks.iter().filter_map(user).collect()),
        Message::Assistant(blocks) => {
            let content = blocks.iter().filter_map(|block| assistant(block, ids));
            (Role::Assistant, content.collect())
        }
        Message::ToolResults(results) => {
            let content = results.iter().map(|result| tool_result(result, ids));
            (Role::User, content.collect())
        }
    }
}

fn user(block: &UserBlock) -> Option<Block<'_>> {
    match block {
        UserBlock::Text(text) => words(text),
        UserBlock::Image { mime, base64 } => Some(Block::Image {
            source: Source {
                kind: "base64",
                media_type: mime,
                data: base64,
            },
        }),
    }
}

fn assistant<'a>(block: &'a AssistantBlock, ids: &WireIds<'_>) -> Option<Block<'a>> {
    match block {
        AssistantBlock::Text(text) => words(text),
        AssistantBlock::Thinking(thinking) => thoughts(thinking),
        AssistantBlock::ToolCall(call) => Some(tool_use(call, ids)),
    }
}

/// The API refuses texts of nothing but white space.
fn words(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then_some(Block::Text { text })
}

fn thoughts(thinking: &Thinking) -> Option<Block<'_>> {
    match (&thinking.redacted, &thinking.signature) {
        (Some(data), _) => Some(Block::RedactedThinking { data }),
        (None, Some(signature)) => Some(Block::Thinking {
            thinking: &thinking.text,
            signature,
        }),
        (None, None) => None,
    }
}

fn tool_use<'a>(call: &'a ToolCall, ids: &WireIds<'_>) -> Block<'a> {
    Block::ToolUse {
        id: ids.get(&call.id).to_owned(),
        name: wire_name(&call.name),
        input: call.arguments.to_object(),
    }
}

/// The API refuses a failure that says nothing.
fn tool_result<'a>(result: &'a ToolResult, ids: &WireIds<'_>) -> Block<'a> {
    Block::ToolResult {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_whole_conversation_is_written_as_the_api_wants_it() {
        insta::assert_json_snapshot!(of(&samples::conversation()));
    }

    #[test]
    fn careless_ids_names_and_arguments_are_made_legal() {
        insta::assert_json_snapshot!(of(&samples::careless()));
    }
}

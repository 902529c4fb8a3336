//! The body of a request in the Chat Completions API.
//!
//! What the API cannot carry is put so that the conversation stays usable: texts of one message are
//! joined, thoughts are not sent back, malformed arguments are wrapped in an object (see
//! [`Arguments::to_object`](crate::Arguments::to_object)), and a failed tool says so in its text.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::ids::{WireIds, wire_name};
use crate::request::{AssistantBlock, Message, Request, ToolCall, ToolResult, ToolSpec, UserBlock};

/// How the limit of an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAI itself: its newer models refuse `max_tokens`.
    OpenAI,
    /// Everybody else: many servers know nothing but `max_tokens`.
    Compatible,
}

impl Dialect {
    pub(super) fn of(base_url: &str) -> Self {
        if base_url.starts_with("https://api.openai.com/") {
            Self::OpenAI
        } else {
            Self::Compatible
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
}

impl Body<'_> {
    pub(super) fn without_stream_options(&self) -> Self {
        Self {
            stream_options: None,
            ..self.clone()
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum Turn<'a> {
    System {
        content: &'a str,
    },
    User {
        content: Content<'a>,
    },
    Assistant {
        content: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
    },
    Tool {
        tool_call_id: String,
        content: Cow<'a, str>,
    },
}

/// Text alone goes as a string, since small servers know no lists of parts.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(String),
    Parts(Vec<Part<'a>>),
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Clone, Debug, Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Clone, Debug, Serialize)]
struct Call<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Clone, Debug, Serialize)]
struct CalledFunction<'a> {
    name: Cow<'a, str>,
    arguments: String,
}

#[derive(Clone, Debug, Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Clone, Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

pub(super) fn of(request: &Request, dialect: Dialect) -> Body<'_> {
    let ids = WireIds::of(&request.messages);
    let system = (!request.system.is_empty()).then_some(Turn::System {
        content: &request.system,
    });
    let turns = request.messages.iter().flat_map(|message| match message {
        Message::User(blocks) => user(blocks).into_iter().collect(),
        Message::Assistant(blocks) => assistant(blocks, &ids).into_iter().collect(),
        Message::ToolResults(results) => results
            .iter()
            .map(|result| tool_result(result, &ids))
            .collect::<Vec<_>>(),
    });
    let (max_tokens, max_completion_tokens) = match dialect {
        Dialect::OpenAI => (None, request.max_tokens),
        Dialect::Compatible => (request.max_tokens, None),
    };
    Body {
        model: &request.model,
        stream: true,
        stream_options: Some(StreamOptions {
            include_usage: true,
        }),
        max_tokens,
        max_completion_tokens,
        messages: system.into_iter().chain(turns).collect(),
        tools: request.tools.iter().map(tool).collect(),
    }
}

fn user(blocks: &[UserBlock]) -> Option<Turn<'_>> {
    let texts = blocks.iter().filter_map(|block| match block {
        UserBlock::Text(text) => Some(text.as_str()),
        UserBlock::Image { .. } => None,
    });
    let texts = texts.collect::<Vec<_>>();
    let content = if texts.len() == blocks.len() {
        Content::Text(texts.join("\n"))
    } else {
        Content::Parts(blocks.iter().map(part).collect())
    };
    (!blocks.is_empty()).then_some(Turn::User { content })
}

fn part(block: &UserBlock) -> Part<'_> {
    match block {
        UserBlock::Text(text) => Part::Text { text },
        UserBlock::Image { mime, base64 } => Part::ImageUrl {
            image_url: ImageUrl {
                url: format!("data:{mime};base64,{base64}"),
            },
        },
    }
}

/// Writes an answer; none if it has neither words nor calls, which the API refuses.
fn assistant<'a>(blocks: &'a [AssistantBlock], ids: &WireIds<'_>) -> Option<Turn<'a>> {
    let mut texts = Vec::new();
    let mut tool_calls = Vec::new();
    for block in blocks {
        match block {
            AssistantBlock::Text(text) => texts.push(text.as_str()),
            AssistantBlock::Thinking(_) => {}
            AssistantBlock::ToolCall(call) => tool_calls.push(tool_call(call, ids)),
        }
    }
    let text = texts.join("\n");
    let content = (!text.trim().is_empty()).then_some(text);
    let says_something = content.is_some() || !tool_calls.is_empty();
    says_something.then_some(Turn::Assistant {
        content,
        tool_calls,
    })
}

fn tool_call<'a>(call: &'a ToolCall, ids: &WireIds<'_>) -> Call<'a> {
    Call {
        id: ids.get(&call.id).to_owned(),
        kind: "function",
        function: CalledFunction {
            name: wire_name(&call.name),
            arguments: Value::Object(call.arguments.to_object()).to_string(),
        },
    }
}

/// The API has no field for failure, so the text begins with `error`.
fn tool_result<'a>(result: &'a ToolResult, ids: &WireIds<'_>) -> Turn<'a> {
    let says_so = result.content.starts_with("error");
    Turn::Tool {
        tool_call_id: ids.get(&result.call_id).to_owned(),
        content: if result.is_error && !says_so {
            Cow::Owned(format!("error: {}", result.content))
        } else {
            Cow::Borrowed(&result.content)
        },
    }
}

fn tool(spec: &ToolSpec) -> Tool<'_> {
    Tool {
        kind: "function",
        function: Function {
            name: &spec.name,
            description: &spec.description,
            parameters: &spec.parameters,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_whole_conversation_is_written_as_the_api_wants_it() {
        insta::assert_json_snapshot!(of(&samples::conversation(), Dialect::Compatible));
    }

    #[test]
    fn careless_ids_names_and_arguments_are_made_legal() {
        insta::assert_json_snapshot!(of(&samples::careless(), Dialect::Compatible));
    }

    #[test]
    fn the_limit_is_written_as_the_server_knows_it() {
        let request = samples::conversation();
        let limits = [
            "https://api.openai.com/v1",
            "https://api.openai.com.example/v1",
            "http://127.0.0.1:11434/v1",
        ]
        .map(|url| {
            let body = of(&request, Dialect::of(url));
            (body.max_tokens, body.max_completion_tokens)
        });
        assert_eq!(
            limits,
            [(None, Some(1000)), (Some(1000), None), (Some(1000), None)]
        );
    }
}

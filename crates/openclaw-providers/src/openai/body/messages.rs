//! A conversation as the Chat Completions API has it.
//!
//! What the API cannot carry is put so that the conversation stays usable: texts of one message are
//! joined, malformed arguments are wrapped in an object (see
//! [`Arguments::to_object`](crate::Arguments::to_object)), and a failed tool says so in its text.

use std::borrow::Cow;
use std::collections::HashMap;

use openclaw_core::{CallId, ProviderId};
use serde::Serialize;
use serde_json::{Value, json};

use crate::ids::{WireIds, wire_name};
use crate::openai::details;
use crate::quirks::{Dialect, Switch, ThinkingFormat};
use crate::request::{
    AssistantBlock, CacheRetention, Message, Request, Thinking, ToolCall, ToolResult, UserBlock,
};

/// What stands between tool results and a user's words where a server wants something there.
const AFTER_RESULTS: &str = "I have the results.";

/// What stands for something that a server takes no pictures or files of.
const LEFT_OUT: &str = "[a file that this model cannot be shown]";

/// A message.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum Turn<'a> {
    System {
        content: Content<'a>,
    },
    Developer {
        content: Content<'a>,
    },
    User {
        content: Content<'a>,
    },
    Assistant {
        content: Option<Content<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning_content: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        reasoning_details: Vec<Value>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
    },
    Tool {
        tool_call_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<Cow<'a, str>>,
        content: Content<'a>,
    },
}

/// Text alone goes as a string, since small servers know no lists of parts.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Value>,
    },
    ImageUrl {
        image_url: ImageUrl,
    },
    File {
        file: File<'a>,
    },
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct File<'a> {
    filename: &'a str,
    file_data: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ImageUrl {
    url: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Call<'a> {
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

/// Writes the system prompt and the conversation.
pub(super) fn of<'a>(request: &'a Request, dialect: &Dialect, own: &ProviderId) -> Vec<Turn<'a>> {
    let writer = Writer {
        dialect,
        own,
        ids: WireIds::of(&request.messages),
        names: names(&request.messages),
    };
    let mut turns = Vec::new();
    if !request.system.is_empty() {
        let content = writer.text(Cow::Borrowed(&request.system));
        turns.push(if dialect.does(Switch::DeveloperRole) {
            Turn::Developer { content }
        } else {
            Turn::System { content }
        });
    }
    for message in &request.messages {
        writer.message(message, &mut turns);
    }
    if let Some(mark) = cache_control(request.cache, dialect) {
        set_marks(&mut turns, &mark);
    }
    turns
}

/// Returns how the end of what is to be cached is marked; none where it is not.
pub(super) fn cache_control(cache: CacheRetention, dialect: &Dialect) -> Option<Value> {
    let keeps = dialect.marks_cache();
    match cache {
        CacheRetention::Long if keeps && dialect.does(Switch::LongCacheRetention) => {
            Some(json!({"type": "ephemeral", "ttl": "1h"}))
        }
        CacheRetention::Short | CacheRetention::Long if keeps => Some(json!({"type": "ephemeral"})),
        CacheRetention::None | CacheRetention::Short | CacheRetention::Long => None,
    }
}

fn names(messages: &[Message]) -> HashMap<&CallId, &str> {
    let assistant = messages.iter().filter_map(|message| match message {
        Message::Assistant(blocks) => Some(blocks),
        Message::User(_) | Message::ToolResults(_) => None,
    });
    let calls = assistant.flatten().filter_map(|block| match block {
        AssistantBlock::ToolCall(call) => Some((&call.id, call.name.as_str())),
        AssistantBlock::Text(_) | AssistantBlock::Thinking(_) => None,
    });
    calls.collect()
}

/// Marks the end of the instructions and the end of the conversation.
fn set_marks(turns: &mut [Turn<'_>], mark: &Value) {
    let last = turns.len().saturating_sub(1);
    for (at, turn) in turns.iter_mut().enumerate() {
        let content = match turn {
            Turn::System { content } | Turn::Developer { content } => content,
            Turn::User { content } | Turn::Tool { content, .. } if at == last => content,
            Turn::User { .. } | Turn::Tool { .. } | Turn::Assistant { .. } => continue,
        };
        if let Content::Parts(parts) = content {
            let texts = parts.iter_mut().rev().filter_map(|part| match part {
                Part::Text { cache_control, .. } => Some(cache_control),
                Part::ImageUrl { .. } | Part::File { .. } => None,
            });
            texts.take(1).for_each(|place| *place = Some(mark.clone()));
        }
    }
}

struct Writer<'a, 'b> {
    dialect: &'b Dialect,
    own: &'b ProviderId,
    ids: WireIds<'a>,
    names: HashMap<&'a CallId, &'a str>,
}

impl<'a> Writer<'a, '_> {
    fn message(&self, message: &'a Message, turns: &mut Vec<Turn<'a>>) {
        match message {
            Message::User(blocks) => {
                let after_results = matches!(turns.last(), Some(Turn::Tool { .. }));
                if after_results && self.dialect.does(Switch::AssistantAfterToolResult) {
                    turns.push(said(AFTER_RESULTS));
                }
                turns.extend(self.user(blocks));
            }
            Message::Assistant(blocks) => turns.extend(self.assistant(blocks)),
            Message::ToolResults(results) => {
                turns.extend(results.iter().map(|result| self.tool_result(result)));
            }
        }
    }

    /// Marks need parts, and a text has to stay as it was when the mark has moved on.
    fn text(&self, text: Cow<'a, str>) -> Content<'a> {
        if self.dialect.marks_cache() && !self.dialect.does(Switch::StringContent) {
            Content::Parts(vec![words(text)])
        } else {
            Content::Text(text)
        }
    }

    fn user(&self, blocks: &'a [UserBlock]) -> Option<Turn<'a>> {
        let strings = self.dialect.does(Switch::StringContent);
        let texts = blocks.iter().filter_map(|block| match block {
            UserBlock::Text(text) => Some(text.as_str()),
            UserBlock::Image { .. } | UserBlock::Document { .. } => strings.then_some(LEFT_OUT),
        });
        let texts = texts.collect::<Vec<_>>();
        let content = if texts.len() == blocks.len() {
            self.text(Cow::Owned(texts.join("\n")))
        } else {
            Content::Parts(blocks.iter().map(part).collect())
        };
        (!blocks.is_empty()).then_some(Turn::User { content })
    }

    /// Writes an answer; none if it has neither words nor calls, which the API refuses.
    fn assistant(&self, blocks: &'a [AssistantBlock]) -> Option<Turn<'a>> {
        let mut texts = Vec::new();
        let mut thoughts = Vec::new();
        let mut tool_calls = Vec::new();
        for block in blocks {
            match block {
                AssistantBlock::Text(text) => texts.push(text.as_str()),
                AssistantBlock::Thinking(thinking) => thoughts.push(thinking),
                AssistantBlock::ToolCall(call) => tool_calls.push(self.tool_call(call)),
            }
        }
        if self.dialect.does(Switch::ThinkingAsText) {
            let thoughts = thoughts.iter().map(|thinking| thinking.text.as_str());
            texts.splice(..0, thoughts.filter(|text| !text.trim().is_empty()));
        }
        let text = texts.join("\n");
        let content = (!text.trim().is_empty()).then(|| Content::Text(Cow::Owned(text)));
        let says_something = content.is_some() || !tool_calls.is_empty();
        says_something.then(|| Turn::Assistant {
            content,
            reasoning_content: self.reasoning_content(&thoughts),
            reasoning_details: self.reasoning_details(&thoughts),
            tool_calls,
        })
    }

    fn reasoning_content(&self, thoughts: &[&Thinking]) -> Option<String> {
        if !self.dialect.carries_reasoning_content()
            || self.dialect.does(Switch::StrictMessageKeys)
            || self.dialect.does(Switch::ThinkingAsText)
        {
            return None;
        }
        let own = thoughts.iter().filter(|thinking| thinking.is_by(self.own));
        let text = own
            .map(|thinking| thinking.text.as_str())
            .collect::<Vec<_>>();
        let text = text.join("\n");
        // Some servers want the field even where there were no thoughts.
        (!text.is_empty() || self.dialect.does(Switch::ReasoningContent)).then_some(text)
    }

    fn reasoning_details(&self, thoughts: &[&Thinking]) -> Vec<Value> {
        if self.dialect.thinking_format() != ThinkingFormat::OpenRouter
            || self.dialect.does(Switch::StrictMessageKeys)
        {
            return Vec::new();
        }
        let own = thoughts.iter().filter(|thinking| thinking.is_by(self.own));
        let signatures = own.filter_map(|thinking| thinking.signature.as_deref());
        let details = signatures.filter_map(details::of_signature);
        details.flatten().collect()
    }

    fn tool_call(&self, call: &'a ToolCall) -> Call<'a> {
        Call {
            id: self.ids.get(&call.id).to_owned(),
            kind: "function",
            function: CalledFunction {
                name: wire_name(&call.name),
                arguments: Value::Object(call.arguments.to_object()).to_string(),
            },
        }
    }

    fn tool_result(&self, result: &'a ToolResult) -> Turn<'a> {
        let name = self.names.get(&result.call_id).copied();
        let name = name.filter(|_| self.dialect.does(Switch::ToolResultName));
        Turn::Tool {
            tool_call_id: self.ids.get(&result.call_id).to_owned(),
            name: name.map(wire_name),
            content: self.text(result_text(result)),
        }
    }
}

const fn said(text: &str) -> Turn<'_> {
    Turn::Assistant {
        content: Some(Content::Text(Cow::Borrowed(text))),
        reasoning_content: None,
        reasoning_details: Vec::new(),
        tool_calls: Vec::new(),
    }
}

const fn words(text: Cow<'_, str>) -> Part<'_> {
    Part::Text {
        text,
        cache_control: None,
    }
}

fn part(block: &UserBlock) -> Part<'_> {
    match block {
        UserBlock::Text(text) => words(Cow::Borrowed(text)),
        UserBlock::Image { mime, base64 } => Part::ImageUrl {
            image_url: ImageUrl {
                url: data_url(mime, base64),
            },
        },
        UserBlock::Document { mime, name, base64 } => Part::File {
            file: File {
                filename: name,
                file_data: data_url(mime, base64),
            },
        },
    }
}

pub(crate) fn data_url(mime: &str, base64: &str) -> String {
    format!("data:{mime};base64,{base64}")
}

/// The API has no field for failure, so the text begins with `error`.
pub(crate) fn result_text(result: &ToolResult) -> Cow<'_, str> {
    if result.is_error && !result.content.starts_with("error") {
        Cow::Owned(format!("error: {}", result.content))
    } else {
        Cow::Borrowed(&result.content)
    }
}

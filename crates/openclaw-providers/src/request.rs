//! What a model is asked: the conversation so far and the tools that it may call.
//!
//! The same request goes to every API. What one API cannot carry is left out or put differently
//! where its request body is written, never here.

use std::sync::Arc;

use openclaw_core::{CallId, ProviderId};
use serde_json::{Map, Value};

use crate::wire::read_whole;

/// One question to a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The model, as its provider names it: `claude-opus-4-6`, not `anthropic/claude-opus-4-6`.
    pub model: String,
    /// The instructions that stand above the conversation; may be empty.
    pub system: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    pub tools: Vec<ToolSpec>,
    /// The most tokens that the model may write; each API has its own default.
    pub max_tokens: Option<u32>,
    /// How hard the model is to think; each model has its own default.
    pub effort: Option<Effort>,
    /// How freely the model chooses its words, from 0; not sent to models that refuse it.
    pub temperature: Option<f64>,
    /// How long the provider is to keep the prompt for the next request.
    pub cache: CacheRetention,
    /// A name of the conversation that tells nothing about anybody: requests of the same name have
    /// the same beginning, which some providers ask for to find it in their caches.
    pub conversation: Option<String>,
}

/// How hard a model is to think before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    Off,
    /// As little as it can.
    Minimal,
    /// A little.
    Low,
    /// Somewhat.
    Medium,
    /// Hard.
    High,
    /// Harder.
    XHigh,
    /// As hard as it can.
    Max,
}

/// How long a provider is to keep a prompt in its cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheRetention {
    /// Not at all, where it can be told so.
    None,
    /// As long as it usually does: minutes.
    #[default]
    Short,
    /// As long as it offers: an hour or a day.
    Long,
}

/// A tool as a model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    /// The name that calls use.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The JSON Schema of its arguments, which describes an object; every request of a turn has the
    /// same one.
    pub parameters: Arc<Value>,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// What a person wrote.
    User(Vec<UserBlock>),
    /// What the model answered.
    Assistant(Vec<AssistantBlock>),
    /// What came of the tool calls in the answer before.
    ToolResults(Vec<ToolResult>),
}

/// A part of what a person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserBlock {
    /// Words.
    Text(String),
    /// A picture.
    Image {
        /// Its media type, such as `image/png`.
        mime: String,
        /// Its bytes in standard Base64.
        base64: String,
    },
    /// A document, such as a PDF.
    Document {
        /// Its media type, such as `application/pdf`.
        mime: String,
        /// Its file's name.
        name: String,
        /// Its bytes in standard Base64.
        base64: String,
    },
}

/// A part of what a model answered; the parts keep the order in which it wrote them.
#[derive(Clone, Debug, PartialEq)]
pub enum AssistantBlock {
    /// Words for the reader.
    Text(String),
    /// Thoughts that came before.
    Thinking(Thinking),
    /// A tool that it wants to have run.
    ToolCall(ToolCall),
}

/// What a model thought, as far as its provider tells.
///
/// Providers that sign thoughts want them back unchanged as long as the tool calls after them are
/// answered; unsigned ones go back to nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thinking {
    /// The thoughts, or a summary of them.
    pub text: String,
    /// The provider's signature of them.
    pub signature: Option<String>,
    /// Thoughts that only the provider can read; `text` is empty then.
    pub redacted: Option<String>,
    /// The provider that signed or hid them; nobody else can make anything of that.
    pub by: Option<ProviderId>,
}

impl Thinking {
    /// Returns whether they mean something to this provider beyond their words.
    pub fn is_by(&self, provider: &ProviderId) -> bool {
        self.by.as_ref() == Some(provider)
    }
}

/// A model's wish to have a tool run.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// The id by which the result refers to the call; unique within a conversation.
    pub id: CallId,
    /// The tool's name, which may be one that does not exist.
    pub name: String,
    /// The arguments.
    pub arguments: Arguments,
}

/// The arguments of a tool call as the model wrote them.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// A JSON object, which the tool's schema has not been held against yet.
    Object(Map<String, Value>),
    /// Anything else, kept as it was written.
    Malformed(String),
}

impl Arguments {
    /// The key under which malformed arguments are sent back to a model.
    pub const MALFORMED_KEY: &'static str = "malformed_arguments";

    /// Reads the text of arguments; an empty one stands for no arguments.
    pub fn parse(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::Object(Map::new());
        }
        match read_whole(text) {
            Ok(object) => Self::Object(object),
            Err(_not_an_object) => Self::Malformed(text.to_owned()),
        }
    }

    /// Returns the object that stands for these arguments in the history of a conversation.
    ///
    /// Anthropic takes nothing but an object there, and OpenAI-style servers parse the text to fill
    /// the model's template, so malformed text would make the rest of the conversation unusable.
    /// It is wrapped instead: the model still sees what it wrote, next to the error that the
    /// call was answered with.
    ///
    /// ```
    /// use openclaw_providers::Arguments;
    ///
    /// let cut = Arguments::parse(r#"{"command": "ls"#);
    /// assert_eq!(
    ///     serde_json::to_string(&cut.to_object())?,
    ///     r#"{"malformed_arguments":"{\"command\": \"ls"}"#
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn to_object(&self) -> Map<String, Value> {
        match self {
            Self::Object(object) => object.clone(),
            Self::Malformed(text) => {
                Map::from_iter([(Self::MALFORMED_KEY.to_owned(), Value::from(text.as_str()))])
            }
        }
    }
}

/// What came of a tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The call that this answers.
    pub call_id: CallId,
    /// What the model is told.
    pub content: String,
    /// Whether the tool failed.
    pub is_error: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_an_object_or_kept_as_written() {
        assert_eq!(Arguments::parse(" \n"), Arguments::Object(Map::new()));
        assert_eq!(
            Arguments::parse(r#"{"a": 1}"#),
            Arguments::Object(json!({"a": 1}).as_object().unwrap().clone())
        );
        for text in [r#"{"a": "#, "[]", "null", r#""ls""#, "{}{}"] {
            assert_eq!(Arguments::parse(text), Arguments::Malformed(text.into()));
        }
    }
}

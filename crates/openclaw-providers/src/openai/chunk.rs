//! The documents of the Chat Completions API as they come in.
//!
//! Fields that say nothing about the answer itself are read as they are, so that a server's own idea
//! of them spoils no answer.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::calls::{FunctionPiece, Piece};
use super::details;

/// A piece of an answer, or a whole one.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    pub(super) model: Option<String>,
    pub(super) choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Value,
    /// Where Groq put the usage first.
    #[serde(default)]
    x_groq: Value,
    pub(super) error: Option<Value>,
    /// Some servers write `error` here and leave the envelope out.
    pub(super) object: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub(super) index: Option<u64>,
    delta: Option<Delta>,
    /// The whole of it when the server does not stream; Perplexity sends both.
    message: Option<Delta>,
    pub(super) finish_reason: Option<String>,
    pub(super) error: Option<Value>,
    /// Where Moonshot puts the usage.
    #[serde(default)]
    pub(super) usage: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delta {
    content: Option<Content>,
    pub(super) refusal: Option<String>,
    #[serde(default)]
    reasoning_content: Value,
    #[serde(default)]
    reasoning: Value,
    #[serde(default)]
    reasoning_details: Value,
    pub(super) tool_calls: Option<Vec<Piece>>,
    /// What calls were before there could be several.
    pub(super) function_call: Option<FunctionPiece>,
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
    /// Thoughts among the parts, as Mistral has them.
    thinking: Option<Content>,
}

impl Chunk {
    /// Returns the usage, wherever it stands.
    pub(super) fn usage(&self) -> impl Iterator<Item = &Value> {
        let groq = self.x_groq.get("usage");
        let choices = self.choices.iter().flatten();
        let inner = choices.map(|choice| &choice.usage);
        [&self.usage].into_iter().chain(groq).chain(inner)
    }
}

impl Choice {
    /// Takes out what is new.
    pub(super) fn take_delta(&mut self) -> Option<Delta> {
        self.delta.take().or_else(|| self.message.take())
    }
}

impl Delta {
    /// Takes out what was said: thoughts, and words.
    pub(super) fn take_content(&mut self) -> (Vec<String>, Vec<String>) {
        let mut said = (Vec::new(), Vec::new());
        match self.content.take() {
            None => {}
            Some(Content::Text(text)) => said.1.push(text),
            Some(Content::Parts(parts)) => {
                for part in parts {
                    said.0.extend(part.thinking.map(Content::into_text));
                    said.1.extend(part.text);
                }
            }
        }
        said
    }

    /// Takes out the details of thoughts.
    pub(super) fn take_details(&mut self) -> Vec<Map<String, Value>> {
        match self.reasoning_details.take() {
            Value::Array(list) => {
                let objects = list.into_iter().filter_map(|piece| match piece {
                    Value::Object(piece) => Some(piece),
                    _ => None,
                });
                objects.collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns the thoughts beside the text; a server that fills several fields fills them with the
    /// same.
    pub(super) fn thoughts(&self, details: &[Map<String, Value>]) -> String {
        let beside = [&self.reasoning_content, &self.reasoning];
        let beside = beside.into_iter().find_map(Value::as_str);
        match beside.filter(|text| !text.is_empty()) {
            Some(text) => text.to_owned(),
            None => details.iter().filter_map(details::words).collect(),
        }
    }
}

impl Content {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

//! `POST /v1/responses`: what comes in and the response that goes out.

use std::collections::BTreeMap;

use openclaw_core::decode::decode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::content::Content;

/// The body of `POST /v1/responses`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ResponsesRequest {
    /// The agent: `openclaw`, `openclaw/<agentId>` and their like.
    #[serde(default)]
    pub model: Option<String>,
    /// What is said.
    #[serde(default)]
    pub input: Option<Input>,
    /// What the model is told after its system prompt.
    #[serde(default)]
    pub instructions: Option<String>,
    /// The response whose session goes on.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// Names a conversation: requests of the same one go on in the same session.
    #[serde(default)]
    pub user: Option<String>,
    /// Whether the answer is streamed.
    #[serde(default)]
    pub stream: Option<bool>,
    /// The client's own tools.
    #[serde(default)]
    pub tools: Option<Vec<Value>>,
    /// Which of them are to be called.
    #[serde(default)]
    pub tool_choice: Option<Value>,
    /// The most tokens that the model may write in a step.
    #[serde(default)]
    pub max_output_tokens: Option<Value>,
    /// How freely the model chooses its words, from 0 to 2.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Checked, and not sent on.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// In which form the answer is wanted.
    #[serde(default)]
    pub text: Option<TextOptions>,
    /// Whether it is to be answered later: it is not.
    #[serde(default)]
    pub background: Option<bool>,
    /// A conversation that is kept by the server under another name: there are none.
    #[serde(default)]
    pub conversation: Option<Value>,
    /// A prompt that is kept by the server: there are none.
    #[serde(default)]
    pub prompt: Option<Value>,
    /// Given back as it came.
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// In which form an answer is wanted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct TextOptions {
    /// `text`, `json_object` or `json_schema`.
    #[serde(default)]
    pub format: Option<Value>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A message of the user.
    Text(String),
    /// A conversation; its last item of a user or a tool is the one to be answered.
    Items(Vec<Item>),
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(text) => Ok(Self::Text(text)),
            items @ Value::Array(_) => decode(items).map(Self::Items).map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected a string or an array of items")),
        }
    }
}

/// An item of a conversation; which members it has follows from its type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Item {
    /// `message`, `function_call`, `function_call_output`, `reasoning`, `item_reference` or
    /// another one; a message needs none.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// Who says a message: `system`, `developer`, `user` or `assistant`.
    #[serde(default)]
    pub role: Option<String>,
    /// What a message says.
    #[serde(default)]
    pub content: Option<Content>,
    /// Its id.
    #[serde(default)]
    pub id: Option<String>,
    /// Which call it is, or answers.
    #[serde(default)]
    pub call_id: Option<String>,
    /// The function of a call.
    #[serde(default)]
    pub name: Option<String>,
    /// The arguments of a call.
    #[serde(default)]
    pub arguments: Option<String>,
    /// What came of a call.
    #[serde(default)]
    pub output: Option<Content>,
}

/// The answer of `POST /v1/responses`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseObject {
    /// Its id, `resp_…`, by which a later request goes on.
    pub id: String,
    /// `response`.
    pub object: String,
    /// When it was asked for, in seconds.
    pub created_at: i64,
    /// How it is with it.
    pub status: Status,
    /// The `model` of the request.
    pub model: String,
    /// What it says and calls, in order.
    pub output: Vec<OutputItem>,
    /// What it took.
    pub usage: ResponsesUsage,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ResponseError>,
    /// Why it is not whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete_details: Option<IncompleteDetails>,
    /// The response that it goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// As the request has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// How it is with a response, or with an item of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is being made.
    InProgress,
    /// It is whole.
    Completed,
    /// It ends where it may not be longer.
    Incomplete,
    /// There is none.
    Failed,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseError {
    /// The class of the failure.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// Why a response is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncompleteDetails {
    /// `max_output_tokens` or `content_filter`.
    pub reason: String,
}

/// A part of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    /// A text.
    Message {
        /// Its id.
        id: String,
        /// `assistant`.
        role: String,
        /// The text; nothing while it is being made.
        content: Vec<OutputText>,
        /// Whether it is the answer, or stands beside calls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
        /// How it is with it.
        status: Status,
    },
    /// A call that the client is to run.
    FunctionCall {
        /// The id of the item.
        id: String,
        /// The id of the call, which its output names.
        call_id: String,
        /// The function.
        name: String,
        /// Its arguments: JSON, as the model wrote it.
        arguments: String,
        /// How it is with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
    },
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It stands beside calls.
    Commentary,
    /// It is the answer.
    FinalAnswer,
}

/// A text of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputText {
    /// `output_text`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    pub text: String,
}

impl OutputText {
    /// Makes it of a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            kind: "output_text".to_owned(),
            text: text.into(),
        }
    }
}

/// What a response took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponsesUsage {
    /// The tokens of the prompts, of all steps.
    pub input_tokens: u64,
    /// What of them concerned caches.
    pub input_tokens_details: InputDetails,
    /// The tokens that the model wrote.
    pub output_tokens: u64,
    /// What of them was reasoning.
    pub output_tokens_details: OutputDetails,
    /// Everything.
    pub total_tokens: u64,
}

/// What of the prompts concerned caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDetails {
    /// The tokens that were read from one.
    pub cached_tokens: u64,
    /// The tokens that were written to one.
    pub cache_write_tokens: u64,
}

/// What of the answer was reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDetails {
    /// The tokens.
    pub reasoning_tokens: u64,
}

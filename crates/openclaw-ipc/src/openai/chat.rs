//! `POST /v1/chat/completions`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::Content;

/// The body of `POST /v1/chat/completions`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChatRequest {
    /// The agent: `openclaw`, `openclaw/<agentId>` and their like.
    #[serde(default)]
    pub model: Option<String>,
    /// The conversation; its last message of a user or a tool is the one to be answered.
    #[serde(default)]
    pub messages: Option<Vec<ChatMessage>>,
    /// Whether the answer is streamed.
    #[serde(default)]
    pub stream: Option<bool>,
    /// What is streamed beside it.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// Names a conversation: requests of the same one go on in the same session.
    #[serde(default)]
    pub user: Option<String>,
    /// The client's own tools.
    #[serde(default)]
    pub tools: Option<Vec<Value>>,
    /// Which of them are to be called.
    #[serde(default)]
    pub tool_choice: Option<Value>,
    /// The most tokens that the model may write in a step.
    #[serde(default)]
    pub max_completion_tokens: Option<Value>,
    /// An earlier name of the same.
    #[serde(default)]
    pub max_tokens: Option<Value>,
    /// How freely the model chooses its words, from 0 to 2.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Checked, and not sent on.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// Checked, and not sent on.
    #[serde(default)]
    pub frequency_penalty: Option<f64>,
    /// Checked, and not sent on.
    #[serde(default)]
    pub presence_penalty: Option<f64>,
    /// Checked, and not sent on.
    #[serde(default)]
    pub seed: Option<Value>,
    /// Checked, and not sent on.
    #[serde(default)]
    pub stop: Option<Value>,
    /// In which form the answer is wanted.
    #[serde(default)]
    pub response_format: Option<Value>,
    /// How many answers are wanted: one.
    #[serde(default)]
    pub n: Option<Value>,
}

/// What is streamed beside an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StreamOptions {
    /// Whether the last chunk tells what it took.
    #[serde(default)]
    pub include_usage: Option<bool>,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ChatMessage {
    /// `system`, `developer`, `user`, `assistant`, `tool` or `function`.
    pub role: String,
    /// What it says; an assistant's message that is calls alone says nothing.
    #[serde(default)]
    pub content: Option<Content>,
    /// The tool of a `function` message.
    #[serde(default)]
    pub name: Option<String>,
    /// The calls in an assistant's message.
    #[serde(default)]
    pub tool_calls: Option<Vec<ChatCall>>,
    /// Which call a `tool` message answers.
    #[serde(default)]
    pub tool_call_id: Option<String>,
}

/// A tool call, in a request and in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatCall {
    /// Its id.
    pub id: String,
    /// `function`.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// What is called.
    pub function: CalledFunction,
}

fn function() -> String {
    "function".to_owned()
}

/// A function, and what it is called with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledFunction {
    /// Its name.
    pub name: String,
    /// Its arguments: JSON, as the model wrote it.
    #[serde(default)]
    pub arguments: String,
}

/// The answer of `POST /v1/chat/completions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatCompletion {
    /// Its id, `chatcmpl_…`.
    pub id: String,
    /// `chat.completion`.
    pub object: String,
    /// When it was asked for, in seconds.
    pub created: i64,
    /// The `model` of the request.
    pub model: String,
    /// The answer, alone.
    pub choices: Vec<Choice>,
    /// What it took.
    pub usage: ChatUsage,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// 0.
    pub index: u32,
    /// The message.
    pub message: AnswerMessage,
    /// Why it ends.
    pub finish_reason: FinishReason,
}

/// The message of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerMessage {
    /// `assistant`.
    pub role: String,
    /// What it says; empty where it is calls alone.
    pub content: String,
    /// The calls that the client is to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ChatCall>,
}

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It is whole.
    Stop,
    /// It is as long as it may be.
    Length,
    /// The client is to run calls.
    ToolCalls,
    /// The model, or its provider, declined.
    ContentFilter,
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatChunk {
    /// The answer's id.
    pub id: String,
    /// `chat.completion.chunk`.
    pub object: String,
    /// When it was asked for, in seconds.
    pub created: i64,
    /// The `model` of the request.
    pub model: String,
    /// The piece, alone; none in the chunk that tells what it took.
    pub choices: Vec<ChunkChoice>,
    /// What it took, in the last chunk where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<ChatUsage>,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// 0.
    pub index: u32,
    /// What is added.
    pub delta: Delta,
    /// Why it ends, in the last piece.
    pub finish_reason: Option<FinishReason>,
}

/// What is added to an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// `assistant`, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Pieces of calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<CallDelta>,
}

/// A piece of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDelta {
    /// Which of the answer's calls it is of.
    pub index: usize,
    /// Its id, in its first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`, in its first piece.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What is added to it.
    pub function: FunctionDelta,
}

/// What is added to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionDelta {
    /// The function's name, in the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of the arguments.
    pub arguments: String,
}

/// What an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatUsage {
    /// The tokens of the prompts, of all steps.
    pub prompt_tokens: u64,
    /// The tokens that the model wrote.
    pub completion_tokens: u64,
    /// Everything, with what was written to caches.
    pub total_tokens: u64,
    /// What of the prompts was read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptDetails>,
}

/// What of the prompts was read from a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptDetails {
    /// The tokens.
    pub cached_tokens: u64,
}

//! What a model answers, piece by piece, the same for every API.

use std::fmt;
use std::pin::Pin;

use futures_util::Stream;
use openclaw_core::{CallId, Usage};

use crate::error::ProviderError;

/// One piece of an answer.
///
/// A stream begins with `Started` and ends with `Stop`, after which nothing follows. The pieces of
/// parallel tool calls may be mixed; `index` tells them apart and means nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// The model has begun.
    Started {
        /// The model that answers, as its provider names it.
        model: String,
    },
    /// Further words for the reader.
    Text(String),
    /// Further thoughts.
    Thinking(String),
    /// The signature of the thoughts before; what follows are other thoughts.
    ThinkingSignature(String),
    /// Thoughts that only the provider can read.
    RedactedThinking(String),
    /// A tool call begins.
    ToolCallStart {
        /// Tells the calls of one answer apart.
        index: u32,
        /// The call's id.
        id: CallId,
        /// The tool.
        name: String,
    },
    /// Further text of a tool call's arguments.
    ToolCallArguments {
        /// The call.
        index: u32,
        /// A piece of a JSON document, cut anywhere.
        json: String,
    },
    /// A tool call is whole.
    ToolCallEnd {
        /// The call.
        index: u32,
    },
    /// The tokens of the whole answer as far as they are known, in the place of those before; what
    /// comes over the wire never shrinks.
    Usage(Usage),
    /// So many more bytes of what the model may have written were not understood, or are kept back
    /// until they are whole. They say nothing, but they were paid for.
    Unread(u64),
    /// So many events and parts of the answer were not known and are left out; comes once at most,
    /// just before the end.
    Skipped(u32),
    /// The answer is whole.
    Stop(StopReason),
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It had nothing more to say.
    EndTurn,
    /// It waits for the results of its tool calls.
    ToolUse,
    /// It was not allowed to write more.
    MaxTokens,
    /// The conversation and the answer are as long as it can read.
    ContextLength,
    /// It, or its provider, declined to answer.
    Refusal,
    /// It wrote a text that it was told to stop at.
    StopSequence,
    /// A reason that only this provider knows.
    Other(String),
}

impl StopReason {
    /// Returns the reason's name, as logs and events write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::ContextLength => "context_length",
            Self::Refusal => "refusal",
            Self::StopSequence => "stop_sequence",
            Self::Other(name) => name,
        }
    }

    /// Returns the reason of that name.
    pub fn named(name: &str) -> Self {
        let known = [
            Self::EndTurn,
            Self::ToolUse,
            Self::MaxTokens,
            Self::ContextLength,
            Self::Refusal,
            Self::StopSequence,
        ];
        known
            .into_iter()
            .find(|reason| reason.as_str() == name)
            .unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An answer as it comes in. After an error nothing follows; dropping it closes the connection.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<StreamEvent, ProviderError>> + Send>>;

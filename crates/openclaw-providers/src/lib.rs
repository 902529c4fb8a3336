//! Model APIs of openclaw-rs behind one stream model.
//!
//! A [`Request`] goes to a [`Provider`], which answers with a stream of [`StreamEvent`]s; a
//! [`Fold`] makes the [`Completion`] out of them. There is no second path: a call that does not
//! stream folds the stream.
//!
//! Reading order: [`request`] is what a model is asked, [`event`] is what it answers, [`fold`]
//! puts the answer together and [`provider`] is the trait. Then the wire formats: [`anthropic`] and
//! [`openai`], with [`sse`] beneath both, and [`scripted`], the offline model. [`registry`] names
//! them all.
//!
//! Adding an API: a folder here, a line in [`PROVIDERS`], fixtures in `fixtures/sse/<api>`.
#![forbid(unsafe_code)]

pub mod anthropic;
pub mod error;
pub mod event;
#[cfg(test)]
mod fixtures;
pub mod fold;
mod ids;
pub mod openai;
pub mod provider;
pub mod registry;
pub mod request;
#[cfg(test)]
mod samples;
pub mod scripted;
pub mod sse;
mod wire;

pub use anthropic::AnthropicProvider;
pub use error::{ProviderError, Reason};
pub use event::{EventStream, StopReason, StreamEvent};
pub use fold::{Completion, Fold};
pub use openai::OpenAIProvider;
pub use provider::{Provider, ProviderConfig};
pub use registry::{PROVIDERS, ProviderSpec, WELL_KNOWN, WellKnown, build};
pub use request::{
    Arguments, AssistantBlock, Message, Request, Thinking, ToolCall, ToolResult, ToolSpec,
    UserBlock,
};
pub use scripted::ScriptedProvider;

//! Model APIs of openclaw-rs behind one stream model.
//!
//! A [`Request`] goes to a [`Provider`], which answers with a stream of [`StreamEvent`]s; a
//! [`Fold`] makes the [`Completion`] out of them. There is no second path: a call that does not
//! stream folds the stream.
//!
//! Reading order: [`request`] is what a model is asked, [`event`] is what it answers, [`fold`]
//! puts the answer together and [`provider`] is the trait. Then the wire formats: [`anthropic`] and
//! [`openai`], with [`sse`] beneath both, and [`scripted`], the offline model. [`registry`] names
//! them all, and [`dispatch`] goes from one to the next until somebody answers.
//!
//! Adding an API: a folder here, a line in [`PROVIDERS`], its decoder in `fixtures.rs`, and the recorded
//! answers that `fixtures/sse/README.md` asks for.
#![forbid(unsafe_code)]

pub mod anthropic;
pub mod catalogue;
mod count;
pub mod dispatch;
pub mod embedding;
pub mod error;
pub mod event;
#[cfg(test)]
mod fixtures;
pub mod fold;
#[cfg(test)]
mod fuzz;
pub mod google;
mod identity;
mod ids;
pub mod meter;
pub mod ndjson;
pub mod ollama;
pub mod openai;
pub mod provider;
pub mod quirks;
mod reason;
pub mod registry;
pub mod replay;
pub mod request;
pub mod responses;
#[cfg(test)]
mod samples;
pub mod scripted;
pub mod sse;
#[cfg(test)]
mod taken;
mod wire;

pub use anthropic::AnthropicProvider;
pub use catalogue::{Catalogue, ModelInfo};
pub use dispatch::{
    Answer, Candidate, Credential, Defaults, Health, Policy, Refused, Route, tokens_at_most,
};
pub use embedding::{EmbeddingRequest, Embeddings};
pub use error::{ProviderError, Reason};
pub use event::{EventStream, StopReason, StreamEvent};
pub use fold::{Completion, Fold};
pub use google::GoogleProvider;
pub use identity::Identity;
pub use meter::{Capped, Meter, Planned, Reservation, Unmetered, Unreserved};
pub use ollama::OllamaProvider;
pub use openai::OpenAIProvider;
pub use provider::{KeyStyle, ListedModel, Modality, Provider, ProviderConfig};
pub use quirks::Quirks;
pub use registry::{PROVIDERS, ProviderSpec, Reach, WELL_KNOWN, WellKnown, build};
pub use request::{
    Arguments, AssistantBlock, CacheRetention, Effort, Message, Request, Thinking, ToolCall,
    ToolResult, ToolSpec, UserBlock,
};
pub use responses::ResponsesProvider;
pub use scripted::ScriptedProvider;

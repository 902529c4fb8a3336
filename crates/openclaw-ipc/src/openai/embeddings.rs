//! `POST /v1/embeddings`: vectors of texts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body of `POST /v1/embeddings`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct EmbeddingsRequest {
    /// The agent whose settings count: `openclaw`, `openclaw/<agentId>` and their like.
    #[serde(default)]
    pub model: Option<String>,
    /// A text, or a list of texts.
    #[serde(default)]
    pub input: Option<Value>,
    /// In which form vectors are wanted.
    #[serde(default)]
    pub encoding_format: Option<Encoding>,
    /// How many numbers a vector is to have.
    #[serde(default)]
    pub dimensions: Option<u32>,
}

/// In which form vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As numbers.
    #[default]
    Float,
    /// As the bytes of 32-bit numbers, the least significant first, in Base64.
    Base64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EmbeddingList {
    /// `list`.
    pub object: &'static str,
    /// A vector for each text.
    pub data: Vec<Embedding>,
    /// The `model` of the request.
    pub model: String,
    /// The tokens that it took.
    pub usage: EmbeddingUsage,
}

/// The vector of a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Embedding {
    /// `embedding`.
    pub object: &'static str,
    /// Which text it is of, from 0.
    pub index: usize,
    /// The vector.
    pub embedding: Vector,
}

/// A vector in the form that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Vector {
    /// As numbers.
    Float(Vec<f32>),
    /// In Base64.
    Base64(String),
}

/// The tokens that vectors took, as far as their provider tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EmbeddingUsage {
    /// Those of the texts.
    pub prompt_tokens: u64,
    /// The same.
    pub total_tokens: u64,
}

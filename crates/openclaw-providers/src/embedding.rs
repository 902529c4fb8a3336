//! Vectors of texts, by which texts can be compared.

use std::fmt;

use openclaw_core::Usage;

/// Texts that a model is to make vectors of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// The model, as its provider names it.
    pub model: String,
    /// The texts; none is empty.
    pub texts: Vec<String>,
    /// How many numbers a vector is to have, where the model leaves a choice.
    pub dimensions: Option<u32>,
}

/// What came of it.
#[derive(Clone, PartialEq)]
pub struct Embeddings {
    /// A vector for each text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// The tokens that it took, as far as the provider tells.
    pub usage: Usage,
}

/// Numbers tell nobody anything, and there are thousands of them.
impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embeddings")
            .field("vectors", &self.vectors.len())
            .field("usage", &self.usage)
            .finish()
    }
}

//! `POST …/embeddings`, as OpenAI has it and many servers after it.

use openclaw_core::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::site::Site;
use crate::count;
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::error::ProviderError;
use crate::wire::{self, Fault};

/// What is sent. Numbers are asked for as numbers, which every server knows.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

/// What comes back.
#[derive(Deserialize)]
struct Answer {
    data: Vec<Entry>,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Entry {
    /// Which text it is of; some servers leave that to the order.
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// Has a model make vectors of texts.
pub(super) async fn embed(
    site: &Site,
    request: &EmbeddingRequest,
    stop: &CancellationToken,
) -> Result<Embeddings, ProviderError> {
    let party = site.party();
    let body = Body {
        model: site.wire_model(&request.model),
        input: &request.texts,
        encoding_format: "float",
        dimensions: request.dimensions,
    };
    let post = site.post_beside("embeddings", &body);
    let post = post.map_err(|error| party.http(error))?;
    let answer: Answer = wire::post(&site.client, &party, post, stop).await?;
    vectors(answer, request.texts.len()).ok_or_else(|| {
        let what = "vectors that are not one for each text";
        party.fault(Fault::malformed(what, ""))
    })
}

/// Returns the vectors of so many texts, unless one is missing.
fn vectors(answer: Answer, count: usize) -> Option<Embeddings> {
    if answer.data.len() != count {
        return None;
    }
    let mut vectors = vec![Vec::new(); count];
    for (place, entry) in answer.data.into_iter().enumerate() {
        let slot = vectors.get_mut(entry.index.unwrap_or(place))?;
        let whole = entry.embedding.iter().all(|number| number.is_finite());
        if !slot.is_empty() || entry.embedding.is_empty() || !whole {
            return None;
        }
        *slot = entry.embedding;
    }
    let told = |name: &str| answer.usage.get(name).and_then(count::of);
    Some(Embeddings {
        vectors,
        usage: Usage {
            input: told("prompt_tokens")
                .or_else(|| told("total_tokens"))
                .unwrap_or_default(),
            ..Usage::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: Value) -> Option<Embeddings> {
        vectors(serde_json::from_value(answer).unwrap(), 2)
    }

    #[test]
    fn vectors_are_put_into_the_order_of_their_texts() {
        let read = read(json!({
            "data": [{ "index": 1, "embedding": [2.5] }, { "index": 0, "embedding": [-1] }],
            "usage": { "prompt_tokens": 7, "total_tokens": 7 },
        }));
        let expected = Embeddings {
            vectors: vec![vec![-1.0], vec![2.5]],
            usage: Usage {
                input: 7,
                ..Usage::default()
            },
        };
        assert_eq!(read, Some(expected));
    }

    #[test]
    fn some_servers_tell_neither_places_nor_tokens() {
        let read = read(json!({ "data": [{ "embedding": [1] }, { "embedding": [2] }] }));
        let read = read.unwrap();
        assert_eq!(read.vectors, [[1.0], [2.0]]);
        assert_eq!(read.usage, Usage::default());
    }

    #[test]
    fn an_answer_that_leaves_a_text_out_is_none() {
        for data in [
            json!([{ "embedding": [1] }]),
            json!([{ "index": 0, "embedding": [1] }, { "index": 0, "embedding": [1] }]),
            json!([{ "index": 0, "embedding": [1] }, { "index": 2, "embedding": [1] }]),
            json!([{ "embedding": [1] }, { "embedding": [] }]),
        ] {
            assert_eq!(read(json!({ "data": data })), None, "{data}");
        }
    }
}

//! The list of models, `GET /api/tags`, and what `POST /api/show` tells about each.

use futures_util::StreamExt as _;
use openclaw_http::{Body, HttpError};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::provider::{ListedModel, Modality};
use crate::wire::{Entries, Party};

/// The most bytes that are read about one model; licences and templates are among them.
const MAX_SHOWN: usize = 4 * 1024 * 1024;

/// The most models that are asked about one by one.
pub(super) const MOST_SHOWN: usize = 64;

#[derive(Debug, Deserialize)]
pub(super) struct Tags {
    #[serde(default)]
    models: Entries<Tag>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    /// The name that requests use.
    model: Option<String>,
    name: Option<String>,
}

/// What is known of one model.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    model_info: Map<String, Value>,
    #[serde(default)]
    parameters: String,
    capabilities: Option<Vec<String>>,
}

impl Tags {
    /// Returns the names of the models.
    pub(super) fn names(self, party: &Party) -> impl Iterator<Item = String> {
        self.models
            .known(party)
            .into_iter()
            .filter_map(|tag| tag.model.or(tag.name))
    }
}

impl Shown {
    /// Reads what the server tells; what is too long or no JSON tells nothing.
    pub(super) async fn read(mut body: Body) -> Result<Self, HttpError> {
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece?);
            if bytes.len() > MAX_SHOWN {
                return Ok(Self::default());
            }
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Returns what this tells about the model of that name.
    pub(super) fn about(&self, id: String) -> ListedModel {
        let can = |what: &str| {
            let capabilities = self.capabilities.as_ref()?;
            Some(capabilities.iter().any(|capability| capability == what))
        };
        ListedModel {
            id,
            name: None,
            context_window: self.window(),
            max_tokens: None,
            input: can("vision").map(|sees| {
                let mut input = vec![Modality::Text];
                input.extend(sees.then_some(Modality::Image));
                input
            }),
            tools: can("tools"),
            reasoning: can("thinking"),
            price: None,
        }
    }

    /// Returns whether it can be talked to; models that only embed cannot.
    pub(super) fn talks(&self) -> bool {
        let capabilities = self.capabilities.as_ref();
        capabilities.is_none_or(|all| all.iter().any(|one| one == "completion"))
    }

    /// What the model is served with comes before what it was trained for.
    fn window(&self) -> Option<u64> {
        let served = self.parameters.lines().find_map(|line| {
            let size = line.trim().strip_prefix("num_ctx")?;
            size.trim().parse().ok()
        });
        // The name begins with the model's architecture.
        let mut trained = self.model_info.iter().filter_map(|(name, value)| {
            name.ends_with(".context_length").then(|| value.as_u64())?
        });
        served.or_else(|| trained.next())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_tells_its_window_and_what_it_can_do() {
        let shown: Shown = serde_json::from_value(json!({
            "license": "…",
            "capabilities": ["completion", "tools", "thinking", "vision"],
            "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960},
        }))
        .unwrap();
        assert!(shown.talks());
        assert_eq!(
            shown.about("qwen3:8b".into()),
            ListedModel {
                id: "qwen3:8b".into(),
                context_window: Some(40_960),
                input: Some(vec![Modality::Text, Modality::Image]),
                tools: Some(true),
                reasoning: Some(true),
                ..ListedModel::default()
            }
        );
    }

    #[test]
    fn the_window_that_a_model_is_served_with_counts() {
        let shown: Shown = serde_json::from_value(json!({
            "parameters": "stop    \"<|end|>\"\nnum_ctx                        8192",
            "model_info": {"llama.context_length": 131_072},
        }))
        .unwrap();
        assert_eq!(shown.window(), Some(8192));
    }

    #[test]
    fn a_model_that_only_embeds_is_not_talked_to() {
        let shown: Shown = serde_json::from_value(json!({"capabilities": ["embedding"]})).unwrap();
        assert!(!shown.talks());
        assert!(Shown::default().talks());
    }
}

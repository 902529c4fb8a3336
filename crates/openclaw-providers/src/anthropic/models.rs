//! The list of models, page by page.

use openclaw_http::Url;
use serde::Deserialize;
use serde_json::Value;

use crate::provider::{ListedModel, Modality};
use crate::wire::{Entries, Party};

/// The most models that a page may have, as the API bounds it.
const PAGE: &str = "1000";

/// The most pages that are asked for.
pub(super) const MAX_PAGES: usize = 20;

/// One page; a server that only resembles this one may leave out all but the ids.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    data: Entries<Listed>,
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(default)]
    last_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    id: String,
    display_name: Option<String>,
    #[serde(default)]
    max_input_tokens: Value,
    #[serde(default)]
    max_tokens: Value,
    capabilities: Option<Value>,
}

impl Page {
    /// Adds the page's models to those before; returns after which one the next page begins.
    pub(super) fn add_to(self, models: &mut Vec<ListedModel>, party: &Party) -> Option<String> {
        let data = self.data.known(party).into_iter();
        models.extend(data.map(Listed::into_model));
        self.last_id.filter(|_| self.has_more == Some(true))
    }
}

impl Listed {
    fn into_model(self) -> ListedModel {
        let can = |what: &str| {
            let capability = self.capabilities.as_ref()?.get(what)?;
            capability.get("supported")?.as_bool()
        };
        let image = can("image_input");
        let document = can("pdf_input");
        let kinds = [
            (Some(true), Modality::Text),
            (image, Modality::Image),
            (document, Modality::Document),
        ];
        let input = kinds
            .into_iter()
            .filter(|(supported, _)| *supported == Some(true))
            .map(|(_, kind)| kind);
        ListedModel {
            input: image.or(document).map(|_| input.collect()),
            reasoning: can("thinking"),
            name: self.display_name,
            context_window: self.max_input_tokens.as_u64(),
            max_tokens: self.max_tokens.as_u64(),
            id: self.id,
            ..ListedModel::default()
        }
    }
}

/// Returns the address of a page.
pub(super) fn address(base: &str, after: Option<&str>) -> String {
    let address = format!("{base}/v1/models");
    let Ok(mut url) = Url::parse(&address) else {
        // The request says what is wrong with it.
        return address;
    };
    url.query_pairs_mut().append_pair("limit", PAGE);
    if let Some(after) = after {
        url.query_pairs_mut().append_pair("after_id", after);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_page_tells_is_kept_and_the_rest_is_unknown() {
        let page = json!({
            "data": [
                {
                    "type": "model", "id": "claude-opus-4-8", "display_name": "Claude Opus 4.8",
                    "created_at": "2026-05-01T00:00:00Z", "max_input_tokens": 1_000_000,
                    "max_tokens": 128_000,
                    "capabilities": {
                        "image_input": {"supported": true}, "pdf_input": {"supported": false},
                        "thinking": {"supported": true, "types": {}},
                    },
                },
                {"id": "local", "object": "model", "max_input_tokens": -1, "max_tokens": 0.5},
            ],
            "has_more": true, "first_id": "claude-opus-4-8", "last_id": "local",
        });
        let mut models = Vec::new();
        let page: Page = serde_json::from_value(page).unwrap();
        let party = Party { id: "p".into() };
        assert_eq!(page.add_to(&mut models, &party).as_deref(), Some("local"));
        assert_eq!(
            models,
            [
                ListedModel {
                    id: "claude-opus-4-8".into(),
                    name: Some("Claude Opus 4.8".into()),
                    context_window: Some(1_000_000),
                    max_tokens: Some(128_000),
                    input: Some(vec![Modality::Text, Modality::Image]),
                    reasoning: Some(true),
                    ..ListedModel::default()
                },
                ListedModel {
                    id: "local".into(),
                    ..ListedModel::default()
                },
            ]
        );
    }

    #[test]
    fn the_next_page_begins_after_the_last_model() {
        assert_eq!(
            address("https://api.example", Some("a&b")),
            "https://api.example/v1/models?limit=1000&after_id=a%26b"
        );
    }
}

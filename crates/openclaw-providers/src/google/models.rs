//! The list of models, `GET /models`, which comes in pages.

use serde::Deserialize;
use serde_json::Value;

use super::escaped;
use crate::provider::{ListedModel, Modality};
use crate::wire::{Entries, Party, stays_below};

/// The most models that a page may have.
const PAGE_SIZE: u32 = 1000;

/// The most pages that are asked for.
pub(super) const MOST_PAGES: usize = 20;

/// What a model has to be able to do to be of use here.
const METHOD: &str = "generateContent";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    models: Entries<Model>,
    next_page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    name: String,
    display_name: Option<String>,
    #[serde(default)]
    input_token_limit: Value,
    #[serde(default)]
    output_token_limit: Value,
    supported_generation_methods: Option<Vec<String>>,
    thinking: Option<bool>,
}

/// Returns the address of the page that this token names; none names the first.
pub(super) fn url(base_url: &str, token: Option<&str>) -> String {
    let first = format!("{base_url}/models?pageSize={PAGE_SIZE}");
    match token {
        Some(token) => format!("{first}&pageToken={}", escaped(token, "")),
        None => first,
    }
}

impl Page {
    /// Returns the models that can hold a conversation, and where the next page is.
    pub(super) fn split(
        self,
        party: &Party,
    ) -> (impl Iterator<Item = ListedModel>, Option<String>) {
        let talks = |model: &Model| {
            let methods = model.supported_generation_methods.as_ref();
            methods.is_none_or(|methods| methods.iter().any(|method| method == METHOD))
        };
        let models = self.models.known(party).into_iter().filter(talks);
        // Nobody could ask for a model that is not below the path of models.
        let models = models.map(listed).filter(|model| stays_below(&model.id));
        let next = self.next_page_token.filter(|token| !token.is_empty());
        (models, next)
    }
}

/// The input's limit is what other providers call the window; the output has one of its own.
fn listed(model: Model) -> ListedModel {
    let id = model.name.strip_prefix("models/").unwrap_or(&model.name);
    // The list does not say so, but every Gemini model reads these and calls functions.
    let is_gemini = id.starts_with("gemini-");
    ListedModel {
        id: id.to_owned(),
        name: model.display_name,
        context_window: model.input_token_limit.as_u64(),
        max_tokens: model.output_token_limit.as_u64(),
        input: is_gemini.then(|| {
            vec![
                Modality::Text,
                Modality::Image,
                Modality::Document,
                Modality::Audio,
                Modality::Video,
            ]
        }),
        tools: is_gemini.then_some(true),
        reasoning: model.thinking,
        price: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_stays_one_value_of_the_query() {
        assert_eq!(
            url("http://a/v1beta", None),
            "http://a/v1beta/models?pageSize=1000"
        );
        assert_eq!(
            url("http://a/v1beta", Some("a+b/c==&key=x")),
            "http://a/v1beta/models?pageSize=1000&pageToken=a%2Bb%2Fc%3D%3D%26key%3Dx"
        );
    }

    #[test]
    fn a_page_tells_the_models_that_talk_and_where_the_next_is() {
        let page: Page = serde_json::from_value(json!({
            "models": [
                {
                    "name": "models/gemini-2.5-flash", "displayName": "Gemini 2.5 Flash",
                    "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536, "thinking": true,
                    "supportedGenerationMethods": ["generateContent", "countTokens"],
                },
                {"name": "models/gemma-3-4b-it", "inputTokenLimit": -1, "outputTokenLimit": "8k", "supportedGenerationMethods": ["generateContent"]},
                {"name": "models/../../admin"}, {"name": 5}, null,
                {"name": "models/text-embedding-004", "supportedGenerationMethods": ["embedContent"]},
            ],
            "nextPageToken": "more",
        }))
        .unwrap();
        let party = Party { id: "p".into() };
        let (models, next) = page.split(&party);
        let models = models.collect::<Vec<_>>();
        assert_eq!(next.as_deref(), Some("more"));
        assert_eq!(models.len(), 2);
        assert_eq!(
            models.first(),
            Some(&ListedModel {
                id: "gemini-2.5-flash".into(),
                name: Some("Gemini 2.5 Flash".into()),
                context_window: Some(1_048_576),
                max_tokens: Some(65_536),
                input: Some(vec![
                    Modality::Text,
                    Modality::Image,
                    Modality::Document,
                    Modality::Audio,
                    Modality::Video,
                ]),
                tools: Some(true),
                reasoning: Some(true),
                price: None,
            })
        );
    }
}

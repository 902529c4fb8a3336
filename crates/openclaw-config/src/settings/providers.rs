//! `models.providers`: where models are served.

use std::collections::BTreeMap;

use openclaw_core::ProviderId;
use serde_json::Value;

use super::reader::Reader;
use super::secrets::SecretInput;

/// One entry of `models.providers`.
#[derive(Clone, Debug, Default)]
pub struct ProviderSettings {
    /// Where the provider's API is (`baseUrl`).
    pub base_url: Option<String>,
    /// The wire format that it speaks (`api`), such as `openai-completions`.
    pub api: Option<String>,
    /// Its API key, or where to find it (`apiKey`).
    pub api_key: Option<SecretInput>,
    /// What is said about its models (`models`).
    pub models: Vec<ModelSettings>,
}

/// One entry of `models.providers.<id>.models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSettings {
    /// The provider's name for the model.
    pub id: String,
    /// The most tokens that it may write in one answer.
    pub max_tokens: Option<u32>,
}

impl Reader<'_> {
    pub(super) fn providers(&mut self) -> BTreeMap<ProviderId, ProviderSettings> {
        let ids: Vec<&str> = self
            .members(&["models", "providers"])
            .map(|(id, _)| id)
            .collect();
        ids.into_iter()
            .map(|id| (ProviderId::from(id), self.provider(id)))
            .collect()
    }

    /// `auth.order`: which sign-in of a provider comes first.
    pub(super) fn sign_in_order(&self) -> BTreeMap<ProviderId, Vec<String>> {
        self.members(&["auth", "order"])
            .map(|(provider, names)| {
                let names = names.as_array().into_iter().flatten();
                let names = names.filter_map(Value::as_str).map(str::to_owned);
                (ProviderId::from(provider), names.collect())
            })
            .collect()
    }

    fn provider(&mut self, id: &str) -> ProviderSettings {
        let at = |key| ["models", "providers", id, key];
        let models = self.raw(&at("models")).and_then(Value::as_array);
        let limit = |model: &Value| {
            let limit = model.get("maxTokens").and_then(Value::as_u64)?;
            u32::try_from(limit).ok().filter(|limit| *limit > 0)
        };
        ProviderSettings {
            base_url: self.string(&at("baseUrl")),
            api: self.string(&at("api")),
            api_key: self.secret(&at("apiKey")),
            models: models
                .into_iter()
                .flatten()
                .filter_map(|model| {
                    Some(ModelSettings {
                        id: model.get("id")?.as_str()?.to_owned(),
                        max_tokens: limit(model),
                    })
                })
                .collect(),
        }
    }
}

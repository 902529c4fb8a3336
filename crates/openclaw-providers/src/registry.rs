//! The APIs that exist, and the providers that everybody knows.

use std::sync::Arc;

use crate::anthropic::AnthropicProvider;
use crate::error::ProviderError;
use crate::openai::OpenAIProvider;
use crate::provider::{Provider, ProviderConfig};
use crate::scripted::{self, ScriptedProvider};

/// One API.
#[derive(Clone, Copy, Debug)]
pub struct ProviderSpec {
    /// The name that configurations use in `models.providers.<id>.api`.
    pub api: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Makes a provider that speaks it.
    pub build: fn(ProviderConfig) -> Result<Arc<dyn Provider>, ProviderError>,
}

/// Every API.
pub const PROVIDERS: &[ProviderSpec] = &[
    ProviderSpec {
        api: "anthropic-messages",
        about: "Anthropic's Messages API",
        build: |config| Ok(Arc::new(AnthropicProvider::from_config(config)?)),
    },
    ProviderSpec {
        api: "openai-completions",
        about: "OpenAI's Chat Completions API, which most local servers speak",
        build: |config| Ok(Arc::new(OpenAIProvider::from_config(config)?)),
    },
    ProviderSpec {
        api: scripted::API,
        about: "The offline model of the demo, which follows a fixed script",
        build: |config| Ok(Arc::new(ScriptedProvider::named(config.id))),
    },
];

/// A provider that needs no address to be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WellKnown {
    /// The name that `onboard --provider` and `models.providers` use.
    pub id: &'static str,
    /// The API that it speaks.
    pub api: &'static str,
    /// Where it is; none if it is nowhere.
    pub base_url: Option<&'static str>,
    /// The environment variable that its key is usually in; none if it needs no key.
    pub api_key_env: Option<&'static str>,
    /// A model to begin with, as the provider names it; a local server may have another one.
    pub default_model: &'static str,
}

/// Every provider that needs no address.
pub const WELL_KNOWN: &[WellKnown] = &[
    WellKnown {
        id: "anthropic",
        api: "anthropic-messages",
        base_url: Some(crate::anthropic::BASE_URL),
        api_key_env: Some("ANTHROPIC_API_KEY"),
        default_model: "claude-opus-4-6",
    },
    WellKnown {
        id: "openai",
        api: "openai-completions",
        base_url: Some(crate::openai::BASE_URL),
        api_key_env: Some("OPENAI_API_KEY"),
        default_model: "gpt-5.5",
    },
    WellKnown {
        id: "openrouter",
        api: "openai-completions",
        base_url: Some("https://openrouter.ai/api/v1"),
        api_key_env: Some("OPENROUTER_API_KEY"),
        default_model: "anthropic/claude-opus-4.6",
    },
    WellKnown {
        id: "ollama",
        api: "openai-completions",
        base_url: Some("http://127.0.0.1:11434/v1"),
        api_key_env: None,
        default_model: "gemma4",
    },
    WellKnown {
        id: "lmstudio",
        api: "openai-completions",
        base_url: Some("http://127.0.0.1:1234/v1"),
        api_key_env: None,
        default_model: "minimax-m2.1-gs32",
    },
    WellKnown {
        id: "llamacpp",
        api: "openai-completions",
        base_url: Some("http://127.0.0.1:8080/v1"),
        api_key_env: None,
        default_model: "default",
    },
    WellKnown {
        id: scripted::ID,
        api: scripted::API,
        base_url: None,
        api_key_env: None,
        default_model: scripted::MODEL,
    },
];

/// Makes a provider that speaks `api`.
pub fn build(api: &str, config: ProviderConfig) -> Result<Arc<dyn Provider>, ProviderError> {
    match PROVIDERS.iter().find(|spec| spec.api == api) {
        Some(spec) => (spec.build)(config),
        None => Err(ProviderError::UnknownApi {
            api: api.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openclaw_core::{ApiKey, Kind};

    use super::*;

    #[test]
    fn every_well_known_provider_can_be_built_and_keeps_its_name() {
        for known in WELL_KNOWN {
            let provider = build(
                known.api,
                ProviderConfig {
                    base_url: known.base_url.map(str::to_owned),
                    api_key: known
                        .api_key_env
                        .map(|_| Arc::new(ApiKey::new("sk".into()))),
                    ..ProviderConfig::new(known.id)
                },
            );
            assert_eq!(provider.unwrap().id().as_str(), known.id);
        }
    }

    #[test]
    fn a_hosted_api_without_a_key_is_refused_and_a_server_of_ones_own_is_not() {
        let empty = ProviderConfig {
            api_key: Some(Arc::new(ApiKey::new(String::new()))),
            ..ProviderConfig::new("mine")
        };
        for api in ["anthropic-messages", "openai-completions"] {
            let error = build(api, empty.clone()).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            assert_eq!(error.to_string(), "provider `mine` has no API key");
        }
        let local = ProviderConfig {
            base_url: Some("http://127.0.0.1:8000/v1".into()),
            ..empty
        };
        for api in ["anthropic-messages", "openai-completions"] {
            assert!(build(api, local.clone()).is_ok());
        }
        for known in WELL_KNOWN
            .iter()
            .filter(|known| ["anthropic", "openai"].contains(&known.id))
        {
            let hosted = ProviderConfig {
                base_url: known.base_url.map(str::to_owned),
                ..ProviderConfig::new(known.id)
            };
            assert!(build(known.api, hosted).is_err(), "{}", known.id);
        }
    }
}

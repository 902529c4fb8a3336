//! The APIs that exist, and the providers that everybody knows.

use std::sync::Arc;

use crate::anthropic::AnthropicProvider;
use crate::error::ProviderError;
use crate::google::GoogleProvider;
use crate::ollama::OllamaProvider;
use crate::openai::OpenAIProvider;
use crate::provider::{Provider, ProviderConfig};
use crate::quirks::Server;
use crate::replay::{self, ReplayProvider};
use crate::responses::ResponsesProvider;
use crate::scripted::{self, ScriptedProvider};

/// Where the answers of an API come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A server, by HTTP.
    Http,
    /// This program itself.
    Here,
}

/// One API.
#[derive(Clone, Copy, Debug)]
pub struct ProviderSpec {
    /// The name that configurations use in `models.providers.<id>.api`.
    pub api: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// Where its answers come from.
    pub reach: Reach,
    /// Makes a provider that speaks it.
    pub build: fn(ProviderConfig) -> Result<Arc<dyn Provider>, ProviderError>,
}

/// Every API.
pub const PROVIDERS: &[ProviderSpec] = &[
    ProviderSpec {
        api: "anthropic-messages",
        about: "Anthropic's Messages API",
        reach: Reach::Http,
        build: |config| Ok(Arc::new(AnthropicProvider::from_config(config)?)),
    },
    ProviderSpec {
        api: "openai-completions",
        about: "OpenAI's Chat Completions API, which most local servers speak",
        reach: Reach::Http,
        build: |config| Ok(Arc::new(OpenAIProvider::from_config(config)?)),
    },
    ProviderSpec {
        api: "openai-responses",
        about: "OpenAI's Responses API",
        reach: Reach::Http,
        build: |config| Ok(Arc::new(ResponsesProvider::from_config(config)?)),
    },
    ProviderSpec {
        api: "azure-openai-responses",
        about: "OpenAI's Responses API at Azure",
        reach: Reach::Http,
        build: |config| Ok(Arc::new(ResponsesProvider::azure(config)?)),
    },
    ProviderSpec {
        api: "azure-openai-completions",
        about: "OpenAI's Chat Completions API at Azure",
        reach: Reach::Http,
        build: |config| Ok(Arc::new(OpenAIProvider::azure(config)?)),
    },
    ProviderSpec {
        api: replay::API,
        about: "A cassette that `openclaw agent --record` wrote, played without key and network",
        reach: Reach::Here,
        build: |config| Ok(Arc::new(ReplayProvider::from_config(&config))),
    },
    ProviderSpec {
        api: "google-generative-ai",
        about: "Google's Gemini API",
        reach: Reach::Http,
        build: |config| Ok(Arc::new(GoogleProvider::from_config(config)?)),
    },
    ProviderSpec {
        api: "ollama",
        about: "Ollama's own API",
        reach: Reach::Http,
        build: |config| Ok(Arc::new(OllamaProvider::from_config(config)?)),
    },
    ProviderSpec {
        api: scripted::API,
        about: "The offline model of the demo, which follows a fixed script",
        reach: Reach::Here,
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
    /// Another variable that people have its key in.
    pub other_key_env: Option<&'static str>,
    /// A model to begin with, as the provider names it; a local server may have another one.
    pub default_model: &'static str,
}

impl WellKnown {
    /// Returns the API that it speaks where no other is named, at its own address or another one.
    ///
    /// Responses is spoken by `OpenAI` and Azure and by few others; Chat Completions by nearly all.
    pub fn api_at(&self, base_url: Option<&str>) -> &'static str {
        let is_elsewhere = |url| !matches!(Server::of(url), Server::OpenAI | Server::Azure);
        if self.api == "openai-responses" && base_url.is_some_and(is_elsewhere) {
            "openai-completions"
        } else {
            self.api
        }
    }

    /// Returns the environment variables that its key may be in, the usual one first.
    pub fn key_variables(&self) -> impl Iterator<Item = &'static str> {
        [self.api_key_env, self.other_key_env].into_iter().flatten()
    }
}

/// Every provider that needs no address.
pub const WELL_KNOWN: &[WellKnown] = &[
    WellKnown {
        id: "anthropic",
        api: "anthropic-messages",
        base_url: Some(crate::anthropic::BASE_URL),
        api_key_env: Some("ANTHROPIC_API_KEY"),
        other_key_env: None,
        default_model: "claude-opus-4-6",
    },
    WellKnown {
        id: "openai",
        // OpenClaw's choice: its models carry their thoughts from step to step there alone.
        api: "openai-responses",
        base_url: Some(crate::openai::BASE_URL),
        api_key_env: Some("OPENAI_API_KEY"),
        other_key_env: None,
        default_model: "gpt-5.5",
    },
    WellKnown {
        id: "openrouter",
        api: "openai-completions",
        base_url: Some("https://openrouter.ai/api/v1"),
        api_key_env: Some("OPENROUTER_API_KEY"),
        other_key_env: None,
        default_model: "anthropic/claude-opus-4.6",
    },
    WellKnown {
        id: "google",
        api: "google-generative-ai",
        base_url: Some(crate::google::BASE_URL),
        api_key_env: Some("GEMINI_API_KEY"),
        other_key_env: Some("GOOGLE_API_KEY"),
        default_model: "gemini-3.1-pro-preview",
    },
    WellKnown {
        id: "ollama",
        api: "ollama",
        base_url: Some(crate::ollama::BASE_URL),
        api_key_env: None,
        other_key_env: Some("OLLAMA_API_KEY"),
        default_model: "gemma4",
    },
    WellKnown {
        id: "lmstudio",
        api: "openai-completions",
        base_url: Some("http://127.0.0.1:1234/v1"),
        api_key_env: None,
        other_key_env: None,
        default_model: "minimax-m2.1-gs32",
    },
    WellKnown {
        id: "llamacpp",
        api: "openai-completions",
        base_url: Some("http://127.0.0.1:8080/v1"),
        api_key_env: None,
        other_key_env: None,
        default_model: "default",
    },
    WellKnown {
        id: replay::ID,
        api: replay::API,
        base_url: None,
        api_key_env: None,
        other_key_env: None,
        default_model: replay::MODEL,
    },
    WellKnown {
        id: scripted::ID,
        api: scripted::API,
        base_url: None,
        api_key_env: None,
        other_key_env: None,
        default_model: scripted::MODEL,
    },
];

/// Makes a provider that speaks `api`.
pub fn build(api: &str, mut config: ProviderConfig) -> Result<Arc<dyn Provider>, ProviderError> {
    let tape = config.tape.take();
    config.tape = tape.map(|tape| tape.labelled(config.label(api)));
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
    fn responses_are_asked_for_where_they_are_spoken() {
        let named = |id| WELL_KNOWN.iter().find(|known| known.id == id).unwrap();
        for (url, api) in [
            (None, "openai-responses"),
            (Some("https://api.openai.com/v1"), "openai-responses"),
            (Some("https://eu.api.openai.com/v1"), "openai-responses"),
            (
                Some("https://x.openai.azure.com/openai/v1"),
                "openai-responses",
            ),
            (Some("http://127.0.0.1:8000/v1"), "openai-completions"),
            (Some("https://proxy.example/v1"), "openai-completions"),
        ] {
            assert_eq!(named("openai").api_at(url), api, "{url:?}");
        }
        let elsewhere = Some("http://127.0.0.1:8000");
        assert_eq!(named("anthropic").api_at(elsewhere), "anthropic-messages");
        assert_eq!(named("ollama").api_at(elsewhere), "ollama");
    }

    #[test]
    fn a_hosted_api_without_a_key_is_refused_and_a_server_of_ones_own_is_not() {
        let empty = ProviderConfig {
            api_key: Some(Arc::new(ApiKey::new(String::new()))),
            ..ProviderConfig::new("mine")
        };
        for api in [
            "anthropic-messages",
            "google-generative-ai",
            "openai-completions",
        ] {
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
            .filter(|known| ["anthropic", "google", "openai"].contains(&known.id))
        {
            let hosted = ProviderConfig {
                base_url: known.base_url.map(str::to_owned),
                ..ProviderConfig::new(known.id)
            };
            assert!(build(known.api, hosted).is_err(), "{}", known.id);
        }
    }
}

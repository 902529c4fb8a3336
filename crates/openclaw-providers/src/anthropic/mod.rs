//! Anthropic's Messages API, and whoever else speaks it.
//!
//! Supported: text, images, tools, thinking with its signature, redacted thinking. Left out: tools
//! that run at the provider, citations, prompt caching marks, and the switch that turns thinking on.

mod body;
pub(crate) mod decode;

use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::redaction::learn;
use openclaw_core::{ApiKey, ProviderId};
use openclaw_http::{HeaderName, HeaderValue, HttpClient, HttpError, PostJson, Timeouts};
use tokio_util::sync::CancellationToken;

use crate::error::ProviderError;
use crate::event::EventStream;
use crate::provider::{Provider, ProviderConfig};
use crate::request::Request;
use crate::wire::{self, Party};

/// Where Anthropic's own API is.
pub const BASE_URL: &str = "https://api.anthropic.com";

/// The version of the API that this speaks.
pub const VERSION: &str = "2023-06-01";

/// The most tokens of an answer when a request does not say.
///
/// The API demands a number. Every model from Claude 3.5 on can write this many.
pub const DEFAULT_MAX_TOKENS: u32 = 8192;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// A provider that speaks Anthropic's Messages API.
///
/// ```
/// use openclaw_core::secrets::ApiKey;
/// use openclaw_providers::AnthropicProvider;
///
/// let provider = AnthropicProvider::new(ApiKey::new("sk-ant-...".into()));
/// assert_eq!(format!("{}", provider.api_key()), "[REDACTED]");
/// ```
#[derive(Clone, Debug)]
pub struct AnthropicProvider {
    id: ProviderId,
    key: Arc<ApiKey>,
    base_url: String,
    client: HttpClient,
}

impl AnthropicProvider {
    /// Makes the provider `anthropic` with Anthropic's own address.
    pub fn new(key: ApiKey) -> Self {
        learn(&key);
        Self {
            id: ProviderId::from("anthropic"),
            key: Arc::new(key),
            base_url: BASE_URL.to_owned(),
            client: HttpClient::new(Timeouts::default()),
        }
    }

    /// Makes the provider that a configuration describes; Anthropic's own address needs a key.
    pub fn from_config(config: ProviderConfig) -> Result<Self, ProviderError> {
        let key = config.key();
        let base_url = config.base_url.unwrap_or_else(|| BASE_URL.to_owned());
        if key.is_none() && base_url.trim_end_matches('/') == BASE_URL {
            return Err(ProviderError::MissingKey {
                provider: config.id,
            });
        }
        Ok(Self {
            // An empty key is not sent.
            key: key.unwrap_or_else(|| Arc::new(ApiKey::new(String::new()))),
            base_url,
            client: HttpClient::new(config.timeouts),
            id: config.id,
        })
    }

    /// Replaces the address, to which `/v1/messages` is added.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Returns the key, which prints as `[REDACTED]`.
    pub fn api_key(&self) -> &ApiKey {
        &self.key
    }

    fn post(&self, request: &Request) -> Result<PostJson, HttpError> {
        // Both forms of the address are in use; OpenClaw's has no version.
        let base = self.base_url.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let post = PostJson::new(&format!("{base}/v1/messages"), &body::of(request))?
            .header(API_VERSION, HeaderValue::from_static(VERSION));
        if self.key.is_empty() {
            return Ok(post);
        }
        post.secret_header(API_KEY, "", &self.key)
    }
}

#[async_trait]
impl Provider for AnthropicProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let party = Party {
            id: self.id.clone(),
        };
        let post = self.post(&request).map_err(|error| party.http(error))?;
        let decoder = decode::Decoder::new(&request);
        wire::open(&self.client, party, post, decoder, stop).await
    }
}

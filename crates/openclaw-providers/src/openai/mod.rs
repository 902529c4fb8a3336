//! OpenAI's Chat Completions API, and the many servers that speak it: Ollama, llama.cpp, vLLM,
//! LM Studio, `OpenRouter` and others.
//!
//! Supported: text, images, tools, refusals, and thoughts where a server streams them beside the
//! text. Left out: sound, several choices, and thoughts inside of the text (`<think>`).
//!
//! Usage is asked for with `stream_options.include_usage`; a server that refuses the field is asked
//! again without it, and then tells no usage.

mod body;
mod calls;
pub(crate) mod decode;

use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::redaction::learn;
use openclaw_core::{ApiKey, ProviderId};
use openclaw_http::{HttpClient, HttpError, PostJson, Timeouts, header};
use tokio_util::sync::CancellationToken;

use crate::error::ProviderError;
use crate::event::EventStream;
use crate::openai::body::{Body, Dialect};
use crate::provider::{Provider, ProviderConfig};
use crate::request::Request;
use crate::wire::{self, Party};

/// Where OpenAI's own API is.
pub const BASE_URL: &str = "https://api.openai.com/v1";

/// A provider that speaks OpenAI's Chat Completions API.
///
/// ```
/// use openclaw_core::secrets::ApiKey;
/// use openclaw_providers::OpenAIProvider;
///
/// let provider = OpenAIProvider::new(ApiKey::new("sk-...".into()));
/// let local = OpenAIProvider::without_key("http://127.0.0.1:11434/v1");
/// assert!(provider.api_key().is_some() && local.api_key().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct OpenAIProvider {
    id: ProviderId,
    key: Option<Arc<ApiKey>>,
    base_url: String,
    client: HttpClient,
}

impl OpenAIProvider {
    /// Makes the provider `openai` with OpenAI's own address.
    pub fn new(key: ApiKey) -> Self {
        learn(&key);
        Self {
            id: ProviderId::from("openai"),
            key: Some(Arc::new(key)),
            base_url: BASE_URL.to_owned(),
            client: HttpClient::new(Timeouts::default()),
        }
    }

    /// Makes the provider `openai` for a server that asks for no key.
    pub fn without_key(base_url: impl Into<String>) -> Self {
        Self {
            id: ProviderId::from("openai"),
            key: None,
            base_url: base_url.into(),
            client: HttpClient::new(Timeouts::default()),
        }
    }

    /// Makes the provider that a configuration describes; OpenAI's own address needs a key.
    pub fn from_config(config: ProviderConfig) -> Result<Self, ProviderError> {
        let key = config.key();
        let base_url = config.base_url.unwrap_or_else(|| BASE_URL.to_owned());
        if key.is_none() && base_url.trim_end_matches('/') == BASE_URL {
            return Err(ProviderError::MissingKey {
                provider: config.id,
            });
        }
        Ok(Self {
            key,
            base_url,
            client: HttpClient::new(config.timeouts),
            id: config.id,
        })
    }

    /// Replaces the address, to which `/chat/completions` is added.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// Returns the key, which prints as `[REDACTED]`; none if requests carry none.
    pub fn api_key(&self) -> Option<&ApiKey> {
        self.key.as_deref()
    }

    fn post(&self, body: &Body<'_>) -> Result<PostJson, HttpError> {
        let base = self.base_url.trim_end_matches('/');
        let post = PostJson::new(&format!("{base}/chat/completions"), body)?;
        match &self.key {
            Some(key) => post.secret_header(header::AUTHORIZATION, "Bearer ", key),
            None => Ok(post),
        }
    }

    async fn open(
        &self,
        request: &Request,
        body: &Body<'_>,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let party = Party {
            id: self.id.clone(),
        };
        let post = self.post(body).map_err(|error| party.http(error))?;
        let decoder = decode::Decoder::new(request);
        wire::open(&self.client, party, post, decoder, stop).await
    }
}

#[async_trait]
impl Provider for OpenAIProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let body = body::of(&request, Dialect::of(&self.base_url));
        match self.open(&request, &body, stop.clone()).await {
            Err(ProviderError::Status {
                status: 400 | 422,
                message,
                ..
            }) if message.contains("stream_options") => {
                self.open(&request, &body.without_stream_options(), stop)
                    .await
            }
            opened => opened,
        }
    }
}

//! OpenAI's Chat Completions API, and the many servers that speak it: Ollama, llama.cpp, vLLM,
//! LM Studio, `OpenRouter` and others, and Azure.
//!
//! Supported: text, images, files, tools, refusals, and thoughts, whether a server streams them
//! beside the text, as details, or between tags inside of it. What a server or a model does
//! differently is in [`quirks`](crate::quirks). Left out: sound, and several choices.
//!
//! Usage is asked for with `stream_options.include_usage`; a server that refuses the field is asked
//! again without it, and then tells no usage.

mod azure;
pub(crate) mod body;
mod calls;
mod chunk;
pub(crate) mod decode;
mod details;
mod embeddings;
mod models;
pub(crate) mod site;
mod think;
pub(crate) mod tokens;

use async_trait::async_trait;
use openclaw_core::{ApiKey, ProviderId};
use tokio_util::sync::CancellationToken;

use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::error::ProviderError;
use crate::event::EventStream;
use crate::identity::Identity;
use crate::openai::body::Body;
use crate::openai::site::{Kind, Site};
use crate::provider::{ListedModel, Provider, ProviderConfig};
use crate::quirks::{Api, fitted};
use crate::request::Request;
use crate::wire;

pub use site::BASE_URL;

/// A provider that speaks OpenAI's Chat Completions API, at OpenAI, at Azure or anywhere else.
///
/// ```
/// use openclaw_core::secrets::ApiKey;
/// use openclaw_providers::OpenAIProvider;
///
/// let provider = OpenAIProvider::new(ApiKey::new("sk-...".into()));
/// let azure = provider.clone().with_base_url("https://mine.openai.azure.com");
/// let local = OpenAIProvider::without_key("http://127.0.0.1:11434/v1");
/// assert!(azure.api_key().is_some() && local.api_key().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct OpenAIProvider {
    site: Site,
}

impl OpenAIProvider {
    /// Makes the provider `openai` with OpenAI's own address.
    pub fn new(key: ApiKey) -> Self {
        Self {
            site: Site::with_key(key),
        }
    }

    /// Makes the provider `openai` for a server that asks for no key.
    pub fn without_key(base_url: impl Into<String>) -> Self {
        Self {
            site: Site::without_key(base_url.into()),
        }
    }

    /// Makes the provider that a configuration describes; OpenAI's own address and Azure's need a
    /// key.
    pub fn from_config(config: ProviderConfig) -> Result<Self, ProviderError> {
        Ok(Self {
            site: Site::from_config(config, Kind::ByAddress)?,
        })
    }

    /// Makes the provider that a configuration describes, with Azure's form of addresses and of the
    /// key whatever the host.
    pub fn azure(config: ProviderConfig) -> Result<Self, ProviderError> {
        Ok(Self {
            site: Site::from_config(config, Kind::Azure)?,
        })
    }

    /// Replaces the address, to which `/chat/completions` is added; one of Azure's is asked in
    /// Azure's way.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.site = self.site.at(base_url.into());
        self
    }

    /// Returns the key, which prints as `[REDACTED]`; none if requests carry none.
    pub fn api_key(&self) -> Option<&ApiKey> {
        self.site.key()
    }

    async fn open(
        &self,
        request: &Request,
        body: &Body<'_>,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let party = self.site.party();
        let post = self.site.post(Api::Chat, request, body)?;
        let mut decoder = decode::Decoder::new(request);
        if self
            .site
            .dialect(Api::Chat, &request.model)
            .writes_think_tags()
        {
            decoder = decoder.with_think_tags();
        }
        wire::open(&self.site.client, party, post, decoder, stop).await
    }
}

#[async_trait]
impl Provider for OpenAIProvider {
    fn id(&self) -> &ProviderId {
        &self.site.id
    }

    fn identity(&self) -> Identity {
        self.site.identity()
    }

    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let dialect = self.site.dialect(Api::Chat, &request.model);
        let request = fitted(&request, self.site.quirks(&request.model));
        let model = self.site.wire_model(&request.model);
        let body = body::of(&request, model, &dialect, &self.site.id);
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

    async fn embed(
        &self,
        request: &EmbeddingRequest,
        stop: CancellationToken,
    ) -> Result<Embeddings, ProviderError> {
        self.site.embed(request, &stop).await
    }

    async fn models(&self, stop: CancellationToken) -> Result<Vec<ListedModel>, ProviderError> {
        self.site.models(&stop).await
    }
}

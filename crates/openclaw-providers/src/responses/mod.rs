//! OpenAI's Responses API, at OpenAI, at Azure, and at the servers that copy it.
//!
//! Supported: text, pictures, files, functions, refusals, and thoughts, which go back encrypted
//! since nothing is stored at the provider. Left out: the provider's own tools, and conversations
//! that the provider keeps.

mod body;
pub(crate) mod decode;
mod items;
mod thoughts;

use async_trait::async_trait;
use openclaw_core::ProviderId;
use tokio_util::sync::CancellationToken;

use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::error::ProviderError;
use crate::event::EventStream;
use crate::identity::Identity;
use crate::openai::site::{Kind, Site};
use crate::provider::{ListedModel, Provider, ProviderConfig};
use crate::quirks::{Api, fitted};
use crate::request::{AssistantBlock, Message, Request};
use crate::wire;

/// A provider that speaks OpenAI's Responses API.
#[derive(Clone, Debug)]
pub struct ResponsesProvider {
    site: Site,
}

impl ResponsesProvider {
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

    async fn open(
        &self,
        request: &Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let dialect = self.site.dialect(Api::Responses, &request.model);
        let model = self.site.wire_model(&request.model);
        let body = body::of(request, model, &dialect, &self.site.id);
        let party = self.site.party();
        let post = self.site.post(Api::Responses, request, &body)?;
        let decoder = decode::Decoder::new(request);
        wire::open(&self.site.client, party, post, decoder, stop).await
    }
}

/// Thoughts can be opened only in the organization that they come from, and another key of the same
/// provider may belong to another one.
fn forget_thoughts(request: &mut Request) {
    for message in &mut request.messages {
        if let Message::Assistant(blocks) = message {
            blocks.retain(|block| !matches!(block, AssistantBlock::Thinking(_)));
        }
    }
}

#[async_trait]
impl Provider for ResponsesProvider {
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
        let mut request = fitted(&request, self.site.quirks(&request.model));
        match self.open(&request, stop.clone()).await {
            Err(ProviderError::Status {
                status: 400,
                message,
                ..
            }) if message.contains("encrypted content") => {
                forget_thoughts(request.to_mut());
                self.open(&request, stop).await
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

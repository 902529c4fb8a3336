//! The trait that every model API is behind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::redaction::learn;
use openclaw_core::{ApiKey, Price, ProviderId};
use openclaw_http::{HttpClient, Label, Network, Tape, Timeouts};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::dispatch;
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::error::ProviderError;
use crate::event::EventStream;
use crate::fold::Completion;
use crate::identity::Identity;
use crate::quirks::Quirks;
use crate::request::Request;

/// Something that answers requests: an API with an address and a key.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Returns the name under which this provider is configured.
    fn id(&self) -> &ProviderId;

    /// Tells the address and the key that are asked with from others under the same names.
    fn identity(&self) -> Identity {
        Identity::default()
    }

    /// Asks the model and returns its answer as it comes in.
    ///
    /// # Cancel safety
    /// Dropping the future or the stream closes the connection. So does `stop`, and the stream
    /// then ends with [`ProviderError::Cancelled`].
    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError>;

    /// Asks which models there are.
    async fn models(&self, _stop: CancellationToken) -> Result<Vec<ListedModel>, ProviderError> {
        Err(ProviderError::NoListing {
            provider: self.id().clone(),
        })
    }

    /// Has a model make vectors of texts, one for each, in their order.
    async fn embed(
        &self,
        _request: &EmbeddingRequest,
        _stop: CancellationToken,
    ) -> Result<Embeddings, ProviderError> {
        Err(ProviderError::NoEmbeddings {
            provider: self.id().clone(),
        })
    }

    /// Asks the model and returns its whole answer, which may be empty. Failures that pass are
    /// tried again as long as nothing has come.
    async fn complete(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<Completion, ProviderError> {
        dispatch::complete(self, request, &stop).await
    }
}

/// A kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Words.
    Text,
    /// Pictures.
    Image,
    /// Documents, such as PDF.
    Document,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

/// A model as its provider lists it; what the provider does not tell is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListedModel {
    /// The provider's name for it, as requests use it.
    pub id: String,
    /// The name that people know it by.
    pub name: Option<String>,
    /// The most tokens that a request and its answer may have together.
    pub context_window: Option<u64>,
    /// The most tokens that it may write.
    pub max_tokens: Option<u64>,
    /// What it can be given.
    pub input: Option<Vec<Modality>>,
    /// Whether it can call tools.
    pub tools: Option<bool>,
    /// Whether it can think before it answers.
    pub reasoning: Option<bool>,
    /// What its tokens cost.
    pub price: Option<Price>,
}

/// How a key is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyStyle {
    /// As the API has it.
    #[default]
    Api,
    /// As `Authorization: Bearer`.
    Bearer,
    /// In a header of this name, behind this prefix.
    Header {
        /// The header.
        name: String,
        /// What stands before the key; may be empty.
        prefix: String,
    },
    /// Not at all.
    None,
}

/// What a provider is built from.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// The name under which it is configured.
    pub id: ProviderId,
    /// Where its API is; each API has a default.
    pub base_url: Option<String>,
    /// The key; an empty one counts as none.
    pub api_key: Option<Arc<ApiKey>>,
    /// How the key is sent.
    pub key_style: KeyStyle,
    /// Headers that every request carries besides; their values may be secret.
    pub headers: Vec<(String, Arc<ApiKey>)>,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// Through which proxy it is reached, and whose certificates are believed.
    pub network: Network,
    /// What records its exchanges, or answers in its place.
    pub tape: Option<Tape>,
    /// What is different about which of its models.
    pub quirks: BTreeMap<String, Quirks>,
    /// Settings that only some APIs know, such as `apiVersion`.
    pub params: Map<String, Value>,
}

impl ProviderConfig {
    /// Makes a configuration with the API's own address, no key and the default limits.
    pub fn new(id: impl Into<ProviderId>) -> Self {
        Self {
            id: id.into(),
            base_url: None,
            api_key: None,
            key_style: KeyStyle::default(),
            headers: Vec::new(),
            timeouts: Timeouts::default(),
            network: Network::default(),
            tape: None,
            quirks: BTreeMap::new(),
            params: Map::new(),
        }
    }

    /// Returns what a cassette has to say of the provider for its answers to be understood again.
    pub(crate) fn label(&self, api: &str) -> Label {
        Label {
            api: api.to_owned(),
            provider: self.id.to_string(),
            base_url: self.base_url.clone(),
            params: self.params.clone(),
        }
    }

    /// Makes the client that the provider's requests go through.
    pub(crate) fn client(&self) -> HttpClient {
        HttpClient::with_network(self.timeouts, self.network.clone()).with_tape(self.tape.clone())
    }

    pub(crate) fn key(&self) -> Option<Arc<ApiKey>> {
        let key = self.api_key.clone().filter(|key| !key.is_empty())?;
        // Providers quote keys in what they complain about.
        learn(&key);
        Some(key)
    }
}

//! The trait that every model API is behind.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use openclaw_core::redaction::learn;
use openclaw_core::{ApiKey, ProviderId};
use openclaw_http::Timeouts;
use tokio_util::sync::CancellationToken;

use crate::error::ProviderError;
use crate::event::EventStream;
use crate::fold::{Completion, Fold};
use crate::request::Request;

/// Something that answers requests: an API with an address and a key.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Returns the name under which this provider is configured.
    fn id(&self) -> &ProviderId;

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

    /// Asks the model and returns its whole answer.
    async fn complete(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<Completion, ProviderError> {
        let mut fold = Fold::new(self.id().clone());
        let mut events = self.stream(request, stop).await?;
        while let Some(event) = events.next().await {
            fold.push(&event?)?;
        }
        fold.finish()
    }
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
    /// How long things may take.
    pub timeouts: Timeouts,
}

impl ProviderConfig {
    /// Makes a configuration with the API's own address, no key and the default limits.
    pub fn new(id: impl Into<ProviderId>) -> Self {
        Self {
            id: id.into(),
            base_url: None,
            api_key: None,
            timeouts: Timeouts::default(),
        }
    }

    pub(crate) fn key(&self) -> Option<Arc<ApiKey>> {
        let key = self.api_key.clone().filter(|key| !key.is_empty())?;
        // Providers quote keys in what they complain about.
        learn(&key);
        Some(key)
    }
}

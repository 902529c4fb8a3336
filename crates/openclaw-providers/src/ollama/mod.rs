//! Ollama's own API, `/api/chat`, which streams a JSON document a line.
//!
//! Supported: text, images, tools, thoughts, usage, the parameters of models, and the list of
//! models with what each of them can do. Left out: documents other than images, answers in a given
//! format, and pulling models.
//!
//! A model that cannot be told how to think refuses a request that does; it is asked again without.

mod body;
pub(crate) mod decode;
mod models;

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use openclaw_core::ProviderId;
use openclaw_http::{GetJson, HttpClient, PostJson, header};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::error::ProviderError;
use crate::event::EventStream;
use crate::identity::Identity;
use crate::provider::{ListedModel, Provider, ProviderConfig};
use crate::quirks::{Quirks, fitted};
use crate::request::Request;
use crate::wire::{self, Access, Party};

/// Where Ollama is on the machine that it runs on.
pub const BASE_URL: &str = "http://127.0.0.1:11434";

/// What Ollama says of a model that it cannot tell how to think.
const REFUSES_TO_THINK: &str = "does not support thinking";

/// How many models are asked about at the same time.
const SHOWN_AT_ONCE: usize = 4;

/// A provider that speaks Ollama's own API.
#[derive(Clone, Debug)]
pub struct OllamaProvider {
    id: ProviderId,
    access: Access,
    base_url: String,
    quirks: BTreeMap<String, Quirks>,
    params: Map<String, Value>,
    client: HttpClient,
}

impl OllamaProvider {
    /// Makes the provider that a configuration describes; a key is sent if there is one.
    pub fn from_config(config: ProviderConfig) -> Result<Self, ProviderError> {
        Ok(Self {
            access: Access::of(&config, (header::AUTHORIZATION, "Bearer "))?,
            base_url: native(config.base_url.as_deref().unwrap_or(BASE_URL)),
            client: config.client(),
            quirks: config.quirks,
            params: config.params,
            id: config.id,
        })
    }

    fn party(&self) -> Party {
        Party {
            id: self.id.clone(),
        }
    }

    async fn open(
        &self,
        request: &Request,
        body: &body::Body<'_>,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let party = self.party();
        let post = PostJson::new(&format!("{}/api/chat", self.base_url), body)
            .and_then(|post| self.access.apply(post))
            .map_err(|error| party.http(error))?;
        let decoder = decode::Decoder::new(request);
        wire::open(&self.client, party, post, decoder, stop).await
    }

    /// Asks about one model; one that the server does not tell about is listed all the same.
    async fn show(&self, model: &str, stop: &CancellationToken) -> models::Shown {
        let shown = async {
            let url = format!("{}/api/show", self.base_url);
            let post = PostJson::new(&url, &json!({"model": model}))?;
            let body = self
                .client
                .post_json(self.access.apply(post)?, stop)
                .await?;
            models::Shown::read(body).await
        };
        shown.await.unwrap_or_else(|error| {
            tracing::debug!(provider = %self.id, model, %error, "the server tells nothing about a model");
            models::Shown::default()
        })
    }
}

/// Configurations from before the API was spoken here end with the path of the other one.
fn native(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    base.trim_end_matches('/').to_owned()
}

#[async_trait]
impl Provider for OllamaProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn identity(&self) -> Identity {
        self.access.identity(&self.base_url)
    }

    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let request = fitted(&request, self.quirks.get(&request.model));
        let body = body::of(&request, &self.params);
        match self.open(&request, &body, stop.clone()).await {
            Err(ProviderError::Status {
                status: 400,
                message,
                ..
            }) if body.tells_to_think() && message.contains(REFUSES_TO_THINK) => {
                self.open(&request, &body.without_think(), stop).await
            }
            opened => opened,
        }
    }

    async fn models(&self, stop: CancellationToken) -> Result<Vec<ListedModel>, ProviderError> {
        let party = self.party();
        let get = GetJson::new(&format!("{}/api/tags", self.base_url))
            .and_then(|get| self.access.apply(get))
            .map_err(|error| party.http(error))?;
        let tags: models::Tags = wire::get(&self.client, &party, get, &stop).await?;
        let names = tags.names(&party).enumerate();
        let asked = names.map(|(place, name)| {
            let stop = &stop;
            async move {
                let shown = if place < models::MOST_SHOWN {
                    self.show(&name, stop).await
                } else {
                    models::Shown::default()
                };
                shown.talks().then(|| shown.about(name))
            }
        });
        let listed = stream::iter(asked).buffered(SHOWN_AT_ONCE);
        let all = listed.filter_map(std::future::ready).collect().await;
        if stop.is_cancelled() {
            return Err(ProviderError::Cancelled);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_other_api_leads_to_this_one() {
        for given in [
            "http://127.0.0.1:11434",
            "http://127.0.0.1:11434/",
            "http://127.0.0.1:11434/v1",
            "http://127.0.0.1:11434/v1/",
        ] {
            assert_eq!(native(given), BASE_URL);
        }
        assert_eq!(native("https://ollama.com/v1x"), "https://ollama.com/v1x");
    }
}

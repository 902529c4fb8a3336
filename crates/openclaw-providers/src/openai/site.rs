//! What both of OpenAI's APIs share: where they are, the key, and what is known of the models.

use std::collections::BTreeMap;
use std::sync::Arc;

use openclaw_core::{ApiKey, ProviderId};
use openclaw_http::{
    GetJson, HeaderName, HeaderValue, HttpClient, HttpError, PostJson, Timeouts, header,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::azure::{self, Deployments};
use super::body::cache_key;
use super::embeddings;
use super::models;
use crate::embedding::{EmbeddingRequest, Embeddings};
use crate::error::ProviderError;
use crate::identity::Identity;
use crate::provider::{ListedModel, ProviderConfig};
use crate::quirks::{Api, Dialect, Quirks, Server, Switch, ThinkingFormat};
use crate::request::{CacheRetention, Request};
use crate::wire::{Access, Party};

/// Where OpenAI's own APIs are.
pub const BASE_URL: &str = "https://api.openai.com/v1";

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Headers by which servers send requests of one conversation to the same machine.
const AFFINITY: [HeaderName; 3] = [
    SESSION,
    HeaderName::from_static("x-client-request-id"),
    HeaderName::from_static("x-session-affinity"),
];
const SESSION: HeaderName = HeaderName::from_static("session_id");
const OPENROUTER_SESSION: HeaderName = HeaderName::from_static("x-session-id");

/// Whose addresses and headers are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// OpenAI's, or Azure's if the address is one of theirs.
    ByAddress,
    /// Azure's, whatever the address, as gateways in front of Azure have it.
    Azure,
}

/// A server that speaks OpenAI's APIs.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) id: ProviderId,
    kind: Kind,
    base_url: String,
    key: Option<Arc<ApiKey>>,
    access: Access,
    pub(crate) client: HttpClient,
    quirks: BTreeMap<String, Quirks>,
    deployments: Deployments,
}

impl Site {
    pub(crate) fn with_key(key: ApiKey) -> Self {
        Self::plain(BASE_URL.to_owned(), Some(Arc::new(key)))
    }

    pub(crate) fn without_key(base_url: String) -> Self {
        Self::plain(base_url, None)
    }

    fn plain(base_url: String, key: Option<Arc<ApiKey>>) -> Self {
        let sent = key
            .clone()
            .unwrap_or_else(|| Arc::new(ApiKey::new(String::new())));
        let access = Access::with_key(sent, key_header(Kind::ByAddress, &base_url));
        Self {
            key,
            id: ProviderId::from("openai"),
            kind: Kind::ByAddress,
            base_url,
            access,
            client: HttpClient::new(Timeouts::default()),
            quirks: BTreeMap::new(),
            deployments: Deployments::default(),
        }
    }

    /// Reads it from a configuration; OpenAI's own address and Azure's need a key.
    pub(crate) fn from_config(config: ProviderConfig, kind: Kind) -> Result<Self, ProviderError> {
        let own = match kind {
            Kind::ByAddress => BASE_URL,
            // There is none: every resource has a host of its own.
            Kind::Azure => "",
        };
        let base_url = config.base_url.clone().unwrap_or_else(|| own.to_owned());
        let access = Access::of(&config, key_header(kind, &base_url))?;
        let hosted = matches!(Server::of(&base_url), Server::OpenAI | Server::Azure);
        if hosted && access.key().is_none() && config.headers.is_empty() {
            return Err(ProviderError::MissingKey {
                provider: config.id,
            });
        }
        Ok(Self {
            kind,
            base_url,
            key: config.key(),
            access,
            client: config.client(),
            deployments: Deployments::of(&config.params),
            quirks: config.quirks,
            id: config.id,
        })
    }

    /// Replaces the address; Azure's has another header for the key.
    pub(crate) fn at(mut self, base_url: String) -> Self {
        let moved = azure::is_azure(&self.base_url) != azure::is_azure(&base_url);
        if let Some(key) = self.key.clone().filter(|_| moved) {
            self.access = Access::with_key(key, key_header(self.kind, &base_url));
        }
        self.base_url = base_url;
        self
    }

    pub(crate) fn key(&self) -> Option<&ApiKey> {
        self.key.as_deref()
    }

    pub(crate) fn party(&self) -> Party {
        Party {
            id: self.id.clone(),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        self.access.identity(&self.base_url)
    }

    pub(crate) fn quirks(&self, model: &str) -> Option<&Quirks> {
        self.quirks.get(model)
    }

    pub(crate) fn dialect(&self, api: Api, model: &str) -> Dialect {
        let server = if self.is_azure() {
            Server::Azure
        } else {
            Server::of(&self.base_url)
        };
        Dialect::new(api, server, model, self.quirks(model))
    }

    /// Returns the name by which the server knows a model.
    pub(crate) fn wire_model<'a>(&'a self, model: &'a str) -> &'a str {
        if self.is_azure() {
            self.deployments.name(model)
        } else {
            model
        }
    }

    pub(crate) fn post(
        &self,
        api: Api,
        request: &Request,
        body: &impl Serialize,
    ) -> Result<PostJson, ProviderError> {
        let party = self.party();
        let url = if self.is_azure() {
            let deployment = self.deployments.name(&request.model);
            // Slashes are none in it, but these two lead upwards by themselves.
            if matches!(deployment, "." | "..") {
                return Err(party.model_name(deployment));
            }
            self.deployments.address(&self.base_url, api, deployment)
        } else {
            self.beside(azure::operation(api))
        };
        let mut post = PostJson::new(&url, body).map_err(|error| party.http(error))?;
        for name in self.session_headers(api, request) {
            if let Some(value) = cache_key(request).and_then(|value| value.parse().ok()) {
                let value: HeaderValue = value;
                post = post.header(name, value);
            }
        }
        let post = self.access.apply(post);
        post.map_err(|error| party.http(error))
    }

    /// Asks which models there are.
    pub(crate) async fn models(
        &self,
        stop: &CancellationToken,
    ) -> Result<Vec<ListedModel>, ProviderError> {
        if self.is_azure() {
            // Its list is of what could be deployed, by names that requests do not use.
            return Err(ProviderError::NoListing {
                provider: self.id.clone(),
            });
        }
        models::list(self, stop).await
    }

    /// Has a model make vectors of texts.
    pub(crate) async fn embed(
        &self,
        request: &EmbeddingRequest,
        stop: &CancellationToken,
    ) -> Result<Embeddings, ProviderError> {
        if self.is_azure() {
            // Its addresses are by deployment, and nothing says which one makes vectors.
            return Err(ProviderError::NoEmbeddings {
                provider: self.id.clone(),
            });
        }
        embeddings::embed(self, request, stop).await
    }

    pub(super) fn post_beside(
        &self,
        name: &str,
        body: &impl Serialize,
    ) -> Result<PostJson, HttpError> {
        self.access.apply(PostJson::new(&self.beside(name), body)?)
    }

    pub(super) fn get(&self, url: &str) -> Result<GetJson, HttpError> {
        self.access.apply(GetJson::new(url)?)
    }

    /// Returns the address of something beside the API, before the query.
    pub(super) fn beside(&self, name: &str) -> String {
        let (base, query) = self
            .base_url
            .split_once('?')
            .unwrap_or((&self.base_url, ""));
        let base = base.trim_end_matches('/');
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{base}/{name}{mark}{query}")
    }

    fn is_azure(&self) -> bool {
        self.kind == Kind::Azure || azure::is_azure(&self.base_url)
    }

    fn session_headers(&self, api: Api, request: &Request) -> Vec<HeaderName> {
        if request.cache == CacheRetention::None {
            return Vec::new();
        }
        let dialect = self.dialect(api, &request.model);
        let routed = dialect.thinking_format() == ThinkingFormat::OpenRouter
            || dialect.quirks.routing.is_some();
        match api {
            Api::Chat if !dialect.does(Switch::SessionAffinityHeaders) => Vec::new(),
            Api::Chat if routed => vec![OPENROUTER_SESSION],
            Api::Chat => AFFINITY.to_vec(),
            Api::Responses if dialect.does(Switch::SessionIdHeader) => vec![SESSION],
            Api::Responses => Vec::new(),
        }
    }
}

fn key_header(kind: Kind, base_url: &str) -> (HeaderName, &'static str) {
    if kind == Kind::Azure || azure::is_azure(base_url) {
        (API_KEY, "")
    } else {
        (header::AUTHORIZATION, "Bearer ")
    }
}

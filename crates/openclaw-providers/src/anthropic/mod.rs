//! Anthropic's Messages API, and whoever else speaks it.
//!
//! Supported: text, pictures, documents, tools, thinking with its signature, redacted thinking, and
//! marks for the provider's prompt cache. Left out: tools that run at the provider, and citations.

mod body;
mod cache;
pub(crate) mod decode;
mod files;
mod models;
mod thinking;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::{ApiKey, ProviderId};
use openclaw_http::{
    GetJson, HeaderName, HeaderValue, HttpClient, HttpError, PostJson, Timeouts, header,
};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use self::body::{Thoughts, Writer};
use crate::error::ProviderError;
use crate::event::EventStream;
use crate::identity::Identity;
use crate::provider::{KeyStyle, ListedModel, Provider, ProviderConfig};
use crate::quirks::{Quirks, fitted};
use crate::request::Request;
use crate::wire::{self, Access, Party};

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
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// The setting that names features of the API which have to be asked for, as text or as a list.
const BETA_PARAM: &str = "anthropicBeta";

/// How a token of a subscription begins, which is no key.
const TOKEN_PREFIX: &str = "sk-ant-oat";

/// The feature that has to be asked for with such a token.
const TOKEN_BETA: &str = "oauth-2025-04-20";

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
    access: Access,
    betas: Option<HeaderValue>,
    base_url: String,
    quirks: BTreeMap<String, Quirks>,
    client: HttpClient,
}

impl AnthropicProvider {
    /// Makes the provider `anthropic` with Anthropic's own address.
    pub fn new(key: ApiKey) -> Self {
        let key = Arc::new(key);
        let own = own_place(&key);
        Self {
            id: ProviderId::from("anthropic"),
            betas: betas(&Map::new(), &own.0),
            access: Access::with_key(Arc::clone(&key), own),
            key,
            base_url: BASE_URL.to_owned(),
            quirks: BTreeMap::new(),
            client: HttpClient::new(Timeouts::default()),
        }
    }

    /// Makes the provider that a configuration describes; Anthropic's own address needs a key, or a
    /// header that stands for it.
    pub fn from_config(config: ProviderConfig) -> Result<Self, ProviderError> {
        let key = config.key();
        let own = key.as_deref().map_or((API_KEY, ""), own_place);
        let sent_as = match config.key_style {
            KeyStyle::Api => own.0.clone(),
            KeyStyle::Bearer | KeyStyle::Header { .. } | KeyStyle::None => API_KEY,
        };
        let access = Access::of(&config, own)?;
        let client = config.client();
        let base_url = config.base_url.unwrap_or_else(|| BASE_URL.to_owned());
        let is_own = base_url.trim_end_matches('/') == BASE_URL;
        if key.is_none() && is_own && config.headers.is_empty() {
            return Err(ProviderError::MissingKey {
                provider: config.id,
            });
        }
        Ok(Self {
            key: key.unwrap_or_else(|| Arc::new(ApiKey::new(String::new()))),
            betas: betas(&config.params, &sent_as),
            access,
            base_url,
            quirks: config.quirks,
            client,
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

    /// Both forms of the address are in use; OpenClaw's has no version.
    fn base(&self) -> &str {
        let base = self.base_url.trim_end_matches('/');
        base.strip_suffix("/v1").unwrap_or(base)
    }

    fn party(&self) -> Party {
        Party {
            id: self.id.clone(),
        }
    }

    fn post(&self, request: &Request, writer: Writer<'_>) -> Result<PostJson, HttpError> {
        let address = format!("{}/v1/messages", self.base());
        let mut post = PostJson::new(&address, &writer.body(request))?
            .header(API_VERSION, HeaderValue::from_static(VERSION));
        if let Some(betas) = &self.betas {
            post = post.header(BETA, betas.clone());
        }
        self.access.apply(post)
    }

    fn get(&self, after: Option<&str>) -> Result<GetJson, HttpError> {
        let mut get = GetJson::new(&models::address(self.base(), after))?
            .header(API_VERSION, HeaderValue::from_static(VERSION));
        if let Some(betas) = &self.betas {
            get = get.header(BETA, betas.clone());
        }
        self.access.apply(get)
    }

    async fn ask(
        &self,
        request: &Request,
        writer: Writer<'_>,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let party = self.party();
        let post = self
            .post(request, writer)
            .map_err(|error| party.http(error))?;
        let decoder = decode::Decoder::new(request);
        wire::open(&self.client, party, post, decoder, stop).await
    }
}

#[async_trait]
impl Provider for AnthropicProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn identity(&self) -> Identity {
        self.access.identity(self.base())
    }

    async fn stream(
        &self,
        request: Request,
        stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let request = fitted(&request, self.quirks.get(&request.model));
        let writer = Writer {
            provider: &self.id,
            thoughts: Thoughts::Returned,
        };
        match self.ask(&request, writer, stop.clone()).await {
            // Another address under the same name cannot read what was signed at the one before.
            Err(error) if refuses_thoughts(&error) && writer.returns_any(&request) => {
                tracing::info!(provider = %self.id, "the provider is asked again without its earlier thoughts");
                let writer = Writer {
                    thoughts: Thoughts::Dropped,
                    ..writer
                };
                self.ask(&request, writer, stop).await
            }
            answered => answered,
        }
    }

    async fn models(&self, stop: CancellationToken) -> Result<Vec<ListedModel>, ProviderError> {
        let party = self.party();
        let mut models = Vec::new();
        let mut after: Option<String> = None;
        let mut seen = BTreeSet::new();
        for page in 1..=models::MAX_PAGES {
            let get = self
                .get(after.as_deref())
                .map_err(|error| party.http(error))?;
            let told: models::Page = wire::get(&self.client, &party, get, &stop).await?;
            after = told.add_to(&mut models, &party);
            // One that comes again leads round in a circle.
            if after
                .as_ref()
                .is_none_or(|after| !seen.insert(after.clone()))
            {
                break;
            }
            if page == models::MAX_PAGES {
                party.tell_more_pages(page);
            }
        }
        let mut ids = BTreeSet::new();
        models.retain(|model: &ListedModel| ids.insert(model.id.clone()));
        Ok(models)
    }
}

/// Tells whether a provider objects to thoughts that it got back.
fn refuses_thoughts(error: &ProviderError) -> bool {
    match error {
        ProviderError::Status {
            status: 400,
            message,
            ..
        } => {
            message.contains("thinking")
                && ["signature", "cannot be modified"]
                    .iter()
                    .any(|words| message.contains(words))
        }
        _ => false,
    }
}

/// Returns where the API has a key by itself; a token of a subscription goes elsewhere.
#[expect(
    clippy::disallowed_methods,
    reason = "only the beginning that all such tokens share is looked at"
)]
fn own_place(key: &ApiKey) -> (HeaderName, &'static str) {
    if key.expose_secret().starts_with(TOKEN_PREFIX) {
        (header::AUTHORIZATION, "Bearer ")
    } else {
        (API_KEY, "")
    }
}

/// Returns the features to ask for; `sent_as` is the header that the key goes into by itself.
fn betas(params: &Map<String, Value>, sent_as: &HeaderName) -> Option<HeaderValue> {
    let token = (*sent_as == header::AUTHORIZATION).then_some(TOKEN_BETA);
    let asked: Vec<&str> = match params.get(BETA_PARAM) {
        Some(Value::String(text)) => text.split(',').collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut names: Vec<&str> = Vec::new();
    for name in token.into_iter().chain(asked).map(str::trim) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let value = HeaderValue::try_from(names.join(","));
    if value.is_err() {
        tracing::warn!(
            setting = BETA_PARAM,
            "it has characters that a header cannot carry"
        );
    }
    value.ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn features_are_asked_for_as_text_or_as_a_list() {
        let asked = |value: Value, place| {
            let params = Map::from_iter([(BETA_PARAM.to_owned(), value)]);
            betas(&params, &place).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(asked(json!("a, b,,a"), API_KEY).unwrap(), "a,b");
        assert_eq!(asked(json!(["a", "b"]), API_KEY).unwrap(), "a,b");
        assert_eq!(asked(json!(1), API_KEY), None);
        assert_eq!(
            asked(json!("a"), header::AUTHORIZATION).unwrap(),
            "oauth-2025-04-20,a"
        );
    }
}

//! Google's Gemini API, and whoever else speaks it.
//!
//! Supported: text, images and documents in, function calling with and without ids, thoughts and
//! the signatures of parts of any kind, usage with cached tokens, every reason for stopping, and the
//! list of models. Left out: tools that run at Google, explicit caches (the API caches by itself),
//! pictures and sound in answers, and Vertex AI, which signs in differently.

mod body;
pub(crate) mod decode;
mod failure;
mod models;
mod schema;
mod signature;
mod thinking;

use std::collections::BTreeSet;

use std::collections::BTreeMap;

use async_trait::async_trait;
use openclaw_core::ProviderId;
use openclaw_http::{GetJson, HeaderName, HttpClient, PostJson};
use tokio_util::sync::CancellationToken;

use crate::error::ProviderError;
use crate::event::EventStream;
use crate::identity::Identity;
use crate::provider::{ListedModel, Provider, ProviderConfig};
use crate::quirks::{Quirks, fitted};
use crate::request::Request;
use crate::wire::{self, Access, Party};

pub(crate) use failure::retry_delay;

/// Where Google's own API is.
pub const BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";

/// The version that is spoken where an address has none.
const VERSION: &str = "/v1beta";

/// The key stands in a header and never in the URL, which logs and proxies keep.
const KEY: (HeaderName, &str) = (HeaderName::from_static("x-goog-api-key"), "");

/// A provider that speaks the Gemini API.
#[derive(Clone, Debug)]
pub struct GoogleProvider {
    id: ProviderId,
    access: Access,
    base_url: String,
    quirks: BTreeMap<String, Quirks>,
    client: HttpClient,
}

impl GoogleProvider {
    /// Makes the provider that a configuration describes; Google's own address needs a key.
    pub fn from_config(config: ProviderConfig) -> Result<Self, ProviderError> {
        let access = Access::of(&config, KEY)?;
        let client = config.client();
        let base_url = versioned(config.base_url.as_deref().unwrap_or(BASE_URL));
        if access.key().is_none() && base_url == BASE_URL {
            return Err(ProviderError::MissingKey {
                provider: config.id,
            });
        }
        Ok(Self {
            access,
            base_url,
            quirks: config.quirks,
            client,
            id: config.id,
        })
    }

    fn party(&self) -> Party {
        Party {
            id: self.id.clone(),
        }
    }
}

/// OpenClaw's configurations name Google's own address with and without its version.
fn versioned(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    match base.strip_suffix("googleapis.com") {
        Some(_bare) => format!("{base}{VERSION}"),
        None => base.to_owned(),
    }
}

/// Returns the model's path; none if the name would lead to another place.
fn path(model: &str) -> Option<String> {
    if !wire::stays_below(model) {
        return None;
    }
    let name = escaped(model, "/:");
    let is_path = ["models/", "tunedModels/"]
        .iter()
        .any(|kind| name.starts_with(kind));
    Some(if is_path {
        name
    } else {
        format!("models/{name}")
    })
}

/// Writes a text so that nothing in it but the characters of `kept` means something in a URL.
fn escaped(text: &str, kept: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-_.~".contains(c) || kept.contains(c) {
            escaped.push(c);
        } else {
            escaped.extend(format!("%{byte:02X}").chars());
        }
    }
    escaped
}

#[async_trait]
impl Provider for GoogleProvider {
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
        let party = self.party();
        let path = path(&request.model).ok_or_else(|| party.model_name(&request.model))?;
        let url = format!("{}/{path}:streamGenerateContent?alt=sse", self.base_url);
        let post = PostJson::new(&url, &body::of(&request, &self.id))
            .and_then(|post| self.access.apply(post))
            .map_err(|error| party.http(error))?;
        let decoder = decode::Decoder::new(&request);
        wire::open(&self.client, party, post, decoder, stop).await
    }

    async fn models(&self, stop: CancellationToken) -> Result<Vec<ListedModel>, ProviderError> {
        let party = self.party();
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        let mut seen = BTreeSet::new();
        for page in 1..=models::MOST_PAGES {
            let get = GetJson::new(&models::url(&self.base_url, token.as_deref()))
                .and_then(|get| self.access.apply(get))
                .map_err(|error| party.http(error))?;
            let told: models::Page = wire::get(&self.client, &party, get, &stop).await?;
            let (models, next) = told.split(&party);
            all.extend(models);
            token = next;
            // One that comes again leads round in a circle.
            if token
                .as_ref()
                .is_none_or(|token| !seen.insert(token.clone()))
            {
                break;
            }
            if page == models::MOST_PAGES {
                party.tell_more_pages(page);
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_version_gets_one_only_at_google() {
        for (given, used) in [
            ("https://generativelanguage.googleapis.com", BASE_URL),
            ("https://generativelanguage.googleapis.com/", BASE_URL),
            (
                "https://generativelanguage.googleapis.com/v1beta/",
                BASE_URL,
            ),
            (
                "http://127.0.0.1:8080/gemini/",
                "http://127.0.0.1:8080/gemini",
            ),
        ] {
            assert_eq!(versioned(given), used);
        }
    }

    #[test]
    fn a_models_name_cannot_leave_its_path() {
        for (model, expected) in [
            ("gemini-2.5-flash", "models/gemini-2.5-flash"),
            ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
            ("tunedModels/mine", "tunedModels/mine"),
            ("a?key=b#c ü", "models/a%3Fkey%3Db%23c%20%C3%BC"),
        ] {
            assert_eq!(path(model).as_deref(), Some(expected));
        }
        for model in [
            "..",
            "../../admin",
            "models/../../admin",
            "models/./a",
            "/admin",
            "models//admin",
            "models/",
            "",
        ] {
            assert_eq!(path(model), None, "{model}");
        }
    }
}

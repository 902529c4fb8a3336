//! Every key that there is for a provider, each with a name that may be shown.

use std::sync::Arc;

use openclaw_config::{ProviderSettings, RequestAuth, SecretInput, record_name};
use openclaw_core::events::AuditEntry;
use openclaw_core::{AgentId, ApiKey, ProviderId};
use openclaw_providers::{KeyStyle, WellKnown};
use serde::Serialize;

use super::known;
use crate::error::GatewayError;
use crate::home::{Home, secret_name};
use crate::sign_ins;

/// How the names of Azure's APIs begin.
const AZURE: &str = "azure-openai-";

/// The variable that the key for Azure's APIs is usually in.
const AZURE_KEY: &str = "AZURE_OPENAI_API_KEY";

/// Where a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A sign-in, made here or by OpenClaw.
    SignIn,
    /// The config (`models.providers.<id>`).
    Config,
    /// `providers.<id>.credentials` of `openclaw-rs.json5`.
    Own,
    /// The record of the credential store that is named like the provider.
    Store,
    /// The environment.
    Environment,
}

impl Origin {
    /// Returns its name for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Config => "config",
            Self::Own => "openclaw-rs.json5",
            Self::Store => "credential store",
            Self::Environment => "environment",
        }
    }
}

/// A key that was found, or that is pointed to and cannot be had.
#[derive(Debug)]
pub struct Found {
    /// Its name: where it is kept, never any part of it.
    pub name: String,
    /// Where it was found.
    pub origin: Origin,
    /// How it is shown to the provider.
    pub style: KeyStyle,
    /// The key, or why it cannot be had.
    pub key: Result<Arc<ApiKey>, GatewayError>,
}

impl Found {
    /// Returns what the audit stream is to say when this was read for a provider.
    pub fn entry(&self, provider: &ProviderId) -> AuditEntry {
        entry(&self.name, provider)
    }
}

/// Returns what the audit stream is to say about a secret that was read for a provider.
pub(super) fn entry(name: &str, provider: &ProviderId) -> AuditEntry {
    AuditEntry::SecretAccessed {
        name: name.to_owned(),
        purpose: format!("provider {provider}"),
    }
}

/// Finds the keys of a provider: sign-ins, the config's, our own file's, the credential store's and
/// the environment's, in this order. A key that is there twice counts once.
///
/// # Security
/// A key of the environment belongs to the provider's own address. Where the config names another
/// one, it is sent there only if there is no other key: a server that refuses one key must not be
/// able to ask for the next.
pub(super) fn find(
    home: &Home,
    agent: &AgentId,
    provider: &ProviderId,
    settings: &ProviderSettings,
) -> Vec<Found> {
    let mut finder = Finder {
        home,
        provider,
        found: Vec::new(),
    };
    let (way, style) = match &settings.request.auth {
        Some(RequestAuth::Bearer(token)) => (Some(("token", token)), KeyStyle::Bearer),
        Some(RequestAuth::Header {
            name,
            prefix,
            value,
        }) => {
            let style = KeyStyle::Header {
                name: name.clone(),
                prefix: prefix.clone(),
            };
            (Some(("value", value)), style)
        }
        None if settings.bearer => (None, KeyStyle::Bearer),
        None => (None, KeyStyle::Api),
    };
    if let Some((member, secret)) = way {
        let path = format!("models.providers.{provider}.request.auth.{member}");
        finder.resolve(Origin::Config, &style, secret, &path);
        finder.own(&style);
        return finder.found;
    }
    for (name, key) in sign_ins::keys(home, agent, provider) {
        finder.push(Found {
            name,
            origin: Origin::SignIn,
            style: style.clone(),
            key,
        });
    }
    if let Some(secret) = &settings.api_key {
        let path = format!("models.providers.{provider}.apiKey");
        finder.resolve(Origin::Config, &style, secret, &path);
    }
    finder.own(&style);
    finder.store(&style);
    finder.environment(&style, settings);
    finder.found
}

struct Finder<'a> {
    home: &'a Home,
    provider: &'a ProviderId,
    found: Vec<Found>,
}

impl Finder<'_> {
    fn push(&mut self, found: Found) {
        let is_same = |known: &Found| match (&known.key, &found.key) {
            (Ok(known), Ok(found)) => known.same(found),
            _ => known.name == found.name,
        };
        if !self.found.iter().any(is_same) {
            self.found.push(found);
        }
    }

    fn resolve(&mut self, origin: Origin, style: &KeyStyle, secret: &SecretInput, path: &str) {
        let found = Found {
            name: secret_name(secret, path),
            origin,
            style: style.clone(),
            key: self.home.secret(secret, path),
        };
        self.push(found);
    }

    fn own(&mut self, style: &KeyStyle) {
        let own = self.home.config.own.providers.get(self.provider);
        let credentials = own.map(|own| own.credentials.as_slice());
        for (index, secret) in credentials.unwrap_or_default().iter().enumerate() {
            let path = format!("providers.{}.credentials.{index}", self.provider);
            self.resolve(Origin::Own, style, secret, &path);
        }
    }

    fn store(&mut self, style: &KeyStyle) {
        let record = record_name(self.provider.as_str());
        // What references call `GOOGLE_VERTEX` is the record `google_vertex`.
        let referred = record.replace('-', "_");
        for name in [record, referred] {
            // A store that has no such record needs no password for this.
            if !self.home.vault().has_file(&name) {
                continue;
            }
            let key = match self.home.vault().get(&name) {
                Ok(Some(key)) => Ok(Arc::new(key)),
                Ok(None) => continue,
                Err(err) => Err(err.into()),
            };
            self.push(Found {
                name,
                origin: Origin::Store,
                style: style.clone(),
                key,
            });
        }
    }

    fn environment(&mut self, style: &KeyStyle, settings: &ProviderSettings) {
        let known = known(self.provider);
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        let at_home = settings.base_url.as_deref().is_none_or(|url| {
            let base_url = known.and_then(|known| known.base_url);
            base_url.map(bare) == Some(bare(url))
        });
        if !at_home && !self.found.is_empty() {
            return;
        }
        // Azure's addresses are its customers' own, so that no provider of that name is known.
        let own = self.home.config.own.providers.get(self.provider);
        let is_azure = own
            .and_then(|own| own.api.as_deref())
            .or(settings.api.as_deref())
            .is_some_and(|api| api.starts_with(AZURE));
        let azure = is_azure.then_some(AZURE_KEY);
        let known = known.into_iter().flat_map(WellKnown::key_variables);
        for name in azure.into_iter().chain(known) {
            let Some(text) = self.home.env.get(name) else {
                continue;
            };
            self.push(Found {
                name: name.to_owned(),
                origin: Origin::Environment,
                style: style.clone(),
                key: Ok(Arc::new(ApiKey::new(text.to_owned()))),
            });
        }
    }
}

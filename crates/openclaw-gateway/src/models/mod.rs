//! From a config to the models that an agent can ask.
//!
//! [`Models::route`] makes of an agent's model and its fallbacks a [`Route`]: each model with every
//! key that there is for its provider (`credentials`), with what is known about it (`facts`, `quirks`), and
//! reached as the config says (`transport`). [`listing`] keeps what providers say about their models.

mod credentials;
mod facts;
pub mod listing;
mod quirks;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::Arc;

use openclaw_config::{AgentSettings, ProviderSettings, Thinking};
use openclaw_core::events::AuditEntry;
use openclaw_core::{AgentId, Clock, ModelRef, Price, ProviderId};
use openclaw_providers::dispatch::{Candidate, Credential, Defaults, Health, Policy, Route};
use openclaw_providers::{
    CacheRetention, Catalogue, Effort, Modality, ModelInfo, Provider, ProviderConfig, WELL_KNOWN,
    WellKnown,
};
use serde_json::{Map, Value};

pub use self::credentials::{Found, Origin};
use self::listing::Listing;
pub use self::quirks::not_followed;
use crate::error::GatewayError;
use crate::home::Home;

/// The models of a home.
#[derive(Debug)]
pub struct Models<'a> {
    home: &'a Home,
    listing: Listing,
}

/// A model that cannot be asked, and why.
#[derive(Debug)]
pub struct Unusable {
    /// The model.
    pub model: ModelRef,
    /// The reason.
    pub error: GatewayError,
}

/// What an agent can ask.
#[derive(Debug)]
pub struct Routed {
    /// Its models, or none if none of them can be asked.
    pub route: Option<Route>,
    /// Those of its models that cannot be asked.
    pub unusable: Vec<Unusable>,
    /// What the audit stream is to say about the secrets that were read.
    pub read: Vec<AuditEntry>,
}

/// A model with everything that it takes to ask it.
#[derive(Debug)]
struct Asked {
    candidate: Candidate,
    read: Vec<AuditEntry>,
}

impl<'a> Models<'a> {
    /// Looks at a home's config, and at what its providers said about their models.
    pub fn of(home: &'a Home) -> Self {
        let listing = Listing::read(&home.state).unwrap_or_else(|err| {
            tracing::warn!(%err, "what providers said about their models is not used");
            Listing::default()
        });
        Self { home, listing }
    }

    /// Returns what an agent can ask: its own model first, then what stands in for it.
    pub fn route(&self, agent: &AgentSettings, health: &Arc<Health>) -> Routed {
        let models = agent.model.iter().chain(&agent.fallbacks);
        self.routed(agent, models, health)
    }

    /// Returns whom an agent can ask about pictures, where the config names somebody.
    pub fn route_of_images(&self, agent: &AgentSettings, health: &Arc<Health>) -> Routed {
        let routed = self.routed(agent, self.home.config.image_models.iter(), health);
        for unusable in &routed.unusable {
            let (model, err) = (&unusable.model, &unusable.error);
            tracing::warn!(%model, %err, "a model for pictures cannot be asked");
        }
        routed
    }

    /// Returns the route to one model, as this agent asks it.
    pub fn route_to(
        &self,
        agent: &AgentSettings,
        model: &ModelRef,
        health: &Arc<Health>,
    ) -> Result<(Route, Vec<AuditEntry>), GatewayError> {
        let asked = self.asked(agent, model)?;
        let route = Route::new(vec![asked.candidate], Arc::clone(health), Policy::default());
        Ok((route, asked.read))
    }

    /// Returns those of an agent's models that cannot be asked.
    pub fn unusable(&self, agent: &AgentSettings) -> Vec<Unusable> {
        let health = Arc::new(Health::new(Clock::system()));
        self.route(agent, &health).unusable
    }

    /// Returns what is known about a model.
    pub fn info(&self, model: &ModelRef) -> ModelInfo {
        let settings = self.settings(&model.provider);
        let of_model = settings.model(&model.model);
        let mut info = self.said(model);
        let url = of_model
            .and_then(|model| model.base_url.as_deref())
            .or(settings.base_url.as_deref());
        let says_a_price = facts::says_a_price(of_model);
        if info.price.is_none() && !says_a_price && url.is_some_and(facts::is_on_this_machine) {
            info.price = Some(facts::on_this_machine(model));
        }
        info
    }

    /// Returns what somebody says about a model.
    fn said(&self, model: &ModelRef) -> ModelInfo {
        let settings = self.settings(&model.provider);
        facts::about(model, &self.listing, settings.model(&model.model))
    }

    /// Tells whether a provider is a program on this computer.
    pub fn is_local(&self, provider: &ProviderId) -> bool {
        let settings = self.settings(provider);
        let known = known(provider).and_then(|known| known.base_url);
        match settings.base_url.as_deref().or(known) {
            Some(url) => facts::is_on_this_machine(url),
            None => Catalogue::built_in().is_free(provider.as_str()),
        }
    }

    /// Returns what the providers said about their models.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// Returns the keys that an agent has for a provider, the preferred one first.
    pub fn credentials(&self, agent: &AgentId, provider: &ProviderId) -> Vec<Found> {
        credentials::find(self.home, agent, provider, &self.settings(provider))
    }

    /// Returns a provider as an agent asks it for the list of its models, and the secrets read for it.
    pub fn provider(
        &self,
        agent: &AgentId,
        provider: &ProviderId,
    ) -> Result<(Arc<dyn Provider>, Vec<AuditEntry>), GatewayError> {
        // What is different about one model says nothing about the list of them all.
        let model = ModelRef {
            provider: provider.clone(),
            model: String::new(),
        };
        let (mut credentials, read) = self.built(agent, &model)?;
        let first = credentials.drain(..).next();
        let first = first.ok_or(GatewayError::UnknownProvider { model })?;
        Ok((first.provider, read))
    }

    fn routed<'m>(
        &self,
        agent: &AgentSettings,
        models: impl Iterator<Item = &'m ModelRef>,
        health: &Arc<Health>,
    ) -> Routed {
        let mut candidates = Vec::new();
        let mut routed = Routed {
            route: None,
            unusable: Vec::new(),
            read: Vec::new(),
        };
        for model in models {
            match self.asked(agent, model) {
                Ok(asked) => {
                    candidates.push(asked.candidate);
                    routed.read.extend(asked.read);
                }
                Err(error) => routed.unusable.push(Unusable {
                    model: model.clone(),
                    error,
                }),
            }
        }
        if !candidates.is_empty() {
            routed.route = Some(Route::new(
                candidates,
                Arc::clone(health),
                Policy::default(),
            ));
        }
        routed
    }

    fn asked(&self, agent: &AgentSettings, model: &ModelRef) -> Result<Asked, GatewayError> {
        let (credentials, read) = self.built(&agent.id, model)?;
        let mut info = self.info(model);
        let known = self.is_known(model);
        if !known {
            // What nobody knows is not denied.
            info.input = vec![Modality::Text, Modality::Image, Modality::Document];
        }
        let own = self.home.config.own.providers.get(&model.provider);
        let candidate = Candidate {
            model: model.clone(),
            credentials,
            defaults: self.defaults(agent, model, &info),
            info: (known || info.price.is_some()).then_some(info),
            stall: own.and_then(|own| own.timeouts.stall),
            rest: own.and_then(|own| own.rest),
        };
        Ok(Asked { candidate, read })
    }

    /// Returns the provider of a model once for each of its keys.
    fn built(
        &self,
        agent: &AgentId,
        model: &ModelRef,
    ) -> Result<(Vec<Credential>, Vec<AuditEntry>), GatewayError> {
        let id = &model.provider;
        let settings = self.settings(id);
        let known = known(id);
        let of_model = settings.model(&model.model);
        let given = of_model
            .and_then(|model| model.base_url.as_deref())
            .or(settings.base_url.as_deref());
        let api = of_model
            .and_then(|model| model.api.as_deref())
            .or(self.own_api(id))
            .or(settings.api.as_deref())
            .or(known.map(|known| known.api_at(given)))
            // As OpenClaw has it for a server that is given by its address alone.
            .or(given.map(|_| "openai-completions"))
            .ok_or_else(|| GatewayError::UnknownProvider {
                model: model.clone(),
            })?;
        let mut read = Vec::new();
        let base_url = given.or(known.and_then(|known| known.base_url));
        let mut params = settings.params.clone();
        params.extend(
            of_model
                .map(|model| model.params.clone())
                .unwrap_or_default(),
        );
        let config = ProviderConfig {
            base_url: base_url.map(str::to_owned),
            headers: transport::headers(self.home, id, &settings, of_model, &mut read)?,
            network: transport::network(self.home, id, &settings.request, &mut read)?,
            timeouts: transport::timeouts(self.home, id, &settings),
            quirks: quirks::of(&settings),
            params,
            tape: self.home.tape.clone(),
            ..ProviderConfig::new(id.clone())
        };
        let failed = |source| GatewayError::Provider {
            id: id.clone(),
            source: Box::new(source),
        };
        let found = credentials::find(self.home, agent, id, &settings);
        let mut credentials = Vec::new();
        let mut first_failure = None;
        for found in found {
            let key = match found.key {
                Ok(key) => key,
                Err(err) => {
                    tracing::warn!(provider = %id, credential = %found.name, %err, "a key cannot be read");
                    first_failure.get_or_insert(err);
                    continue;
                }
            };
            read.push(credentials::entry(&found.name, id));
            let config = ProviderConfig {
                api_key: Some(key),
                key_style: found.style,
                ..config.clone()
            };
            credentials.push(Credential {
                name: found.name,
                provider: openclaw_providers::build(api, config).map_err(failed)?,
            });
        }
        match (credentials.is_empty(), first_failure) {
            (false, _) => Ok((credentials, read)),
            (true, Some(err)) => Err(err),
            (true, None) => {
                let provider = openclaw_providers::build(api, config).map_err(failed)?;
                let name = String::new();
                Ok((vec![Credential { name, provider }], read))
            }
        }
    }

    fn own_api(&self, provider: &ProviderId) -> Option<&str> {
        let own = self.home.config.own.providers.get(provider)?;
        own.api.as_deref()
    }

    fn settings(&self, provider: &ProviderId) -> ProviderSettings {
        let settings = self.home.config.providers.get(provider);
        settings.cloned().unwrap_or_default()
    }

    /// Tells whether anything is known about a model beyond what is taken to hold for all.
    fn is_known(&self, model: &ModelRef) -> bool {
        let mut said = self.said(model);
        let price = said.price.take();
        price.is_some_and(|price| price != Price::FREE) || said != ModelInfo::unknown(&model.model)
    }

    fn defaults(&self, agent: &AgentSettings, model: &ModelRef, info: &ModelInfo) -> Defaults {
        let params = agent.params.of(model);
        let settings = self.settings(&model.provider);
        let of_model = settings.model(&model.model);
        let max_tokens = params
            .get("maxTokens")
            .and_then(Value::as_u64)
            .filter(|tokens| *tokens > 0)
            .map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
        Defaults {
            max_tokens: max_tokens
                .or_else(|| of_model.and_then(|model| model.max_tokens))
                .or(settings.max_tokens),
            effort: agent
                .params
                .thinking(model)
                // A model that cannot think refuses to be told how much.
                .filter(|_| info.reasoning)
                .and_then(effort),
            temperature: params.get("temperature").and_then(Value::as_f64),
            cache: cache(&params),
        }
    }
}

/// Returns what is known about a provider that everybody knows.
pub fn known(provider: &ProviderId) -> Option<&'static WellKnown> {
    WELL_KNOWN
        .iter()
        .find(|known| known.id == provider.as_str())
}

/// Tells whether everybody knows a provider of this name.
pub fn knows_provider(name: &str) -> bool {
    known(&name.into()).is_some()
}

fn effort(thinking: Thinking) -> Option<Effort> {
    Some(match thinking {
        Thinking::Off => Effort::Off,
        Thinking::Minimal => Effort::Minimal,
        Thinking::Low => Effort::Low,
        Thinking::Medium => Effort::Medium,
        Thinking::High => Effort::High,
        Thinking::XHigh => Effort::XHigh,
        Thinking::Max => Effort::Max,
        Thinking::Adaptive => return None,
    })
}

fn cache(params: &Map<String, Value>) -> CacheRetention {
    match params.get("cacheRetention").and_then(Value::as_str) {
        Some("none") => CacheRetention::None,
        Some("long") => CacheRetention::Long,
        _ => CacheRetention::default(),
    }
}

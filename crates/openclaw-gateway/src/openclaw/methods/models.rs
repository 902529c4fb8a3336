//! `models.list`: the models that an agent can be asked to think with.

use std::collections::HashMap;
use std::sync::Arc;

use openclaw_agents::Agent;
use openclaw_core::{Clock, Kind, ModelRef};
use openclaw_ipc::RpcError;
use openclaw_providers::dispatch::Standing;
use openclaw_providers::{Catalogue, Modality, ModelInfo};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task;

use super::agents;
use super::given::Given;
use crate::home::Home;
use crate::models::Models;
use crate::rpc::{Rpc, logged};

/// Which models are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Those that the config has to do with.
    Configured,
    /// All that are known.
    All,
}

/// One model, as OpenClaw's pickers read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Choice {
    id: String,
    name: String,
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u64>,
    reasoning: bool,
    supports_tools: bool,
    input: Vec<&'static str>,
}

/// `models.list`.
pub(super) async fn list(rpc: &Rpc, mut given: Given) -> Result<Value, RpcError> {
    let agent = given.text("agentId");
    let view = given.one_of("view", &["default", "configured", "provider-config", "all"]);
    for name in [
        "includeProviderCapabilities",
        "preparedOnly",
        "refresh",
        "includeDetails",
    ] {
        given.flag(name);
    }
    given.done()?;
    let agent = agents::find(rpc, agent.as_deref())?;
    let view = match view {
        Some("all") => View::All,
        _ => View::Configured,
    };
    let resting = rpc.health.snapshot();
    let Some(home) = rpc.home.get() else {
        return Ok(json!({ "models": of_route(&agent, &resting) }));
    };
    let listing = task::spawn_blocking(move || choices(&home, &agent, view, &resting));
    let models = listing
        .await
        .map_err(|err| logged(&err, Kind::Internal, "the models could not be listed"))?;
    Ok(json!({ "models": models }))
}

/// Returns the models of an agent that no config describes.
fn of_route(agent: &Agent, resting: &[Standing]) -> Vec<Choice> {
    let route = agent.model.as_ref().ok().map(|model| &model.route);
    let candidates = route.into_iter().flat_map(|route| route.candidates());
    let choice = |(place, candidate): (usize, &openclaw_providers::dispatch::Candidate)| {
        let unknown = || ModelInfo::unknown(&candidate.model.model);
        let info = candidate.info.clone().unwrap_or_else(unknown);
        let mut choice = Choice::of(&candidate.model, info, vec![tag(place)]);
        choice.judge(agent, &candidate.model, resting);
        choice
    };
    candidates.enumerate().map(choice).collect()
}

/// Returns the models of a home, those of the agent first. Blocks on the file system.
fn choices(home: &Arc<Home>, agent: &Agent, view: View, resting: &[Standing]) -> Vec<Choice> {
    let models = Models::of(home);
    let mut named: Vec<(ModelRef, Vec<String>)> = Vec::new();
    let mut places: HashMap<ModelRef, usize> = HashMap::new();
    let mut add = |model: ModelRef, tag: Option<String>| {
        let place = *places.entry(model.clone()).or_insert_with(|| {
            named.push((model, Vec::new()));
            named.len().saturating_sub(1)
        });
        if let Some((_, tags)) = named.get_mut(place) {
            tags.extend(tag);
        }
    };
    let settings = home.config.agent(&agent.id);
    let chain = settings
        .into_iter()
        .flat_map(|own| own.model.iter().chain(&own.fallbacks));
    for (place, model) in chain.enumerate() {
        add(model.clone(), Some(tag(place)));
    }
    for (provider, own) in &home.config.providers {
        for model in &own.models {
            let model = reference(provider.as_str(), &model.id);
            add(model, Some("configured".to_owned()));
        }
    }
    for model in home.config.aliases.values() {
        add(model.clone(), None);
    }
    if view == View::All {
        for model in known(&models) {
            add(model, None);
        }
    }
    let choice = |(model, tags): (ModelRef, Vec<String>)| {
        let mut choice = Choice::of(&model, models.info(&model), tags);
        let alias = home
            .config
            .aliases
            .iter()
            .find(|(_, named)| **named == model);
        choice.alias = alias.map(|(alias, _)| alias.clone());
        choice.judge(agent, &model, resting);
        choice
    };
    named.into_iter().map(choice).collect()
}

/// Returns every model that the catalogue or a provider has named.
fn known(models: &Models<'_>) -> Vec<ModelRef> {
    let catalogue = Catalogue::built_in();
    let built_in = catalogue.providers().flat_map(|provider| {
        let ids = catalogue.of(provider).iter().map(|model| &model.id);
        ids.map(|id| reference(provider, id)).collect::<Vec<_>>()
    });
    let listing = models.listing();
    let listed = listing.providers().flat_map(|provider| {
        let said = listing
            .of(provider)
            .into_iter()
            .flat_map(|said| &said.models);
        said.map(|model| reference(provider, &model.id))
            .collect::<Vec<_>>()
    });
    built_in.chain(listed).collect()
}

impl Choice {
    fn of(model: &ModelRef, info: ModelInfo, tags: Vec<String>) -> Self {
        Self {
            id: model.model.clone(),
            name: info.name.unwrap_or_else(|| model.model.clone()),
            provider: model.provider.to_string(),
            alias: None,
            tags,
            available: None,
            unavailable_reason: None,
            unavailable_until: None,
            context_window: info.context_window.filter(|tokens| *tokens > 0),
            reasoning: info.reasoning,
            supports_tools: info.tools,
            input: info.input.iter().copied().map(word).collect(),
        }
    }

    /// Says whether the agent can ask the model now. Of a model that it does not ask, nothing is
    /// said: whether there is a key would have to be looked up, which is put on record each time.
    fn judge(&mut self, agent: &Agent, model: &ModelRef, resting: &[Standing]) {
        let route = agent.model.as_ref().ok().map(|model| &model.route);
        let mut candidates = route.into_iter().flat_map(|route| route.candidates());
        if !candidates.any(|candidate| candidate.model == *model) {
            return;
        }
        let now = Clock::system().now();
        let rests = resting.iter().find(|standing| {
            standing.provider == model.provider
                && standing.credential.is_none()
                && standing.model.as_deref() == Some(model.model.as_str())
                && standing.until.is_some_and(|until| until > now)
        });
        self.available = Some(rests.is_none());
        self.unavailable_reason = rests.map(|_| "cooldown");
        let until = rests.and_then(|standing| standing.until);
        self.unavailable_until = until.map(jiff::Timestamp::as_millisecond);
    }
}

/// Returns what the model at a place of an agent's list is to it.
fn tag(place: usize) -> String {
    match place {
        0 => "default".to_owned(),
        place => format!("fallback#{place}"),
    }
}

fn reference(provider: &str, model: &str) -> ModelRef {
    ModelRef {
        provider: provider.into(),
        model: model.to_owned(),
    }
}

const fn word(modality: Modality) -> &'static str {
    match modality {
        Modality::Text => "text",
        Modality::Image => "image",
        Modality::Document => "document",
        Modality::Audio => "audio",
        Modality::Video => "video",
    }
}

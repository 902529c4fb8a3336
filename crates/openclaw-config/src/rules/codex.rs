//! Whether a model would run on Codex, whose plugin is installed apart.

use serde_json::Value;
use url::Url;

use super::models;
use super::roster;
use super::{ids, walk};

/// The runtime, and the plugin that brings it.
const CODEX: &str = "codex";
/// The provider whose models run on it unless something else is said.
const OPENAI: &str = "openai";

/// Tells whether the plugin would be used, so that its absence matters.
///
/// A model of OpenAI's runs on Codex unless a runtime is named for it, or its requests go
/// elsewhere or are changed on the way.
pub(super) fn is_needed(config: &Value, entry: &Value) -> bool {
    if let Some(enabled) = entry.get("enabled").and_then(Value::as_bool) {
        return enabled;
    }
    let agents = roster::agents(config);
    let mut all_chosen = true;
    for (key, agent) in &agents {
        let primary =
            primary(agent).or_else(|| walk::at(config, &["agents", "defaults"]).and_then(primary));
        all_chosen &= primary.is_some();
        // A model that is named alone is one of the provider that the first choice is of.
        let provider = primary
            .and_then(ids::model)
            .map_or(OPENAI, |(provider, _)| provider);
        let mut names = models::named(config, key, agent).into_iter();
        let needs_it = names.any(|name| {
            let model = openai_model(config, &name, provider);
            model.is_some_and(|model| runs_on_codex(config, agent, &model))
        });
        if needs_it {
            return true;
        }
    }
    providers_need_it(config, &agents)
        || (!all_chosen
            && agents
                .iter()
                .any(|(_, agent)| runs_on_codex(config, agent, "")))
}

fn primary(holder: &Value) -> Option<&str> {
    let model = holder.get("model")?;
    let primary = model.as_str().or_else(|| walk::text(model, &["primary"]));
    primary.filter(|primary| !primary.trim().is_empty())
}

/// Returns the model's name if it is one of OpenAI's.
fn openai_model(config: &Value, name: &str, otherwise: &str) -> Option<String> {
    let known = models::alias(config, name).and_then(ids::model);
    let (provider, model) = ids::model(name).or(known).unwrap_or((otherwise, name));
    (ids::lower(provider) == OPENAI).then(|| model.trim().to_owned())
}

fn providers_need_it(config: &Value, agents: &[(&str, &Value)]) -> bool {
    let Some(provider) = openai(config) else {
        return false;
    };
    let on_codex = |model: &str| {
        agents
            .iter()
            .any(|(_, agent)| runs_on_codex(config, agent, model))
    };
    let says = |holder: &Value| {
        walk::text(holder, &["agentRuntime", "id"]).is_some_and(|id| !id.trim().is_empty())
    };
    let mut models = walk::elements(provider, &["models"]).iter();
    (says(provider) && on_codex(""))
        || models.any(|model| {
            says(model) && walk::text(model, &["id"]).is_some_and(|id| on_codex(id.trim()))
        })
}

fn openai(config: &Value) -> Option<&Value> {
    let mut providers = walk::members(config, &["models", "providers"]);
    providers
        .find(|(id, _)| ids::lower(id) == OPENAI)
        .map(|(_, provider)| provider)
}

/// Tells whether a model of OpenAI's runs on Codex; an empty name is any of them.
fn runs_on_codex(config: &Value, agent: &Value, model: &str) -> bool {
    let provider = openai(config).unwrap_or(&Value::Null);
    let key = format!("{OPENAI}/{model}");
    let of_model = |holder: &Value| {
        let mut entries = walk::members(holder, &["models"]);
        let entry = entries.find(|(name, _)| {
            let name = ids::lower(name);
            name == ids::lower(&key) || name == ids::lower(model)
        });
        entry.and_then(|(_, entry)| runtime(entry))
    };
    let mut rows = walk::elements(provider, &["models"]).iter();
    let row = rows.find(|row| {
        walk::text(row, &["id"]).is_some_and(|id| id.trim() == model || id.trim() == key)
    });
    let defaults = walk::at(config, &["agents", "defaults"]).unwrap_or(&Value::Null);
    let named = of_model(agent)
        .or_else(|| of_model(defaults))
        .or_else(|| row.and_then(runtime))
        .or_else(|| runtime(provider));
    match named.as_deref() {
        Some(CODEX) => true,
        None | Some("auto" | "default") => is_plain(provider),
        Some(_) => false,
    }
}

fn runtime(holder: &Value) -> Option<String> {
    let id = walk::text(holder, &["agentRuntime", "id"])?;
    Some(ids::lower(id)).filter(|id| !id.is_empty())
}

/// Tells whether requests go to OpenAI as they are.
fn is_plain(provider: &Value) -> bool {
    let url = walk::text(provider, &["baseUrl"])
        .unwrap_or_default()
        .trim();
    let api = walk::text(provider, &["api"]);
    let url = Url::parse(url).ok().filter(|_| !url.is_empty());
    let fits = match url.as_ref().and_then(Url::host_str) {
        Some("api.openai.com") => matches!(api, None | Some("openai-responses")),
        Some("chatgpt.com") => matches!(api, None | Some("openai-chatgpt-responses")),
        Some(_) => false,
        None => matches!(
            api,
            None | Some("openai-responses" | "openai-chatgpt-responses")
        ),
    };
    let changed = ["headers", "request", "params", "localService", "authHeader"];
    fits && !changed.iter().any(|key| provider.get(*key).is_some())
}

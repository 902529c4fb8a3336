//! The model that an agent used without being told to.
//!
//! Small tasks have a model of their own since 2026.9. Where no model was named, the one that was
//! found by itself is written down, so that the new choice does not take its place.

use serde_json::Value;

use super::policy::{done, is_done, primary};
use super::refs::split_profile;
use crate::migration::log::{Log, at, below};
use crate::migration::scope::Scope;
use crate::migration::tree::{
    Record, array_at, canonical_id, folded, made, record_at, take, text_at, trimmed,
};

const MARK: &str = "utilityModelSeparation";
const DEFAULT_PROVIDER: &str = "openai";
const DEFAULT_MODEL: &str = "gpt-6-astra";
const DEFAULTS: [&str; 2] = ["agents", "defaults"];

/// Moves the default model of the root to the defaults of agents.
pub(in crate::migration) fn default_model(root: &mut Record, log: &mut Log) {
    let Some(model) = take(root, "defaultModel") else {
        return;
    };
    let from = at(&["defaultModel"]);
    let to = at(&["agents", "defaults", "model"]);
    let defaults = record_at(root, &DEFAULTS);
    if defaults.is_some_and(|defaults| defaults.contains_key("model")) {
        log.superseded(&from, &to);
    } else if model.is_string() {
        made(root, &DEFAULTS).insert("model".to_owned(), model);
        log.moved(&from, &to);
    } else {
        log.removed(&from, "it named no model");
    }
}

/// Writes down the model that was found by itself; `original` is the config as its author wrote it.
pub(in crate::migration) fn implicit(root: &mut Record, original: &Record, log: &mut Log) {
    if has_include(&Value::Object(original.clone()))
        || ![&*root, original].into_iter().all(is_understood)
        || is_done(original, MARK)
    {
        return;
    }
    let old_defaults = record_at(original, &DEFAULTS);
    let has_primary = |root: &Record| {
        let defaults = record_at(root, &DEFAULTS);
        primary(defaults.and_then(|defaults| defaults.get("model"))).is_some()
    };
    if has_primary(original) || has_primary(root) {
        return;
    }
    let found = found_by_itself(original);
    let is_gone = has_model(original, &found) && !has_model(root, &found);
    let found = if is_gone {
        found_by_itself(root)
    } else {
        found
    };
    let is_fixed = can_be_fixed(original, &found) && (!is_gone || can_be_fixed(root, &found));
    let utility = old_defaults
        .and_then(|defaults| defaults.get("utilityModel"))
        .cloned();
    let is_named = |model: Option<&Value>| {
        model
            .and_then(Value::as_str)
            .is_some_and(|model| !model.trim().is_empty())
    };
    if !is_fixed {
        return;
    }
    let before = log.len();
    if first_models(original).next().is_some() || is_named(utility.as_ref()) {
        let defaults = made(root, &DEFAULTS);
        write_down(defaults, &found);
        let path = at(&["agents", "defaults", "model", "primary"]);
        log.set(&path, "to the model that was found by itself");
    } else {
        let old = old_agents(original);
        Scope::Agents.visit(root, &mut |agent, path| {
            let is_keyed = path.segments().get(1).is_some_and(|form| form == "entries");
            let key = path.segments().last().map(String::as_str);
            let id = key.filter(|_| is_keyed).or(text_at(agent, &["id"]));
            let id = canonical(id.unwrap_or_default());
            let old = old.iter().rev().find(|(own, _)| *own == id);
            let Some((_, old)) = old else {
                return;
            };
            let has_utility = is_named(old.get("utilityModel").or(utility.as_ref()));
            let named = [old.get("model"), agent.get("model")].map(primary);
            if has_utility && named == [None, None] {
                write_down(agent, &found);
                let path = below(path, &["model", "primary"]);
                log.set(&path, "to the model that was found by itself");
            }
        });
    }
    if log.len() > before {
        done(root, MARK);
    }
}

fn write_down(owner: &mut Record, model: &str) {
    made(owner, &["model"]).insert("primary".to_owned(), Value::from(model));
}

fn has_include(value: &Value) -> bool {
    match value {
        Value::Object(record) => {
            record.contains_key("$include") || record.values().any(has_include)
        }
        Value::Array(list) => list.iter().any(has_include),
        _ => false,
    }
}

/// Tells whether everything that is looked at has the form it must have.
fn is_understood(root: &Record) -> bool {
    let is_record = |value: Option<&Value>| value.is_none_or(Value::is_object);
    let meta = root.get("meta");
    let migrations = meta.and_then(|meta| meta.get("migrations"));
    let mark = migrations.and_then(|migrations| migrations.get(MARK));
    let agents = root.get("agents");
    let defaults = agents.and_then(|agents| agents.get("defaults"));
    let model = defaults.and_then(|defaults| defaults.get("model"));
    let is_marked = mark.is_none_or(|mark| *mark == Value::Bool(true));
    let is_agent = |agent: &Value| agent.is_object() && is_model(agent.get("model"));
    let entries = agents.and_then(|agents| agents.get("entries"));
    let list = agents.and_then(|agents| agents.get("list"));
    let roster = match (entries, list) {
        (Some(Value::Object(entries)), _) => entries.values().all(is_agent),
        (None, Some(Value::Array(list))) => {
            let has_id = |agent: &Value| agent.get("id").is_some_and(Value::is_string);
            list.iter().all(|agent| is_agent(agent) && has_id(agent))
        }
        (None, None) => true,
        _ => false,
    };
    let places = [meta, migrations, agents, defaults];
    places.into_iter().all(is_record) && is_marked && is_model(model) && roster
}

fn is_model(model: Option<&Value>) -> bool {
    match model {
        None | Some(Value::String(_)) => true,
        Some(Value::Object(choice)) => choice.get("primary").is_none_or(Value::is_string),
        Some(_) => false,
    }
}

/// Goes through the providers that have a list of models.
fn providers(root: &Record) -> impl Iterator<Item = (String, &Vec<Value>)> {
    let providers = record_at(root, &["models", "providers"]);
    providers
        .into_iter()
        .flatten()
        .filter_map(|(id, provider)| {
            Some((folded(id), array_at(provider.as_object()?, &["models"])?))
        })
}

fn id_of(model: &Value) -> Option<&str> {
    model.get("id")?.as_str().filter(|id| !id.is_empty())
}

/// Goes through the models that stand first in their provider's list.
fn first_models(root: &Record) -> impl Iterator<Item = String> {
    providers(root).filter_map(|(provider, models)| {
        let id = models.first().and_then(id_of)?;
        Some(format!("{provider}/{id}"))
    })
}

/// Returns the model that was used where none was named.
fn found_by_itself(root: &Record) -> String {
    let default = format!("{DEFAULT_PROVIDER}/{DEFAULT_MODEL}");
    if has_model(root, &default) {
        return default;
    }
    first_models(root).next().unwrap_or(default)
}

fn has_model(root: &Record, reference: &str) -> bool {
    providers(root).any(|(provider, models)| {
        let mut ids = models.iter().filter_map(id_of);
        ids.any(|id| {
            reference
                .strip_prefix(&provider)
                .and_then(|id| id.strip_prefix('/'))
                == Some(id)
        })
    })
}

/// A name that a variable fills in may be another one tomorrow.
fn can_be_fixed(root: &Record, found: &str) -> bool {
    let is_fixed = |text: &str| !text.contains("${");
    let mut all = providers(root).flat_map(|(_, models)| models.iter().filter_map(id_of));
    is_fixed(found) && split_profile(found) == (found, None) && all.all(is_fixed)
}

fn canonical(id: &str) -> String {
    canonical_id(id).unwrap_or_else(|| "main".to_owned())
}

fn old_agents(original: &Record) -> Vec<(String, &Record)> {
    let Some(agents) = record_at(original, &["agents"]) else {
        return Vec::new();
    };
    if let Some(entries) = record_at(agents, &["entries"]) {
        return entries
            .iter()
            .filter_map(|(id, agent)| Some((canonical(id), agent.as_object()?)))
            .collect();
    }
    let list = array_at(agents, &["list"]).into_iter().flatten();
    list.filter_map(Value::as_object)
        .map(|agent| (canonical(trimmed(agent, "id").unwrap_or_default()), agent))
        .collect()
}

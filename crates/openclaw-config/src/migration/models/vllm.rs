//! How Qwen's models think with vLLM: a property of each model, not a parameter.

use serde_json::{Value, json};

use super::refs::split_profile;
use crate::migration::agents::selected;
use crate::migration::log::{Log, at, below};
use crate::migration::scope::{Scope, listed_agents};
use crate::migration::tree::{
    Record, array_at, folded, keys, made, prune, record_at, record_at_mut, take, text_at,
};
use crate::problem::KeyPath;

/// The dialects of thinking that a model can have.
pub(super) const DIALECTS: [&str; 7] = [
    "openai",
    "openrouter",
    "deepseek",
    "together",
    "qwen",
    "qwen-chat-template",
    "zai",
];

const NAMES: [&str; 2] = ["qwenThinkingFormat", "qwen_thinking_format"];
const PROVIDERS: [&str; 2] = ["models", "providers"];
const VLLM: &str = "vllm";

/// A parameter that said how to think: where it stood, and what it asked for.
struct Parameter {
    path: KeyPath,
    dialect: Option<&'static str>,
}

/// Moves the parameter to the models that it was meant for.
pub(in crate::migration) fn thinking(root: &mut Record, log: &mut Log) {
    of_default_models(root, log);
    of_own_models(root, log);
    of_provider(root, log);
    of_defaults(root, log);
    of_agents(root, log);
}

/// Takes the parameter out of `params`, and those out that are empty then.
fn take_parameter(owner: &mut Record, path: &KeyPath) -> Option<Parameter> {
    let params = record_at_mut(owner, &["params"])?;
    let taken = NAMES.map(|name| take(params, name));
    let (name, value) = NAMES
        .into_iter()
        .zip(taken)
        .find_map(|(name, value)| Some((name, value?)))?;
    prune(owner, "params");
    Some(Parameter {
        path: below(path, &["params", name]),
        dialect: value.as_str().and_then(dialect),
    })
}

fn has_parameter(owner: &Record) -> bool {
    let params = record_at(owner, &["params"]);
    params.is_some_and(|params| NAMES.iter().any(|name| params.contains_key(*name)))
}

fn dialect(text: &str) -> Option<&'static str> {
    let words = folded(text).replace(|c: char| c == '_' || c.is_whitespace(), "-");
    let words: Vec<&str> = words.split('-').collect();
    let text = words
        .iter()
        .filter(|word| !word.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("-");
    match text.as_str() {
        "chat-template"
        | "chat-template-argument"
        | "chat-template-arguments"
        | "chat-template-kwarg"
        | "chat-template-kwargs"
        | "qwen-chat-template" => Some("qwen-chat-template"),
        "enable-thinking" | "qwen" | "request-body" | "top-level" => Some("qwen"),
        _ => None,
    }
}

/// Returns the model of vLLM that a reference names.
fn own_model(reference: &str) -> Option<String> {
    let (reference, _) = split_profile(reference);
    let (provider, model) = reference.trim().split_once('/')?;
    let model = model.trim();
    let is_own = folded(provider) == VLLM && !model.is_empty() && model != "*";
    is_own.then(|| model.to_owned())
}

fn own_models(owner: &Record) -> Vec<String> {
    let chosen = selected(owner.get("model"));
    let keyed = record_at(owner, &["models"]).map(keys).unwrap_or_default();
    let keyed = keyed.iter().map(String::as_str);
    chosen
        .into_iter()
        .chain(keyed)
        .filter_map(own_model)
        .collect()
}

/// Returns the key under which vLLM is configured.
fn provider_key(root: &Record) -> Option<String> {
    let providers = record_at(root, &PROVIDERS)?;
    keys(providers).into_iter().find(|key| folded(key) == VLLM)
}

fn provider(root: &mut Record) -> Option<&mut Record> {
    let key = provider_key(root)?;
    record_at_mut(root, &[PROVIDERS[0], PROVIDERS[1], &key])
}

/// Returns the indexes of the models that vLLM has already.
fn standing(root: &mut Record) -> Vec<usize> {
    let models = provider(root).and_then(|vllm| array_at(vllm, &["models"]));
    let models = models.into_iter().flatten().enumerate();
    models
        .filter(|(_, model)| model.is_object())
        .map(|(index, _)| index)
        .collect()
}

/// Returns the index of a model of vLLM, adding it if it has none; nothing when none can be added.
fn found_or_added(root: &mut Record, id: &str) -> Option<usize> {
    let key = provider_key(root).unwrap_or_else(|| VLLM.to_owned());
    for place in [
        &PROVIDERS[..1],
        &PROVIDERS,
        &[PROVIDERS[0], PROVIDERS[1], &key],
    ] {
        let (last, parents) = place.split_last()?;
        let owner = record_at_mut(root, parents)?;
        owner
            .entry(*last)
            .or_insert_with(|| json!({}))
            .as_object()?;
    }
    let vllm = record_at_mut(root, &[PROVIDERS[0], PROVIDERS[1], &key])?;
    let models = vllm
        .entry("models")
        .or_insert_with(|| json!([]))
        .as_array_mut()?;
    let names = [id.to_owned(), format!("{VLLM}/{id}")];
    let found = models.iter().position(|model| {
        let own = model.get("id").and_then(Value::as_str);
        own.is_some_and(|own| names.iter().any(|name| name == own))
    });
    Some(found.unwrap_or_else(|| {
        models.push(json!({ "id": id, "name": id }));
        models.len() - 1
    }))
}

fn all_found_or_added(root: &mut Record, ids: &[String]) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for id in ids {
        if let Some(index) = found_or_added(root, id)
            && !found.contains(&index)
        {
            found.push(index);
        }
    }
    found
}

/// Gives a parameter to models.
fn give(root: &mut Record, parameter: &Parameter, models: &[usize], log: &mut Log) {
    let Some(dialect) = parameter.dialect else {
        log.removed(&parameter.path, "it names no way to think that is known");
        return;
    };
    if models.is_empty() {
        log.removed(
            &parameter.path,
            "no model of vLLM is named that it could be meant for",
        );
    }
    let key = provider_key(root).unwrap_or_else(|| VLLM.to_owned());
    for index in models {
        let list = provider(root).and_then(|vllm| vllm.get_mut("models"));
        let model = list
            .and_then(|list| list.get_mut(*index))
            .and_then(Value::as_object_mut);
        let Some(model) = model else {
            continue;
        };
        let to = at(&PROVIDERS).key(&key).key("models").index(*index);
        let to = below(&to, &["compat", "thinkingFormat"]);
        model.entry("reasoning").or_insert(Value::Bool(true));
        let compat = made(model, &["compat"]);
        if text_at(compat, &["thinkingFormat"]).is_some_and(|own| DIALECTS.contains(&own)) {
            log.superseded(&parameter.path, &to);
        } else {
            compat.insert("thinkingFormat".to_owned(), Value::from(dialect));
            log.moved(&parameter.path, &to);
        }
    }
}

fn of_default_models(root: &mut Record, log: &mut Log) {
    let place = ["agents", "defaults", "models"];
    let listed = record_at(root, &place).map(keys).unwrap_or_default();
    for key in listed {
        let entry = record_at(root, &place).and_then(|models| record_at(models, &[&key]));
        let Some(id) = own_model(&key).filter(|_| entry.is_some_and(has_parameter)) else {
            continue;
        };
        let models = record_at_mut(root, &place);
        let Some(entry) = models.and_then(|models| record_at_mut(models, &[&key])) else {
            continue;
        };
        let before = entry.clone();
        let Some(parameter) = take_parameter(entry, &at(&place).key(&key)) else {
            continue;
        };
        let target = parameter.dialect.and_then(|_| found_or_added(root, &id));
        if parameter.dialect.is_some() && target.is_none() {
            // There is nowhere to move it to, so that it stays.
            made(root, &place).insert(key, Value::Object(before));
            continue;
        }
        give(root, &parameter, target.as_slice(), log);
    }
}

fn of_own_models(root: &mut Record, log: &mut Log) {
    let key = provider_key(root).unwrap_or_default();
    for index in standing(root) {
        let models = provider(root).and_then(|vllm| vllm.get_mut("models"));
        let model = models
            .and_then(|models| models.get_mut(index))
            .and_then(Value::as_object_mut);
        let path = at(&PROVIDERS).key(&key).key("models").index(index);
        if let Some(parameter) = model.and_then(|model| take_parameter(model, &path)) {
            give(root, &parameter, &[index], log);
        }
    }
}

fn of_provider(root: &mut Record, log: &mut Log) {
    let path = at(&PROVIDERS).key(&provider_key(root).unwrap_or_default());
    let Some(parameter) = provider(root).and_then(|vllm| take_parameter(vllm, &path)) else {
        return;
    };
    let mut ids = record_at(root, &["agents", "defaults"])
        .map(own_models)
        .unwrap_or_default();
    ids.extend(listed_agents(root).into_iter().flat_map(own_models));
    let mut models = standing(root);
    for index in all_found_or_added(root, &ids) {
        if !models.contains(&index) {
            models.push(index);
        }
    }
    give(root, &parameter, &models, log);
}

fn of_defaults(root: &mut Record, log: &mut Log) {
    let path = at(&["agents", "defaults"]);
    let Some(defaults) = record_at_mut(root, &["agents", "defaults"]) else {
        return;
    };
    let ids = own_models(defaults);
    if let Some(parameter) = take_parameter(defaults, &path) {
        let models = meant(root, &ids);
        give(root, &parameter, &models, log);
    }
}

fn of_agents(root: &mut Record, log: &mut Log) {
    let defaults = record_at(root, &["agents", "defaults"]);
    let defaults = defaults.map(own_models).unwrap_or_default();
    let mut found = Vec::new();
    Scope::Agents.visit(root, &mut |agent, path| {
        let ids = own_models(agent);
        let ids = if ids.is_empty() {
            defaults.clone()
        } else {
            ids
        };
        if let Some(parameter) = take_parameter(agent, path) {
            found.push((parameter, ids));
        }
    });
    for (parameter, ids) in found {
        let models = meant(root, &ids);
        give(root, &parameter, &models, log);
    }
}

/// Returns the models that are named, or else all that there are.
fn meant(root: &mut Record, ids: &[String]) -> Vec<usize> {
    if ids.is_empty() {
        standing(root)
    } else {
        all_found_or_added(root, ids)
    }
}

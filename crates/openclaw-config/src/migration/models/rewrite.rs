//! Every reference to a model in a config, brought to what the model is called today.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::refs::{current, current_id};
use crate::migration::log::Log;
use crate::migration::tree::{Record, fill};
use crate::problem::KeyPath;

/// Keys whose text names a model.
const NAMES: [&str; 11] = [
    "model",
    "primary",
    "summaryModel",
    "imageModel",
    "utilityModel",
    "voiceModel",
    "imageGenerationModel",
    "musicGenerationModel",
    "pdfModel",
    "videoGenerationModel",
    "preferredModel",
];
/// Keys whose list names models.
const LISTS: [&str; 5] = [
    "fallback",
    "fallbacks",
    "allowedModels",
    "modelFallbacks",
    "imageModelFallbacks",
];
/// The key whose object is keyed by models.
const KEYED: &str = "models";

/// Brings every reference up to date.
pub(in crate::migration) fn all(root: &mut Record, log: &mut Log) {
    record(root, &KeyPath::root(), log);
}

fn value(value: &mut Value, path: &KeyPath, log: &mut Log) {
    match value {
        Value::String(text) if names_model(path) => reference(text, path, log),
        Value::Array(list) => {
            let names = lists_models(path);
            for (index, entry) in list.iter_mut().enumerate() {
                let path = path.index(index);
                match entry {
                    Value::String(text) if names => reference(text, &path, log),
                    _ => self::value(entry, &path, log),
                }
            }
        }
        Value::Object(own) => record(own, path, log),
        _ => {}
    }
}

fn reference(text: &mut String, path: &KeyPath, log: &mut Log) {
    if let Some(new) = current(text) {
        log.renamed(path, text, &new);
        *text = new;
    }
}

/// The last name of a path; a key with points in it counts by what is after the last one.
fn key_of(path: &KeyPath) -> &str {
    let last = path.segments().last().map(String::as_str);
    last.and_then(|key| key.rsplit('.').next())
        .unwrap_or_default()
}

fn is_below(path: &KeyPath, parent: &str) -> bool {
    let parents = path.segments().split_last().map(|(_, parents)| parents);
    parents.is_some_and(|parents| parents.iter().any(|key| key == parent))
}

fn names_model(path: &KeyPath) -> bool {
    let key = key_of(path);
    let makes_media = ["image", "video", "music"].contains(&key) && is_below(path, "mediaModels");
    NAMES.contains(&key) || makes_media || is_below(path, "modelByChannel")
}

fn lists_models(path: &KeyPath) -> bool {
    LISTS.contains(&key_of(path)) || ends_with(path, &["modelPolicy", "allow"])
}

fn ends_with(path: &KeyPath, end: &[&str]) -> bool {
    let keys = path.segments().iter().map(String::as_str).rev();
    path.segments().len() >= end.len() && keys.zip(end.iter().rev()).all(|(key, end)| key == *end)
}

fn record(own: &mut Record, path: &KeyPath, log: &mut Log) {
    let pair = ["provider", "model"].map(|key| own.get(key).and_then(Value::as_str));
    let is_pair = pair.iter().all(Option::is_some);
    if let [Some(provider), Some(model)] = pair.map(|part| part.map(str::to_owned))
        && !provider.trim().is_empty()
    {
        let old = format!("{provider}/{model}");
        let new = current(&old);
        if let Some((new_provider, new_model)) = new.as_deref().and_then(|new| new.split_once('/'))
        {
            own.insert("provider".to_owned(), Value::from(new_provider));
            own.insert("model".to_owned(), Value::from(new_model));
            log.renamed(&path.key("model"), &old, new.as_deref().unwrap_or_default());
        }
    }
    if ends_with(path, &["models", "providers"]) {
        catalogs(own, path, log);
    }
    if key_of(path) == KEYED {
        keyed(own, path, log);
    }
    for (key, child) in own.iter_mut() {
        if !(is_pair && key == "model") {
            value(child, &path.key(key), log);
        }
    }
}

/// Renames the keys of an object that is keyed by models, and merges those that become the same.
fn keyed(own: &mut Record, path: &KeyPath, log: &mut Log) {
    // A blank key names no model.
    let current = |key: &str| current(key).filter(|new| !new.is_empty());
    if !own.keys().any(|key| current(key).is_some()) {
        return;
    }
    let old = std::mem::take(own);
    let mut waiting = old.clone();
    for (key, entry) in old {
        let new = current(&key);
        if new.is_none() && !waiting.contains_key(&key) {
            continue;
        }
        let target = new.as_deref().unwrap_or(&key);
        if let Some(new) = &new {
            log.renamed(&path.key(&key), &key, new);
            // What stands under the new name already comes first.
            if !own.contains_key(new)
                && let Some(standing) = waiting.swap_remove(new)
            {
                own.insert(new.clone(), standing);
            }
        }
        match own.get_mut(target) {
            Some(Value::Object(standing)) => {
                if let Value::Object(entry) = entry {
                    fill(standing, entry);
                }
                log.merged(&path.key(&key), &path.key(target));
            }
            Some(_) => log.superseded(&path.key(&key), &path.key(target)),
            None => {
                own.insert(target.to_owned(), entry);
            }
        }
    }
}

/// Renames the models in the providers' own lists, and merges those that become the same.
fn catalogs(providers: &mut Record, path: &KeyPath, log: &mut Log) {
    for (id, provider) in providers {
        if let Some(Value::Array(models)) = provider.get_mut(KEYED) {
            catalog(id, models, &path.key(id).key(KEYED), log);
        }
    }
}

fn catalog(provider: &str, models: &mut Vec<Value>, path: &KeyPath, log: &mut Log) {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut renamed: BTreeSet<String> = BTreeSet::new();
    for (index, model) in models.iter().enumerate() {
        let Some(old) = model.get("id").and_then(Value::as_str) else {
            continue;
        };
        let new = current_id(provider, old);
        if new != old {
            renamed.insert(new.clone());
        }
        groups.entry(new).or_default().push(index);
    }
    groups.retain(|id, _| renamed.contains(id));
    let mut firsts = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for (id, group) in groups {
        let Some((first, others)) = group.split_first() else {
            continue;
        };
        gone.extend(others.iter().copied());
        let group = group
            .iter()
            .filter_map(|index| Some((*index, models.get(*index)?)));
        firsts.insert(*first, one_of(&id, &group.collect::<Vec<_>>(), path, log));
    }
    for (index, model) in firsts {
        if let Some(row) = models.get_mut(index) {
            *row = model;
        }
    }
    let mut index = 0;
    models.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
}

/// Makes one model of those that have the same name now; the one that had it already comes first.
fn one_of(id: &str, group: &[(usize, &Value)], path: &KeyPath, log: &mut Log) -> Value {
    let is_named = |model: &Value| model.get("id").and_then(Value::as_str) == Some(id);
    let mut sorted: Vec<&(usize, &Value)> = group.iter().collect();
    sorted.sort_by_key(|(_, model)| !is_named(model));
    let mut merged = Record::new();
    for (index, model) in sorted {
        let path = path.index(*index);
        if let Some(old) = model
            .get("id")
            .and_then(Value::as_str)
            .filter(|old| *old != id)
        {
            log.renamed(&path.key("id"), old, id);
        }
        let mut own = model.as_object().cloned().unwrap_or_default();
        own.insert("id".to_owned(), Value::from(id));
        fill(&mut merged, own);
    }
    Value::Object(merged)
}

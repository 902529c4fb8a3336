//! Tasks for models: which models they may choose.

use serde_json::{Value, json};

use crate::migration::log::{Log, at, below};
use crate::migration::models::known;
use crate::migration::models::refs::split;
use crate::migration::tree::{Record, folded, made, record_at, record_at_mut, take};

/// Tasks for models were free to choose one; that is a permission of the plugin now.
pub(super) fn choices(root: &mut Record, log: &mut Log) {
    let place = ["plugins", "entries", "llm-task"];
    let Some(entry) = record_at_mut(root, &place) else {
        return;
    };
    let old = record_at_mut(entry, &["config"]).and_then(|config| take(config, "allowedModels"));
    let missing = ["allowModelOverride", "allowAuthProfileOverride"];
    let llm = record_at(entry, &["llm"]);
    let is_missing = |key: &&str| llm.is_none_or(|llm| !llm.contains_key(*key));
    let missing: Vec<&str> = missing.into_iter().filter(|key| is_missing(key)).collect();
    if old.is_none() && missing.is_empty() {
        return;
    }
    made(entry, &["config"]);
    let llm = made(entry, &["llm"]);
    for key in missing {
        llm.insert(key.to_owned(), Value::Bool(true));
        let path = below(&at(&place), &["llm", key]);
        log.set(&path, "on, because tasks chose their models before");
    }
    let Some(old) = old else {
        return;
    };
    let from = below(&at(&place), &["config", "allowedModels"]);
    let to = below(&at(&place), &["llm", "allowedCompletionModels"]);
    let models = match old.as_array() {
        Some(list) if list.is_empty() => None,
        Some(list) => Some(
            list.iter()
                .filter_map(Value::as_str)
                .filter(|model| is_literal(model)),
        ),
        None => None,
    };
    let is_list = old.is_array();
    if llm.contains_key("allowedCompletionModels") {
        log.superseded(&from, &to);
    } else if let Some(models) = models {
        llm.insert("allowedCompletionModels".to_owned(), models.collect());
        log.moved(&from, &to);
    } else if is_list {
        log.removed(&from, "an empty list allowed every model");
    } else {
        llm.insert("allowedCompletionModels".to_owned(), json!([]));
        log.removed(&from, "it was no list; no model is allowed");
    }
}

/// Tells whether a reference names a model by the very name that its provider uses.
fn is_literal(reference: &str) -> bool {
    let Some((provider, model)) = split(reference) else {
        return false;
    };
    format!("{provider}/{model}") == reference
        && folded(provider) == provider
        && known::literal(provider, model)
}

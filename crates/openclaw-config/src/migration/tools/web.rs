//! Searching and reading the web: each provider's settings belong to its plugin.

use serde_json::Value;

use crate::migration::log::{Log, at};
use crate::migration::tree::{
    Record, fill, folded, is_blocked, keys, made, prune, record_at, record_at_mut, take,
    take_record, text_at,
};
use crate::problem::KeyPath;

/// The providers of a web search whose settings stood in `tools.web.search`, and their plugins.
const SEARCHES: [(&str, &str); 11] = [
    ("brave", "brave"),
    ("duckduckgo", "duckduckgo"),
    ("exa", "exa"),
    ("firecrawl", "firecrawl"),
    ("gemini", "google"),
    ("grok", "xai"),
    ("kimi", "moonshot"),
    ("minimax", "minimax"),
    ("ollama", "ollama"),
    ("perplexity", "perplexity"),
    ("searxng", "searxng"),
];

const SEARCH: [&str; 3] = ["tools", "web", "search"];
const X_SEARCH: [&str; 3] = ["tools", "web", "x_search"];
const SECRET: &str = "apiKey";

/// Grok's models that are gone, by what they were used for.
const REASONING: [&str; 5] = [
    "grok-4-1-fast",
    "grok-4-1-fast-reasoning",
    "grok-4-fast",
    "grok-4-fast-reasoning",
    "grok-4-0709",
];
const PLAIN: [&str; 3] = [
    "grok-4-1-fast-non-reasoning",
    "grok-4-fast-non-reasoning",
    "grok-3",
];
const CODING: [&str; 3] = [
    "grok-code-fast-1",
    "grok-code-fast",
    "grok-code-fast-1-0825",
];

/// Tells which of Grok's models stands for a retired one in a search.
pub(in crate::migration) fn reasoning_successor(model: &str) -> Option<&'static str> {
    successor(model, &REASONING)
}

/// Tells which of Grok's models stands for a retired one in a search of X.
pub(in crate::migration) fn plain_successor(model: &str) -> Option<&'static str> {
    successor(model, &PLAIN)
}

/// Tells whether a model is one of Grok's that could see and is gone.
pub(in crate::migration) fn is_retired_reasoning(model: &str) -> bool {
    REASONING.contains(&folded(model).as_str())
}

fn successor(model: &str, retired: &[&str]) -> Option<&'static str> {
    let model = folded(model);
    if retired.contains(&model.as_str()) {
        Some("grok-4.3")
    } else {
        CODING.contains(&model.as_str()).then_some("grok-build-0.1")
    }
}

/// Gives the settings of web searches to the plugins of their providers.
pub(in crate::migration) fn search(root: &mut Record, log: &mut Log) {
    let Some(search) = record_at_mut(root, &SEARCH) else {
        return;
    };
    let has_settings = |id: &str| record_at(search, &[id]).is_some_and(|own| !own.is_empty());
    if !search.contains_key(SECRET) && !SEARCHES.iter().any(|(id, _)| has_settings(id)) {
        return;
    }
    let mut settings = Vec::new();
    let path = at(&SEARCH);
    let secret = take(search, SECRET);
    for (id, plugin) in SEARCHES {
        let mut own = take_record(search, id).unwrap_or_default();
        let mut from = path.key(id);
        if let Some(secret) = secret.as_ref().filter(|_| id == "brave") {
            own.insert(SECRET.to_owned(), secret.clone());
            from = path.key(SECRET);
        }
        if let Some(model) = text_at(&own, &["model"]).filter(|_| id == "grok")
            && let Some(new) = reasoning_successor(model)
        {
            log.renamed(&from.key("model"), model, new);
            own.insert("model".to_owned(), Value::from(new));
        }
        if !own.is_empty() {
            settings.push((plugin, from, own));
        }
    }
    for key in keys(search) {
        if is_blocked(&key) {
            take(search, &key);
        }
    }
    for (plugin, from, own) in settings {
        give(root, (plugin, &from, own), log);
    }
}

/// Gives the key of searches of X to xAI's plugin, and replaces a model that is gone.
pub(in crate::migration) fn x_search(root: &mut Record, log: &mut Log) {
    let Some(search) = record_at_mut(root, &X_SEARCH) else {
        return;
    };
    let path = at(&X_SEARCH);
    let model = text_at(search, &["model"]).map(str::to_owned);
    if let Some(model) = model
        && let Some(new) = plain_successor(&model)
    {
        search.insert("model".to_owned(), Value::from(new));
        log.renamed(&path.key("model"), &model, new);
    }
    let Some(secret) = take(search, SECRET) else {
        return;
    };
    if let Some(web) = record_at_mut(root, &["tools", "web"]) {
        prune(web, "x_search");
    }
    let own = Record::from_iter([(SECRET.to_owned(), secret)]);
    give(root, ("xai", &path.key(SECRET), own), log);
}

/// Gives settings to a plugin, and turns it on unless that is said.
fn give(root: &mut Record, (plugin, from, own): (&str, &KeyPath, Record), log: &mut Log) {
    let place = ["plugins", "entries", plugin];
    let entry = made(root, &place);
    if !entry.contains_key("enabled") {
        entry.insert("enabled".to_owned(), Value::Bool(true));
        log.set(&at(&place).key("enabled"), "on, because it was in use");
    }
    let config = made(entry, &["config"]);
    let to = at(&["plugins", "entries", plugin, "config", "webSearch"]);
    if record_at(config, &["webSearch"]).is_none() {
        config.insert("webSearch".to_owned(), Value::Object(own));
        log.moved(from, &to);
        return;
    }
    let existing = made(config, &["webSearch"]);
    let before = existing.clone();
    fill(existing, own);
    if *existing == before {
        log.superseded(from, &to);
    } else {
        log.merged(from, &to);
    }
}

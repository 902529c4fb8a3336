//! The config as TypeScript OpenClaw shows it: with the defaults that it fills in.
//!
//! What scripts read with `config get` there, they find here too. The defaults are those of
//! OpenClaw 2026.9.6; what comes from its catalogue of models is not among them.

use std::path::Path;

use openclaw_core::env::HOME;
use serde_json::{Map, Value, json};

use crate::redact::redact;
use crate::rules;
use crate::source::Source;

/// Defaults by their place; they count where what is above them is in the config.
const DEFAULTS: &str = include_str!("defaults.json");

/// How many tokens a model may answer with, and how many it is thought to take in.
const MAX_TOKENS: u64 = 8192;
const CONTEXT_WINDOW: u64 = 200_000;

/// Returns a config as it may be shown: with defaults, and without its secrets.
#[must_use]
pub fn shown(source: &Source) -> Value {
    let home = source.env().get_os(HOME.name).map(Path::new);
    redact(&effective(&source.value, home))
}

/// Returns the config with defaults.
#[must_use]
pub fn effective(config: &Value, home: Option<&Path>) -> Value {
    let mut config = rules::as_read(config);
    if let Value::Object(root) = &mut config {
        always(root);
    }
    let defaults: Map<String, Value> = serde_json::from_str(DEFAULTS).unwrap_or_default();
    for (path, default) in &defaults {
        let keys: Vec<&str> = path.split('.').collect();
        fill(&mut config, &keys, default);
    }
    models(&mut config);
    if let Some(home) = home {
        expand(&mut config, "", home);
    }
    config
}

/// The defaults that do not wait for anything above them.
fn always(root: &mut Map<String, Value>) {
    let object = |root: &mut Map<String, Value>, key: &str| {
        root.entry(key).or_insert_with(|| json!({}));
    };
    for key in ["agents", "commands", "messages"] {
        object(root, key);
    }
    if let Some(Value::Object(agents)) = root.get_mut("agents") {
        let defaults = agents.entry("defaults").or_insert_with(|| json!({}));
        for key in ["subagents", "compaction"] {
            if let Value::Object(defaults) = defaults {
                object(defaults, key);
            }
        }
    }
    if let Some(key) = root
        .get_mut("session")
        .and_then(|session| session.get_mut("mainKey"))
    {
        *key = "main".into();
    }
}

fn fill(value: &mut Value, path: &[&str], default: &Value) {
    let Value::Object(members) = value else {
        return;
    };
    match path {
        [key] => {
            members.entry(*key).or_insert_with(|| default.clone());
        }
        ["*", rest @ ..] => members
            .values_mut()
            .for_each(|value| fill(value, rest, default)),
        [key, rest @ ..] => {
            if let Some(value) = members.get_mut(*key) {
                fill(value, rest, default);
            }
        }
        [] => {}
    }
}

fn models(config: &mut Value) {
    let providers = config
        .pointer_mut("/models/providers")
        .and_then(Value::as_object_mut);
    for provider in providers.into_iter().flat_map(Map::values_mut) {
        let api = provider.get("api").cloned();
        let most = provider
            .get("maxTokens")
            .and_then(Value::as_u64)
            .unwrap_or(MAX_TOKENS);
        let models = provider.get_mut("models").and_then(Value::as_array_mut);
        for model in models
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            let window = model
                .get("contextWindow")
                .and_then(Value::as_u64)
                .unwrap_or(CONTEXT_WINDOW);
            let own = model
                .get("maxTokens")
                .and_then(Value::as_u64)
                .unwrap_or(most);
            model.insert("maxTokens".to_owned(), own.min(window).into());
            model.entry("reasoning").or_insert(Value::Bool(false));
            model.entry("input").or_insert_with(|| json!(["text"]));
            if let Value::Object(cost) = model.entry("cost").or_insert_with(|| json!({})) {
                for key in ["input", "output", "cacheRead", "cacheWrite"] {
                    cost.entry(key).or_insert_with(|| json!(0));
                }
            }
            if let Some(api) = &api {
                model.entry("api").or_insert_with(|| api.clone());
            }
        }
    }
}

/// `~` at the beginning of a path is the user's home.
fn expand(value: &mut Value, key: &str, home: &Path) {
    const LISTS: [&str; 2] = ["paths", "pathPrepend"];
    const ENDS: [&str; 6] = ["dir", "path", "paths", "file", "root", "workspace"];
    match value {
        Value::String(text) => {
            let name = key.to_lowercase();
            let path = LISTS.contains(&key) || ENDS.iter().any(|end| name.ends_with(end));
            let rest = text.trim().strip_prefix('~').filter(|_| path);
            let expanded = match rest {
                Some("") => Some(home.to_owned()),
                Some(rest) => rest.strip_prefix(['/', '\\']).map(|rest| home.join(rest)),
                None => None,
            };
            if let Some(expanded) = expanded {
                *text = expanded.to_string_lossy().into_owned();
            }
        }
        Value::Array(items) => {
            let key = if LISTS.contains(&key) { key } else { "" };
            for item in items {
                expand(item, key, home);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                expand(value, key, home);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_has_the_recorded_defaults() {
        let expected = json!({
            "agents": {
                "entries": {"main": {}},
                "defaults": {
                    "maxConcurrent": 8,
                    "subagents": {"maxConcurrent": 8, "archiveAfterMinutes": 60},
                    "compaction": {"mode": "safeguard"},
                },
            },
            "commands": {"native": "auto", "nativeSkills": "auto", "restart": true},
            "messages": {"ackReactionScope": "group-mentions"},
        });
        assert_eq!(effective(&json!({}), None), expected);
    }

    #[test]
    fn what_the_author_wrote_stays() {
        let config = json!({
            "agents": {"defaults": {"maxConcurrent": 2, "workspace": "~/w"}},
            "channels": {"telegram": {"dmPolicy": "open"}},
            "models": {"providers": {"a": {"api": "openai-completions", "models": [
                {"id": "m", "maxTokens": 9, "contextWindow": 5, "cost": {"input": 1}},
            ]}}},
        });
        let shown = effective(&config, Some(Path::new("/home/me")));
        assert_eq!(shown["agents"]["defaults"]["maxConcurrent"], 2);
        assert_eq!(shown["agents"]["defaults"]["workspace"], "/home/me/w");
        assert_eq!(
            shown["channels"]["telegram"],
            json!({"dmPolicy": "open", "groupPolicy": "allowlist"})
        );
        let model = json!({
            "id": "m", "maxTokens": 5, "contextWindow": 5, "reasoning": false, "input": ["text"],
            "cost": {"input": 1, "output": 0, "cacheRead": 0, "cacheWrite": 0},
            "api": "openai-completions",
        });
        assert_eq!(shown["models"]["providers"]["a"]["models"][0], model);
    }
}

//! What OpenClaw changes in a config, in memory, before it judges it.
//!
//! Nothing of this reaches the file. It concerns the roster ([`super::ownership`]), and limits of
//! context that now belong to a model.

use serde_json::{Map, Value};

use super::ownership::{self, ROSTER};
use super::walk;
use crate::problem::{KeyPath, Problem};

/// Limits of context that a provider had for all of its models.
const CONTEXT_LIMITS: [&str; 2] = ["contextTokens", "contextWindow"];
/// What is said of a limit that no model can take.
const NO_MODEL: &str = "is not read; set `contextTokens` on each of a provider's models instead";

/// A config as OpenClaw judges it.
#[derive(Debug)]
pub(super) struct Settled {
    /// The config with the changes.
    pub(super) config: Value,
    /// The agent that was the default before agents owned things one by one.
    pub(super) former_default: Option<String>,
    /// What was changed.
    pub(super) warnings: Vec<Problem>,
}

/// Applies the changes.
pub(super) fn settle(config: &Value) -> Settled {
    let mut settled = Settled {
        config: config.clone(),
        former_default: None,
        warnings: Vec::new(),
    };
    if let Value::Object(root) = &mut settled.config {
        drop_discovery(root);
        move_context_limits(root, &mut settled.warnings);
        drop_context_limits(root, &mut settled.warnings);
        settled.former_default = ownership::settle(root, &mut settled.warnings);
    }
    settled
}

/// Returns a member that is an object, to change it.
pub(super) fn object<'a>(
    parent: &'a mut Map<String, Value>,
    key: &str,
) -> Option<&'a mut Map<String, Value>> {
    parent.get_mut(key).and_then(Value::as_object_mut)
}

/// A switch of one plugin that has no meaning any more.
fn drop_discovery(root: &mut Map<String, Value>) {
    let entry = object(root, "plugins")
        .and_then(|plugins| object(plugins, "entries"))
        .and_then(|entries| object(entries, "github-copilot"))
        .and_then(|entry| object(entry, "config"));
    let Some(config) = entry else { return };
    let Some(discovery) = object(config, "discovery") else {
        return;
    };
    if discovery.is_empty() || discovery.shift_remove("enabled").is_some() {
        let empty = discovery.is_empty();
        if empty {
            config.shift_remove("discovery");
        }
    }
}

fn move_context_limits(root: &mut Map<String, Value>, warnings: &mut Vec<Problem>) {
    let providers = object(root, "models").and_then(|models| object(models, "providers"));
    for (id, provider) in providers.into_iter().flatten() {
        let Some(provider) = provider.as_object_mut() else {
            continue;
        };
        for key in CONTEXT_LIMITS {
            let Some(limit) = provider.shift_remove(key) else {
                continue;
            };
            let path: KeyPath = ["models", "providers", id, key].into_iter().collect();
            let models = provider.get_mut("models").and_then(Value::as_array_mut);
            let Some(models) = models.filter(|models| !models.is_empty()) else {
                warnings.push(Problem::new(path, format!("`{key}` {NO_MODEL}")));
                continue;
            };
            for model in models.iter_mut().filter_map(Value::as_object_mut) {
                model.entry(key).or_insert_with(|| limit.clone());
            }
            let moved = format!("`{key}` is taken as that of each of the provider's models");
            warnings.push(Problem::new(path, moved));
        }
    }
}

fn drop_context_limits(root: &mut Map<String, Value>, warnings: &mut Vec<Problem>) {
    let Some(agents) = object(root, "agents") else {
        return;
    };
    let mut drop_from = |path: KeyPath, holder: &mut Value| {
        let holder = holder.as_object_mut();
        if holder.is_some_and(|holder| holder.shift_remove("contextTokens").is_some()) {
            let path = path.key("contextTokens");
            warnings.push(Problem::new(path, format!("`contextTokens` {NO_MODEL}")));
        }
    };
    if let Some(defaults) = agents.get_mut("defaults") {
        drop_from(walk::path("agents.defaults"), defaults);
    }
    if let Some(Value::Object(entries)) = agents.get_mut("entries") {
        for (id, entry) in entries {
            drop_from(walk::path(ROSTER).key(id), entry);
        }
    }
    if let Some(Value::Array(list)) = agents.get_mut("list") {
        for (index, entry) in list.iter_mut().enumerate() {
            // The tool writes this one path with brackets.
            drop_from(walk::path("agents").key(&format!("list[{index}]")), entry);
        }
    }
}

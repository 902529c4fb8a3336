//! What OpenClaw changes in a config, in memory, before it judges it.
//!
//! Nothing of this reaches the file. It concerns who owns what among several agents, a roster
//! that is a list, and limits of context that now belong to a model.

use serde_json::{Map, Value, json};

use super::ids;
use super::walk;
use crate::problem::{KeyPath, Problem};

/// Where a change of the roster is reported.
const ROSTER: &str = "agents.entries";
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
        settled.former_default = settle_roster(root, &mut settled.warnings);
    }
    settled
}

fn object<'a>(parent: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
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

/// Brings the roster into the form that is judged; returns the agent that was the default.
fn settle_roster(root: &mut Map<String, Value>, warnings: &mut Vec<Problem>) -> Option<String> {
    let mut agents = match root.get("agents") {
        None => Map::new(),
        Some(Value::Object(agents)) => agents.clone(),
        Some(_) => return None,
    };
    let mut say = |text: &str| warnings.push(Problem::new(walk::path(ROSTER), text));
    let listed = !agents.contains_key("entries") && agents.contains_key("list");
    if listed {
        let entries = keyed(agents.get("list")?)?;
        agents.shift_remove("list");
        agents.insert("entries".to_owned(), Value::Object(entries));
        say("`agents.list` is read as `agents.entries`");
    }
    let explicit = agents.get("ownership").and_then(Value::as_str) == Some("explicit");
    let roster = match agents.get("entries") {
        Some(Value::Object(roster)) => roster.clone(),
        None => Map::new(),
        Some(_) => return None,
    };
    if roster.is_empty() {
        if !explicit {
            agents.insert("entries".to_owned(), json!({ ids::MAIN: {} }));
        }
        if !explicit || listed {
            root.insert("agents".to_owned(), Value::Object(agents));
        }
        return None;
    }
    let valid: Vec<(&String, &Map<String, Value>)> = roster
        .iter()
        .filter_map(|(id, entry)| Some((id, entry.as_object()?)))
        .collect();
    let odd_marker = |entry: &Map<String, Value>| {
        entry
            .get("default")
            .is_some_and(|marker| !marker.is_boolean())
    };
    if valid.is_empty() || valid.iter().any(|(_, entry)| odd_marker(entry)) {
        return None;
    }
    let is_marked = |entry: &Map<String, Value>| entry.get("default") == Some(&Value::Bool(true));
    let marked: Vec<&String> = valid
        .iter()
        .filter(|(_, entry)| is_marked(entry))
        .map(|(id, _)| *id)
        .collect();
    let only = marked.first().filter(|_| marked.len() == 1 && !explicit);
    let former_default = only.filter(|_| valid.len() > 1).map(|id| ids::agent(id));
    let has_workspace = |entry: &Map<String, Value>| {
        entry.get("workspace").is_some_and(|workspace| {
            workspace
                .as_str()
                .is_none_or(|workspace| !workspace.trim().is_empty())
        })
    };
    if listed
        && former_default.is_none()
        && valid.len() > 1
        && marked.is_empty()
        && !explicit
        && valid
            .first()
            .is_some_and(|(_, entry)| !has_workspace(entry))
    {
        say("the first agent of `agents.list` keeps the workspace that it had");
    }
    let markers_go = only.is_some();
    if listed || former_default.is_some() || markers_go {
        let mut entries = roster.clone();
        if markers_go {
            for entry in entries.values_mut().filter_map(Value::as_object_mut) {
                entry.shift_remove("default");
            }
        }
        agents.insert("entries".to_owned(), Value::Object(entries));
        root.insert("agents".to_owned(), Value::Object(agents));
    }
    if let Some(owner) = &former_default
        && give_ownership(root, owner)
    {
        say("what belongs to no agent is taken as the default agent's");
    }
    if markers_go {
        say("the markers `default` in `agents.entries` are no longer read");
    }
    former_default
}

/// Reads a roster that is a list; nothing where that is not certain.
fn keyed(list: &Value) -> Option<Map<String, Value>> {
    let mut entries = Map::new();
    for entry in list.as_array()? {
        let mut entry = entry.as_object()?.clone();
        let id = entry.shift_remove("id")?;
        let id = id
            .as_str()
            .filter(|id| !id.is_empty() && ids::agent(id) == *id)?;
        if entries
            .insert(id.to_owned(), Value::Object(entry))
            .is_some()
        {
            return None;
        }
    }
    Some(entries)
}

/// Gives the former default agent what nobody owns; tells whether there was something.
fn give_ownership(root: &mut Map<String, Value>, owner: &str) -> bool {
    let mut given = bind_channels(root, owner);
    let store = root.get("session").and_then(|session| session.get("store"));
    let one_store = store
        .and_then(Value::as_str)
        .is_some_and(|store| !store.trim().is_empty() && !store.contains("{agentId}"));
    let agents = object(root, "agents");
    let beats = agents.as_ref().is_some_and(|agents| {
        let entries = agents.get("entries").and_then(Value::as_object);
        let mut entries = entries.into_iter().flatten();
        entries.any(|(_, entry)| entry.get("heartbeat").is_some())
    });
    let defaults = agents.and_then(|agents| {
        let defaults = agents.entry("defaults").or_insert_with(|| json!({}));
        defaults.as_object_mut()
    });
    if let Some(defaults) = defaults {
        let unset = |defaults: &Map<String, Value>, key: &str| {
            let value = defaults.get(key);
            value.is_none_or(|value| value.is_object() && value.get("agentId").is_none())
        };
        let wanted = [
            ("heartbeat", !beats && !defaults.contains_key("heartbeat")),
            ("systemAgent", unset(defaults, "systemAgent")),
            (
                "authInheritance",
                owner != ids::MAIN && unset(defaults, "authInheritance"),
            ),
            ("sessionStore", one_store && unset(defaults, "sessionStore")),
        ];
        for (key, _) in wanted.into_iter().filter(|(_, wanted)| *wanted) {
            let holder = defaults.entry(key).or_insert_with(|| json!({}));
            if let Some(holder) = holder.as_object_mut() {
                holder.insert("agentId".to_owned(), json!(owner));
                given = true;
            }
        }
    }
    let talk = root.entry("talk").or_insert_with(|| json!({}));
    if let Some(talk) = talk
        .as_object_mut()
        .filter(|talk| !talk.contains_key("agentId"))
    {
        talk.insert("agentId".to_owned(), json!(owner));
        given = true;
    }
    given
}

/// Binds to the owner every channel that no binding covers as a whole.
fn bind_channels(root: &mut Map<String, Value>, owner: &str) -> bool {
    let bindings = match root.get("bindings") {
        None => Vec::new(),
        Some(Value::Array(bindings)) => bindings.clone(),
        Some(_) => return false,
    };
    let covered = |channel: &str| {
        bindings.iter().any(|binding| {
            let matched = binding.get("match");
            let matched = |key: &str| matched.and_then(|matched| matched.get(key));
            binding.get("type").is_none_or(|kind| kind != "acp")
                && matched("channel")
                    .and_then(Value::as_str)
                    .map(ids::lower)
                    .as_deref()
                    == Some(channel)
                && matched("accountId").and_then(Value::as_str).map(str::trim) == Some("*")
                && ["peer", "guildId", "teamId", "roles"]
                    .iter()
                    .all(|key| matched(key).is_none())
        })
    };
    let channels = root.get("channels").and_then(Value::as_object);
    let mut open: Vec<String> = channels
        .into_iter()
        .flatten()
        .filter(|(id, channel)| {
            !matches!(id.as_str(), "defaults" | "modelByChannel")
                && channel.get("enabled") != Some(&Value::Bool(false))
        })
        .map(|(id, _)| ids::lower(id))
        .filter(|id| !id.is_empty() && !covered(id))
        .collect();
    open.sort();
    open.dedup();
    if open.is_empty() {
        return false;
    }
    let bound = open
        .into_iter()
        .map(|channel| json!({"agentId": owner, "match": {"channel": channel, "accountId": "*"}}));
    let bindings: Vec<Value> = bindings.iter().cloned().chain(bound).collect();
    root.insert("bindings".to_owned(), Value::Array(bindings));
    true
}

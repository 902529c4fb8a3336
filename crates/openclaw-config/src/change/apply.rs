//! Doing operations to a draft of the config, in as few edits of its text as that takes.

use serde_json::{Map, Value};

use super::path::{Step, Typed, index};
use super::{Action, ChangeError, Operation, roster};
use crate::edit::Draft;
use crate::problem::KeyPath;
use crate::{redact, rules, schema};

/// Maps and lists that people add to one by one; `*` is any key.
const PROTECTED: &[&[&str]] = &[
    &["agents", "defaults", "models"],
    &["agents", "entries"],
    &["auth", "profiles"],
    &["models", "providers"],
    &["models", "providers", "*"],
    &["models", "providers", "*", "models"],
    &["plugins", "entries"],
];

/// Where lists are merged by the `id` of their entries.
const MODELS: &[&str] = &["models", "providers", "*", "models"];

/// Does an operation.
pub(super) fn apply(draft: &mut Draft, operation: &Operation) -> Result<(), ChangeError> {
    let (path, value) = roster::as_written(
        draft.value(),
        operation.path.steps(),
        operation.action.value(),
    );
    let at = keys(&path);
    let value = match value {
        Some(value) => Some(without_placeholders(value, &at, draft.value())?),
        None => None,
    };
    match (&operation.action, value) {
        (Action::Set(_), Some(value)) => {
            keeps_entries(draft.value(), &at, &value)?;
            put(draft, &path, &value)
        }
        (Action::Replace(_), Some(value)) => put(draft, &path, &value),
        (Action::Merge(_), Some(value)) => merge(draft, &path, &value),
        (Action::Unset, _) => {
            if draft.unset(&key_path(&path)).map_err(ChangeError::Save)? {
                Ok(())
            } else {
                Err(ChangeError::NothingToRemove(operation.path.to_string()))
            }
        }
        _ => draft
            .unset(&key_path(&path))
            .map(|_was_there| ())
            .map_err(ChangeError::Save),
    }
}

/// Removes credentials that the mode of `gateway.auth` does not use; returns what was removed.
pub(super) fn prune_auth(
    draft: &mut Draft,
    operations: &[Operation],
) -> Result<Vec<String>, ChangeError> {
    let touched = |one: &Operation| one.path.keys() == ["gateway", "auth", "mode"];
    let mode = draft
        .value()
        .pointer("/gateway/auth/mode")
        .and_then(Value::as_str);
    let unused: &[&str] = match mode {
        _ if !operations.iter().any(touched) => &[],
        Some("token") => &["password"],
        Some("password") => &["token"],
        Some("trusted-proxy") => &["token", "password"],
        _ => &[],
    };
    let mut removed = Vec::new();
    for key in unused {
        let path = KeyPath::from_iter(["gateway", "auth", *key]);
        if draft.unset(&path).map_err(ChangeError::Save)? {
            removed.push(path.to_string());
        }
    }
    Ok(removed)
}

/// Returns what stands at a path.
pub fn lookup<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(index(key)?),
        value => value.get(key),
    })
}

fn keys(path: &[Step]) -> Vec<String> {
    path.iter().map(|step| step.key.clone()).collect()
}

fn key_path(path: &[Step]) -> KeyPath {
    path.iter().map(|step| step.key.as_str()).collect()
}

fn fits(path: &[String], pattern: &[&str]) -> bool {
    let same = |(key, one): (&String, &&str)| *one == "*" || key == one;
    path.len() == pattern.len() && path.iter().zip(pattern).all(same)
}

/// What `config get` printed may be set again: the placeholder stands for the secret that is there.
fn without_placeholders(
    mut value: Value,
    at: &[String],
    config: &Value,
) -> Result<Value, ChangeError> {
    let restored = redact::restore(&mut value, &at.iter().collect(), config);
    restored.map_err(|path| ChangeError::NoSecret(path.to_string()))?;
    Ok(value)
}

/// Refuses to lose entries that somebody added to a map or a list of models.
fn keeps_entries(config: &Value, at: &[String], value: &Value) -> Result<(), ChangeError> {
    let Some(existing) = lookup(config, at) else {
        return Ok(());
    };
    if !PROTECTED.iter().any(|pattern| fits(at, pattern)) {
        return Ok(());
    }
    let lost: Vec<String> = match (existing, value) {
        (Value::Object(old), Value::Object(new)) => old
            .keys()
            .filter(|key| !new.contains_key(*key))
            .cloned()
            .collect(),
        (Value::Array(old), Value::Array(new)) => {
            let new: Vec<_> = new.iter().filter_map(id).collect();
            let lost = old.iter().filter_map(id).filter(|id| !new.contains(id));
            lost.map(str::to_owned).collect()
        }
        _ => return Ok(()),
    };
    if lost.is_empty() {
        return Ok(());
    }
    Err(ChangeError::WouldLose {
        path: at.join("."),
        lost,
    })
}

fn id(entry: &Value) -> Option<&str> {
    entry.get("id").and_then(Value::as_str).map(str::trim)
}

/// Makes the value at a path be this one, and touches nothing that is so already.
fn put(draft: &mut Draft, path: &[Step], value: &Value) -> Result<(), ChangeError> {
    let (at, value) = whole(draft.value(), path, value)?;
    shape(draft, &at, &value)
}

fn shape(draft: &mut Draft, at: &[String], value: &Value) -> Result<(), ChangeError> {
    let existing = lookup(draft.value(), at).cloned();
    match (existing, value) {
        (Some(existing), value) if existing == *value => Ok(()),
        (Some(Value::Object(old)), Value::Object(new)) => {
            for key in old.keys().filter(|key| !new.contains_key(*key)) {
                let path = at.iter().chain([key]).collect();
                draft.unset(&path).map_err(ChangeError::Save)?;
            }
            for (key, value) in new {
                let below: Vec<String> = at.iter().chain([key]).cloned().collect();
                shape(draft, &below, value)?;
            }
            Ok(())
        }
        (_, value) => {
            let path = at.iter().collect();
            draft.set(&path, value).map_err(ChangeError::Save)
        }
    }
}

fn merge(draft: &mut Draft, path: &[Step], value: &Value) -> Result<(), ChangeError> {
    let at = keys(path);
    match (lookup(draft.value(), &at).cloned(), value) {
        (None, value) => put(draft, path, value),
        (Some(Value::Object(_)), Value::Object(new)) => {
            for (key, value) in new {
                let below: Vec<Step> = path.iter().cloned().chain([key_step(key)]).collect();
                match lookup(draft.value(), &keys(&below)) {
                    Some(Value::Object(_)) if value.is_object() => merge(draft, &below, value)?,
                    Some(Value::Array(_)) if value.is_array() && fits(&keys(&below), MODELS) => {
                        merge(draft, &below, value)?;
                    }
                    _ => put(draft, &below, value)?,
                }
            }
            Ok(())
        }
        (Some(Value::Array(_)), Value::Array(new)) if fits(&at, MODELS) => new
            .iter()
            .try_for_each(|entry| merge_entry(draft, path, entry)),
        _ => Err(ChangeError::NotMergeable(key_path(path).to_string())),
    }
}

/// An entry with the same id gets the members of the new one; any other is appended.
fn merge_entry(draft: &mut Draft, path: &[Step], entry: &Value) -> Result<(), ChangeError> {
    let existing = lookup(draft.value(), &keys(path)).and_then(Value::as_array);
    let existing = existing.map(Vec::as_slice).unwrap_or_default();
    let same = |old: &Value| id(entry).is_some() && id(old) == id(entry);
    let place = existing.iter().position(same);
    let step = Step {
        key: place.unwrap_or(existing.len()).to_string(),
        typed: Typed::Index,
    };
    let below: Vec<Step> = path.iter().cloned().chain([step]).collect();
    match (place, entry) {
        (Some(_), Value::Object(members)) => members.iter().try_for_each(|(key, value)| {
            let below: Vec<Step> = below.iter().cloned().chain([key_step(key)]).collect();
            put(draft, &below, value)
        }),
        _ => put(draft, &below, entry),
    }
}

fn key_step(key: &str) -> Step {
    Step {
        key: key.to_owned(),
        typed: Typed::Quoted,
    }
}

/// Returns the place of the first thing that is not there yet, and all that has to stand there for
/// the value to stand at its path.
fn whole(
    config: &Value,
    path: &[Step],
    value: &Value,
) -> Result<(Vec<String>, Value), ChangeError> {
    let mut at = Vec::new();
    let mut current = config;
    for (n, step) in path.iter().enumerate() {
        let rest = path.get(n.saturating_add(1)..).unwrap_or_default();
        if let Value::Array(items) = current {
            let bad = || ChangeError::Value {
                name: format!("`{}`", step.key),
                problem: format!("is no index of the list `{}`", at.join(".")),
            };
            let index = index(&step.key).ok_or_else(bad)?;
            if index > items.len() {
                // The verdict says what is wrong with the gap.
                let mut items = items.clone();
                items.resize(index, Value::Null);
                items.push(nested(path, n, rest, value));
                return Ok((at, Value::Array(items)));
            }
        }
        at.push(step.key.clone());
        match lookup(current, std::slice::from_ref(&step.key)) {
            Some(found @ (Value::Object(_) | Value::Array(_))) => current = found,
            _ => return Ok((at, nested(path, n, rest, value))),
        }
    }
    Ok((at, value.clone()))
}

/// Wraps a value into what stands between it and the step number `n`.
fn nested(path: &[Step], n: usize, rest: &[Step], value: &Value) -> Value {
    let wrap = |inner: Value, (depth, step): (usize, &Step)| {
        let parent = n.saturating_add(depth).saturating_add(1);
        let position =
            index(&step.key).filter(|_| is_list(path.get(..parent).unwrap_or_default(), step));
        match position {
            Some(position) => {
                let mut items = vec![Value::Null; position];
                items.push(inner);
                Value::Array(items)
            }
            None => Value::Object(Map::from_iter([(step.key.clone(), inner)])),
        }
    };
    rest.iter().enumerate().rev().fold(value.clone(), wrap)
}

/// Tells whether what is made at `parent`, for a number to stand in, is a list.
fn is_list(parent: &[Step], step: &Step) -> bool {
    match step.typed {
        Typed::Index => true,
        Typed::Quoted => false,
        Typed::Plain => schema::prefers_array(&keys(parent)).unwrap_or(true),
    }
}

/// Refuses to edit what the programs keep themselves.
pub(super) fn editable(operation: &Operation) -> Result<(), ChangeError> {
    const STAMPS: [&str; 2] = ["lastTouchedVersion", "lastTouchedAt"];
    let path = operation.path.keys();
    let managed = |why| {
        Err(ChangeError::Managed {
            path: operation.path.to_string(),
            why,
        })
    };
    let stamped = match path
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["plugins", "installs", ..] => {
            return managed("the index of plugins belongs to `openclaw plugins`");
        }
        ["meta", key, ..] => STAMPS.contains(key),
        ["meta"] => match &operation.action {
            Action::Merge(value) => STAMPS.iter().any(|key| value.get(key).is_some()),
            _ => true,
        },
        _ => false,
    };
    if stamped {
        return managed("TypeScript OpenClaw stamps it at every write");
    }
    Ok(())
}

/// Returns the models that the config names for its agents, by the path of each.
fn models(config: &Value) -> Vec<(KeyPath, String)> {
    let mut found = Vec::new();
    let agents = KeyPath::root().key("agents");
    let defaults = [(agents.key("defaults"), config.pointer("/agents/defaults"))];
    let entries = config.pointer("/agents/entries").and_then(Value::as_object);
    let entries = entries.into_iter().flatten();
    let entries = entries.map(|(id, agent)| (agents.key("entries").key(id), Some(agent)));
    for (path, agent) in defaults.into_iter().chain(entries) {
        let path = path.key("model");
        match agent.and_then(|agent| agent.get("model")) {
            Some(Value::String(model)) => found.push((path, model.clone())),
            Some(model @ Value::Object(_)) => {
                let primary = model.get("primary").and_then(Value::as_str);
                found.extend(primary.map(|model| (path.key("primary"), model.to_owned())));
                let fallbacks = model.get("fallbacks").and_then(Value::as_array);
                let fallbacks = fallbacks.into_iter().flatten().enumerate();
                found.extend(fallbacks.filter_map(|(n, model)| {
                    Some((path.key("fallbacks").index(n), model.as_str()?.to_owned()))
                }));
            }
            _ => {}
        }
    }
    found
}

/// Refuses a model that is new in the config and whose provider nobody knows; `knows` tells which
/// providers there are beside those of the config and of OpenClaw.
pub(super) fn models_have_providers(
    before: &Value,
    after: &Value,
    knows: &dyn Fn(&str) -> bool,
) -> Result<(), ChangeError> {
    let known = models(before);
    let configured = after
        .pointer("/models/providers")
        .and_then(Value::as_object);
    for (path, model) in models(after) {
        let Some((provider, _)) = model.split_once('/') else {
            continue;
        };
        let mine = configured.is_some_and(|all| all.contains_key(provider));
        let is_known = mine || rules::is_bundled_provider(provider) || knows(provider);
        if !is_known && !known.contains(&(path, model.clone())) {
            return Err(ChangeError::UnknownProvider {
                provider: provider.to_owned(),
                model,
            });
        }
    }
    Ok(())
}

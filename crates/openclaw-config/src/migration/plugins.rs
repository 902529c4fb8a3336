//! Plugins that have another name, or became part of another plugin.

use serde_json::Value;

use super::log::{Log, at};
use super::tree::{Record, fill, folded, keys, made, record_at_mut, take};

const SUPERVISOR: &str = "codex-supervisor";
const CODEX: &str = "codex";
const OPENAI_CODEX: &str = "openai-codex";
const OPENAI: &str = "openai";

/// The supervisor of Codex is a part of the Codex plugin.
pub(super) fn codex_supervisor(root: &mut Record, log: &mut Log) {
    let Some(plugins) = record_at_mut(root, &["plugins"]) else {
        return;
    };
    let denied = plugins.get("deny").and_then(Value::as_array);
    let denied = denied.is_some_and(|deny| deny.iter().any(|id| is_plugin(id, SUPERVISOR)));
    if let Some(entries) = record_at_mut(plugins, &["entries"]) {
        let named = keys(entries)
            .into_iter()
            .find(|key| folded(key) == SUPERVISOR);
        if let Some(key) = named
            && let Some(entry) = take(entries, &key)
        {
            let from = at(&["plugins", "entries", &key]);
            if let Value::Object(entry) = entry {
                let on = entry.get("enabled") == Some(&Value::Bool(true)) && !denied;
                supervise(entries, &entry, Value::Bool(on));
                let to = at(&["plugins", "entries", CODEX, "config", "supervision"]);
                log.moved(&from, &to);
            } else {
                log.removed(&from, "it was no plugin's entry");
            }
        }
    }
    rename_in_list(plugins, ("allow", SUPERVISOR, Some(CODEX)), log);
    rename_in_list(plugins, ("deny", SUPERVISOR, None), log);
}

fn supervise(entries: &mut Record, supervisor: &Record, on: Value) {
    let codex = keys(entries).into_iter().find(|key| folded(key) == CODEX);
    let entry = made(entries, &[codex.as_deref().unwrap_or(CODEX)]);
    if on == Value::Bool(true) {
        entry.entry("enabled").or_insert(on.clone());
    }
    let config = supervisor.get("config").and_then(Value::as_object);
    let kept = |key: &str, fits: fn(&Value) -> bool| {
        let value = config.and_then(|config| config.get(key));
        let value = value.filter(|value| fits(value))?;
        Some((key.to_owned(), value.clone()))
    };
    let settings = [
        Some(("enabled".to_owned(), on)),
        kept("endpoints", Value::is_array),
        kept("allowRawTranscripts", Value::is_boolean),
        kept("allowWriteControls", Value::is_boolean),
    ];
    let settings = settings.into_iter().flatten().collect();
    fill(made(entry, &["config", "supervision"]), settings);
}

/// The plugin of OpenAI serves Codex, too.
pub(super) fn openai_codex(root: &mut Record, log: &mut Log) {
    let Some(plugins) = record_at_mut(root, &["plugins"]) else {
        return;
    };
    for list in ["allow", "deny"] {
        rename_in_list(plugins, (list, OPENAI_CODEX, Some(OPENAI)), log);
    }
    if let Some(entries) = record_at_mut(plugins, &["entries"])
        && let Some(entry) = take(entries, OPENAI_CODEX)
    {
        let from = at(&["plugins", "entries", OPENAI_CODEX]);
        let to = at(&["plugins", "entries", OPENAI]);
        if entries.contains_key(OPENAI) {
            log.superseded(&from, &to);
        } else {
            entries.insert(OPENAI.to_owned(), entry);
            log.moved(&from, &to);
        }
    }
    if let Some(slots) = record_at_mut(plugins, &["slots"]) {
        for (slot, plugin) in slots {
            if plugin.as_str() == Some(OPENAI_CODEX) {
                *plugin = Value::from(OPENAI);
                log.renamed(&at(&["plugins", "slots", slot]), OPENAI_CODEX, OPENAI);
            }
        }
    }
}

fn is_plugin(value: &Value, id: &str) -> bool {
    value.as_str().is_some_and(|value| folded(value) == id)
}

/// Replaces a plugin in a list, or removes it; the list then names each plugin once.
fn rename_in_list(
    plugins: &mut Record,
    (key, old, new): (&str, &str, Option<&str>),
    log: &mut Log,
) {
    let Some(list) = plugins.get_mut(key).and_then(Value::as_array_mut) else {
        return;
    };
    let mut seen: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for entry in list.iter() {
        let entry = match new {
            _ if !is_plugin(entry, old) => entry.clone(),
            Some(new) => Value::from(new),
            None => continue,
        };
        if let Some(id) = entry.as_str().map(folded) {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
        }
        kept.push(entry);
    }
    if *list == kept {
        return;
    }
    *list = kept;
    let path = at(&["plugins", key]);
    let text = match new {
        Some(new) => {
            format!("changed `{old}` to `{new}` in `{path}`, which names each plugin once")
        }
        None => format!("removed `{old}` from `{path}`, which names each plugin once"),
    };
    log.push(&path, Some(&path), text);
}

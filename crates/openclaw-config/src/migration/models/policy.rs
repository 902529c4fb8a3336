//! Which models may be chosen: a list of its own, where it was the list of settings for models.

use serde_json::Value;

use super::refs::split;
use crate::migration::log::{Log, at};
use crate::migration::tree::{Record, folded, made, record_at, text_at, trimmed, value_at};

const MARK: &str = "modelPolicyAllowlist";
const DEFAULTS: [&str; 2] = ["agents", "defaults"];

/// Tells whether a migration that is done once has been done.
pub(super) fn is_done(root: &Record, mark: &str) -> bool {
    value_at(root, &["meta", "migrations", mark]) == Some(&Value::Bool(true))
}

/// Notes that a migration that is done once has been done.
pub(super) fn done(root: &mut Record, mark: &str) {
    made(root, &["meta", "migrations"]).insert(mark.to_owned(), Value::Bool(true));
}

/// Copies the models that have settings to the list of models that may be chosen.
///
/// A list with an entry that names no model stays what it was, because it cannot be understood.
pub(in crate::migration) fn allowed(root: &mut Record, log: &mut Log) {
    if is_done(root, MARK) {
        return;
    }
    let Some(defaults) = record_at(root, &DEFAULTS) else {
        return;
    };
    let Some(models) = record_at(defaults, &["models"]) else {
        return;
    };
    let from = at(&DEFAULTS).key("models");
    let to = at(&["agents", "defaults", "modelPolicy", "allow"]);
    let policy = record_at(defaults, &["modelPolicy"]);
    if policy.is_some_and(|policy| policy.contains_key("allow")) {
        return;
    }
    let listed = models.keys().filter(|key| !key.trim().is_empty());
    let listed: Vec<String> = listed.cloned().collect();
    if policy.is_some() || listed.is_empty() {
        done(root, MARK);
        log.set(
            &at(&["meta", "migrations", MARK]),
            "because any model may be chosen",
        );
        return;
    }
    let aliases: Vec<String> = models
        .values()
        .filter_map(|entry| text_at(entry.as_object()?, &["alias"]).map(folded))
        .filter(|alias| !alias.is_empty())
        .collect();
    if !listed
        .iter()
        .all(|entry| aliases.contains(&folded(entry)) || is_reference(entry))
    {
        return;
    }
    made(root, &["agents", "defaults", "modelPolicy"])
        .insert("allow".to_owned(), Value::from(listed));
    done(root, MARK);
    log.push(
        &from,
        Some(&to),
        format!("copied the models of `{from}` to `{to}`"),
    );
}

/// Tells whether a text names one model, or all of a provider's.
fn is_reference(text: &str) -> bool {
    let text = text.trim();
    if ["openrouter:auto", "openrouter:free"].contains(&folded(text).as_str()) {
        return true;
    }
    let is_name = |name: &str| {
        let fits = |c: char| c != '*' && !c.is_whitespace() && !c.is_control();
        !name.is_empty() && name.chars().all(fits)
    };
    if let Some(prefix) = text.strip_suffix('*')
        && let Some(prefix) = prefix.trim_end().strip_suffix('/')
    {
        return prefix.split('/').map(str::trim).all(is_name);
    }
    split(text).is_some_and(|(provider, model)| is_name(provider) && model.split('/').all(is_name))
}

/// Returns the model that a `model` setting names first.
pub(super) fn primary(model: Option<&Value>) -> Option<&str> {
    let text = match model? {
        Value::String(text) => text.trim(),
        Value::Object(choice) => trimmed(choice, "primary")?,
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

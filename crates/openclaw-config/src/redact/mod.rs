//! What of a config may be shown: everything but secrets, which become [`REDACTED`].
//!
//! Which keys are secret is what OpenClaw 2026.9.6 says, so that its scripts see the same document:
//! by the key's name, by a list of places whose names do not tell, and by what a URL carries.
//! Values of headers, and variables that are named like a credential, are left out beyond that.

mod places;
mod url;

use serde_json::{Map, Value};

use crate::problem::KeyPath;

/// What stands in the place of a secret. OpenClaw prints the same.
pub const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// Returns a whole config without its secrets.
///
/// The result has the shape of the config. Of a reference to a secret only the `id` is left out;
/// a variable that is not filled in (`${NAME}`) stays.
#[must_use]
pub fn redact(config: &Value) -> Value {
    below(config, &mut Vec::new())
}

/// Puts the secrets back that [`redact`] left out, as they are at the same places of `config`.
///
/// # Errors
/// Returns the path at which `shown` says [`REDACTED`] and the config has no secret.
pub fn restore(shown: &mut Value, at: &KeyPath, config: &Value) -> Result<(), KeyPath> {
    let mut path: Vec<String> = at.segments().to_vec();
    restore_below(shown, &mut path, config)
}

/// Tells whether a line of a config file may hold a secret: it names a key of one, or has a URL with
/// credentials in it.
#[must_use]
pub fn may_hold_secret(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '$'));
    words.any(names_secret) || url::has_secret(line)
}

/// Tells by the name of an environment variable whether its value is a secret.
#[must_use]
pub fn names_secret(variable: &str) -> bool {
    places::is_secret(&["env".to_owned(), variable.to_owned()])
}

fn restore_below(shown: &mut Value, path: &mut Vec<String>, config: &Value) -> Result<(), KeyPath> {
    let member = |key: String, value: &mut Value, path: &mut Vec<String>| {
        path.push(key);
        restore_below(value, path, config)?;
        path.pop();
        Ok(())
    };
    match shown {
        Value::String(text) if text == REDACTED => {
            let original = lookup(config, path).filter(|found| **found != REDACTED);
            let original = original.filter(|_| places::is_hidden(path));
            *shown = original
                .ok_or_else(|| path.iter().collect::<KeyPath>())?
                .clone();
            Ok(())
        }
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, item)| member(index.to_string(), item, path)),
        Value::Object(members) => members
            .iter_mut()
            .try_for_each(|(key, value)| member(key.clone(), value, path)),
        _ => Ok(()),
    }
}

fn lookup<'a>(config: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(config, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    })
}

/// Elements of an array stand at the path of the array.
fn below(value: &Value, path: &mut Vec<String>) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| element(item, path)).collect(),
        Value::Object(members) => {
            let mut shown = Map::with_capacity(members.len());
            for (key, value) in members {
                path.push(key.clone());
                shown.insert(key.clone(), member(value, path));
                path.pop();
            }
            Value::Object(shown)
        }
        other => other.clone(),
    }
}

fn element(value: &Value, path: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) if is_concrete(text) && places::is_secret(path) => REDACTED.into(),
        Value::String(text) if url::has_password(text) => REDACTED.into(),
        value => below(value, path),
    }
}

fn member(value: &Value, path: &mut Vec<String>) -> Value {
    let listed = places::is_listed(path);
    match value {
        Value::Null => Value::Null,
        Value::String(text) => {
            let secret = listed || places::is_secret(path);
            let in_url = if places::holds_url(path) {
                url::has_secret(text)
            } else {
                url::has_password(text)
            };
            if in_url || (secret && is_concrete(text)) {
                REDACTED.into()
            } else {
                value.clone()
            }
        }
        Value::Object(members) if listed || places::is_secret(path) => reference(members)
            .unwrap_or_else(|| {
                if listed || places::is_secret_as_a_whole(path) {
                    REDACTED.into()
                } else {
                    below(value, path)
                }
            }),
        Value::Bool(_) | Value::Number(_) if listed => REDACTED.into(),
        value => below(value, path),
    }
}

/// Returns a reference to a secret (`{source, provider, id}`) without its id.
fn reference(members: &Map<String, Value>) -> Option<Value> {
    members.get("source")?.as_str()?;
    let id = members.get("id")?.as_str()?;
    let mut shown = members.clone();
    if is_concrete(id) {
        shown.insert("id".to_owned(), REDACTED.into());
    }
    Some(Value::Object(shown))
}

/// Tells whether a text is a value, and not blank or one variable that is still to be filled in.
fn is_concrete(text: &str) -> bool {
    let text = text.trim();
    let variable = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| !name.contains('}'));
    !text.is_empty() && !variable
}

#[cfg(test)]
mod tests;

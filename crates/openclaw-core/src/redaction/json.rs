//! Masking JSON so that it stays JSON.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::finder::Finder;
use super::{REDACTED, table};

/// Returns a JSON document with its secrets masked.
///
/// Only what a document says is masked, so that it keeps its shape: texts, and members' names that
/// are no plain words. A number that is a secret becomes the text `[REDACTED]`. Text that is no
/// JSON is masked like any other.
pub fn mask_json(text: String) -> String {
    let Some(finder) = table::finder().filter(|finder| finder.finds(&text)) else {
        return text;
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => below(value, &finder).to_string(),
        Err(_no_json) => kept(text, &finder),
    }
}

/// As [`mask_json`], for a value.
pub fn mask_value(value: Value) -> Value {
    match table::finder() {
        Some(finder) => below(value, &finder),
        None => value,
    }
}

fn below(value: Value, finder: &Finder) -> Value {
    match value {
        Value::String(text) => Value::String(kept(text, finder)),
        Value::Array(items) => items.into_iter().map(|item| below(item, finder)).collect(),
        Value::Object(members) => Value::Object(object(members, finder)),
        Value::Number(number) if is_secret(&number.to_string(), finder) => REDACTED.into(),
        other => other,
    }
}

/// A name that is one plain word is taken for a name that a protocol has, whatever the secrets are:
/// a password such as `sessions` must not take the answers apart.
fn object(members: Map<String, Value>, finder: &Finder) -> Map<String, Value> {
    let is_word = |name: &str| name.bytes().all(|b| b.is_ascii_alphabetic());
    members
        .into_iter()
        .map(|(name, value)| {
            let name = if is_word(&name) {
                name
            } else {
                kept(name, finder)
            };
            (name, below(value, finder))
        })
        .collect()
}

fn kept(text: String, finder: &Finder) -> String {
    match finder.mask(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

fn is_secret(number: &str, finder: &Finder) -> bool {
    finder.spans(number).first() == Some(&(0..number.len()))
}

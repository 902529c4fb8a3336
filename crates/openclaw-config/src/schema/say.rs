//! The words for what is wrong.
//!
//! No sentence holds a value that may be a secret: a value is quoted only where there is a list
//! of the ones that are allowed, and never below a key that looks like one of a secret.

use serde_json::Value;

use super::part::Type;
use crate::problem::KeyPath;

/// More of a text than this is not quoted.
const LONGEST_QUOTE: usize = 60;
/// More values than this are not listed.
const LONGEST_LIST: usize = 12;
/// How much two names have to have in common before one is suggested for the other.
const ALIKE: f64 = 0.82;
/// A name that begins in another way may differ in this many letters.
const SLIPS: usize = 2;

/// The words that name a secret, in the last part of its key.
const SECRET_WORDS: [&str; 9] = [
    "token",
    "password",
    "passphrase",
    "secret",
    "key",
    "credential",
    "auth",
    "cookie",
    "bearer",
];

/// Tells whether what stands at a path may be a secret.
pub(crate) fn looks_secret(path: &KeyPath) -> bool {
    path.segments().iter().any(|segment| {
        let segment = segment.to_ascii_lowercase();
        SECRET_WORDS.iter().any(|word| segment.contains(word))
    })
}

/// Names the kind of a value as JavaScript's users know it.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Names an expected kind.
pub(super) const fn expected(kind: Type) -> &'static str {
    match kind {
        Type::Array => "array",
        Type::Boolean => "boolean",
        Type::Integer | Type::Number => "number",
        Type::Null => "null",
        Type::Object => "object",
        Type::String => "string",
    }
}

/// Quotes a value that is none of a list, unless it may be a secret or is long.
pub(super) fn found(value: &Value, path: &KeyPath) -> Option<String> {
    let scalar = value.is_string() || value.is_number() || value.is_boolean();
    let text = value.to_string();
    (scalar && text.len() <= LONGEST_QUOTE && !looks_secret(path)).then_some(text)
}

/// Lists allowed values behind a sentence.
pub(crate) fn allowed(values: &[String]) -> String {
    let shown = values.iter().take(LONGEST_LIST);
    let mut list: Vec<String> = shown.cloned().collect();
    let hidden = values.len() - list.len();
    if hidden > 0 {
        list.push(format!("... (+{hidden} more)"));
    }
    format!("(allowed: {})", list.join(", "))
}

/// Returns an allowed value as a reader would write it, without the quotes of a text.
pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Quotes keys in a row.
pub(super) fn keys(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    quoted.join(", ")
}

/// Finds the known key that a wrong one was most likely meant to be.
pub(super) fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let key = key.to_ascii_lowercase();
    let scored = known.filter_map(|name| {
        let lower = name.to_ascii_lowercase();
        let likeness = strsim::jaro_winkler(&key, &lower);
        let near = lower.chars().next() == key.chars().next()
            || strsim::osa_distance(&key, &lower) <= SLIPS;
        (near && likeness >= ALIKE).then_some((likeness, name))
    });
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, name)| name.to_owned())
}

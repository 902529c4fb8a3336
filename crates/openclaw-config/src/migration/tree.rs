//! Looking into a config's objects and changing them.
//!
//! A migration meets whatever a user has written, so every function here passes over a value of
//! another kind than it looks for.

use std::collections::HashSet;
use std::hash::Hash;

use serde_json::{Map, Value};

/// An object of a config.
pub(super) type Record = Map<String, Value>;

/// Keys that OpenClaw never sets, because they would reach JavaScript's prototypes.
const BLOCKED: [&str; 3] = ["__proto__", "prototype", "constructor"];

/// Tells whether OpenClaw passes over a key that a user chose.
pub(super) fn is_blocked(key: &str) -> bool {
    BLOCKED.contains(&key)
}

/// Returns the value at a path of keys.
pub(super) fn value_at<'a>(root: &'a Record, path: &[&str]) -> Option<&'a Value> {
    let (last, parents) = path.split_last()?;
    record_at(root, parents)?.get(*last)
}

/// Returns the object at a path of keys; the root for an empty path.
pub(super) fn record_at<'a>(root: &'a Record, path: &[&str]) -> Option<&'a Record> {
    path.iter()
        .try_fold(root, |record, key| record.get(*key)?.as_object())
}

/// Returns the object at a path of keys, to change it.
pub(super) fn record_at_mut<'a>(root: &'a mut Record, path: &[&str]) -> Option<&'a mut Record> {
    path.iter()
        .try_fold(root, |record, key| record.get_mut(*key)?.as_object_mut())
}

/// Returns the array at a path of keys.
pub(super) fn array_at<'a>(root: &'a Record, path: &[&str]) -> Option<&'a Vec<Value>> {
    value_at(root, path)?.as_array()
}

/// Returns the text at a path of keys.
pub(super) fn text_at<'a>(root: &'a Record, path: &[&str]) -> Option<&'a str> {
    value_at(root, path)?.as_str()
}

/// Returns the text of a member, trimmed; nothing when it is blank.
pub(super) fn trimmed<'a>(record: &'a Record, key: &str) -> Option<&'a str> {
    let text = record.get(key)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// Returns the object at a path, making what is missing; what is no object gives way.
pub(super) fn made<'a>(root: &'a mut Record, path: &[&str]) -> &'a mut Record {
    path.iter().fold(root, |record, key| {
        as_record(record.entry(*key).or_insert(Value::Null))
    })
}

/// Returns a value as an object; what is none becomes an empty one.
#[expect(
    clippy::unreachable,
    reason = "the value was made an object one line above"
)]
fn as_record(value: &mut Value) -> &mut Record {
    if !value.is_object() {
        *value = Value::Object(Record::new());
    }
    match value {
        Value::Object(record) => record,
        _ => unreachable!("not an object"),
    }
}

/// Takes a member out; the others keep their order.
pub(super) fn take(record: &mut Record, key: &str) -> Option<Value> {
    record.shift_remove(key)
}

/// Takes a member out if it is an object.
pub(super) fn take_record(record: &mut Record, key: &str) -> Option<Record> {
    record.get(key)?.as_object()?;
    match take(record, key) {
        Some(Value::Object(taken)) => Some(taken),
        _ => None,
    }
}

/// Removes a member that is an empty object.
pub(super) fn prune(record: &mut Record, key: &str) {
    let is_empty = record.get(key).and_then(Value::as_object);
    if is_empty.is_some_and(Record::is_empty) {
        take(record, key);
    }
}

/// Sets what is missing in `target`, at every depth; what is there stays.
pub(super) fn fill(target: &mut Record, source: Record) {
    for (key, value) in source {
        if is_blocked(&key) {
            continue;
        }
        match (target.get_mut(&key), value) {
            (Some(Value::Object(existing)), Value::Object(more)) => fill(existing, more),
            (Some(_), _) => {}
            (None, value) => {
                target.insert(key, value);
            }
        }
    }
}

/// Returns the keys of an object, to change it while going through them.
pub(super) fn keys(record: &Record) -> Vec<String> {
    record.keys().cloned().collect()
}

/// Returns the texts of an array; nothing when it is none.
pub(super) fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    let array = value?.as_array()?;
    Some(
        array
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

/// Returns the list without repetitions; the first of each stays.
pub(super) fn unique<T: Clone + Eq + Hash>(list: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    let list = list.into_iter();
    list.filter(|item| seen.insert(item.clone())).collect()
}

/// Returns a text without surrounding blanks, in lower case.
pub(super) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Returns an agent's or an account's id in its canonical form; nothing when none is left.
pub(super) fn canonical_id(text: &str) -> Option<String> {
    const LONGEST: usize = 64;
    let folded = folded(text);
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let starts_well = folded.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && folded.len() <= LONGEST && folded.chars().all(is_letter) {
        return Some(folded);
    }
    let mut dashed = String::new();
    let mut in_run = false;
    for c in folded.chars() {
        let stays = is_letter(c);
        if stays || !in_run {
            dashed.push(if stays { c } else { '-' });
        }
        in_run = !stays;
    }
    let id: String = dashed.trim_matches('-').chars().take(LONGEST).collect();
    (!id.is_empty()).then_some(id)
}

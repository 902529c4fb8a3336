//! Finding values by paths with gaps.

use serde_json::Value;

use crate::problem::{KeyPath, Problem};

/// Returns the value at a path of keys.
pub(super) fn at<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value, |value, key| value.get(*key))
}

/// Returns the text at a path of keys.
pub(super) fn text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    at(value, keys).and_then(Value::as_str)
}

/// Tells whether `true` stands at a path of keys.
pub(super) fn is_true(value: &Value, keys: &[&str]) -> bool {
    at(value, keys) == Some(&Value::Bool(true))
}

/// Returns the members of the object at a path of keys.
pub(super) fn members<'a>(
    value: &'a Value,
    keys: &[&str],
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let members = at(value, keys).and_then(Value::as_object);
    let members = members.into_iter().flatten();
    members.map(|(key, value)| (key.as_str(), value))
}

/// Returns the elements of the list at a path of keys.
pub(super) fn elements<'a>(value: &'a Value, keys: &[&str]) -> &'a [Value] {
    let list = at(value, keys).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// Returns every value whose path fits; `*` stands for any key, or for any index.
pub(super) fn every<'a>(value: &'a Value, pattern: &str) -> Vec<(KeyPath, &'a Value)> {
    let mut found = vec![(KeyPath::root(), value)];
    for key in pattern.split('.') {
        let mut next = Vec::new();
        for (path, value) in found {
            match (key, value) {
                ("*", Value::Object(members)) => {
                    next.extend(members.iter().map(|(key, value)| (path.key(key), value)));
                }
                ("*", Value::Array(elements)) => {
                    let elements = elements.iter().enumerate();
                    next.extend(elements.map(|(index, value)| (path.index(index), value)));
                }
                ("*", _) => {}
                (key, value) => next.extend(value.get(key).map(|value| (path.key(key), value))),
            }
        }
        found = next;
    }
    found
}

/// Returns every text whose path fits.
pub(super) fn every_text<'a>(
    value: &'a Value,
    pattern: &str,
) -> impl Iterator<Item = (KeyPath, &'a str)> + use<'a> {
    let found = every(value, pattern).into_iter();
    found.filter_map(|(path, value)| Some((path, value.as_str()?)))
}

/// Returns a path as written with dots.
pub(super) fn path(dotted: &str) -> KeyPath {
    dotted.split('.').collect()
}

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// Adds one.
    pub(super) fn add(&mut self, path: KeyPath, message: impl Into<String>) {
        self.0.push(Problem::new(path, message));
    }

    /// Adds one for every value at fitting paths that a test does not hold for.
    pub(super) fn demand(
        &mut self,
        config: &Value,
        patterns: &[&str],
        message: &str,
        holds: impl Fn(&str) -> bool,
    ) {
        for pattern in patterns {
            for (path, text) in every_text(config, pattern) {
                if !holds(text) {
                    self.add(path, message);
                }
            }
        }
    }
}

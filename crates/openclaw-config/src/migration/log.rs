//! What a migration has changed, as it goes.

use serde_json::Value;

use super::Change;
use crate::problem::KeyPath;

/// The list of changes, in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Log {
    changes: Vec<Change>,
}

impl Log {
    /// Notes that a value is at another place now.
    pub(super) fn moved(&mut self, from: &KeyPath, to: &KeyPath) {
        self.push(from, Some(to), format!("moved `{from}` to `{to}`"));
    }

    /// Notes that a value is at another place now, in another form.
    pub(super) fn turned(&mut self, from: &KeyPath, to: &KeyPath, how: &str) {
        self.push(from, Some(to), format!("moved `{from}` to `{to}`, {how}"));
    }

    /// Notes that what was missing at another place was filled from a value.
    pub(super) fn merged(&mut self, from: &KeyPath, to: &KeyPath) {
        let text = format!("merged `{from}` into `{to}`; what was set there stays");
        self.push(from, Some(to), text);
    }

    /// Notes that a value was dropped, because its new place is taken.
    pub(super) fn superseded(&mut self, from: &KeyPath, by: &KeyPath) {
        let text = format!("removed `{from}`, because `{by}` is set");
        self.push(from, None, text);
    }

    /// Notes that a value was dropped.
    pub(super) fn removed(&mut self, path: &KeyPath, why: &str) {
        self.push(path, None, format!("removed `{path}`: {why}"));
    }

    /// Notes that a value was changed where it is, or is new.
    pub(super) fn set(&mut self, path: &KeyPath, why: &str) {
        self.push(path, Some(path), format!("set `{path}` {why}"));
    }

    /// Notes that a name was replaced by another one.
    pub(super) fn renamed(&mut self, path: &KeyPath, old: &str, new: &str) {
        let old = Value::from(old);
        let new = Value::from(new);
        let text = format!("changed `{path}` from {old} to {new}");
        self.push(path, Some(path), text);
    }

    /// Adds a change that the others do not describe.
    pub(super) fn push(&mut self, from: &KeyPath, to: Option<&KeyPath>, text: String) {
        self.changes.push(Change {
            from: from.clone(),
            to: to.cloned(),
            text,
        });
    }

    /// Tells how many changes there are.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Returns the changes.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

/// Returns the path of some keys.
pub(super) fn at(keys: &[&str]) -> KeyPath {
    keys.iter().copied().collect()
}

/// Returns a path below another one.
pub(super) fn below(path: &KeyPath, keys: &[&str]) -> KeyPath {
    keys.iter().fold(path.clone(), |path, key| path.key(key))
}

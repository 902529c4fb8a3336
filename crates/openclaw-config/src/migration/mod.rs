//! From the forms of earlier releases to the current one.

use serde_json::Value;

use crate::problem::KeyPath;

/// A config in the current form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migrated {
    /// The config.
    pub value: Value,
    /// What only this program knows, destined for `openclaw-rs.json5`; null when there is nothing.
    pub own: Value,
    /// What was changed, in order.
    pub changes: Vec<Change>,
}

/// One change of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What was moved, changed or removed.
    pub from: KeyPath,
    /// Where it went, if it went anywhere.
    pub to: Option<KeyPath>,
    /// What was done, in a sentence. Never holds a secret.
    pub text: String,
}

/// Brings a config into the current form.
pub fn migrate(value: Value) -> Migrated {
    Migrated {
        value,
        ..Migrated::default()
    }
}

/// Understands the forms that are this program's own, and changes nothing else.
pub fn seed_forms(value: Value) -> Migrated {
    migrate(value)
}

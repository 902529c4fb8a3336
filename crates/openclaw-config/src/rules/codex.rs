//! Whether a model would run on Codex, whose plugin is installed apart.

use serde_json::Value;

use super::walk;

/// Tells whether the plugin is used, so that its absence matters.
pub(super) fn is_needed(_config: &Value, entry: &Value) -> bool {
    match walk::at(entry, &["enabled"]).and_then(Value::as_bool) {
        Some(enabled) => enabled,
        None => true,
    }
}

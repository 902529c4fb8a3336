//! Names and results as OpenClaw writes them.

use serde_json::Value;

/// Returns a name, or what stands for one that is missing.
pub(super) fn named(name: &str) -> &str {
    if name.is_empty() { "unknown" } else { name }
}

/// Returns OpenClaw's word for why the model stopped.
pub(super) fn stop(reason: &str) -> &str {
    match reason {
        "max_tokens" | "length" => "length",
        "error" => "error",
        "aborted" => "aborted",
        _ => "stop",
    }
}

/// Writes a result as one text.
pub(super) fn text(result: &Value) -> String {
    match result {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

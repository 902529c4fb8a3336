//! Whether a list of tools allows one, and where such lists stand.

use openclaw_core::tool_rules::{Pattern, list_name};
use serde_json::Value;

use super::catalog::expanded;
use crate::problem::KeyPath;

/// The parts of a config in which tools are allowed and denied.
pub(super) const ROOTS: [&str; 4] = ["tools", "agents", "channels", "gateway"];

/// Tells whether a list allows a tool; an empty list allows every one.
pub(super) fn allows(list: &[String], tool: &str) -> bool {
    let list = expanded(list);
    let tool = list_name(tool);
    let has = |name: &str| list.iter().any(|pattern| fits(pattern, name));
    // Who may write a file may patch it.
    list.is_empty() || has(&tool) || (tool == "apply_patch" && has("write"))
}

/// Tells whether a pattern with `*` for any run of letters fits a name.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    Pattern::exact(pattern).fits(name)
}

/// Tells whether lists of tools stand at a path.
pub(super) fn is_policy(path: &KeyPath) -> bool {
    let keys = path.segments();
    let has = |keys: &[String], name: &str| keys.iter().any(|key| key == name);
    let by_provider = keys.iter().rposition(|key| key == "byProvider");
    let before = by_provider.and_then(|at| keys.get(..at));
    keys.last().is_some_and(|key| key == "tools")
        || has(keys, "toolsBySender")
        || before.is_some_and(|before| has(before, "tools"))
}

/// Goes through everything below a path, objects and arrays alike.
pub(super) fn walk(
    value: &mut Value,
    path: &KeyPath,
    visit: &mut dyn FnMut(&mut serde_json::Map<String, Value>, &KeyPath) -> bool,
) {
    match value {
        Value::Array(list) => {
            for (index, entry) in list.iter_mut().enumerate() {
                walk(entry, &path.index(index), visit);
            }
        }
        Value::Object(own) => {
            let goes_on = visit(own, path);
            for (key, child) in own.iter_mut().filter(|_| goes_on) {
                walk(child, &path.key(key), visit);
            }
        }
        _ => {}
    }
}

//! What OpenClaw publishes about its protocol, and what its clients read.

use serde_json::{Map, Value, json};

/// Returns the part of the published schema that is about our methods.
pub(super) fn protocol() -> Value {
    let text = include_str!("../../../../../fixtures/openclaw-protocol/protocol.json");
    serde_json::from_str(text).unwrap()
}

/// Returns which members of an answer clients read, by method.
pub(super) fn read_by_clients() -> Map<String, Value> {
    let text = include_str!("../../../../../fixtures/openclaw-protocol/read-by-clients.json");
    serde_json::from_str(text).unwrap()
}

/// Holds a value against one of the published definitions.
pub(super) fn assert_is(protocol: &Value, definition: &str, value: &Value) {
    let schema = json!({
        "$schema": protocol["$schema"],
        "$ref": format!("#/definitions/{definition}"),
        "definitions": protocol["definitions"],
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|problem| format!("{} at {}", problem, problem.instance_path()))
        .collect();
    assert!(
        problems.is_empty(),
        "{definition}: {problems:#?}\n{value:#}"
    );
}

/// Returns the path if a value lacks it. `[]` stands for every element of a list, of which there
/// has to be one.
pub(super) fn lacks(value: &Value, path: &str) -> Option<String> {
    let missing = || Some(path.to_owned());
    let mut steps = path.splitn(2, '.');
    let (step, rest) = (steps.next()?, steps.next());
    let (name, is_list) = step
        .strip_suffix("[]")
        .map_or((step, false), |name| (name, true));
    let Some(found) = value.get(name) else {
        return missing();
    };
    let below = |found: &Value| rest.and_then(|rest| lacks(found, rest));
    if !is_list {
        return below(found).and(missing());
    }
    match found.as_array().map(Vec::as_slice) {
        None | Some([]) => missing(),
        Some(items) => items.iter().find_map(below).and(missing()),
    }
}

//! The marks by which Anthropic's prompt cache is told what to keep.

use serde_json::Value;

use super::{Findings, Rule, member};

/// How many marks the API takes.
const MOST: usize = 4;

const MARK: &str = "cache_control";

pub(super) fn check(body: &Value, findings: &mut Findings) {
    let mut marked = 0;
    walk(body, "", &mut |at, block| {
        marked += 1;
        mark(at, block, findings);
    });
    if marked > MOST {
        let message = format!("{marked} marks for the cache, and the API takes {MOST}");
        findings.add(Rule::Cache, "", message, &Value::Null);
    }
}

fn mark(at: &str, block: &Value, findings: &mut Findings) {
    let mark = member(block, MARK);
    let ttl = member(mark, "ttl");
    let known = ttl.is_null() || ttl == "5m" || ttl == "1h";
    if member(mark, "type") != "ephemeral" || !known {
        findings.add(Rule::Cache, at, "a mark that the API does not know", block);
    }
    let kind = member(block, "type").as_str().unwrap_or_default();
    if kind.contains("thinking") {
        findings.add(Rule::Cache, at, "thoughts cannot be marked", block);
    }
}

/// Visits everything that carries a mark; arguments and schemas are the user's own words.
fn walk(value: &Value, at: &str, found: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            if object.get(MARK).is_some_and(|mark| !mark.is_null()) {
                found(at, value);
            }
            for (key, value) in object {
                if !["input", "input_schema", MARK].contains(&key.as_str()) {
                    let dot = if at.is_empty() { "" } else { "." };
                    walk(value, &format!("{at}{dot}{key}"), found);
                }
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                walk(value, &format!("{at}[{index}]"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns a block as it is without its mark.
pub(super) fn unmarked(block: &Value) -> Value {
    let mut block = block.clone();
    if let Some(object) = block.as_object_mut() {
        object.remove(MARK);
    }
    block
}

//! The tools that a request offers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Findings, Rule, member};
use crate::fake_provider::seen::SeenRequest;
use crate::fake_provider::wire::WireFormat;

/// OpenAI's limit; Anthropic allows more.
const LONGEST_NAME: usize = 64;

pub(super) fn check(seen: &SeenRequest, wire: WireFormat, findings: &mut Findings) {
    let mut tools = member(&seen.body, "tools");
    if let (WireFormat::Google, Some(first)) = (wire, tools.get(0)) {
        tools = member(first, "functionDeclarations");
    }
    let list = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    if !tools.is_null() && list.is_empty() {
        // OpenAI refuses an empty list; no list is how to say that there are none.
        findings.add(
            Rule::Tools,
            "tools",
            "no list with at least one tool",
            tools,
        );
    }
    if list.is_empty() && !(seen.calls().is_empty() && seen.results().is_empty()) {
        let message = "the history calls tools and the request offers none";
        findings.add(Rule::Tools, "tools", message, &Value::Null);
    }
    let mut names = BTreeSet::new();
    for (index, tool) in list.iter().enumerate() {
        let at = format!("tools[{index}]");
        let (spec, schema) = match wire {
            WireFormat::Anthropic => (tool, "input_schema"),
            WireFormat::OpenAi | WireFormat::Azure | WireFormat::Ollama => {
                (member(tool, "function"), "parameters")
            }
            WireFormat::Responses | WireFormat::AzureResponses => (tool, "parameters"),
            WireFormat::Google => (tool, "parametersJsonSchema"),
        };
        let is_typed = !matches!(wire, WireFormat::Anthropic | WireFormat::Google);
        if is_typed && member(tool, "type") != "function" {
            findings.add(Rule::Tools, &at, "its type is not `function`", tool);
        }
        let name = member(spec, "name").as_str().unwrap_or_default();
        if name.len() > LONGEST_NAME || !is_plain(name) {
            findings.add(Rule::Tools, &at, format!("`{name}` is no tool name"), tool);
        } else if !names.insert(name) {
            findings.add(Rule::Tools, &at, format!("a second tool `{name}`"), tool);
        }
        if member(member(spec, schema), "type") != "object" {
            let message = format!("{schema} does not describe an object");
            findings.add(Rule::Tools, &at, message, tool);
        }
    }
}

/// Both APIs want names and ids of the same few characters.
pub(super) fn is_plain(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !text.is_empty() && text.chars().all(legal)
}

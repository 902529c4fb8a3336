//! What OpenAI Chat Completions wants, and how it writes a conversation.

use serde_json::Value;

use super::{Findings, Reading, Rule, member, said};
use crate::fake_provider::seen::{Said, SeenCall, SeenResult, Turn, text_of};

pub(super) fn read(body: &Value, findings: &mut Findings) -> Reading {
    let mut reading = Reading::default();
    let mut before = None;
    let messages = member(body, "messages").as_array();
    for (index, message) in messages.into_iter().flatten().enumerate() {
        let at = format!("messages[{index}]");
        let role = member(message, "role").as_str();
        // OpenAI itself takes anything; the templates of local models do not.
        if matches!(role, Some("user" | "assistant")) && role == before {
            let message_text = "two messages of the same speaker in a row";
            findings.add(Rule::Alternation, &at, message_text, message);
        }
        before = role;
        let said = match role {
            Some("system" | "developer") => {
                if index > 0 {
                    findings.add(
                        Rule::System,
                        &at,
                        "a system prompt that is not first",
                        message,
                    );
                }
                reading.system = texts(message, &at, findings);
                continue;
            }
            Some("user") => Said::User(parts(message, &at, findings)),
            Some("assistant") => assistant(message, &at, findings),
            Some("tool") => Said::Result(SeenResult {
                call_id: member(message, "tool_call_id")
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                content: texts(message, &at, findings).unwrap_or_default(),
            }),
            _ => {
                findings.add(
                    Rule::Role,
                    &at,
                    "a role that the API does not know",
                    message,
                );
                continue;
            }
        };
        reading.turns.push(Turn { at, said });
    }
    reading
}

/// A user's message: a text, or a list of texts and pictures.
fn parts(message: &Value, at: &str, findings: &mut Findings) -> Vec<Value> {
    let content = member(message, "content");
    let parts = match content {
        Value::String(_) => vec![content.clone()],
        Value::Array(parts) => parts.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    let empty = |part: &Value| text_of(part).is_some_and(|text| text.trim().is_empty());
    if parts.is_empty() || parts.iter().any(empty) {
        findings.add(Rule::Content, at, "a message that says nothing", message);
    }
    let known = |part: &Value| {
        text_of(part).is_some()
            || ["image_url", "input_audio", "file"]
                .iter()
                .any(|kind| member(part, "type") == kind && member(part, kind).is_object())
    };
    if !parts.iter().all(known) {
        findings.add(Rule::Content, at, "a part that a user cannot send", message);
    }
    parts
}

/// The text of a message that has nothing else: a text, or a list of texts.
fn texts(message: &Value, at: &str, findings: &mut Findings) -> Option<String> {
    let content = member(message, "content");
    let texts: Option<Vec<&str>> = match content {
        Value::String(text) => Some(vec![text]),
        Value::Array(parts) => parts.iter().map(text_of).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    };
    if texts.is_none() {
        findings.add(Rule::Content, at, "content that is no text", message);
    }
    texts.map(|texts| texts.join("\n"))
}

fn assistant(message: &Value, at: &str, findings: &mut Findings) -> Said {
    let parts = match member(message, "content") {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::Array(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    if !parts.iter().all(|part| text_of(part).is_some()) {
        findings.add(Rule::Content, at, "content that is no text", message);
    }
    let calls = match member(message, "tool_calls") {
        Value::Array(calls) if !calls.is_empty() => calls
            .iter()
            .enumerate()
            .map(|(index, one)| call(one, &format!("{at}.tool_calls[{index}]"), findings))
            .collect(),
        Value::Null => Vec::new(),
        other => {
            findings.add(
                Rule::Content,
                at,
                "no list with at least one tool call",
                other,
            );
            Vec::new()
        }
    };
    Said::Assistant { parts, calls }
}

fn call(call: &Value, at: &str, findings: &mut Findings) -> SeenCall {
    let id = said(call, "id").unwrap_or_default();
    if id.is_empty() {
        findings.add(Rule::CallId, at, "a tool call without an id", call);
    }
    let function = member(call, "function");
    let name = said(function, "name").unwrap_or_default();
    if member(call, "type") != "function" || name.is_empty() {
        findings.add(Rule::Content, at, "no call of a function", call);
    }
    let arguments = member(function, "arguments");
    let read: Option<Value> = arguments
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    if !read.as_ref().is_some_and(Value::is_object) {
        let message = "the arguments are no text of a JSON object";
        findings.add(Rule::Arguments, at, message, call);
    }
    SeenCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: read.unwrap_or_else(|| arguments.clone()),
    }
}

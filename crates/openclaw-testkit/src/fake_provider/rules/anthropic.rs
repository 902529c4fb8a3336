//! What Anthropic Messages wants, and how it writes a conversation.

use serde_json::Value;

use super::tools::is_plain;
use super::{Findings, Reading, Rule, cache, member, said, thinking};
use crate::fake_provider::seen::{Said, SeenCall, SeenResult, Turn, text_of};

pub(super) fn read(body: &Value, findings: &mut Findings) -> Reading {
    if member(body, "max_tokens").as_u64().is_none_or(|n| n == 0) {
        let found = member(body, "max_tokens");
        findings.add(
            Rule::MaxTokens,
            "max_tokens",
            "no whole number above 0",
            found,
        );
    }
    cache::check(body, findings);
    thinking::check(body, findings);
    let mut turns = Vec::new();
    let mut before = None;
    let messages = member(body, "messages").as_array();
    for (index, message) in messages.into_iter().flatten().enumerate() {
        let at = format!("messages[{index}]");
        let role = member(message, "role").as_str();
        if role.is_some() && role == before {
            let message_text = "two messages of the same speaker in a row";
            findings.add(Rule::Alternation, &at, message_text, message);
        }
        before = role;
        match role {
            Some("user") => user(message, &at, &mut turns, findings),
            Some("assistant") => turns.push(assistant(message, at, findings)),
            _ => findings.add(
                Rule::Role,
                &at,
                "a role that the API does not know",
                message,
            ),
        }
    }
    Reading {
        system: system(member(body, "system")),
        turns,
    }
}

/// The system prompt is a text or a list of text blocks.
fn system(value: &Value) -> Option<String> {
    let parts = match value {
        Value::Array(blocks) => blocks.iter().collect(),
        other => vec![other],
    };
    let texts: Vec<&str> = parts.into_iter().filter_map(text_of).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn user(message: &Value, at: &str, turns: &mut Vec<Turn>, findings: &mut Findings) {
    let mut parts = Vec::new();
    let mut parts_at = None;
    for (at, block) in blocks(message, at, findings) {
        let kind = member(block, "type").as_str().unwrap_or("text");
        if kind == "tool_result" {
            // Results have to come first; what was said before one is a turn of its own.
            flush(&mut parts, &mut parts_at, turns);
            let said = Said::Result(result(block, &at, findings));
            turns.push(Turn { at, said });
            continue;
        }
        match kind {
            "text" => text(block, &at, findings),
            "image" | "document" => source(block, kind, &at, findings),
            _ => findings.add(Rule::Content, &at, "no block that a user can send", block),
        }
        parts_at.get_or_insert(at);
        parts.push(cache::unmarked(block));
    }
    flush(&mut parts, &mut parts_at, turns);
}

/// A picture or a document: its bytes, or for a document its text.
fn source(block: &Value, kind: &str, at: &str, findings: &mut Findings) {
    let source = member(block, "source");
    let media = member(source, "media_type").as_str().unwrap_or_default();
    let takes = match (kind, member(source, "type").as_str()) {
        ("image", Some("base64")) => {
            ["image/jpeg", "image/png", "image/gif", "image/webp"].contains(&media)
        }
        ("document", Some("base64")) => media == "application/pdf",
        ("document", Some("text")) => media == "text/plain",
        _ => false,
    };
    if !takes || said(source, "data").is_none() {
        findings.add(
            Rule::Content,
            at,
            "a file that the API does not take",
            block,
        );
    }
}

fn flush(parts: &mut Vec<Value>, at: &mut Option<String>, turns: &mut Vec<Turn>) {
    if let Some(at) = at.take() {
        let said = Said::User(std::mem::take(parts));
        turns.push(Turn { at, said });
    }
}

fn assistant(message: &Value, at: String, findings: &mut Findings) -> Turn {
    let mut parts = Vec::new();
    let mut calls = Vec::new();
    for (at, block) in blocks(message, &at, findings) {
        match member(block, "type").as_str().unwrap_or("text") {
            "tool_use" => calls.push(call(block, &at, findings)),
            "text" => {
                text(block, &at, findings);
                parts.push(cache::unmarked(block));
            }
            "thinking" => {
                if said(block, "signature").is_none() {
                    findings.add(Rule::Content, &at, "thoughts without a signature", block);
                }
                parts.push(block.clone());
            }
            "redacted_thinking" if said(block, "data").is_some() => parts.push(block.clone()),
            _ => findings.add(Rule::Content, &at, "no block that a model can send", block),
        }
    }
    let said = Said::Assistant { parts, calls };
    Turn { at, said }
}

/// Returns a message's blocks; a plain text is one block.
fn blocks<'a>(message: &'a Value, at: &str, findings: &mut Findings) -> Vec<(String, &'a Value)> {
    let content = member(message, "content");
    match content {
        Value::String(_) => vec![(at.to_owned(), content)],
        Value::Array(blocks) if !blocks.is_empty() => blocks
            .iter()
            .enumerate()
            .map(|(index, block)| (format!("{at}.content[{index}]"), block))
            .collect(),
        _ => {
            findings.add(Rule::Content, at, "a message without content", message);
            Vec::new()
        }
    }
}

fn text(block: &Value, at: &str, findings: &mut Findings) {
    if text_of(block).is_none_or(|text| text.trim().is_empty()) {
        findings.add(Rule::Content, at, "a text that says nothing", block);
    }
}

fn call(block: &Value, at: &str, findings: &mut Findings) -> SeenCall {
    let id = member(block, "id").as_str().unwrap_or_default();
    if !is_plain(id) {
        findings.add(
            Rule::CallId,
            at,
            format!("`{id}` is no id of a tool call"),
            block,
        );
    }
    let name = member(block, "name").as_str().unwrap_or_default();
    if name.is_empty() {
        findings.add(Rule::Content, at, "a tool call without a tool", block);
    }
    if !member(block, "input").is_object() {
        findings.add(Rule::Arguments, at, "the input is no object", block);
    }
    SeenCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: member(block, "input").clone(),
    }
}

fn result(block: &Value, at: &str, findings: &mut Findings) -> SeenResult {
    let content = member(block, "content");
    let texts = match content {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.as_str()],
        Value::Array(parts) => {
            let known =
                |part: &Value| matches!(member(part, "type").as_str(), Some("text" | "image"));
            if !parts.iter().all(known) {
                findings.add(Rule::Content, at, "a result of unknown blocks", block);
            }
            parts.iter().filter_map(text_of).collect()
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            findings.add(Rule::Content, at, "a result that is no text", block);
            Vec::new()
        }
    };
    let failed = member(block, "is_error").as_bool().unwrap_or_default();
    if failed && texts.concat().is_empty() {
        findings.add(Rule::Content, at, "an error that says nothing", block);
    }
    SeenResult {
        call_id: member(block, "tool_use_id")
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        content: texts.join("\n"),
    }
}

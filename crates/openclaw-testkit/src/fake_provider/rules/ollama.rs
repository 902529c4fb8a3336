//! What Ollama's chat API wants, and how it writes a conversation.

use serde_json::Value;

use super::{Findings, Reading, Rule, member, said};
use crate::fake_provider::seen::{Said, SeenCall, SeenResult, Turn};

pub(super) fn read(body: &Value, findings: &mut Findings) -> Reading {
    let mut reading = Reading::default();
    let mut before = None;
    let messages = member(body, "messages").as_array();
    for (index, message) in messages.into_iter().flatten().enumerate() {
        let at = format!("messages[{index}]");
        let role = member(message, "role").as_str();
        // The templates of many models want it so.
        if matches!(role, Some("user" | "assistant")) && role == before {
            let message_text = "two messages of the same speaker in a row";
            findings.add(Rule::Alternation, &at, message_text, message);
        }
        before = role;
        let content = member(message, "content").as_str();
        if content.is_none() {
            findings.add(Rule::Content, &at, "content that is no text", message);
        }
        let content = content.unwrap_or_default();
        let said = match role {
            Some("system") => {
                if index > 0 {
                    let message_text = "a system prompt that is not first";
                    findings.add(Rule::System, &at, message_text, message);
                }
                reading.system = Some(content.to_owned());
                continue;
            }
            Some("user") => Said::User(user(message, content, &at, findings)),
            Some("assistant") => assistant(message, content, &at, findings),
            Some("tool") => {
                if said(message, "tool_name").is_none() {
                    let message_text = "a result without the name of its tool";
                    findings.add(Rule::Content, &at, message_text, message);
                }
                let id = said(message, "tool_call_id").unwrap_or_default();
                Said::Result(SeenResult {
                    call_id: id.to_owned(),
                    content: content.to_owned(),
                })
            }
            _ => {
                let message_text = "a role that the API does not know";
                findings.add(Rule::Role, &at, message_text, message);
                continue;
            }
        };
        reading.turns.push(Turn { at, said });
    }
    reading
}

fn user(message: &Value, content: &str, at: &str, findings: &mut Findings) -> Vec<Value> {
    let images = member(message, "images").as_array();
    let images = images.map(Vec::as_slice).unwrap_or_default();
    if images.iter().any(|image| !image.is_string()) {
        let message_text = "a picture that is no Base64";
        findings.add(Rule::Content, at, message_text, message);
    }
    let mut parts = images.to_vec();
    if !content.trim().is_empty() {
        parts.insert(0, content.into());
    }
    if parts.is_empty() {
        findings.add(Rule::Content, at, "a message that says nothing", message);
    }
    parts
}

fn assistant(message: &Value, content: &str, at: &str, findings: &mut Findings) -> Said {
    let calls = member(message, "tool_calls").as_array();
    let calls = calls.into_iter().flatten().enumerate();
    Said::Assistant {
        parts: (!content.is_empty())
            .then(|| content.into())
            .into_iter()
            .collect(),
        calls: calls
            .map(|(index, one)| call(one, &format!("{at}.tool_calls[{index}]"), findings))
            .collect(),
    }
}

fn call(call: &Value, at: &str, findings: &mut Findings) -> SeenCall {
    let function = member(call, "function");
    let name = said(function, "name").unwrap_or_default();
    if name.is_empty() {
        findings.add(Rule::Content, at, "no call of a function", call);
    }
    if !member(function, "arguments").is_object() {
        findings.add(Rule::Arguments, at, "the arguments are no object", call);
    }
    let id = said(call, "id").unwrap_or_default();
    if id.is_empty() {
        findings.add(Rule::CallId, at, "a tool call without an id", call);
    }
    SeenCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: member(function, "arguments").clone(),
    }
}

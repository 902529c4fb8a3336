//! What is in a message: texts, pictures, thoughts and calls.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_core::events::{Block, StepPayload, Thinking};
use openclaw_core::validation::{Attachment, AttachmentKind};
use openclaw_core::{CallId, Usage};
use serde_json::Value;

use super::Step;
use crate::json;

/// A call in a message.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) id: CallId,
    pub(super) tool: String,
    pub(super) params: Value,
}

/// Reads what the model wrote in a step.
pub(super) fn step(message: &Value) -> (Step, Vec<Called>) {
    let (mut blocks, mut calls, mut text) = (Vec::new(), Vec::new(), String::new());
    let content = message.get("content").unwrap_or(&Value::Null);
    // Signatures are of use to the API that made them; only this one's are understood here.
    let signed = match json::text(message, "api") {
        Some("anthropic-messages") => Signed::Here,
        _ => Signed::Elsewhere,
    };
    if let Value::String(plain) = content
        && !plain.is_empty()
    {
        text.clone_from(plain);
        blocks.push(Block::Text(plain.clone()));
    }
    for part in content.as_array().into_iter().flatten() {
        match part.get("type").and_then(Value::as_str).unwrap_or_default() {
            "text" => {
                if let Some(part) = part.get("text").and_then(Value::as_str)
                    && !part.is_empty()
                {
                    text.push_str(part);
                    blocks.push(Block::Text(part.to_owned()));
                }
            }
            "thinking" => blocks.push(Block::Thinking(thinking(part, signed))),
            "toolCall" => {
                let id = CallId::from(json::text(part, "id").unwrap_or_default());
                blocks.push(Block::Call(id.clone()));
                calls.push(Called {
                    id,
                    tool: json::text(part, "name").unwrap_or("unknown").to_owned(),
                    params: part.get("arguments").cloned().unwrap_or_default(),
                });
            }
            _ => {}
        }
    }
    let usage = message.get("usage").unwrap_or(&Value::Null);
    let cost = usage
        .get("cost")
        .and_then(|cost| cost.get("total"))
        .and_then(Value::as_f64)
        .filter(|usd| usd.is_finite())
        .unwrap_or_default();
    let payload = StepPayload {
        provider: json::text(message, "provider").unwrap_or("unknown").into(),
        model: json::text(message, "model").unwrap_or("unknown").to_owned(),
        stop: stop(json::text(message, "stopReason").unwrap_or("stop")).to_owned(),
        usage: Usage {
            input: json::count(usage, "input"),
            output: json::count(usage, "output"),
            cache_read: json::count(usage, "cacheRead"),
            cache_write: json::count(usage, "cacheWrite"),
            cache_write_1h: json::count(usage, "cacheWrite1h"),
            reasoning: json::count(usage, "reasoning"),
        },
        blocks,
    };
    (
        Step {
            payload,
            text,
            cost,
        },
        calls,
    )
}

fn thinking(part: &Value, signed: Signed) -> Thinking {
    let signature = match signed {
        Signed::Here => json::text(part, "thinkingSignature").map(str::to_owned),
        Signed::Elsewhere => None,
    };
    let text = part
        .get("thinking")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if part.get("redacted") == Some(&Value::Bool(true)) {
        return Thinking {
            redacted: signature,
            ..Thinking::default()
        };
    }
    Thinking {
        text: text.to_owned(),
        signature,
        redacted: None,
    }
}

/// Returns our word for why the model stopped.
fn stop(theirs: &str) -> &str {
    match theirs {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "toolUse" => "tool_use",
        other => other,
    }
}

/// Whose signatures a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signed {
    /// Those of an API that is asked here too.
    Here,
    /// Those of another, which nobody here could use.
    Elsewhere,
}

/// Joins the texts of a message.
pub(super) fn texts(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter(|part| part.get("type").and_then(Value::as_str) == Some("text"))
                .filter_map(|part| part.get("text").and_then(Value::as_str))
                .collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// Writes out what a tool answered; a picture in it is named, its data is in the entry's JSON.
pub(super) fn result_text(content: &Value) -> String {
    let parts = match content {
        Value::Array(parts) => parts.as_slice(),
        Value::String(text) => return text.clone(),
        Value::Object(_) => std::slice::from_ref(content),
        _ => return String::new(),
    };
    let lines: Vec<String> = parts
        .iter()
        .map(|part| match part.get("type").and_then(Value::as_str) {
            Some("text") => part
                .get("text")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            Some("image") => {
                let mime = json::text(part, "mimeType").unwrap_or("of an unknown type");
                format!("[picture: {mime}]")
            }
            _ => part.to_string(),
        })
        .collect();
    lines.join("\n")
}

pub(super) fn pictures(content: &Value) -> Vec<Attachment> {
    content
        .as_array()
        .into_iter()
        .flatten()
        .filter(|part| part.get("type").and_then(Value::as_str) == Some("image"))
        .filter_map(|part| {
            let data = json::text(part, "data")?;
            Some(Attachment {
                kind: AttachmentKind::Photo,
                mime: json::text(part, "mimeType")
                    .unwrap_or("image/png")
                    .to_owned(),
                bytes: STANDARD.decode(data).ok()?,
                filename: None,
            })
        })
        .collect()
}

/// Writes out a command that the user ran beside the conversation.
pub(super) fn shell(message: &Value) -> String {
    let command = json::text(message, "command").unwrap_or_default();
    let output = message
        .get("output")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut text = format!("I ran `{command}`. ");
    if output.trim().is_empty() {
        text.push_str("It wrote nothing.");
    } else {
        text.push_str("It wrote:\n");
        text.push_str(output);
    }
    if message.get("cancelled") == Some(&Value::Bool(true)) {
        text.push_str("\n(It was cancelled.)");
    } else if let Some(code) = message.get("exitCode").and_then(Value::as_i64)
        && code != 0
    {
        text.push_str("\n(It ended with exit code ");
        text.push_str(&code.to_string());
        text.push_str(".)");
    }
    text
}

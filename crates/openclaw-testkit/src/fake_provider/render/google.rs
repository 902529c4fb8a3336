//! Google Gemini, as <https://ai.google.dev/api/generate-content> shows it.
//!
//! A call has an id only if the test gives it one: Gemini 3 writes ids, Gemini 2.5 does not. The
//! signature of thoughts stands on the first call, or on a last part without words.

use openclaw_core::Usage;
use serde_json::{Map, Value, json};

use super::{Asked, words};
use crate::fake_provider::reply::{FakeCall, Message, Stop};

pub(super) fn events(message: &Message, asked: &Asked<'_>) -> Vec<String> {
    let mut chunks: Vec<Value> = parts(message, words)
        .into_iter()
        .map(|part| chunk(message, asked, &json!([part]), None))
        .collect();
    let last = match trailing(message) {
        Some(part) => json!([part]),
        None => json!([{"text": ""}]),
    };
    chunks.push(chunk(message, asked, &last, Some(message.stop)));
    chunks.iter().map(event).collect()
}

pub(super) fn document(message: &Message, asked: &Asked<'_>) -> Value {
    let mut all = parts(message, std::iter::once);
    all.extend(trailing(message));
    chunk(message, asked, &all.into(), Some(message.stop))
}

pub(super) fn error_event(kind: &str, message: &str) -> String {
    event(&json!({"error": {"code": 503, "message": message, "status": kind}}))
}

pub(super) fn error(status: u16, kind: Option<&str>, message: Option<&str>) -> Value {
    let (usual_kind, usual_message) = match status {
        401 => (
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
        ),
        403 => ("PERMISSION_DENIED", "Your API key was reported as leaked."),
        404 => (
            "NOT_FOUND",
            "models/some-model is not found for API version v1beta.",
        ),
        429 => ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
        503 | 529 => ("UNAVAILABLE", "The model is overloaded."),
        504 => ("DEADLINE_EXCEEDED", "The request timed out."),
        400..=499 => ("INVALID_ARGUMENT", "The request is not valid."),
        _ => ("INTERNAL", "An internal error has occurred."),
    };
    json!({
        "error": {
            "code": status,
            "message": message.unwrap_or(usual_message),
            "status": kind.unwrap_or(usual_kind),
        },
    })
}

/// Returns the parts of an answer, its texts cut as `cut` cuts them.
fn parts<'a, C: Iterator<Item = &'a str>>(
    message: &'a Message,
    cut: impl Fn(&'a str) -> C,
) -> Vec<Value> {
    let mut parts = Vec::new();
    if let Some(thinking) = &message.thinking {
        parts.extend(cut(&thinking.text).map(|word| json!({"text": word, "thought": true})));
    }
    if !message.text.is_empty() {
        parts.extend(cut(&message.text).map(|word| json!({"text": word})));
    }
    let mut signature = signature(message);
    for call in &message.calls {
        let mut part = json!({"functionCall": function_call(call)});
        if let (Some(signature), Some(part)) = (signature.take(), part.as_object_mut()) {
            part.insert("thoughtSignature".to_owned(), signature.into());
        }
        parts.push(part);
    }
    parts
}

/// Returns the last part of an answer without calls, which carries the signature.
fn trailing(message: &Message) -> Option<Value> {
    let signature = signature(message).filter(|_| message.calls.is_empty())?;
    Some(json!({"text": "", "thoughtSignature": signature}))
}

fn signature(message: &Message) -> Option<&str> {
    let thinking = message.thinking.as_ref()?;
    Some(thinking.signature.as_str()).filter(|signature| !signature.is_empty())
}

fn function_call(call: &FakeCall) -> Value {
    // The API has parsed the arguments; broken ones became nothing.
    let args: Map<String, Value> = serde_json::from_str(&call.arguments).unwrap_or_default();
    match &call.id {
        Some(id) => json!({"id": id, "name": call.name, "args": args}),
        None => json!({"name": call.name, "args": args}),
    }
}

fn chunk(message: &Message, asked: &Asked<'_>, parts: &Value, stop: Option<Stop>) -> Value {
    let content = json!({"parts": parts, "role": "model"});
    let candidate = match stop {
        Some(stop) => {
            json!({"content": content, "finishReason": finish_reason(stop), "index": 0})
        }
        None => json!({"content": content, "index": 0}),
    };
    json!({
        "candidates": [candidate],
        "usageMetadata": usage(&message.usage),
        "modelVersion": message.model.as_deref().unwrap_or(asked.model),
        "responseId": format!("resp-{:06}", asked.number),
    })
}

/// Google ends its lines with CR and LF.
fn event(data: &Value) -> String {
    format!("data: {data}\r\n\r\n")
}

/// Google counts cached tokens among the prompt's, and thoughts beside the answer's.
fn usage(usage: &Usage) -> Value {
    let prompt = usage.input + usage.cache_read + usage.cache_write;
    json!({
        "promptTokenCount": prompt,
        "cachedContentTokenCount": usage.cache_read,
        "candidatesTokenCount": usage.output.saturating_sub(usage.reasoning),
        "thoughtsTokenCount": usage.reasoning,
        "totalTokenCount": prompt + usage.output,
    })
}

const fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::ToolUse => "STOP",
        Stop::MaxTokens => "MAX_TOKENS",
        Stop::Refusal => "SAFETY",
        Stop::Other(name) => name,
    }
}

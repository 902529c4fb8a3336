//! Ollama's chat API, as <https://docs.ollama.com/api/chat> shows it.
//!
//! A call has an id only if the test gives it one: servers before 0.12 wrote none.

use serde_json::{Map, Value, json};

use super::{Asked, words};
use crate::fake_provider::reply::{FakeCall, Message, Stop};

/// The time that every answer claims to be from.
const CREATED: &str = "2026-01-02T03:04:05.678901Z";

pub(super) fn events(message: &Message, asked: &Asked<'_>) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(thinking) = &message.thinking {
        said.extend(
            words(&thinking.text)
                .map(|word| json!({"role": "assistant", "content": "", "thinking": word})),
        );
    }
    said.extend(words(&message.text).map(|word| json!({"role": "assistant", "content": word})));
    // Every call is a line of its own, and comes whole.
    said.extend(
        message
            .calls
            .iter()
            .map(|one| json!({"role": "assistant", "content": "", "tool_calls": [call(one)]})),
    );
    let pieces = said
        .iter()
        .map(|said| piece(message, asked, said))
        .collect::<Vec<_>>();
    let last = end(message, asked, &json!({"role": "assistant", "content": ""}));
    pieces.iter().chain([&last]).map(line).collect()
}

pub(super) fn document(message: &Message, asked: &Asked<'_>) -> Value {
    let mut said = Map::from_iter([
        ("role".to_owned(), json!("assistant")),
        ("content".to_owned(), json!(message.text)),
    ]);
    if let Some(thinking) = &message.thinking {
        said.insert("thinking".to_owned(), json!(thinking.text));
    }
    if !message.calls.is_empty() {
        let calls = message.calls.iter().map(call);
        said.insert("tool_calls".to_owned(), calls.collect());
    }
    end(message, asked, &Value::Object(said))
}

/// In the middle of an answer an error is a line with nothing but a text; it has no kind.
pub(super) fn error_event(message: &str) -> String {
    line(&json!({"error": message}))
}

pub(super) fn error(status: u16, message: Option<&str>) -> Value {
    let usual = match status {
        401 => "unauthorized",
        404 => "model 'some-model' not found",
        429 => "too many concurrent requests",
        503 | 529 => "server busy, please try again.  maximum pending requests exceeded",
        400..=499 => "invalid request",
        _ => "llama runner process has terminated",
    };
    json!({"error": message.unwrap_or(usual)})
}

fn call(call: &FakeCall) -> Value {
    // The server has parsed the arguments; broken ones became nothing.
    let arguments: Map<String, Value> = serde_json::from_str(&call.arguments).unwrap_or_default();
    let function = json!({"name": call.name, "arguments": arguments});
    match &call.id {
        Some(id) => json!({"id": id, "function": function}),
        None => json!({"function": function}),
    }
}

fn piece(message: &Message, asked: &Asked<'_>, said: &Value) -> Value {
    json!({
        "model": message.model.as_deref().unwrap_or(asked.model),
        "created_at": CREATED,
        "message": said,
        "done": false,
    })
}

fn end(message: &Message, asked: &Asked<'_>, said: &Value) -> Value {
    let usage = &message.usage;
    json!({
        "model": message.model.as_deref().unwrap_or(asked.model),
        "created_at": CREATED,
        "message": said,
        "done_reason": done_reason(message.stop),
        "done": true,
        "total_duration": 4_883_583_458_u64,
        "load_duration": 1_334_875_u64,
        "prompt_eval_count": usage.input + usage.cache_read + usage.cache_write,
        "prompt_eval_duration": 342_546_000,
        "eval_count": usage.output,
        "eval_duration": 4_535_599_000_u64,
    })
}

fn line(data: &Value) -> String {
    format!("{data}\n")
}

/// There is no word for a refusal, and calls end like anything else.
const fn done_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::ToolUse | Stop::Refusal => "stop",
        Stop::Other(name) => name,
        Stop::MaxTokens => "length",
    }
}

//! OpenAI Chat Completions, as <https://platform.openai.com/docs/api-reference/chat-streaming> shows it.

use openclaw_core::Usage;
use serde_json::{Value, json};

use super::{Asked, call_id, fragments, words};
use crate::fake_provider::reply::{FakeCall, Message, Stop};
use crate::fake_provider::wire::WireFormat;

/// The time that every answer claims to be from.
pub(super) const CREATED: u64 = 1_700_000_000;

pub(super) fn events(message: &Message, asked: &Asked<'_>) -> Vec<String> {
    let mut deltas = Vec::new();
    if let Some(thinking) = &message.thinking {
        // Not OpenAI's own: DeepSeek, llama.cpp and vLLM send thoughts under this name.
        deltas.extend(words(&thinking.text).map(|word| json!({"reasoning_content": word})));
    }
    deltas.extend(words(&message.text).map(|word| json!({"content": word})));
    for (index, call) in message.calls.iter().enumerate() {
        deltas.extend(call_deltas(index, call, &call_id(call, asked, index)));
    }

    let first = if message.text.is_empty() && !message.calls.is_empty() {
        json!({"role": "assistant", "content": null})
    } else {
        json!({"role": "assistant", "content": "", "refusal": null})
    };
    let mut stream = Vec::new();
    if asked.wire == WireFormat::Azure {
        stream.push(prompt_filter());
    }
    stream.push(chunk(message, asked, &first, None));
    stream.extend(
        deltas
            .iter()
            .map(|delta| chunk(message, asked, delta, None)),
    );
    stream.push(chunk(message, asked, &json!({}), Some(message.stop)));
    if asked.include_usage {
        let mut last = envelope(message, asked, "chat.completion.chunk");
        insert(&mut last, "choices", json!([]));
        insert(&mut last, "usage", usage(&message.usage));
        stream.push(last);
    }
    let mut events: Vec<String> = stream.iter().map(event).collect();
    events.push("data: [DONE]\n\n".to_owned());
    events
}

pub(super) fn document(message: &Message, asked: &Asked<'_>) -> Value {
    let content = if message.text.is_empty() && !message.calls.is_empty() {
        Value::Null
    } else {
        Value::from(message.text.as_str())
    };
    let mut said = json!({"role": "assistant", "content": content, "refusal": null});
    if let Some(thinking) = &message.thinking {
        insert(&mut said, "reasoning_content", json!(thinking.text));
    }
    if !message.calls.is_empty() {
        let calls = message.calls.iter().enumerate().map(|(index, call)| {
            json!({
                "id": call_id(call, asked, index),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            })
        });
        insert(&mut said, "tool_calls", calls.collect());
    }
    let mut answer = envelope(message, asked, "chat.completion");
    let choice = json!({
        "index": 0,
        "message": said,
        "logprobs": null,
        "finish_reason": finish_reason(message.stop),
    });
    insert(&mut answer, "choices", json!([choice]));
    insert(&mut answer, "usage", usage(&message.usage));
    answer
}

pub(super) fn error_event(kind: &str, message: &str) -> String {
    event(&json!({
        "error": {"message": message, "type": kind, "param": null, "code": null},
    }))
}

pub(super) fn error(status: u16, kind: Option<&str>, message: Option<&str>) -> Value {
    let (usual_kind, usual_message, code) = match status {
        401 => (
            "invalid_request_error",
            "Incorrect API key provided.",
            json!("invalid_api_key"),
        ),
        404 => (
            "invalid_request_error",
            "The model does not exist or you do not have access to it.",
            json!("model_not_found"),
        ),
        429 => (
            "requests",
            "Rate limit reached for requests.",
            json!("rate_limit_exceeded"),
        ),
        400..=499 => (
            "invalid_request_error",
            "The request is not valid.",
            Value::Null,
        ),
        _ => (
            "server_error",
            "The server had an error while processing your request.",
            Value::Null,
        ),
    };
    json!({
        "error": {
            "message": message.unwrap_or(usual_message),
            "type": kind.unwrap_or(usual_kind),
            "param": null,
            "code": code,
        },
    })
}

/// Azure's gate in front of the API has forms of its own.
pub(super) fn azure_error(status: u16, kind: Option<&str>, message: Option<&str>) -> Value {
    match (status, kind) {
        (401, None) => json!({
            "statusCode": 401,
            "message": message.unwrap_or("Unauthorized. Access token is missing, invalid or expired."),
        }),
        (429, None) => json!({"error": {
            "code": "429",
            "message": message.unwrap_or("Requests have exceeded the rate limit of your tier."),
        }}),
        _ => error(status, kind, message),
    }
}

/// What Azure tells of the prompt before the answer begins.
fn prompt_filter() -> Value {
    let safe = json!({"filtered": false, "severity": "safe"});
    json!({
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{
            "prompt_index": 0,
            "content_filter_results": {"hate": safe, "violence": safe},
        }],
    })
}

fn call_deltas(index: usize, call: &FakeCall, id: &str) -> Vec<Value> {
    let start = json!({"tool_calls": [{
        "index": index,
        "id": id,
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }]});
    let pieces = fragments(&call.arguments)
        .into_iter()
        .map(|piece| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
    std::iter::once(start).chain(pieces).collect()
}

fn chunk(message: &Message, asked: &Asked<'_>, delta: &Value, stop: Option<Stop>) -> Value {
    let mut chunk = envelope(message, asked, "chat.completion.chunk");
    let choice = json!({
        "index": 0,
        "delta": delta,
        "logprobs": null,
        "finish_reason": stop.map(finish_reason),
    });
    insert(&mut chunk, "choices", json!([choice]));
    if asked.include_usage {
        insert(&mut chunk, "usage", Value::Null);
    }
    chunk
}

fn envelope(message: &Message, asked: &Asked<'_>, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{:06}", asked.number),
        "object": object,
        "created": CREATED,
        "model": message.model.as_deref().unwrap_or(asked.model),
        "system_fingerprint": "fp_fake",
    })
}

pub(super) fn insert(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// OpenAI counts cached tokens among the prompt's.
fn usage(usage: &Usage) -> Value {
    let prompt = usage.input + usage.cache_read + usage.cache_write;
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}

const fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn => "stop",
        Stop::ToolUse => "tool_calls",
        Stop::MaxTokens => "length",
        Stop::Refusal => "content_filter",
        Stop::Other(name) => name,
    }
}

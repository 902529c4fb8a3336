//! Anthropic Messages, as <https://docs.anthropic.com/en/api/messages-streaming> shows it.

use openclaw_core::Usage;
use serde_json::{Map, Value, json};

use super::{Asked, call_id, fragments, words};
use crate::fake_provider::reply::{FakeCall, Message, Stop, Thinking};

pub(super) fn events(message: &Message, asked: &Asked<'_>) -> Vec<String> {
    let mut blocks: Vec<Vec<Value>> = Vec::new();
    if let Some(thinking) = &message.thinking {
        blocks.push(thinking_block(blocks.len(), thinking));
    }
    if !message.text.is_empty() {
        blocks.push(text_block(blocks.len(), &message.text));
    }
    for (index, call) in message.calls.iter().enumerate() {
        let id = call_id(call, asked, index);
        blocks.push(tool_block(blocks.len(), call, &id));
    }

    let mut stream = vec![start(message, asked)];
    let mut blocks = blocks.into_iter().flatten();
    // The real API pings right after the first block has begun.
    stream.extend(blocks.next());
    stream.push(json!({"type": "ping"}));
    stream.extend(blocks);
    stream.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(message.stop), "stop_sequence": null},
        "usage": usage(&message.usage, message.usage.output),
    }));
    stream.push(json!({"type": "message_stop"}));
    stream.iter().map(event).collect()
}

pub(super) fn document(message: &Message, asked: &Asked<'_>) -> Value {
    let mut content = Vec::new();
    if let Some(thinking) = &message.thinking {
        content.push(json!({
            "type": "thinking",
            "thinking": thinking.text,
            "signature": thinking.signature,
        }));
    }
    if !message.text.is_empty() {
        content.push(json!({"type": "text", "text": message.text}));
    }
    for (index, call) in message.calls.iter().enumerate() {
        // Outside of a stream the API has parsed the arguments; broken ones became nothing.
        let input: Map<String, Value> = serde_json::from_str(&call.arguments).unwrap_or_default();
        content.push(json!({
            "type": "tool_use",
            "id": call_id(call, asked, index),
            "name": call.name,
            "input": input,
        }));
    }
    json!({
        "id": message_id(asked),
        "type": "message",
        "role": "assistant",
        "model": model(message, asked),
        "content": content,
        "stop_reason": stop_reason(message.stop),
        "stop_sequence": null,
        "usage": usage(&message.usage, message.usage.output),
    })
}

pub(super) fn error_event(kind: &str, message: &str) -> String {
    event(&json!({"type": "error", "error": {"type": kind, "message": message}}))
}

pub(super) fn error(
    asked: &Asked<'_>,
    status: u16,
    kind: Option<&str>,
    message: Option<&str>,
) -> Value {
    let (usual_kind, usual_message) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key lacks permission."),
        404 => ("not_found_error", "The resource was not found."),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => (
            "rate_limit_error",
            "This request would exceed your rate limit.",
        ),
        529 => ("overloaded_error", "Overloaded"),
        400..=499 => ("invalid_request_error", "The request is not valid."),
        _ => ("api_error", "Internal server error"),
    };
    json!({
        "type": "error",
        "error": {
            "type": kind.unwrap_or(usual_kind),
            "message": message.unwrap_or(usual_message),
        },
        "request_id": format!("req_{:06}", asked.number),
    })
}

fn start(message: &Message, asked: &Asked<'_>) -> Value {
    json!({
        "type": "message_start",
        "message": {
            "id": message_id(asked),
            "type": "message",
            "role": "assistant",
            "model": model(message, asked),
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            // The output is counted further with every event; only the last count is the whole.
            "usage": usage(&message.usage, 1),
        },
    })
}

fn thinking_block(index: usize, thinking: &Thinking) -> Vec<Value> {
    let mut deltas: Vec<Value> = words(&thinking.text)
        .map(|word| json!({"type": "thinking_delta", "thinking": word}))
        .collect();
    deltas.push(json!({"type": "signature_delta", "signature": thinking.signature}));
    block(
        index,
        &json!({"type": "thinking", "thinking": "", "signature": ""}),
        deltas,
    )
}

fn text_block(index: usize, text: &str) -> Vec<Value> {
    let deltas = words(text)
        .map(|word| json!({"type": "text_delta", "text": word}))
        .collect();
    block(index, &json!({"type": "text", "text": ""}), deltas)
}

fn tool_block(index: usize, call: &FakeCall, id: &str) -> Vec<Value> {
    // The first piece of arguments is always empty.
    let deltas = std::iter::once(String::new())
        .chain(fragments(&call.arguments))
        .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
        .collect();
    let start = json!({"type": "tool_use", "id": id, "name": call.name, "input": {}});
    block(index, &start, deltas)
}

fn block(index: usize, start: &Value, deltas: Vec<Value>) -> Vec<Value> {
    let start = json!({"type": "content_block_start", "index": index, "content_block": start});
    let stop = json!({"type": "content_block_stop", "index": index});
    let deltas = deltas
        .into_iter()
        .map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta}));
    std::iter::once(start)
        .chain(deltas)
        .chain(std::iter::once(stop))
        .collect()
}

fn event(data: &Value) -> String {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}

fn usage(usage: &Usage, output: u64) -> Value {
    let mut counts = json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write.saturating_sub(usage.cache_write_1h),
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": output,
    });
    if usage.reasoning > 0
        && let Some(counts) = counts.as_object_mut()
    {
        let details = json!({"thinking_tokens": usage.reasoning.min(output)});
        counts.insert("output_tokens_details".to_owned(), details);
    }
    counts
}

fn message_id(asked: &Asked<'_>) -> String {
    format!("msg_{:06}", asked.number)
}

fn model<'a>(message: &'a Message, asked: &Asked<'a>) -> &'a str {
    message.model.as_deref().unwrap_or(asked.model)
}

const fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn => "end_turn",
        Stop::ToolUse => "tool_use",
        Stop::MaxTokens => "max_tokens",
        Stop::Refusal => "refusal",
        Stop::Other(name) => name,
    }
}

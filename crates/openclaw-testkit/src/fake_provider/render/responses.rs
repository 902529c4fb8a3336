//! OpenAI Responses, as <https://platform.openai.com/docs/api-reference/responses-streaming> shows it.

use serde_json::{Value, json};

use super::openai::{CREATED, insert};
use super::{Asked, call_id, fragments, words};
use crate::fake_provider::reply::{Message, Stop};

pub(super) fn events(message: &Message, asked: &Asked<'_>) -> Vec<String> {
    let opening = response(message, asked, "in_progress", &[]);
    let mut stream = vec![
        json!({"type": "response.created", "response": opening}),
        json!({"type": "response.in_progress", "response": opening}),
    ];
    let items = items(message, asked);
    for (index, item) in items.iter().enumerate() {
        stream.extend(item_events(message, index, item));
    }
    let status = status(message.stop);
    stream.push(json!({
        "type": format!("response.{status}"),
        "response": response(message, asked, status, &items),
    }));
    let numbered = stream.iter_mut().enumerate().map(|(number, data)| {
        insert(data, "sequence_number", json!(number));
        event(data)
    });
    numbered.collect()
}

pub(super) fn document(message: &Message, asked: &Asked<'_>) -> Value {
    response(message, asked, status(message.stop), &items(message, asked))
}

pub(super) fn error_event(kind: &str, message: &str) -> String {
    event(&json!({"type": "error", "code": kind, "message": message, "param": null}))
}

/// Returns the items of the whole answer.
fn items(message: &Message, asked: &Asked<'_>) -> Vec<Value> {
    let mut items = Vec::new();
    if let Some(thinking) = &message.thinking {
        items.push(json!({
            "id": format!("rs_{:06}", asked.number),
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": thinking.text}],
            "encrypted_content": thinking.signature,
        }));
    }
    if !message.text.is_empty() {
        let part = match message.stop {
            Stop::Refusal => json!({"type": "refusal", "refusal": message.text}),
            Stop::EndTurn | Stop::ToolUse | Stop::MaxTokens | Stop::Other(_) => {
                json!({"type": "output_text", "text": message.text, "annotations": [], "logprobs": []})
            }
        };
        items.push(json!({
            "id": format!("msg_{:06}", asked.number),
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [part],
        }));
    }
    for (index, call) in message.calls.iter().enumerate() {
        items.push(json!({
            "id": format!("fc_{:06}_{index}", asked.number),
            "type": "function_call",
            "status": "completed",
            "call_id": call_id(call, asked, index),
            "name": call.name,
            "arguments": call.arguments,
        }));
    }
    items
}

/// Returns how one item is streamed: its empty form, its pieces, and the whole of it.
fn item_events(message: &Message, index: usize, item: &Value) -> Vec<Value> {
    let id = at(item, "/id");
    let mut empty = item.clone();
    let pieces: Vec<Value> = match at(item, "/type") {
        "reasoning" => {
            insert(&mut empty, "summary", json!([]));
            let text = at(item, "/summary/0/text");
            let part = |kind: &str, text: &str| {
                json!({"type": format!("response.reasoning_summary_part.{kind}"),
                    "item_id": id, "output_index": index, "summary_index": 0,
                    "part": {"type": "summary_text", "text": text}})
            };
            let deltas = words(text).map(|word| {
                json!({"type": "response.reasoning_summary_text.delta",
                    "item_id": id, "output_index": index, "summary_index": 0, "delta": word})
            });
            let begin = std::iter::once(part("added", ""));
            begin.chain(deltas).chain([part("done", text)]).collect()
        }
        "message" => {
            insert(&mut empty, "content", json!([]));
            insert(&mut empty, "status", json!("in_progress"));
            let kind = match message.stop {
                Stop::Refusal => "response.refusal.delta",
                Stop::EndTurn | Stop::ToolUse | Stop::MaxTokens | Stop::Other(_) => {
                    "response.output_text.delta"
                }
            };
            let deltas = words(&message.text).map(|word| {
                json!({"type": kind, "item_id": id, "output_index": index,
                    "content_index": 0, "delta": word})
            });
            deltas.collect()
        }
        _ => {
            insert(&mut empty, "arguments", json!(""));
            insert(&mut empty, "status", json!("in_progress"));
            let arguments = at(item, "/arguments");
            let deltas = fragments(arguments).into_iter().map(|piece| {
                json!({"type": "response.function_call_arguments.delta",
                    "item_id": id, "output_index": index, "delta": piece})
            });
            let done = json!({"type": "response.function_call_arguments.done",
                "item_id": id, "output_index": index, "arguments": arguments});
            deltas.chain([done]).collect()
        }
    };
    let added = json!({"type": "response.output_item.added", "output_index": index, "item": empty});
    let done = json!({"type": "response.output_item.done", "output_index": index, "item": item});
    std::iter::once(added).chain(pieces).chain([done]).collect()
}

fn response(message: &Message, asked: &Asked<'_>, status: &str, items: &[Value]) -> Value {
    let usage = &message.usage;
    let input = usage.input + usage.cache_read + usage.cache_write;
    let counted = json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": input + usage.output,
    });
    let reason = (status == "incomplete").then(|| json!({"reason": "max_output_tokens"}));
    json!({
        "id": format!("resp_{:06}", asked.number),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": null,
        "incomplete_details": reason,
        "model": message.model.as_deref().unwrap_or(asked.model),
        "output": items,
        "parallel_tool_calls": true,
        "store": false,
        "usage": if status == "in_progress" { Value::Null } else { counted },
    })
}

fn at<'a>(value: &'a Value, place: &str) -> &'a str {
    let found = value.pointer(place).and_then(Value::as_str);
    found.unwrap_or_default()
}

fn event(data: &Value) -> String {
    let name = at(data, "/type");
    format!("event: {name}\ndata: {data}\n\n")
}

const fn status(stop: Stop) -> &'static str {
    match stop {
        Stop::MaxTokens => "incomplete",
        Stop::EndTurn | Stop::ToolUse | Stop::Refusal | Stop::Other(_) => "completed",
    }
}

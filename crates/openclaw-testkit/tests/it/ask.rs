//! Requests as well-behaved clients write them, for the tests to send or to spoil.

use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{FakeProvider, Violation, WireFormat};
use serde_json::{Value, json};

/// A conversation with two tool calls in one step, each answered.
pub(crate) fn request(wire: WireFormat) -> Value {
    match wire {
        WireFormat::Anthropic => json!({
            "model": "some-model",
            "max_tokens": 1024,
            "stream": true,
            "system": "You are a test.",
            "tools": [{"name": "exec", "description": "Runs.", "input_schema": {"type": "object"}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "List the files."}]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                    {"type": "text", "text": "Looking."},
                    {"type": "tool_use", "id": "a", "name": "exec", "input": {"command": "ls"}},
                    {"type": "tool_use", "id": "b", "name": "exec", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "b", "content": "two"},
                    {"type": "tool_result", "tool_use_id": "a", "content": [
                        {"type": "text", "text": "one"},
                    ]},
                    {"type": "text", "text": "And then?"},
                ]},
            ],
        }),
        WireFormat::Google => google(),
        WireFormat::Ollama => ollama(),
        WireFormat::Responses | WireFormat::AzureResponses => json!({
            "model": "some-model",
            "stream": true,
            "store": false,
            "instructions": "You are a test.",
            "tools": [{
                "type": "function", "name": "exec", "description": "Runs.",
                "parameters": {"type": "object"},
            }],
            "input": [
                {"type": "message", "role": "user", "content": [
                    {"type": "input_text", "text": "List the files."},
                ]},
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln"},
                {"type": "message", "role": "assistant", "content": [
                    {"type": "output_text", "text": "Looking."},
                ]},
                {"type": "function_call", "call_id": "a", "name": "exec",
                    "arguments": "{\"command\": \"ls\"}"},
                {"type": "function_call", "call_id": "b", "name": "exec", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "b", "output": "two"},
                {"type": "function_call_output", "call_id": "a", "output": "one"},
                {"type": "message", "role": "user", "content": "And then?"},
            ],
        }),
        WireFormat::OpenAi | WireFormat::Azure => json!({
            "model": "some-model",
            "stream": true,
            "stream_options": {"include_usage": true},
            "tools": [{"type": "function", "function": {
                "name": "exec", "description": "Runs.", "parameters": {"type": "object"},
            }}],
            "messages": [
                {"role": "system", "content": "You are a test."},
                {"role": "user", "content": "List the files."},
                {"role": "assistant", "content": "Looking.", "tool_calls": [
                    {"id": "a", "type": "function", "function": {
                        "name": "exec", "arguments": "{\"command\": \"ls\"}",
                    }},
                    {"id": "b", "type": "function", "function": {"name": "exec", "arguments": "{}"}},
                ]},
                {"role": "tool", "tool_call_id": "b", "content": "two"},
                {"role": "tool", "tool_call_id": "a", "content": "one"},
                {"role": "user", "content": [{"type": "text", "text": "And then?"}]},
            ],
        }),
    }
}

fn google() -> Value {
    json!({
        "systemInstruction": {"parts": [{"text": "You are a test."}]},
        "tools": [{"functionDeclarations": [{
            "name": "exec", "description": "Runs.", "parametersJsonSchema": {"type": "object"},
        }]}],
        "contents": [
            {"role": "user", "parts": [{"text": "List the files."}]},
            {"role": "model", "parts": [
                {"text": "Looking."},
                {"functionCall": {"id": "a", "name": "exec", "args": {"command": "ls"}},
                 "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "exec", "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "a", "name": "exec", "response": {"output": "one"}}},
                {"functionResponse": {"name": "exec", "response": {"error": "two"}}},
            ]},
            {"role": "user", "parts": [{"text": "And then?"}]},
        ],
    })
}

fn ollama() -> Value {
    json!({
        "model": "some-model",
        "stream": true,
        "tools": [{"type": "function", "function": {
            "name": "exec", "description": "Runs.", "parameters": {"type": "object"},
        }}],
        "messages": [
            {"role": "system", "content": "You are a test."},
            {"role": "user", "content": "List the files."},
            {"role": "assistant", "content": "Looking.", "tool_calls": [
                {"id": "a", "function": {"name": "exec", "arguments": {"command": "ls"}}},
                {"id": "b", "function": {"name": "exec", "arguments": {}}},
            ]},
            {"role": "tool", "tool_name": "exec", "tool_call_id": "b", "content": "two"},
            {"role": "tool", "tool_name": "exec", "tool_call_id": "a", "content": "one"},
            {"role": "user", "content": "And then?", "images": ["aWNvbg=="]},
        ],
    })
}

/// A request with the headers of its API and the key `sk-test`.
pub(crate) fn post(wire: WireFormat, body: &Value) -> HttpRequest {
    let target = match wire {
        WireFormat::Azure => format!("{}?api-version=2024-12-01-preview", wire.path()),
        _ => wire.path().to_owned(),
    };
    let request =
        HttpRequest::post(&target, body.to_string()).header("content-type", "application/json");
    match wire {
        WireFormat::Anthropic => request
            .header("anthropic-version", "2023-06-01")
            .header("x-api-key", "sk-test"),
        WireFormat::OpenAi | WireFormat::Responses | WireFormat::Ollama => {
            request.header("authorization", "Bearer sk-test")
        }
        WireFormat::Azure | WireFormat::AzureResponses => request.header("api-key", "sk-test"),
        WireFormat::Google => request.header("x-goog-api-key", "sk-test"),
    }
}

pub(crate) async fn ask(provider: &FakeProvider, wire: WireFormat) -> HttpAnswer {
    let request = post(wire, &request(wire));
    request.send(provider.addr()).await.unwrap()
}

/// Sends a request and returns what the fake finds wrong with it.
pub(crate) async fn findings(provider: &FakeProvider, request: HttpRequest) -> Vec<Violation> {
    request.send(provider.addr()).await.unwrap();
    provider.take_violations()
}

//! What the bytes of answers tell of what they took, whatever API they came by.

use serde_json::{Value, json};

use crate::event::StreamEvent;
use crate::fixtures::APIS;

/// Decodes the events of an API, which may break off.
fn events(api: &str, events: &[Value]) -> Vec<StreamEvent> {
    let api = APIS.iter().find(|known| known.name == api).unwrap();
    let line = |event: &Value| match api.name {
        "ollama" => format!("{event}\n"),
        _ => format!("data: {event}\n\n"),
    };
    let text: String = events.iter().map(line).collect();
    (api.decode)(&[text.as_bytes()]).events
}

/// Returns how many bytes of an answer could not be read.
fn unread(api: &str, told: &[Value]) -> u64 {
    let bytes = events(api, told).into_iter().map(|event| match event {
        StreamEvent::Unread(bytes) => bytes,
        _ => 0,
    });
    bytes.sum()
}

/// Returns the last counts of an answer: input, cache, output.
fn counts(api: &str, told: &[Value]) -> (u64, u64, u64) {
    let mut counted = events(api, told)
        .into_iter()
        .filter_map(|event| match event {
            StreamEvent::Usage(usage) => Some(usage),
            _ => None,
        });
    let usage = counted.next_back().unwrap();
    (usage.input, usage.cache_read, usage.output)
}

#[test]
fn what_could_not_be_read_of_an_answer_that_breaks_off_is_told_by_its_bytes() {
    let long = "x".repeat(20_000);
    let piece = |text: &str| {
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": text}})
    };
    let anthropic = |rest: Vec<Value>| {
        let start = json!({"type": "message_start", "message": {"model": "m"}});
        let tool = json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "server_tool_use", "id": "t", "name": "run", "input": {}}});
        [vec![start, tool], rest].concat()
    };
    let code = json!({"executableCode": {"language": "PYTHON", "code": long}});
    let hidden = json!({"type": "reasoning.encrypted", "data": long, "index": 0});
    let unknown = json!({"type": "code_interpreter_call", "id": "c", "code": long});
    for (api, told) in [
        ("anthropic-messages", anthropic(vec![piece(&long)])),
        (
            "anthropic-messages",
            anthropic(vec![piece("0123456789"); 2_000]),
        ),
        (
            "anthropic-messages",
            vec![json!({"type": "content_block_start", "index": 0,
                    "content_block": {"type": "web_search_tool_result", "content": long}})],
        ),
        (
            "anthropic-messages",
            vec![json!({"type": "new", "x": long})],
        ),
        (
            "google-generative-ai",
            vec![json!({"candidates": [{"content": {"parts": [code]}}]})],
        ),
        (
            "google-generative-ai",
            vec![json!({"candidates": [{"index": 1, "content": {"parts": [{"text": long}]}}]})],
        ),
        (
            "openai-completions",
            vec![json!({"choices": [{"index": 0, "delta": {"reasoning_details": [hidden]}}]})],
        ),
        (
            "openai-completions",
            vec![json!({"choices": [{"index": 1, "delta": {"content": long}}]})],
        ),
        (
            "openai-responses",
            vec![json!({"type": "response.output_item.done", "output_index": 0, "item": unknown})],
        ),
        (
            "openai-responses",
            vec![json!({"type": "response.code.delta", "delta": "0123456789"}); 2_000],
        ),
        (
            "openai-responses",
            vec![json!({"type": "response.completed",
                "response": {"status": "completed", "output": [unknown]}})],
        ),
        ("ollama", vec![json!({"new": long})]),
    ] {
        let bytes = unread(api, &told);
        assert!((20_000..21_000).contains(&bytes), "{api}: {bytes}");
    }
}

#[test]
fn an_item_that_is_told_twice_counts_once() {
    let item = json!({"type": "code_interpreter_call", "id": "c", "code": "x".repeat(20_000)});
    let told = [
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed",
            "response": {"status": "completed", "output": [item]}}),
    ];
    assert!(unread("openai-responses", &told) < 21_000);
}

#[test]
fn counts_never_shrink() {
    let gemini = |prompt: u64, cached: u64, output: u64| {
        json!({"candidates": [{"content": {"parts": [{"text": "a"}]}}], "usageMetadata": {
            "promptTokenCount": prompt, "cachedContentTokenCount": cached,
            "candidatesTokenCount": output}})
    };
    let chat = |prompt: u64, cached: u64, output: u64| {
        json!({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": output,
                "prompt_tokens_details": {"cached_tokens": cached}}})
    };
    let start = |input: u64, cached: u64| {
        json!({"type": "message_start", "message": {"usage": {
            "input_tokens": input, "cache_read_input_tokens": cached}}})
    };
    let delta = |input: u64, cached: u64, output: u64| {
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {
            "input_tokens": input, "cache_read_input_tokens": cached, "output_tokens": output}})
    };
    for (api, told, counted) in [
        (
            "google-generative-ai",
            vec![gemini(10, 0, 2000), gemini(0, 0, 0)],
            (10, 0, 2000),
        ),
        (
            "google-generative-ai",
            vec![gemini(100, 80, 5), gemini(100, 0, 9)],
            (20, 80, 9),
        ),
        (
            "openai-completions",
            vec![chat(10, 4, 2000), chat(0, 0, 0)],
            (6, 4, 2000),
        ),
        (
            "anthropic-messages",
            vec![start(10, 4), delta(0, 0, 7), delta(0, 0, 0)],
            (10, 4, 7),
        ),
        (
            "anthropic-messages",
            vec![start(100, 0), delta(20, 80, 7)],
            (20, 80, 7),
        ),
    ] {
        assert_eq!(counts(api, &told), counted, "{api}");
    }
}

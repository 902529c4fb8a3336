//! OpenAI Chat Completions.

use openclaw_testkit::{Rule, WireFormat};
use serde_json::{Value, json};

use super::{Spoil, assistant, check, text, user};

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "exec", "arguments": "{}"}})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "done"})
}

#[tokio::test]
async fn requests_that_break_the_form_are_caught() {
    let cases = vec![
        ("no model", vec![("/model", json!(null))], vec![Rule::Model]),
        (
            "no system prompt",
            vec![("/messages/0/content", json!(""))],
            vec![Rule::System],
        ),
        ("no tools", vec![("/tools", json!(null))], vec![Rule::Tools]),
        (
            "bad tool type",
            vec![("/tools/0/type", json!("tool"))],
            vec![Rule::Tools],
        ),
        (
            "bad tool name",
            vec![("/tools/0/function/name", json!("a.b"))],
            vec![Rule::Tools],
        ),
        (
            "an unknown role",
            vec![("/messages/1/role", json!("human"))],
            vec![Rule::Role, Rule::Role],
        ),
        (
            "no content",
            vec![("/messages/1/content", json!(null))],
            vec![Rule::Content],
        ),
        (
            "a result without text",
            vec![("/messages/3/content", json!(null))],
            vec![Rule::Content],
        ),
        (
            "a foreign part",
            vec![(
                "/messages/1/content",
                json!([{"type": "image", "source": {}}]),
            )],
            vec![Rule::Content],
        ),
        (
            "an empty list of calls",
            vec![("/messages/2/tool_calls", json!([]))],
            vec![Rule::Content, Rule::Orphan, Rule::Orphan],
        ),
        (
            "arguments as an object",
            vec![("/messages/2/tool_calls/0/function/arguments", json!({}))],
            vec![Rule::Arguments],
        ),
        (
            "arguments that are no JSON",
            vec![(
                "/messages/2/tool_calls/0/function/arguments",
                json!("{\"a\":"),
            )],
            vec![Rule::Arguments],
        ),
        (
            "arguments that are no object",
            vec![("/messages/2/tool_calls/0/function/arguments", json!("[]"))],
            vec![Rule::Arguments],
        ),
        (
            "a call without an id",
            vec![
                ("/messages/2/tool_calls/0/id", json!("")),
                ("/messages/4/tool_call_id", json!("")),
            ],
            vec![Rule::CallId],
        ),
        (
            "no function",
            vec![("/messages/2/tool_calls/0/type", json!("tool"))],
            vec![Rule::Content],
        ),
    ];
    check(WireFormat::OpenAi, cases).await;
}

/// Puts these messages after the system prompt.
fn messages(messages: Vec<Value>) -> Vec<Spoil> {
    let system = json!({"role": "system", "content": "You are a test."});
    let all = std::iter::once(system).chain(messages);
    vec![("/messages", all.collect())]
}

fn hi() -> Value {
    user(&json!("Hi."))
}

fn step(ids: &[&str]) -> Value {
    let calls: Value = ids.iter().map(|id| call(id)).collect();
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

#[tokio::test]
async fn calls_and_results_that_do_not_match_are_caught() {
    let cases = vec![
        (
            "a call without a result",
            messages(vec![hi(), step(&["a", "b"]), result("a")]),
            vec![Rule::Unanswered],
        ),
        (
            "words before the result",
            messages(vec![hi(), step(&["a"]), hi(), result("a")]),
            vec![Rule::Unanswered, Rule::Orphan],
        ),
        (
            "a result without a call",
            messages(vec![hi(), step(&["a"]), result("a"), result("c")]),
            vec![Rule::Orphan],
        ),
        (
            "a second result",
            messages(vec![hi(), step(&["a"]), result("a"), result("a")]),
            vec![Rule::Orphan],
        ),
        (
            "an id used twice",
            messages(vec![hi(), step(&["a", "a"]), result("a"), result("a")]),
            vec![Rule::CallId],
        ),
        (
            "the same step twice",
            messages(vec![
                hi(),
                step(&["a"]),
                result("a"),
                step(&["a"]),
                result("a"),
            ]),
            vec![Rule::Repeated],
        ),
    ];
    check(WireFormat::OpenAi, cases).await;
}

#[tokio::test]
async fn conversations_that_cannot_be_are_caught() {
    let system = json!({"role": "system", "content": "You are another test."});
    let said = |text: &str| assistant(&json!(text));
    let cases = vec![
        (
            "the same text twice",
            messages(vec![user(&json!([text("Hi."), text("Hi.")]))]),
            vec![Rule::Repeated],
        ),
        (
            "two users in a row",
            messages(vec![hi(), hi()]),
            vec![Rule::Alternation],
        ),
        (
            "two models in a row",
            messages(vec![hi(), said("a"), said("b"), hi()]),
            vec![Rule::Alternation],
        ),
        (
            "a model that says nothing",
            messages(vec![hi(), said(""), hi()]),
            vec![Rule::Content],
        ),
        (
            "a second system prompt",
            messages(vec![hi(), said("a"), system, hi()]),
            vec![Rule::System],
        ),
        (
            "it begins with the model",
            messages(vec![said("a"), hi()]),
            vec![Rule::Role],
        ),
        (
            "it ends with the model",
            messages(vec![hi(), said("a")]),
            vec![Rule::Role],
        ),
        (
            "nobody says anything",
            messages(Vec::new()),
            vec![Rule::Role],
        ),
    ];
    check(WireFormat::OpenAi, cases).await;
}

//! OpenAI Responses, and Azure.

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{Rule, WireFormat};
use serde_json::{Value, json};

use super::{Spoil, check, provider};
use crate::ask::{findings, post, request};

fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": text})
}

fn thoughts() -> Value {
    json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln"})
}

fn call(id: &str) -> Value {
    json!({"type": "function_call", "call_id": id, "name": "exec", "arguments": "{}"})
}

fn output(id: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": "done"})
}

/// Puts these items after a first question.
fn input(items: Vec<Value>) -> Vec<Spoil> {
    let all = std::iter::once(user("Hi.")).chain(items);
    vec![("/input", all.collect())]
}

#[tokio::test]
async fn requests_that_break_the_form_are_caught() {
    let cases = vec![
        (
            "no system prompt",
            vec![("/instructions", json!(null))],
            vec![Rule::System],
        ),
        (
            "an unknown item",
            vec![("/input/0", json!({"type": "item_reference", "id": "x"}))],
            vec![Rule::Role, Rule::Role],
        ),
        (
            "a user's part in the model's words",
            vec![("/input/2/content/0/type", json!("input_text"))],
            vec![Rule::Content],
        ),
        (
            "arguments as an object",
            vec![("/input/3/arguments", json!({}))],
            vec![Rule::Arguments],
        ),
        (
            "thoughts that nobody can open",
            vec![("/input/1/encrypted_content", json!(null))],
            vec![Rule::Thinking],
        ),
        (
            "a tool without its type",
            vec![("/tools/0/type", json!("tool"))],
            vec![Rule::Tools],
        ),
    ];
    check(WireFormat::Responses, cases).await;
}

#[tokio::test]
async fn calls_outputs_and_thoughts_that_do_not_match_are_caught() {
    let cases = vec![
        (
            "thoughts without what they led to",
            input(vec![thoughts(), user("And?")]),
            vec![Rule::Thinking],
        ),
        (
            "thoughts at the end",
            input(vec![call("a"), output("a"), thoughts()]),
            vec![Rule::Thinking, Rule::Role],
        ),
        (
            "a call without an output",
            input(vec![call("a"), call("b"), output("a"), user("And?")]),
            vec![Rule::Unanswered],
        ),
        (
            "an output without a call",
            input(vec![call("a"), output("a"), output("c"), user("And?")]),
            vec![Rule::Orphan],
        ),
    ];
    check(WireFormat::Responses, cases).await;
}

#[tokio::test]
async fn parameters_that_a_family_refuses_are_caught() {
    for (wire, model, parameter, value) in [
        (WireFormat::OpenAi, "gpt-5.2", "temperature", json!(0.5)),
        (WireFormat::Responses, "o4-mini", "temperature", json!(0.5)),
        (WireFormat::OpenAi, "gpt-5", "max_tokens", json!(5)),
        (
            WireFormat::Azure,
            "gpt-4o",
            "reasoning_effort",
            json!("low"),
        ),
    ] {
        let provider = provider();
        let mut body = request(wire);
        body["model"] = json!(model);
        assert_eq!(findings(&provider, post(wire, &body)).await, []);
        body[parameter] = value;
        let found = findings(&provider, post(wire, &body)).await;
        let broken: Vec<Rule> = found.iter().map(|found| found.rule).collect();
        assert_eq!(broken, [Rule::Parameters], "{model} {parameter}");
    }
}

#[tokio::test]
async fn a_deployment_that_is_asked_without_a_version_is_caught() {
    let provider = provider();
    let wire = WireFormat::Azure;
    let post = HttpRequest::post(wire.path(), request(wire).to_string())
        .header("content-type", "application/json")
        .header("api-key", "sk-test");
    let found = findings(&provider, post).await;
    let broken: Vec<Rule> = found.iter().map(|found| found.rule).collect();
    assert_eq!(broken, [Rule::Headers]);
}

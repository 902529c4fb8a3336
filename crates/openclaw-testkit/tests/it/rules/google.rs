//! Google Gemini.

use openclaw_testkit::{Rule, WireFormat};
use serde_json::{Value, json};

use super::{Spoil, check};

#[tokio::test]
async fn requests_that_break_the_form_are_caught() {
    let cases = vec![
        (
            "no system prompt",
            vec![("/systemInstruction", json!(null))],
            vec![Rule::System],
        ),
        ("no tools", vec![("/tools", json!(null))], vec![Rule::Tools]),
        (
            "bad tool name",
            vec![("/tools/0/functionDeclarations/0/name", json!("a b"))],
            vec![Rule::Tools],
        ),
        (
            "an unknown role",
            vec![("/contents/0/role", json!("assistant"))],
            vec![Rule::Role, Rule::Role],
        ),
        (
            "no parts",
            vec![("/contents/0/parts", json!([]))],
            vec![Rule::Content, Rule::Role],
        ),
        (
            "a foreign part",
            vec![("/contents/0/parts/0", json!({"type": "text"}))],
            vec![Rule::Content],
        ),
        (
            "arguments as a text",
            vec![("/contents/1/parts/1/functionCall/args", json!("{}"))],
            vec![Rule::Arguments],
        ),
        (
            "a response that is a text",
            vec![(
                "/contents/2/parts/0/functionResponse/response",
                json!("one"),
            )],
            vec![Rule::Content],
        ),
        (
            "a response of another function",
            vec![("/contents/2/parts/0/functionResponse/name", json!("read"))],
            vec![Rule::Content],
        ),
    ];
    check(WireFormat::Google, cases).await;
}

fn parts(role: &str, parts: &Value) -> Value {
    json!({"role": role, "parts": parts})
}

fn contents(contents: Vec<Value>) -> Vec<Spoil> {
    let hi = parts("user", &json!([{"text": "Hi."}]));
    let all = std::iter::once(hi).chain(contents);
    vec![("/contents", all.collect())]
}

#[tokio::test]
async fn calls_and_results_that_do_not_match_are_caught() {
    let call = json!({"functionCall": {"name": "exec", "args": {}}});
    let result = json!({"functionResponse": {"name": "exec", "response": {"output": "done"}}});
    let other = json!({"functionResponse": {"name": "read", "response": {"output": "done"}}});
    let step = |calls: Value, results: Value| {
        contents(vec![parts("model", &calls), parts("user", &results)])
    };
    let cases = vec![
        (
            "fewer results than calls",
            step(json!([call, call]), json!([result])),
            vec![Rule::Unanswered],
        ),
        (
            "more results than calls",
            step(json!([call]), json!([result, result])),
            vec![Rule::Orphan],
        ),
        (
            "a result of something else",
            step(json!([call]), json!([other])),
            vec![Rule::Orphan, Rule::Unanswered],
        ),
    ];
    check(WireFormat::Google, cases).await;
}

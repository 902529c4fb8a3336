//! Anthropic Messages.

use openclaw_testkit::{Rule, WireFormat};
use serde_json::{Value, json};

use super::{assistant, check, text, user};
use crate::ask::request;

fn result(id: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": "done"})
}

#[tokio::test]
async fn requests_that_break_the_form_are_caught() {
    let cases = vec![
        ("no model", vec![("/model", json!(""))], vec![Rule::Model]),
        (
            "no limit",
            vec![("/max_tokens", json!(null))],
            vec![Rule::MaxTokens],
        ),
        (
            "limit of nothing",
            vec![("/max_tokens", json!(0))],
            vec![Rule::MaxTokens],
        ),
        (
            "no system prompt",
            vec![("/system", json!(null))],
            vec![Rule::System],
        ),
        (
            "blank system prompt",
            vec![("/system", json!([text(" ")]))],
            vec![Rule::System],
        ),
        ("no tools", vec![("/tools", json!(null))], vec![Rule::Tools]),
        (
            "empty tools",
            vec![("/tools", json!([]))],
            vec![Rule::Tools, Rule::Tools],
        ),
        (
            "bad tool name",
            vec![("/tools/0/name", json!("a b"))],
            vec![Rule::Tools],
        ),
        (
            "no schema",
            vec![("/tools/0/input_schema", json!({}))],
            vec![Rule::Tools],
        ),
    ];
    check(WireFormat::Anthropic, cases).await;
}

#[tokio::test]
async fn messages_that_break_the_form_are_caught() {
    let cases = vec![
        (
            "an unknown role",
            vec![("/messages/0/role", json!("system"))],
            vec![Rule::Role, Rule::Role],
        ),
        (
            "no messages",
            vec![("/messages", json!([]))],
            vec![Rule::Role],
        ),
        (
            "no content",
            vec![("/messages/0/content", json!([]))],
            vec![Rule::Content, Rule::Role],
        ),
        (
            "blank text",
            vec![("/messages/0/content/0/text", json!("\n"))],
            vec![Rule::Content],
        ),
        (
            "an unknown block",
            vec![("/messages/1/content/1", json!({"type": "reasoning"}))],
            vec![Rule::Content],
        ),
        (
            "unsigned thoughts",
            vec![("/messages/1/content/0/signature", json!(""))],
            vec![Rule::Content],
        ),
        (
            "arguments as text",
            vec![("/messages/1/content/2/input", json!("{}"))],
            vec![Rule::Arguments],
        ),
        (
            "an error that says nothing",
            vec![(
                "/messages/2/content/0",
                json!({"type": "tool_result", "tool_use_id": "b", "is_error": true, "content": ""}),
            )],
            vec![Rule::Content],
        ),
        (
            "a strange call id",
            vec![
                ("/messages/1/content/2/id", json!("a:1")),
                ("/messages/2/content/1/tool_use_id", json!("a:1")),
            ],
            vec![Rule::CallId],
        ),
    ];
    check(WireFormat::Anthropic, cases).await;
}

#[tokio::test]
async fn conversations_that_cannot_be_are_caught() {
    let results = |ids: &[&str]| user(&ids.iter().map(|id| result(id)).collect());
    let cases = vec![
        (
            "a call without a result",
            vec![("/messages/2", results(&["a"]))],
            vec![Rule::Unanswered],
        ),
        (
            "calls at the end",
            vec![("/messages/2/content", json!([text("well?")]))],
            vec![Rule::Unanswered, Rule::Unanswered],
        ),
        (
            "words before the results",
            vec![("/messages/2/content/0", text("first"))],
            // What was answered too late has no call any more.
            vec![Rule::Unanswered, Rule::Unanswered, Rule::Orphan],
        ),
        (
            "a result without a call",
            vec![("/messages/2", results(&["a", "b", "c"]))],
            vec![Rule::Orphan],
        ),
        (
            "a second result",
            vec![("/messages/2", results(&["a", "b", "a"]))],
            vec![Rule::Orphan],
        ),
        (
            "an id used twice",
            vec![
                ("/messages/1/content/3/id", json!("a")),
                ("/messages/2", results(&["a", "a"])),
            ],
            vec![Rule::CallId],
        ),
        (
            "the same step twice",
            vec![("/messages", {
                let step = request(WireFormat::Anthropic)["messages"].clone();
                json!([
                    step[0],
                    step[1],
                    results(&["a", "b"]),
                    step[1],
                    results(&["a", "b"])
                ])
            })],
            vec![Rule::Repeated, Rule::Repeated],
        ),
        (
            "the same text twice",
            vec![("/messages/0/content", json!([text("Hi."), text("Hi.")]))],
            vec![Rule::Repeated],
        ),
        (
            "results in two messages",
            vec![("/messages", {
                let step = request(WireFormat::Anthropic)["messages"].clone();
                json!([step[0], step[1], results(&["a"]), results(&["b"])])
            })],
            vec![Rule::Alternation],
        ),
        (
            "it begins with the model",
            vec![(
                "/messages",
                json!([assistant(&json!("Hi.")), user(&json!("Hm?"))]),
            )],
            vec![Rule::Role],
        ),
        (
            "it ends with the model",
            vec![(
                "/messages",
                json!([user(&json!("Hm?")), assistant(&json!("Hi."))]),
            )],
            vec![Rule::Role],
        ),
    ];
    check(WireFormat::Anthropic, cases).await;
}

//! Anthropic Messages.

use openclaw_testkit::{Rule, WireFormat};
use serde_json::{Value, json};

use super::{assistant, check, provider, text, user};
use crate::ask::{findings, post, request};

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

/// A request with some members set to something else.
fn with(members: &Value) -> Value {
    let mut body = request(WireFormat::Anthropic);
    let body_members = body.as_object_mut().unwrap();
    body_members.extend(members.as_object().unwrap().clone());
    body
}

async fn broken(body: &Value) -> Vec<Rule> {
    let found = findings(&provider(), post(WireFormat::Anthropic, body)).await;
    found.iter().map(|found| found.rule).collect()
}

#[tokio::test]
async fn thinking_that_the_api_refuses_is_caught() {
    for (members, rules) in [
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1025}),
            0,
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1023}, "max_tokens": 4096}),
            1,
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 4096}, "max_tokens": 4096}),
            1,
        ),
        (
            json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "xhigh"}}),
            0,
        ),
        (
            json!({"thinking": {"type": "adaptive", "budget_tokens": 2000}}),
            1,
        ),
        (
            json!({"thinking": {"type": "adaptive"}, "temperature": 0.5}),
            1,
        ),
        (
            json!({"thinking": {"type": "disabled"}, "temperature": 0.5}),
            0,
        ),
        (json!({"thinking": {"type": "auto"}}), 1),
        (json!({"output_config": {"effort": "ultra"}}), 1),
    ] {
        assert_eq!(
            broken(&with(&members)).await,
            vec![Rule::Thinking; rules],
            "{members}"
        );
    }
}

#[tokio::test]
async fn a_budget_without_thoughts_before_the_calls_is_caught() {
    let mut body = with(&json!({
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4096,
    }));
    let messages = body["messages"].as_array_mut().unwrap();
    messages.truncate(3);
    let results = messages[2]["content"].as_array_mut().unwrap();
    results.retain(|block| block["type"] == "tool_result");
    assert_eq!(broken(&body).await, []);
    let step = body["messages"][1]["content"].as_array_mut().unwrap();
    step.retain(|block| block["type"] != "thinking");
    assert_eq!(broken(&body).await, [Rule::Thinking]);
}

#[tokio::test]
async fn marks_that_the_cache_does_not_take_are_caught() {
    let mark = |ttl: Value| json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": ttl}});
    let system = |marks: usize| {
        let blocks = vec![mark(json!("5m")); marks];
        with(&json!({"system": blocks}))
    };
    assert_eq!(broken(&system(4)).await, []);
    assert_eq!(broken(&system(5)).await, [Rule::Cache]);
    let odd = with(&json!({"system": [mark(json!("2h"))]}));
    assert_eq!(broken(&odd).await, [Rule::Cache]);
    let mut thoughts = request(WireFormat::Anthropic);
    thoughts["messages"][1]["content"][0]["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(broken(&thoughts).await, [Rule::Cache]);
}

#[tokio::test]
async fn files_that_the_api_does_not_take_are_caught() {
    let file = |kind: &str, source: &str, media: &str| {
        let source = json!({"type": source, "media_type": media, "data": "aGk="});
        let mut body = request(WireFormat::Anthropic);
        let content = body["messages"][0]["content"].as_array_mut().unwrap();
        content.push(json!({"type": kind, "source": source}));
        body
    };
    for (body, rules) in [
        (file("image", "base64", "image/png"), 0),
        (file("image", "base64", "image/tiff"), 1),
        (file("document", "base64", "application/pdf"), 0),
        (file("document", "base64", "text/plain"), 1),
        (file("document", "text", "text/plain"), 0),
    ] {
        assert_eq!(broken(&body).await, vec![Rule::Content; rules], "{body}");
    }
}

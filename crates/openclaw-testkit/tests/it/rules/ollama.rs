//! Ollama's own API.

use openclaw_testkit::{Rule, WireFormat};
use serde_json::json;

use super::check;

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
            "an unknown role",
            vec![("/messages/1/role", json!("human"))],
            vec![Rule::Role, Rule::Role],
        ),
        (
            "parts as OpenAI has them",
            vec![(
                "/messages/1/content",
                json!([{"type": "text", "text": "Hi."}]),
            )],
            vec![Rule::Content, Rule::Content],
        ),
        (
            "a picture as OpenAI has it",
            vec![("/messages/5/images/0", json!({"url": "data:"}))],
            vec![Rule::Content],
        ),
        (
            "arguments as a text",
            vec![("/messages/2/tool_calls/0/function/arguments", json!("{}"))],
            vec![Rule::Arguments],
        ),
        (
            "a result without its tool",
            vec![("/messages/3/tool_name", json!(null))],
            vec![Rule::Content],
        ),
        (
            "a result without a call",
            vec![("/messages/3/tool_call_id", json!("c"))],
            vec![Rule::Orphan, Rule::Unanswered],
        ),
    ];
    check(WireFormat::Ollama, cases).await;
}

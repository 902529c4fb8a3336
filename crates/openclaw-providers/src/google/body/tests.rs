//! Requests as the Gemini API wants them.

use serde_json::json;

use super::*;
use crate::request::{Arguments, Effort};
use crate::samples;

fn thinking(text: &str, signature: Option<&str>, by: &str) -> AssistantBlock {
    AssistantBlock::Thinking(crate::Thinking {
        text: text.into(),
        signature: signature.map(str::to_owned),
        redacted: None,
        by: Some(by.into()),
    })
}

fn call(id: &str) -> AssistantBlock {
    AssistantBlock::ToolCall(ToolCall {
        id: id.into(),
        name: "ls".into(),
        arguments: Arguments::parse(""),
    })
}

fn parts(model: &str, blocks: Vec<AssistantBlock>) -> Value {
    let request = Request {
        model: model.into(),
        messages: vec![Message::Assistant(blocks)],
        ..Request::default()
    };
    let body = serde_json::to_value(of(&request, &"google".into())).unwrap();
    body.pointer("/contents/0/parts")
        .cloned()
        .unwrap_or_default()
}

#[test]
fn a_whole_conversation_is_written_as_the_api_wants_it() {
    let request = Request {
        model: "gemini-2.5-flash".into(),
        effort: Some(Effort::Low),
        temperature: Some(0.5),
        ..samples::conversation()
    };
    insta::assert_json_snapshot!(of(&request, &"test".into()));
}

#[test]
fn careless_ids_names_and_arguments_are_made_legal() {
    insta::assert_json_snapshot!(of(&samples::careless(), &"test".into()));
}

#[test]
fn every_signature_goes_back_on_the_part_that_it_came_with() {
    let blocks = vec![
        thinking("Hm.", Some("thoughts:a"), "google"),
        AssistantBlock::Text("Let me ".into()),
        thinking("", Some("words:b"), "google"),
        AssistantBlock::Text("look.".into()),
        thinking("Unsigned.", Some("call:c"), "google"),
        call("id_1"),
        call("id_2"),
        thinking("", Some("nothing:d"), "google"),
    ];
    assert_eq!(
        parts("gemini-3-flash-preview", blocks),
        json!([
            {"text": "Hm.", "thought": true, "thoughtSignature": "a"},
            {"text": "Let me "},
            {"text": "look.", "thoughtSignature": "b"},
            {"functionCall": {"id": "id_1", "name": "ls", "args": {}}, "thoughtSignature": "c"},
            {"functionCall": {"id": "id_2", "name": "ls", "args": {}}},
            {"text": "", "thoughtSignature": "d"},
        ])
    );
}

#[test]
fn what_another_provider_signed_is_not_sent_and_its_calls_are_excused() {
    let blocks = || {
        vec![
            thinking("Hm.", Some("EqQB"), "anthropic"),
            call("toolu_1"),
            call("toolu_2"),
        ]
    };
    let bare = |id| json!({"functionCall": {"id": id, "name": "ls", "args": {}}});
    let mut excused = bare("toolu_1");
    excused["thoughtSignature"] = UNSIGNED.into();
    assert_eq!(
        parts("gemini-3-pro-preview", blocks()),
        json!([excused, bare("toolu_2")])
    );
    assert_eq!(
        parts("gemini-2.5-pro", blocks()),
        json!([bare("toolu_1"), bare("toolu_2")])
    );
}

#[test]
fn results_stand_in_the_order_of_their_calls() {
    let result = |id: &str| ToolResult {
        call_id: id.into(),
        content: id.into(),
        is_error: false,
    };
    let request = Request {
        messages: vec![
            Message::Assistant(vec![call("call_1"), call("call_2")]),
            Message::ToolResults(vec![result("call_2"), result("call_1")]),
        ],
        ..Request::default()
    };
    let body = serde_json::to_value(of(&request, &"google".into())).unwrap();
    assert_eq!(
        body.pointer("/contents/1/parts"),
        Some(&json!([
            {"functionResponse": {"name": "ls", "response": {"output": "call_1"}}},
            {"functionResponse": {"name": "ls", "response": {"output": "call_2"}}},
        ]))
    );
}

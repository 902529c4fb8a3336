//! Requests as they are written.

use serde_json::json;

use super::*;
use crate::quirks::{Api, Quirks, Server};
use crate::request::{AssistantBlock, CacheRetention, Message, Thinking, UserBlock};
use crate::samples;

fn dialect(server: Server, model: &str, quirks: &Quirks) -> Dialect {
    Dialect::new(Api::Responses, server, model, Some(quirks))
}

fn written(request: &Request, server: Server, quirks: &Quirks) -> Value {
    let dialect = dialect(server, &request.model, quirks);
    let body = of(request, &request.model, &dialect, &"test".into());
    serde_json::to_value(body).unwrap()
}

fn thinking(signature: &str, by: &str) -> AssistantBlock {
    AssistantBlock::Thinking(Thinking {
        text: "Hm.".into(),
        signature: Some(signature.into()),
        by: Some(by.into()),
        ..Thinking::default()
    })
}

#[test]
fn a_whole_conversation_is_written_as_the_api_wants_it() {
    let mut request = Request {
        model: "gpt-5.6-sol".into(),
        effort: Some(Effort::High),
        temperature: Some(0.5),
        cache: CacheRetention::Long,
        conversation: Some("conversation-1".into()),
        ..samples::conversation()
    };
    if let Some(Message::User(blocks)) = request.messages.first_mut() {
        blocks.push(UserBlock::Document {
            mime: "application/pdf".into(),
            name: "a.pdf".into(),
            base64: "JVBERg==".into(),
        });
    }
    if let Some(Message::Assistant(blocks)) = request.messages.get_mut(1) {
        blocks.insert(
            0,
            thinking(r#"{"reasoningId":"rs_1","encrypted":"gAAA"}"#, "test"),
        );
        blocks.insert(
            1,
            thinking(r#"{"reasoningId":"rs_2","encrypted":"gAAB"}"#, "another"),
        );
    }
    insta::assert_json_snapshot!(written(&request, Server::OpenAI, &Quirks::default()));
}

#[test]
fn careless_ids_names_and_arguments_are_made_legal() {
    let request = samples::careless();
    insta::assert_json_snapshot!(written(&request, Server::Other, &Quirks::default()));
}

#[test]
fn thoughts_that_nothing_came_of_do_not_go_back() {
    let request = Request {
        messages: vec![
            Message::Assistant(vec![
                AssistantBlock::Text("Wait.".into()),
                thinking(r#"{"reasoningId":"rs_1","encrypted":"gAAA"}"#, "test"),
            ]),
            Message::User(vec![UserBlock::Text("Well?".into())]),
        ],
        ..Request::default()
    };
    let body = written(&request, Server::OpenAI, &Quirks::default());
    let kinds = body["input"].as_array().unwrap().iter();
    let kinds = kinds.map(|item| item["type"].as_str().unwrap());
    assert_eq!(kinds.collect::<Vec<_>>(), ["message", "message"]);
}

#[test]
fn a_server_that_copies_the_api_is_sent_nothing_of_openais() {
    let request = Request {
        system: "Be terse.".into(),
        max_tokens: Some(1),
        temperature: Some(0.5),
        conversation: Some("c".into()),
        cache: CacheRetention::Long,
        tools: Vec::new(),
        ..samples::careless()
    };
    let mut body = written(&request, Server::Other, &Quirks::default());
    let first = body["input"][0].clone();
    body.as_object_mut().unwrap().remove("input");
    assert_eq!(
        body,
        json!({"model": "model-1", "stream": true, "store": false, "max_output_tokens": 16,
            "temperature": 0.5})
    );
    assert_eq!(
        first,
        json!({"type": "message", "role": "system",
            "content": [{"type": "input_text", "text": "Be terse."}]})
    );
}

#[test]
fn a_model_that_thinks_is_asked_for_its_thoughts() {
    let ask = |model: &str, effort| {
        let request = Request {
            model: model.into(),
            effort,
            ..Request::default()
        };
        let body = written(&request, Server::OpenAI, &Quirks::default());
        (body["reasoning"].clone(), body["include"].clone())
    };
    let encrypted = json!([ENCRYPTED]);
    assert_eq!(ask("gpt-5.6-sol", None), (Value::Null, encrypted.clone()));
    assert_eq!(
        ask("gpt-5.6-sol", Some(Effort::Max)),
        (
            json!({"effort": "max", "summary": "auto"}),
            encrypted.clone()
        )
    );
    assert_eq!(
        ask("gpt-5.6-sol", Some(Effort::Off)),
        (json!({"effort": "none"}), encrypted)
    );
    assert_eq!(
        ask("gpt-4o", Some(Effort::High)),
        (Value::Null, Value::Null)
    );
}

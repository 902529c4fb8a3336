//! What the body looks like, and which part of it never moves.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::request::{CacheRetention, Effort};
use crate::samples;

fn written(request: &Request) -> Value {
    written_by(request, "test", Thoughts::Returned)
}

fn written_by(request: &Request, provider: &str, thoughts: Thoughts) -> Value {
    let provider = ProviderId::from(provider);
    let writer = Writer {
        provider: &provider,
        thoughts,
    };
    serde_json::to_value(writer.body(request)).unwrap()
}

/// Takes the marks out and returns where they were.
fn unmark(value: &mut Value, at: &str, marks: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) => {
            if let Some(mark) = object.remove("cache_control") {
                marks.push((at.to_owned(), mark));
            }
            for (key, value) in object {
                unmark(value, &format!("{at}/{key}"), marks);
            }
        }
        Value::Array(list) => {
            for (n, value) in list.iter_mut().enumerate() {
                unmark(value, &format!("{at}/{n}"), marks);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_whole_conversation_is_written_as_the_api_wants_it() {
    insta::assert_json_snapshot!(written(&samples::conversation()));
}

#[test]
fn careless_ids_names_and_arguments_are_made_legal() {
    insta::assert_json_snapshot!(written(&samples::careless()));
}

#[test]
fn thoughts_go_back_only_to_whom_they_are_by() {
    let kinds = |provider, thoughts| {
        let body = written_by(&samples::conversation(), provider, thoughts);
        let said = body["messages"][1]["content"].as_array().unwrap().clone();
        let kinds = said
            .iter()
            .map(|block| block["type"].as_str().unwrap().to_owned());
        kinds.filter(|kind| kind.contains("thinking")).count()
    };
    assert_eq!(kinds("test", Thoughts::Returned), 2);
    assert_eq!(kinds("test", Thoughts::Dropped), 0);
    assert_eq!(kinds("other", Thoughts::Returned), 0);
}

#[test]
fn a_budget_is_set_only_where_its_own_thoughts_come_first() {
    let mut request = Request {
        model: "claude-sonnet-4-5".into(),
        effort: Some(Effort::High),
        ..samples::conversation()
    };
    request.messages.truncate(3);
    let thinking =
        |provider| written_by(&request, provider, Thoughts::Returned)["thinking"].clone();
    // The request allows an answer of 1000 tokens, which is no room for thoughts.
    assert_eq!(thinking("test"), Value::Null);
    request.max_tokens = Some(4000);
    let thinking =
        |provider| written_by(&request, provider, Thoughts::Returned)["thinking"].clone();
    assert_eq!(thinking("test")["budget_tokens"], 2976);
    assert_eq!(thinking("other"), Value::Null);
}

#[test]
fn the_end_of_every_stable_part_is_marked_and_no_more_than_four() {
    for (cache, mark) in [
        (CacheRetention::None, None),
        (
            CacheRetention::Short,
            Some(serde_json::json!({"type": "ephemeral"})),
        ),
        (
            CacheRetention::Long,
            Some(serde_json::json!({"type": "ephemeral", "ttl": "1h"})),
        ),
    ] {
        let request = Request {
            cache,
            ..samples::conversation()
        };
        let mut marks = Vec::new();
        unmark(&mut written(&request), "", &mut marks);
        marks.sort_by(|(one, _), (other, _)| one.cmp(other));
        let expected = [
            "/messages/2/content/1",
            "/messages/4/content/0",
            "/system/0",
            "/tools/1",
        ];
        let expected = mark.map(|mark| expected.map(|at| (at.to_owned(), mark.clone())));
        assert_eq!(marks, expected.into_iter().flatten().collect::<Vec<_>>());
    }
}

/// What is sent before the last message, without the marks, as a provider's cache sees it.
fn prefix(request: &Request, messages: usize) -> String {
    let mut body = written(request);
    unmark(&mut body, "", &mut Vec::new());
    let object = body.as_object_mut().unwrap();
    object["messages"]
        .as_array_mut()
        .unwrap()
        .truncate(messages);
    format!("{:x}", Sha256::digest(body.to_string()))
}

#[test]
fn the_prefix_stays_the_same_from_one_step_to_the_next() {
    for sample in [samples::conversation(), samples::careless()] {
        for effort in [None, Some(Effort::Low), Some(Effort::Max)] {
            let whole = Request {
                effort,
                model: "claude-opus-4-8".into(),
                ..sample.clone()
            };
            for steps in 1..whole.messages.len() {
                let mut earlier = whole.clone();
                earlier.messages.truncate(steps);
                let sent = written(&earlier)["messages"].as_array().unwrap().len();
                // A user's words after tool results become part of the message before.
                let stable = sent.saturating_sub(1);
                assert_eq!(prefix(&earlier, stable), prefix(&whole, stable), "{steps}");
            }
        }
    }
}

#[test]
fn files_that_the_api_does_not_take_are_named() {
    let document = |mime: &str, base64: &str| UserBlock::Document {
        mime: mime.into(),
        name: "notes".into(),
        base64: base64.into(),
    };
    let request = Request {
        messages: vec![Message::User(vec![
            document("application/pdf", "JVBERg=="),
            document("text/markdown", "IyBIaQ=="),
            document("text/plain", "/w=="),
            document("application/zip", "UEs="),
            UserBlock::Image {
                mime: "image/tiff".into(),
                base64: "SUk=".into(),
            },
        ])],
        cache: CacheRetention::None,
        ..Request::default()
    };
    insta::assert_json_snapshot!(written(&request)["messages"][0]["content"]);
}

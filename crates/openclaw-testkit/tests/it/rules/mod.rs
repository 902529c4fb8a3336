//! Each rule catches the transcript that breaks it, and lets the others be.

mod anthropic;
mod google;
mod ollama;
mod openai;
mod responses;

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeProvider, Reply, Rule, WireFormat};
use serde_json::{Value, json};

use crate::ask::{findings, post, request};

/// A way to spoil a request: the pointer to a part of it, and what to put there.
///
/// `null` leaves the member there, which both formats read as its absence.
type Spoil = (&'static str, Value);

/// A bad request: what is wrong with it, what to spoil, and the rules that have to object.
type Case = (&'static str, Vec<Spoil>, Vec<Rule>);

fn provider() -> FakeProvider {
    let provider = FakeProvider::start();
    provider
        .expect_key("sk-test")
        .otherwise(|_| Reply::text("ok"));
    provider
}

async fn check(wire: WireFormat, cases: Vec<Case>) {
    let provider = provider();
    assert_eq!(findings(&provider, post(wire, &request(wire))).await, []);
    for (what, spoils, rules) in cases {
        let mut body = request(wire);
        for (pointer, value) in spoils {
            *body.pointer_mut(pointer).unwrap() = value;
        }
        let found = findings(&provider, post(wire, &body)).await;
        let broken: Vec<Rule> = found.iter().map(|found| found.rule).collect();
        assert_eq!(broken, rules, "{what}: {found:#?}");
    }
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: &Value) -> Value {
    json!({"role": "assistant", "content": content})
}

#[tokio::test]
async fn requests_without_their_headers_are_caught() {
    for (wire, missing) in [(WireFormat::Anthropic, 3), (WireFormat::OpenAi, 2)] {
        let provider = provider();
        let bare = HttpRequest::post(wire.path(), request(wire).to_string());
        let found = findings(&provider, bare).await;
        assert_eq!(found.len(), missing, "{found:#?}");
        assert!(
            found.iter().all(|found| found.rule == Rule::Headers),
            "{found:#?}"
        );
    }
}

#[tokio::test]
async fn a_key_in_the_url_is_caught() {
    for wire in WireFormat::ALL {
        for query in ["sk-test", "x=sk-test&y=1", "api_key=other"] {
            let provider = provider();
            let found = findings(&provider, {
                let target = format!("{}?{query}", wire.path());
                let request = HttpRequest::post(target, request(wire).to_string());
                request
                    .header("content-type", "application/json; charset=utf-8")
                    .header("anthropic-version", "2023-06-01")
                    .header("x-api-key", "sk-test")
                    .header("authorization", "Bearer sk-test")
            })
            .await;
            let broken: Vec<Rule> = found.iter().map(|found| found.rule).collect();
            assert_eq!(broken, [Rule::KeyInUrl]);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_caught() {
    for wire in WireFormat::ALL {
        let provider = provider();
        let found = findings(&provider, post(wire, &json!(["no"]))).await;
        let broken: Vec<Rule> = found.iter().map(|found| found.rule).collect();
        assert_eq!(broken, [Rule::Json, Rule::Script]);
    }
}

#[tokio::test]
async fn a_text_that_stands_again_later_is_caught_when_texts_are_distinct() {
    for wire in WireFormat::ALL {
        let mut body = request(wire);
        let last = body["messages"].as_array_mut().unwrap().last_mut().unwrap();
        let content = last["content"].as_array_mut().unwrap();
        content.last_mut().unwrap()["text"] = json!("List the files.");
        let provider = provider();
        assert_eq!(findings(&provider, post(wire, &body)).await, []);
        provider.expect_distinct_user_texts();
        let found = findings(&provider, post(wire, &body)).await;
        let broken: Vec<Rule> = found.iter().map(|found| found.rule).collect();
        assert_eq!(broken, [Rule::Repeated]);
        provider.allow(Rule::Repeated);
        assert_eq!(findings(&provider, post(wire, &body)).await, []);
    }
}

#[tokio::test]
async fn a_violation_says_where_and_shows_the_json() {
    let provider = provider();
    let mut body = request(WireFormat::Anthropic);
    body["messages"][1]["content"][2]["input"] = json!([1]);
    let found = findings(&provider, post(WireFormat::Anthropic, &body)).await;
    insta::assert_snapshot!(found[0].to_string());
}

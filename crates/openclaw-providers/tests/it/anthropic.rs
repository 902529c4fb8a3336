//! What is special about Anthropic's API: how keys are sent, features that are asked for, thoughts
//! that come back, and the list of models.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use openclaw_core::{ApiKey, Kind};
use openclaw_providers::{
    AnthropicProvider, AssistantBlock, KeyStyle, Message, Provider as _, ProviderConfig,
    ProviderError, Reason, Request, Thinking, UserBlock,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::Server;

/// Returns a recorded answer with its head; servers run on threads of their own.
fn recorded(name: &str) -> &'static str {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sse");
    let body = fs::read_to_string(fixtures.join("anthropic-messages").join(name)).unwrap();
    answer("200 OK", &body)
}

fn answer(status: &str, body: &str) -> &'static str {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n{body}").leak()
}

/// Returns a recorded refusal.
fn refusal(name: &str) -> &'static str {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/http");
    let text = fs::read_to_string(fixtures.join("anthropic-messages").join(name)).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\nconnection: close\r\n\r\n{body}").leak()
}

fn key(text: &str) -> Arc<ApiKey> {
    Arc::new(ApiKey::new(text.to_owned()))
}

fn config(server: &Server, secret: &str) -> ProviderConfig {
    ProviderConfig {
        base_url: Some(server.url("/v1/")),
        api_key: Some(key(secret)),
        ..ProviderConfig::new("mine")
    }
}

/// Asks once and returns the headers of what was sent.
async fn head(change: impl FnOnce(ProviderConfig) -> ProviderConfig) -> String {
    let server = Server::start([recorded("text.sse")]);
    let config = change(config(&server, "sk-ant-api03-key"));
    let provider = AnthropicProvider::from_config(config).unwrap();
    provider
        .complete(Request::default(), CancellationToken::new())
        .await
        .unwrap();
    let seen = &server.requests()[0];
    assert!(seen.starts_with("POST /v1/messages "), "{seen}");
    let (head, _body) = seen.split_once("\r\n\r\n").unwrap();
    head.to_lowercase() + "\r\n"
}

#[tokio::test]
async fn a_token_of_a_subscription_is_sent_as_one() {
    let seen = head(|config| ProviderConfig {
        api_key: Some(key("sk-ant-oat01-token")),
        ..config
    })
    .await;
    assert!(
        seen.contains("\r\nauthorization: bearer sk-ant-oat01-token\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("\r\nanthropic-beta: oauth-2025-04-20\r\n"),
        "{seen}"
    );
    assert!(!seen.contains("x-api-key"), "{seen}");
}

#[tokio::test]
async fn a_key_is_sent_as_the_configuration_says() {
    for (style, expected) in [
        (KeyStyle::Api, Some("x-api-key: sk-ant-api03-key")),
        (
            KeyStyle::Bearer,
            Some("authorization: bearer sk-ant-api03-key"),
        ),
        (
            KeyStyle::Header {
                name: "X-Gateway-Key".into(),
                prefix: "Key ".into(),
            },
            Some("x-gateway-key: key sk-ant-api03-key"),
        ),
        (KeyStyle::None, None),
    ] {
        let seen = head(|config| ProviderConfig {
            key_style: style,
            ..config
        })
        .await;
        let lines = seen.lines().filter(|line| line.contains("api03"));
        assert_eq!(lines.collect::<Vec<_>>(), Vec::from_iter(expected));
    }
}

#[tokio::test]
async fn configured_headers_and_features_are_sent() {
    let seen = head(|mut config| {
        config
            .params
            .insert("anthropicBeta".into(), json!(["a-1", "b-2"]));
        config.headers.push(("X-Team".into(), key("blue")));
        config
    })
    .await;
    assert!(seen.contains("\r\nanthropic-beta: a-1,b-2\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-team: blue\r\n"), "{seen}");
    assert!(
        seen.contains("\r\nanthropic-version: 2023-06-01\r\n"),
        "{seen}"
    );
}

#[test]
fn a_header_that_cannot_be_one_is_refused_by_its_name() {
    let config = ProviderConfig {
        headers: vec![("no header".into(), key("x"))],
        ..ProviderConfig::new("mine")
    };
    let error = AnthropicProvider::from_config(config).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    assert!(error.to_string().contains("`no header`"), "{error}");
    assert_eq!(
        error.hint().unwrap(),
        "check the headers of provider `mine`"
    );
}

#[tokio::test]
async fn refusals_are_understood_by_their_names_and_words() {
    for (name, expected) in [
        ("400-context.http", Reason::ContextLength),
        ("400-credit.http", Reason::Billing),
        ("400-filter.http", Reason::ContentFilter),
        ("404.http", Reason::NotFound),
        ("413.http", Reason::TooLarge),
    ] {
        let server = Server::start([refusal(name)]);
        let provider = AnthropicProvider::from_config(config(&server, "k")).unwrap();
        let asked = provider.stream(Request::default(), CancellationToken::new());
        match asked.await.map(|_events| ()).unwrap_err() {
            ProviderError::Status { reason, .. } => assert_eq!(reason, expected, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn thoughts_that_the_server_cannot_read_are_left_out() {
    let refusal = json!({"type": "error", "error": {
        "type": "invalid_request_error",
        "message": "messages.1.content.0: Invalid `signature` in `thinking` block",
    }});
    let refusal = answer("400 Bad Request", &refusal.to_string());
    let request = Request {
        messages: vec![
            Message::User(vec![UserBlock::Text("Hi.".into())]),
            Message::Assistant(vec![
                AssistantBlock::Thinking(Thinking {
                    text: "A greeting.".into(),
                    signature: Some("of-another-server".into()),
                    redacted: None,
                    by: Some("mine".into()),
                }),
                AssistantBlock::Text("Hello.".into()),
            ]),
            Message::User(vec![UserBlock::Text("And?".into())]),
        ],
        ..Request::default()
    };
    let server = Server::start([refusal, recorded("text.sse")]);
    let provider = AnthropicProvider::from_config(config(&server, "k")).unwrap();
    provider
        .stream(request.clone(), CancellationToken::new())
        .await
        .map(|_events| ())
        .unwrap();
    let asked = server.requests();
    let signed = asked.iter().map(|seen| seen.contains("of-another-server"));
    assert_eq!(signed.collect::<Vec<_>>(), [true, false]);

    // Without thoughts there is nothing to leave out, and the error is told.
    let server = Server::start([refusal]);
    let provider = AnthropicProvider::from_config(config(&server, "k")).unwrap();
    let error = provider
        .stream(Request::default(), CancellationToken::new())
        .await
        .map(|_events| ())
        .unwrap_err();
    assert!(
        matches!(error, ProviderError::Status { status: 400, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn models_are_listed_over_all_pages() {
    let page = |id: &str, more: bool| {
        let page = json!({"data": [{"id": id}], "has_more": more, "last_id": id});
        answer("200 OK", &page.to_string())
    };
    let server = Server::start([page("a", true), page("b", false)]);
    let provider = AnthropicProvider::from_config(config(&server, "k")).unwrap();
    let models = provider.models(CancellationToken::new()).await.unwrap();
    let ids = models.iter().map(|model| model.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "b"]);
    let asked = server.requests();
    assert!(
        asked[0].starts_with("GET /v1/models?limit=1000 "),
        "{}",
        asked[0]
    );
    assert!(
        asked[1].starts_with("GET /v1/models?limit=1000&after_id=a "),
        "{}",
        asked[1]
    );
    assert!(asked[1].contains("x-api-key: k"), "{}", asked[1]);
}

#[tokio::test]
async fn what_is_no_list_of_models_is_an_error() {
    for (body, told) in [
        (
            r#"{"type":"error","error":{"type":"api_error","message":"no"}}"#,
            "provider `mine` broke off its answer: no",
        ),
        (
            "<html></html>",
            "provider `mine` sent a web page, so a proxy or another server answered",
        ),
        ("{", "provider `mine` sent a document that is no JSON"),
        (
            "{}",
            "provider `mine` sent a document that its API does not have",
        ),
    ] {
        let server = Server::start([answer("200 OK", body)]);
        let provider = AnthropicProvider::from_config(config(&server, "k")).unwrap();
        let error = provider.models(CancellationToken::new()).await.unwrap_err();
        assert_eq!(error.to_string(), told);
    }
}

#[tokio::test]
async fn what_is_kept_for_an_hour_is_told_apart() {
    let whole = json!({
        "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{ "type": "text", "text": "hi" }],
        "usage": { "input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 30,
            "cache_creation": { "ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20 } },
    });
    let server = Server::start([answer("200 OK", &whole.to_string())]);
    let provider = AnthropicProvider::from_config(config(&server, "sk")).unwrap();
    let told = provider
        .complete(Request::default(), CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        (told.usage.cache_write, told.usage.cache_write_1h),
        (30, 20)
    );
}

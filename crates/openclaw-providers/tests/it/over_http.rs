//! Both wire formats against a server on the loopback interface that does one thing per connection.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use openclaw_core::{ApiKey, Kind};
use openclaw_http::{HttpError, Phase, Timeouts};
use openclaw_providers::{
    AssistantBlock, Completion, Message, Provider, ProviderConfig, ProviderError, Reason, Request,
    StopReason, StreamEvent, UserBlock, build,
};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

const KEY: &str = "sk-very-secret";
const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const APIS: [(&str, &str); 2] = [("anthropic-messages", ""), ("openai-completions", "/v1")];

/// Texts live as long as the test program, since servers run on threads of their own.
fn text(text: String) -> &'static str {
    text.leak()
}

fn recorded(api: &str, name: &str) -> &'static str {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sse");
    let body = fs::read_to_string(fixtures.join(api).join(name)).unwrap();
    text(format!("{HEAD}{body}"))
}

fn answer(status: &str, headers: &str, body: &str) -> &'static str {
    text(format!(
        "HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n{body}"
    ))
}

fn config(server: &Server, path: &str) -> ProviderConfig {
    ProviderConfig {
        base_url: Some(server.url(path)),
        api_key: Some(Arc::new(ApiKey::new(KEY.into()))),
        ..ProviderConfig::new("mine")
    }
}

fn provider(api: &str, path: &str, server: &Server) -> Arc<dyn Provider> {
    build(api, config(server, path)).unwrap()
}

fn request() -> Request {
    Request {
        model: "model-1".into(),
        messages: vec![Message::User(vec![UserBlock::Text("hello".into())])],
        ..Request::default()
    }
}

async fn complete(provider: Arc<dyn Provider>) -> Result<Completion, ProviderError> {
    provider.complete(request(), CancellationToken::new()).await
}

#[tokio::test]
async fn a_server_of_ones_own_needs_no_key() {
    for (api, path) in APIS {
        let server = Server::start([recorded(api, "text.sse")]);
        let config = ProviderConfig {
            api_key: None,
            ..config(&server, path)
        };
        complete(build(api, config).unwrap()).await.unwrap();
        let seen = server.requests()[0].to_lowercase();
        assert!(
            !seen.contains("x-api-key") && !seen.contains("authorization"),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn an_answer_is_whole_when_the_body_ends_after_the_reason_to_stop() {
    let server = Server::start([recorded("openai-completions", "no-done.sse")]);
    let answer = complete(provider("openai-completions", "/v1", &server))
        .await
        .unwrap();
    assert_eq!(answer.stop, StopReason::MaxTokens);
}

#[tokio::test]
async fn asks_each_api_at_its_place_with_its_headers() {
    let expected = [
        (
            "POST /v1/messages HTTP/1.1\r\n",
            "anthropic-version: 2023-06-01\r\nx-api-key: sk-very-secret\r\n",
        ),
        (
            "POST /v1/chat/completions HTTP/1.1\r\n",
            "authorization: Bearer sk-very-secret\r\n",
        ),
    ];
    for ((api, path), (line, headers)) in APIS.into_iter().zip(expected) {
        let server = Server::start([recorded(api, "text.sse")]);
        let answer = complete(provider(api, path, &server)).await.unwrap();
        assert_eq!(
            answer.content,
            [AssistantBlock::Text("Grüß dich, Welt 🦀!".into())]
        );
        assert_eq!(answer.stop, StopReason::EndTurn);
        let seen = &server.requests()[0];
        assert!(seen.starts_with(line), "{seen}");
        for header in headers.lines().chain(["accept: text/event-stream"]) {
            assert!(seen.contains(&format!("\r\n{header}\r\n")), "{seen}");
        }
    }
}

#[tokio::test]
async fn a_server_without_a_key_gets_no_authorization() {
    let server = Server::start([recorded("openai-completions", "text.sse")]);
    let keyless = ProviderConfig {
        api_key: None,
        ..config(&server, "/v1/")
    };
    complete(build("openai-completions", keyless).unwrap())
        .await
        .unwrap();
    let seen = &server.requests()[0];
    assert!(seen.starts_with("POST /v1/chat/completions "), "{seen}");
    assert!(!seen.contains("authorization"), "{seen}");
}

#[tokio::test]
async fn a_provider_that_is_busy_is_asked_again() {
    for (api, path) in APIS {
        let server = Server::start([
            answer("429 Too Many", "retry-after: 0\r\n", ""),
            answer("529 Overloaded", "", ""),
            recorded(api, "text.sse"),
        ]);
        complete(provider(api, path, &server)).await.unwrap();
        assert_eq!(server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_long_wait_is_handed_on_with_the_providers_words() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow\n down"}}"#;
    let server = Server::start([answer("429 Too Many", "retry-after: 600\r\n", body)]);
    let error = complete(provider("anthropic-messages", "", &server))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Limited);
    let ProviderError::Status {
        reason,
        message,
        retry_after,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(
        (reason, message.as_str(), retry_after),
        (
            Reason::RateLimited,
            "slow down",
            Some(Duration::from_mins(10))
        )
    );
}

#[tokio::test]
async fn a_refused_key_is_told_without_the_key() {
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {KEY}","type":"invalid_request_error","code":"invalid_api_key"}}}}"#
    );
    for (api, path) in APIS {
        let server = Server::start([answer("401 Unauthorized", "", &body)]);
        let error = complete(provider(api, path, &server)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "provider `mine` answered with status 401: Incorrect API key provided: [REDACTED]"
        );
        assert_eq!(error.kind(), Kind::Unavailable);
        assert_eq!(
            error.hint().unwrap(),
            "check the API key of provider `mine`"
        );
        assert!(!format!("{error:?}").contains(KEY));
    }
}

#[tokio::test]
async fn what_a_stream_says_of_the_key_is_told_without_it() {
    let padding = "x".repeat(280);
    for data in [
        format!(r#"{{"error":{{"message":"{KEY} is wrong"}}}}"#),
        format!("no JSON: {KEY}"),
        // Cut in the middle, the key would no longer be known.
        format!("no JSON: {padding}{KEY}"),
    ] {
        let server = Server::start([text(format!("{HEAD}data: {data}\n\n"))]);
        let error = complete(provider("openai-completions", "/v1", &server))
            .await
            .unwrap_err();
        let (told, shown) = (error.to_string(), format!("{error:?}"));
        let (part, _) = KEY.split_at(8);
        assert!(!told.contains(part) && !shown.contains(part), "{shown}");
        assert!(
            shown.contains("[REDACTED]") || shown.contains("[R"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_page_of_html_is_not_quoted() {
    let server = Server::start([answer("404 Not Found", "", "<html>nginx</html>")]);
    let error = complete(provider("openai-completions", "/v1", &server))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "provider `mine` answered with status 404: a web page and not a word of the API, so a proxy or another server answered"
    );
}

#[tokio::test]
async fn a_document_instead_of_a_stream_is_read_for_its_error() {
    let json = "content-type: application/json\r\n";
    for (body, message) in [
        (
            r#"{"error":"no such model"}"#,
            "provider `mine` broke off its answer: no such model",
        ),
        (
            r#"{"choices":[]}"#,
            "provider `mine` sent a document instead of a stream",
        ),
    ] {
        let server = Server::start([answer("200 OK", json, body)]);
        let error = complete(provider("openai-completions", "/v1", &server))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[tokio::test]
async fn a_server_that_refuses_stream_options_is_asked_without_them() {
    let server = Server::start([
        answer(
            "400 Bad Request",
            "",
            r#"{"detail":"extra field: stream_options"}"#,
        ),
        recorded("openai-completions", "text.sse"),
    ]);
    complete(provider("openai-completions", "/v1", &server))
        .await
        .unwrap();
    let asked = server.requests();
    let with_options = asked
        .iter()
        .map(|request| request.contains("stream_options"));
    assert_eq!(with_options.collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_stream_that_is_cut_is_an_error_after_what_came() {
    const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9000\r\nconnection: close\r\n\r\n";
    for (api, path) in APIS {
        let whole = recorded(api, "cut.sse");
        let torn = text(whole.replace(HEAD, CUT));
        for answer in [whole, torn] {
            let server = Server::start([answer]);
            let provider = provider(api, path, &server);
            let stop = CancellationToken::new();
            let events = provider.stream(request(), stop).await.unwrap();
            let mut events = events.collect::<Vec<_>>().await;
            let last = events.pop().unwrap();
            assert!(
                matches!(last, Err(ProviderError::EndedEarly { .. })),
                "{last:?}"
            );
            let first = StreamEvent::Text("I was".into());
            assert!(
                events
                    .iter()
                    .any(|event| matches!(event, Ok(text) if *text == first))
            );
        }
    }
}

#[tokio::test]
async fn stopping_in_the_middle_closes_the_connection() {
    let bodies = [
        "data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\"}}\n\n",
        "data: {\"model\":\"m\",\"choices\":[]}\n\n",
    ];
    for ((api, path), body) in APIS.into_iter().zip(bodies) {
        let server = Server::hanging(text(format!("{HEAD}{body}")));
        let stop = CancellationToken::new();
        let provider = provider(api, path, &server);
        let mut events = provider.stream(request(), stop.clone()).await.unwrap();
        let started = events.next().await.unwrap().unwrap();
        assert_eq!(started, StreamEvent::Started { model: "m".into() });
        stop.cancel();
        let rest = events.collect::<Vec<_>>().await;
        assert!(
            matches!(rest[..], [Err(ProviderError::Cancelled)]),
            "{rest:?}"
        );
        server.client_hung_up().await;
    }
}

#[tokio::test]
async fn stopping_before_the_answer_closes_the_connection() {
    let server = Server::hanging("");
    let stop = CancellationToken::new();
    let provider = provider("anthropic-messages", "", &server);
    let (answer, ()) = tokio::join!(provider.stream(request(), stop.clone()), async {
        server.wait_for_requests(1).await;
        stop.cancel();
    });
    assert!(matches!(answer.err(), Some(ProviderError::Cancelled)));
    server.client_hung_up().await;
}

#[tokio::test]
async fn a_provider_that_falls_silent_is_not_waited_for() {
    let server = Server::hanging(HEAD);
    let impatient = ProviderConfig {
        timeouts: Timeouts {
            idle: Duration::from_millis(50),
            ..Timeouts::default()
        },
        ..config(&server, "/v1")
    };
    let error = complete(build("openai-completions", impatient).unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ProviderError::Http {
                source: HttpError::Timeout {
                    phase: Phase::Idle,
                    ..
                },
                ..
            }
        ),
        "{error:?}"
    );
    server.client_hung_up().await;
}

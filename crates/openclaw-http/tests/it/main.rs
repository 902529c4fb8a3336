//! The client against a server on the loopback interface that does one thing per connection.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows test functions, but not their helpers"
)]

mod answers;
mod egress;
mod fetch;
mod oauth;
mod server;
mod taped;
mod tls;

use std::time::Duration;

use futures_util::StreamExt as _;
use openclaw_core::{ApiKey, Clock, Kind};
use openclaw_http::{Body, HttpClient, HttpError, Phase, PostJson, Retry, Timeouts, header};
use serde_json::json;
use server::Server;
use tokio_util::sync::CancellationToken;

const AT_ONCE: Retry = Retry {
    attempts: 3,
    base: Duration::from_millis(1),
    cap: Duration::from_secs(30),
};

const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy";
const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

fn short() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        total: Duration::from_secs(20),
    }
}

fn request(server: &Server) -> PostJson {
    PostJson::new(
        &server.url("/v1/chat?key=secret"),
        &json!({"hello": "world"}),
    )
    .unwrap()
    .retry(AT_ONCE)
}

async fn post(timeouts: Timeouts, request: PostJson) -> Result<Body, HttpError> {
    let stop = CancellationToken::new();
    HttpClient::new(timeouts).post_json(request, &stop).await
}

async fn text(mut body: Body) -> Result<String, HttpError> {
    let mut text = Vec::new();
    while let Some(piece) = body.next().await {
        text.extend(piece?);
    }
    Ok(String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn posts_json_with_its_headers_and_streams_the_answer() {
    let server = Server::start([HELLO]);
    let request = request(&server)
        .accept("text/event-stream")
        .secret_header(header::AUTHORIZATION, "Bearer ", &ApiKey::new("sk".into()))
        .unwrap();
    let body = post(short(), request).await.unwrap();
    assert_eq!(body.status(), 200);
    assert_eq!(body.headers()[header::CONTENT_LENGTH], "5");
    assert_eq!(text(body).await.unwrap(), "hello");

    let seen = server.requests();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("POST /v1/chat?key=secret HTTP/1.1\r\n"));
    for line in [
        "content-type: application/json",
        "accept: text/event-stream",
        "authorization: Bearer sk",
    ] {
        assert!(seen[0].contains(&format!("\r\n{line}\r\n")), "{}", seen[0]);
    }
    assert!(seen[0].ends_with(r#"{"hello":"world"}"#));
}

#[tokio::test]
async fn tries_again_until_the_server_is_ready() {
    let server = Server::start(["", BUSY, HELLO]);
    let body = post(short(), request(&server)).await.unwrap();
    assert_eq!(text(body).await.unwrap(), "hello");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn gives_up_after_the_last_attempt_with_what_the_server_said() {
    let server = Server::start([BUSY, BUSY, BUSY, HELLO]);
    let error = post(short(), request(&server)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(
        error.to_string(),
        format!("{} answered with status 503", server.url("/v1/chat"))
    );
    let HttpError::Status { body_excerpt, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(body_excerpt, "busy");
}

#[tokio::test]
async fn no_part_of_a_secret_is_left_where_the_words_of_a_refusal_are_cut() {
    let secret = "cnry-of-a-refusal-0123456789";
    openclaw_core::redaction::learn_text(secret);
    let limit = 8 * 1024;
    for before in [10, limit - 28, limit - 20, limit - 5, limit] {
        for after in [0, limit] {
            let body = format!("{}{secret}{}", "x".repeat(before), "y".repeat(after));
            let head = "HTTP/1.1 401 No\r\nconnection: close\r\n\r\n";
            let server = Server::start([format!("{head}{body}").leak()]);
            let error = post(short(), request(&server)).await.unwrap_err();
            let HttpError::Status { body_excerpt, .. } = error else {
                panic!("{error:?}");
            };
            assert!(body_excerpt.len() <= limit);
            let rest = body_excerpt.trim_matches(['x', 'y']);
            assert!(
                "[REDACTED]".starts_with(rest),
                "{rest} between {before} and {after}"
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_that_is_final_is_not_tried_again() {
    let server = Server::start([
        "HTTP/1.1 401 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        HELLO,
    ]);
    let error = post(short(), request(&server)).await.unwrap_err();
    assert!(matches!(error, HttpError::Status { status: 401, .. }));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let server = Server::start([
        "HTTP/1.1 307 Elsewhere\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n",
        HELLO,
    ]);
    let error = post(short(), request(&server)).await.unwrap_err();
    assert!(matches!(error, HttpError::Status { status: 307, .. }));
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_beyond_the_cap_is_handed_to_the_caller() {
    let server = Server::start([
        "HTTP/1.1 429 Slow\r\nretry-after: Sun, 22 Nov 2026 10:01:00 GMT\r\ncontent-length: 0\r\n\r\n",
        HELLO,
    ]);
    let clock = Clock::fixed("2026-11-22T10:00:00Z".parse().unwrap());
    let client = HttpClient::new(short()).with_clock(clock);
    let error = client
        .post_json(request(&server), &CancellationToken::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Limited);
    let HttpError::Status { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(Duration::from_mins(1)));
}

#[tokio::test]
async fn a_wait_can_be_stopped() {
    let server =
        Server::start(["HTTP/1.1 429 Slow\r\nretry-after: 25\r\ncontent-length: 0\r\n\r\n"]);
    let stop = CancellationToken::new();
    let client = HttpClient::new(short());
    let (result, ()) = tokio::join!(client.post_json(request(&server), &stop), async {
        server.wait_for_requests(1).await;
        stop.cancel();
    });
    assert!(matches!(result, Err(HttpError::Cancelled)));
}

#[tokio::test]
async fn a_host_that_nobody_listens_on_is_named() {
    let url = Server::start::<0>([]).url("/v1");
    let request = PostJson::new(&url, &json!({})).unwrap().retry(AT_ONCE);
    let error = post(short(), request).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no connection to {url}"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_not_tried_again() {
    let server = Server::start([
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nhello",
        HELLO,
    ]);
    let body = post(short(), request(&server)).await.unwrap();
    assert!(matches!(text(body).await, Err(HttpError::Broken { .. })));
    assert_eq!(server.requests().len(), 1);
}

/// A server that accepts the request and then says only `answer` until the client hangs up.
async fn phase_of(answer: &'static str, timeouts: Timeouts) -> Phase {
    let server = Server::hanging(answer);
    let error = match post(timeouts, request(&server)).await {
        Ok(body) => text(body).await.unwrap_err(),
        Err(error) => error,
    };
    server.client_hung_up().await;
    match error {
        HttpError::Timeout { phase, .. } => phase,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn silence_is_told_apart_by_when_it_began_and_ends_the_connection() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n";
    let soon = Duration::from_millis(50);
    let first_byte = Timeouts {
        first_byte: soon,
        ..short()
    };
    assert_eq!(phase_of("", first_byte).await, Phase::FirstByte);
    let idle = Timeouts {
        idle: soon,
        ..short()
    };
    assert_eq!(phase_of(HEAD, idle).await, Phase::Idle);
    let total = Timeouts {
        total: soon,
        ..short()
    };
    assert_eq!(phase_of("", total).await, Phase::Total);
    assert_eq!(phase_of(HEAD, total).await, Phase::Total);
}

#[tokio::test]
async fn stopping_closes_the_connection_before_and_during_the_body() {
    for head in ["", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n"] {
        let server = Server::hanging(head);
        let stop = CancellationToken::new();
        let client = HttpClient::new(short());
        let read = async {
            let body = client.post_json(request(&server), &stop).await?;
            text(body).await
        };
        let (result, ()) = tokio::join!(read, async {
            server.wait_for_requests(1).await;
            stop.cancel();
        });
        assert!(matches!(result, Err(HttpError::Cancelled)));
        server.client_hung_up().await;
    }
}

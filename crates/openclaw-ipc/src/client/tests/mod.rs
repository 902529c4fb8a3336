//! The client against a small WebSocket server that does what each test says.

mod following;

use std::future::Future as _;
use std::net::Ipv4Addr;

use futures_util::{SinkExt as _, StreamExt as _};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::*;
use crate::methods::{
    AgentList, NoParams, PageLimit, SessionList, SessionListParams, ToolsList, ToolsListOutput,
};
use crate::notifications::StreamLaggedParams;

type Server = WebSocketStream<TcpStream>;

fn token() -> ApiKey {
    ApiKey::new("t0ken".to_owned())
}

fn lagged(dropped: u64) -> Value {
    json!({"jsonrpc": "2.0", "method": "stream.lagged", "params": {"dropped": dropped}})
}

fn no_tools(call: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": call["id"], "result": {"tools": []}})
}

#[expect(
    clippy::result_large_err,
    reason = "the callback's type is tungstenite's"
)]
fn check_token(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let bearer = request.headers().get(AUTHORIZATION);
    if request.uri().path() == "/ws" && bearer.is_some_and(|value| value == "Bearer t0ken") {
        return Ok(response);
    }
    let mut refused = ErrorResponse::new(None);
    *refused.status_mut() = http::StatusCode::UNAUTHORIZED;
    Err(refused)
}

async fn listen() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = "127.0.0.1".to_owned();
    (listener, Endpoint { host, port })
}

/// Runs `server` on the accepted connection beside `client` on the connected one.
async fn together<T>(
    server: impl AsyncFnOnce(&mut Server),
    client: impl AsyncFnOnce(&mut Client) -> T,
) -> T {
    let (listener, endpoint) = listen().await;
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_hdr_async(stream, check_token).await.unwrap();
        server(&mut socket).await;
        socket
    };
    let use_it = async {
        let mut connected = Client::connect(&endpoint, &token()).await.unwrap();
        client(&mut connected).await
    };
    tokio::join!(serve, use_it).1
}

async fn next_call(socket: &mut Server) -> Value {
    let message = socket.next().await.unwrap().unwrap();
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

async fn say(socket: &mut Server, message: Value) {
    socket
        .send(Message::text(message.to_string()))
        .await
        .unwrap();
}

#[tokio::test]
async fn sends_the_call_and_returns_the_output() {
    let params = SessionListParams {
        cursor: None,
        limit: Some(PageLimit::try_from(5).unwrap()),
    };
    let output = together(
        async |socket| {
            let call = next_call(socket).await;
            let expected = json!({"jsonrpc": "2.0", "id": 1, "method": "session.list", "params": {"limit": 5}});
            assert_eq!(call, expected);
            let result = json!({"sessions": [], "nextCursor": "c", "new": true});
            say(socket, json!({"jsonrpc": "2.0", "id": 1, "result": result})).await;
        },
        async |client| client.call::<SessionList>(&params).await.unwrap(),
    )
    .await;
    assert_eq!(output.next_cursor.as_deref(), Some("c"));
}

#[tokio::test]
async fn hands_over_notifications_while_it_waits_and_keeps_them_otherwise() {
    together(
        async |socket| {
            for first in [1, 3] {
                let call = next_call(socket).await;
                say(socket, lagged(first)).await;
                say(
                    socket,
                    json!({"jsonrpc": "2.0", "method": "of.the.future", "params": {}}),
                )
                .await;
                say(socket, lagged(first + 1)).await;
                say(socket, no_tools(&call)).await;
            }
        },
        async |client| {
            client.call::<ToolsList>(&NoParams {}).await.unwrap();
            let mut seen = vec![client.next_notification().await.unwrap()];
            client
                .call_with::<ToolsList>(&NoParams {}, |notification| seen.push(notification))
                .await
                .unwrap();
            let expected = [1, 2, 3, 4].map(|dropped| {
                Notification::StreamLagged(StreamLaggedParams { dropped, behind: 0 })
            });
            assert_eq!(seen, expected);
        },
    )
    .await;
}

#[tokio::test]
async fn an_error_of_the_method_keeps_its_kind_hint_and_id() {
    let err = together(
        async |socket| {
            let call = next_call(socket).await;
            let data = json!({"kind": "busy", "id": "e-7", "hint": "wait for the run"});
            let error = json!({"code": -32010, "message": "the session has a run", "data": data});
            say(
                socket,
                json!({"jsonrpc": "2.0", "id": call["id"], "error": error}),
            )
            .await;
        },
        async |client| client.call::<ToolsList>(&NoParams {}).await.unwrap_err(),
    )
    .await;
    assert_eq!(err.kind(), openclaw_core::Kind::Busy);
    assert_eq!(err.to_string(), "the session has a run");
    let ClientError::Rpc(error) = err else {
        panic!("not the method's error")
    };
    assert_eq!(error.data.hint.as_deref(), Some("wait for the run"));
    assert_eq!(error.data.id.as_deref(), Some("e-7"));
}

#[tokio::test]
async fn an_answer_to_a_call_that_was_dropped_is_not_taken_for_the_next_ones() {
    together(
        async |socket| {
            let dropped = next_call(socket).await;
            let waited_for = next_call(socket).await;
            say(
                socket,
                json!({"jsonrpc": "2.0", "id": dropped["id"], "result": {"agents": []}}),
            )
            .await;
            say(socket, no_tools(&waited_for)).await;
        },
        async |client| {
            {
                let params = NoParams {};
                let mut call = Box::pin(client.call::<AgentList>(&params));
                let waker = std::task::Waker::noop();
                let mut cx = std::task::Context::from_waker(waker);
                assert!(call.as_mut().poll(&mut cx).is_pending());
            }
            let output = client.call::<ToolsList>(&NoParams {}).await.unwrap();
            assert_eq!(output, ToolsListOutput { tools: Vec::new() });
        },
    )
    .await;
}

#[tokio::test]
async fn a_call_that_the_gateway_could_not_read_fails_at_once() {
    let err = together(
        async |socket| {
            next_call(socket).await;
            let error = json!({"code": -32700, "message": "the text is not JSON"});
            say(
                socket,
                json!({"jsonrpc": "2.0", "id": null, "error": error}),
            )
            .await;
        },
        async |client| client.call::<ToolsList>(&NoParams {}).await.unwrap_err(),
    )
    .await;
    assert_eq!(err.kind(), openclaw_core::Kind::Invalid);
}

#[tokio::test]
async fn an_output_of_another_form_names_the_method() {
    let err = together(
        async |socket| {
            let call = next_call(socket).await;
            say(
                socket,
                json!({"jsonrpc": "2.0", "id": call["id"], "result": {"tools": 1}}),
            )
            .await;
        },
        async |client| client.call::<ToolsList>(&NoParams {}).await.unwrap_err(),
    )
    .await;
    assert_eq!(
        err.to_string(),
        "the gateway answered tools.list in a form that this version does not know"
    );
}

#[tokio::test]
async fn a_gateway_that_goes_away_is_unreachable_and_its_reason_is_kept() {
    let err = together(
        async |socket| {
            next_call(socket).await;
            let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                code: 1001.into(),
                reason: "the gateway stops".into(),
            };
            socket.close(Some(frame)).await.unwrap();
        },
        async |client| client.call::<ToolsList>(&NoParams {}).await.unwrap_err(),
    )
    .await;
    assert_eq!(err.kind(), openclaw_core::Kind::Unreachable);
    assert_eq!(
        err.to_string(),
        "the gateway closed the connection: the gateway stops"
    );
}

#[tokio::test]
async fn a_wrong_token_is_told_from_a_gateway_that_is_not_there() {
    let (listener, endpoint) = listen().await;
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        accept_hdr_async(stream, check_token)
            .await
            .map(drop)
            .unwrap_err();
    };
    let wrong = ApiKey::new("wr0ng".to_owned());
    let ((), outcome) = tokio::join!(serve, Client::connect(&endpoint, &wrong));
    let err = outcome.map(drop).unwrap_err();
    assert_eq!(err.kind(), openclaw_core::Kind::Unauthenticated);
    assert!(!format!("{err} {err:?}").contains("wr0ng"));

    drop(listener);
    let err = Client::connect(&endpoint, &token())
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(err.kind(), openclaw_core::Kind::Unreachable);
    assert_eq!(err.to_string(), format!("no gateway answers at {endpoint}"));
}

#[tokio::test(start_paused = true)]
async fn connecting_to_somebody_who_never_answers_ends_in_time() {
    let (_listener, endpoint) = listen().await;
    let err = Client::connect(&endpoint, &token())
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(err.kind(), openclaw_core::Kind::Unreachable);
    assert!(matches!(err, ClientError::ConnectTimeout { .. }), "{err}");
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_before_anything_is_sent() {
    let (_listener, endpoint) = listen().await;
    let token = ApiKey::new("two\r\nlines".to_owned());
    let err = Client::connect(&endpoint, &token)
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(err.kind(), openclaw_core::Kind::Config);
    assert!(!format!("{err} {err:?}").contains("lines"));
}

#[test]
fn an_address_of_version_six_is_written_in_brackets() {
    let endpoint = Endpoint {
        host: "::1".to_owned(),
        port: 18789,
    };
    assert_eq!(endpoint.to_string(), "[::1]:18789");
}

#[expect(
    clippy::result_large_err,
    reason = "the library fixes the type of the error"
)]
#[tokio::test]
async fn a_gateway_that_has_had_enough_says_when_to_try_again() {
    for (header, expected) in [(Some("300"), Some(Duration::from_mins(5))), (None, None)] {
        let (listener, endpoint) = listen().await;
        let refuse = async {
            let (stream, _) = listener.accept().await.unwrap();
            let refuse = move |_: &Request, _: Response| {
                let mut refused = ErrorResponse::new(None);
                *refused.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
                if let Some(seconds) = header {
                    let value = HeaderValue::from_static(seconds);
                    refused
                        .headers_mut()
                        .insert(http::header::RETRY_AFTER, value);
                }
                Err(refused)
            };
            drop(accept_hdr_async(stream, refuse).await);
        };
        let token = token();
        let ((), connected) = tokio::join!(refuse, Client::connect(&endpoint, &token));
        let err = connected.unwrap_err();
        assert!(matches!(err, ClientError::Limited { .. }), "{err:?}");
        assert_eq!(
            (err.kind(), err.retry_after()),
            (openclaw_core::Kind::Limited, expected)
        );
    }
}

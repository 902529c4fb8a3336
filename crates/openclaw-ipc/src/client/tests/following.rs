//! Coming back after a lost connection.

use super::*;
use crate::cursor::Cursor;
use crate::methods::{SessionEnd, SessionEndParams, SessionMessage, SessionMessageParams};

/// A digest that begins with the position.
fn hash(position: u64) -> String {
    format!("{position:016}{}", "0".repeat(48))
}

fn cursor(position: u64) -> String {
    format!("{position}.{position:016}")
}

fn fact(position: u64) -> Value {
    let event = json!({
        "sessionKey": "agent:main:main", "seq": position, "position": position,
        "time": "2026-11-22T23:15:04.207Z", "kind": "SessionEnded", "data": {"reason": "r"},
        "hash": hash(position),
    });
    let params = json!({"event": event, "cursor": cursor(position)});
    json!({"jsonrpc": "2.0", "method": "session.event", "params": params})
}

async fn accept(listener: &TcpListener) -> Server {
    let (stream, _) = listener.accept().await.unwrap();
    accept_hdr_async(stream, check_token).await.unwrap()
}

/// Answers a call of `events.subscribe` and returns its params.
async fn subscribed(socket: &mut Server, from: u64) -> Value {
    let call = next_call(socket).await;
    assert_eq!(call["method"], "events.subscribe");
    let result = json!({"cursor": cursor(from), "behind": 0});
    say(
        socket,
        json!({"jsonrpc": "2.0", "id": call["id"], "result": result}),
    )
    .await;
    call["params"].clone()
}

async fn positions(client: &mut Client, count: usize) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.len() < count {
        if let Notification::SessionEvent(fact) = client.next_notification().await.unwrap() {
            seen.push(fact.event.position);
        }
    }
    seen
}

#[tokio::test]
async fn goes_on_behind_the_last_fact_when_the_connection_is_lost() {
    let (listener, endpoint) = listen().await;
    let serve = async {
        let mut socket = accept(&listener).await;
        // Of before the answer, and so of no interest.
        say(&mut socket, fact(3)).await;
        assert_eq!(
            subscribed(&mut socket, 7).await,
            json!({"sessions": ["agent:main:main"]})
        );
        say(&mut socket, fact(8)).await;
        say(&mut socket, fact(10)).await;
        drop(socket);
        // One that is lost before it answers, and one that is refused.
        let mut socket = accept(&listener).await;
        next_call(&mut socket).await;
        drop(socket);
        drop(listener.accept().await.unwrap());

        let mut socket = accept(&listener).await;
        say(&mut socket, fact(10)).await;
        let params = subscribed(&mut socket, 10).await;
        assert_eq!(
            params,
            json!({"cursor": cursor(10), "sessions": ["agent:main:main"]})
        );
        say(&mut socket, fact(11)).await;
        socket
    };
    let follow = async {
        let mut client = Client::connect(&endpoint, &token()).await.unwrap();
        let sessions = vec!["agent:main:main".parse().unwrap()];
        let from = client.follow(None, Some(sessions)).await.unwrap();
        assert_eq!(from.to_string(), cursor(7));
        assert_eq!(positions(&mut client, 3).await, [8, 10, 11]);
        assert_eq!(client.cursor().map(Cursor::position), Some(11));
    };
    tokio::join!(serve, follow);
}

#[tokio::test]
async fn more_facts_than_are_kept_during_a_call_are_asked_for_again() {
    let (listener, endpoint) = listen().await;
    let serve = async {
        let mut socket = accept(&listener).await;
        subscribed(&mut socket, 0).await;
        let call = next_call(&mut socket).await;
        for position in 1..=1500 {
            say(&mut socket, fact(position)).await;
        }
        say(&mut socket, no_tools(&call)).await;
        let params = subscribed(&mut socket, 1024).await;
        assert_eq!(params, json!({ "cursor": cursor(1024) }));
        for position in 1025..=1500 {
            say(&mut socket, fact(position)).await;
        }
        socket
    };
    let follow = async {
        let mut client = Client::connect(&endpoint, &token()).await.unwrap();
        client.follow(Some(Cursor::START), None).await.unwrap();
        client.call::<ToolsList>(&NoParams {}).await.unwrap();
        let all: Vec<u64> = (1..=1500).collect();
        assert_eq!(positions(&mut client, 1500).await, all);
    };
    tokio::join!(serve, follow);
}

#[tokio::test]
async fn a_call_that_does_no_harm_twice_is_made_again_and_no_other() {
    let (listener, endpoint) = listen().await;
    let serve = async {
        let mut socket = accept(&listener).await;
        subscribed(&mut socket, 0).await;
        for method in ["tools.list", "session.message"] {
            assert_eq!(next_call(&mut socket).await["method"], method);
            drop(socket);
            socket = accept(&listener).await;
            subscribed(&mut socket, 0).await;
            let call = next_call(&mut socket).await;
            assert_eq!(call["method"], method);
            let answer = if method == "tools.list" {
                no_tools(&call)
            } else {
                let error = json!({"code": -32004, "message": "no"});
                json!({"jsonrpc": "2.0", "id": call["id"], "error": error})
            };
            say(&mut socket, answer).await;
        }
        assert_eq!(next_call(&mut socket).await["method"], "session.end");
        drop(socket);
        let mut socket = accept(&listener).await;
        subscribed(&mut socket, 0).await;
        say(&mut socket, fact(1)).await;
        socket
    };
    let follow = async {
        let session_key: openclaw_core::SessionKey = "agent:main:main".parse().unwrap();
        let mut client = Client::connect(&endpoint, &token()).await.unwrap();
        client.follow(Some(Cursor::START), None).await.unwrap();
        client.call::<ToolsList>(&NoParams {}).await.unwrap();
        let message = SessionMessageParams {
            session_key: session_key.clone(),
            content: "hello".to_owned(),
            attachments: Vec::new(),
            idempotency_key: Some("once".to_owned()),
            attended: openclaw_core::usage::Attended::Yes,
            sender: None,
            queue: None,
        };
        let err = client.call::<SessionMessage>(&message).await.unwrap_err();
        assert_eq!(err.kind(), openclaw_core::Kind::NotFound);
        let end = SessionEndParams {
            session_key,
            reason: None,
        };
        let err = client.call::<SessionEnd>(&end).await.unwrap_err();
        assert_eq!(err.kind(), openclaw_core::Kind::Unreachable);
        assert_eq!(positions(&mut client, 1).await, [1]);
    };
    tokio::join!(serve, follow);
}

#[tokio::test(start_paused = true)]
async fn gives_up_when_nothing_is_heard_for_long() {
    let (listener, endpoint) = listen().await;
    let serve = async {
        let mut socket = accept(&listener).await;
        subscribed(&mut socket, 0).await;
        drop((socket, listener));
    };
    let follow = async {
        let mut client = Client::connect(&endpoint, &token()).await.unwrap();
        client.follow(None, None).await.unwrap();
        let start = tokio::time::Instant::now();
        let err = client.next_notification().await.unwrap_err();
        assert_eq!(err.kind(), openclaw_core::Kind::Unreachable);
        assert!(start.elapsed() <= PATIENCE);
    };
    tokio::join!(serve, follow);
}

#[tokio::test]
async fn a_cursor_that_is_refused_ends_it_with_the_gateways_reason() {
    let (listener, endpoint) = listen().await;
    let serve = async {
        let mut socket = accept(&listener).await;
        subscribed(&mut socket, 4).await;
        drop(socket);
        let mut socket = accept(&listener).await;
        let call = next_call(&mut socket).await;
        let data = json!({"kind": "conflict", "reason": "cursor.deleted"});
        let error = json!({"code": -32009, "message": "deleted", "data": data});
        say(
            &mut socket,
            json!({"jsonrpc": "2.0", "id": call["id"], "error": error}),
        )
        .await;
        socket
    };
    let follow = async {
        let mut client = Client::connect(&endpoint, &token()).await.unwrap();
        client.follow(None, None).await.unwrap();
        let err = client.next_notification().await.unwrap_err();
        let ClientError::Rpc(error) = err else {
            panic!("{err:?}");
        };
        assert_eq!(error.data.reason.as_deref(), Some("cursor.deleted"));
    };
    tokio::join!(serve, follow);
}

//! Every example of section 7 of the JSON-RPC 2.0 specification.
//!
//! The examples name methods that no gateway has. Each keeps its form here, and has a method of
//! ours in the place of the specification's:
//!
//! | there | here |
//! | --- | --- |
//! | `subtract [42, 23]`, `[23, 42]` | `session.history` with a session, a cursor and a limit, two different ones |
//! | `subtract {subtrahend, minuend}`, and the other way round | the same by name, in either order |
//! | `update`, `notify_hello`, `notify_sum` | `session.create`, whose effect can be seen |
//! | `sum [1, 2, 4]` | `session.create` with three params |
//! | `get_data` | `session.list` without params |
//! | `foobar`, `foo.get` | as they are: they do not exist |

use std::time::Duration;

use openclaw_testkit::{GatewayProcess, TestHome};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{new_session, next_reply};
use crate::OPENCLAW;
use crate::socket::Socket;

/// What is sent, and what comes back; an error counts by its code.
struct Example {
    name: &'static str,
    sent: String,
    expected: Option<Value>,
}

fn example(name: &'static str, sent: &str, expected: impl Into<Option<Value>>) -> Example {
    Example {
        name,
        sent: sent.to_owned(),
        expected: expected.into(),
    }
}

fn answered(result: &Value, id: impl Into<Value>) -> Value {
    let id: Value = id.into();
    json!({"jsonrpc": "2.0", "result": result, "id": id})
}

fn failed(code: i32, id: impl Into<Value>) -> Value {
    let id: Value = id.into();
    json!({"jsonrpc": "2.0", "error": code, "id": id})
}

/// Leaves of an error its code, after a look at the rest.
fn shown(mut reply: Value) -> Value {
    let of_one = |reply: &mut Value| {
        assert_eq!(reply.as_object().unwrap().len(), 3, "{reply}");
        if let Some(error) = reply.get_mut("error") {
            assert!(error["message"].is_string(), "{error}");
            *error = error["code"].take();
        }
    };
    match &mut reply {
        Value::Array(replies) => replies.iter_mut().for_each(of_one),
        one => of_one(one),
    }
    reply
}

/// The examples about one call, with what the methods of ours answer for them.
fn single(session: &str, of_one: &Value, of_two: &Value) -> Vec<Example> {
    let none = None::<Value>;
    let by_position = |rest: &str, id: u32| {
        format!(
            r#"{{"jsonrpc": "2.0", "method": "session.history", "params": ["{session}", {rest}], "id": {id}}}"#
        )
    };
    let by_name = |params: &str, id: u32| {
        format!(
            r#"{{"jsonrpc": "2.0", "method": "session.history", "params": {{{params}}}, "id": {id}}}"#
        )
    };
    let key = format!(r#""sessionKey": "{session}""#);
    vec![
        example(
            "positional parameters",
            &by_position("0, 1", 1),
            answered(of_one, 1),
        ),
        example(
            "positional parameters, others",
            &by_position("0, 2", 2),
            answered(of_two, 2),
        ),
        example(
            "named parameters",
            &by_name(&format!(r#"{key}, "limit": 1"#), 3),
            answered(of_one, 3),
        ),
        example(
            "named parameters the other way round",
            &by_name(&format!(r#""limit": 1, {key}"#), 4),
            answered(of_one, 4),
        ),
        example(
            "a notification",
            r#"{"jsonrpc": "2.0", "method": "session.create", "params": [null, "spec", "update"]}"#,
            none.clone(),
        ),
        example(
            "a notification of what does not exist",
            r#"{"jsonrpc": "2.0", "method": "foobar"}"#,
            none,
        ),
        example(
            "a method that does not exist",
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            failed(-32601, "1"),
        ),
        example(
            "invalid JSON",
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            failed(-32700, Value::Null),
        ),
        example(
            "an invalid request object",
            r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
            failed(-32600, Value::Null),
        ),
    ]
}

/// The examples about batches.
fn batches(sessions: &Value) -> Vec<Example> {
    let mixed = r#"[
        {"jsonrpc": "2.0", "method": "session.create", "params": [null, "spec", "sum"], "id": "1"},
        {"jsonrpc": "2.0", "method": "session.create", "params": [null, "spec", "notify_hello"]},
        {"jsonrpc": "2.0", "method": "session.create", "params": {"peerId": "sum", "channel": "spec"}, "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "session.list", "id": "9"}
    ]"#;
    let sum = json!({"sessionKey": "agent:main:spec:direct:sum"});
    vec![
        example(
            "a batch of invalid JSON",
            r#"[
            {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
            {"jsonrpc": "2.0", "method"
        ]"#,
            failed(-32700, Value::Null),
        ),
        example("an empty array", "[]", failed(-32600, Value::Null)),
        example(
            "an invalid batch that is not empty",
            "[1]",
            json!([failed(-32600, Value::Null)]),
        ),
        example(
            "an invalid batch",
            "[1,2,3]",
            json!([
                failed(-32600, Value::Null),
                failed(-32600, Value::Null),
                failed(-32600, Value::Null)
            ]),
        ),
        example(
            "a mixed batch",
            mixed,
            json!([
                answered(&sum, "1"),
                answered(&sum, "2"),
                failed(-32600, Value::Null),
                failed(-32601, "5"),
                answered(sessions, "9"),
            ]),
        ),
        example(
            "a batch of notifications",
            r#"[
            {"jsonrpc": "2.0", "method": "session.create", "params": [null, "spec", "notify_sum"]},
            {"jsonrpc": "2.0", "method": "session.create", "params": [null, "spec", "notify_again"]}
        ]"#,
            None,
        ),
    ]
}

async fn over_http(gateway: &GatewayProcess, example: &Example) {
    let answer = gateway
        .rpc_client()
        .post(example.sent.as_str())
        .await
        .unwrap();
    match &example.expected {
        Some(expected) => {
            assert_eq!(answer.status, 200, "{}", example.name);
            assert_eq!(shown(answer.json()), *expected, "{}", example.name);
        }
        None => assert_eq!(
            (answer.status, answer.text().as_str()),
            (204, ""),
            "{}",
            example.name
        ),
    }
}

async fn over_socket(socket: &mut Socket, example: &Example) {
    socket.send_text(&example.sent).await;
    if example.expected.is_none() {
        // Whatever was answered would come before the answer to this.
        let after = r#"{"jsonrpc": "2.0", "method": "foobar", "id": "after"}"#;
        socket.send_text(after).await;
        let reply = next_reply(socket).await;
        assert_eq!(reply["id"], "after", "{}: {reply}", example.name);
        return;
    }
    let reply = next_reply(socket).await;
    assert_eq!(Some(shown(reply)), example.expected, "{}", example.name);
}

/// Returns which of the sessions exist that only notifications have made.
async fn made(gateway: &GatewayProcess) -> Vec<String> {
    let list = gateway.rpc("session.list", json!({})).await.unwrap();
    let sessions = list["sessions"].as_array().unwrap().iter();
    let keys = sessions.map(|session| session["sessionKey"].as_str().unwrap());
    let mut keys: Vec<String> = keys
        .filter_map(|key| key.strip_prefix("agent:main:spec:direct:"))
        .map(str::to_owned)
        .collect();
    keys.sort();
    keys
}

/// Waits until these sessions and no others were made: nobody is told when a notification is done.
async fn assert_made(gateway: &GatewayProcess, expected: &[&str]) {
    for _ in 0..100 {
        if made(gateway).await == expected {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(made(gateway).await, expected);
}

#[tokio::test]
async fn every_example_of_the_specification_is_answered_as_it_says_over_http_and_websocket() {
    let (home, other) = (TestHome::new(), TestHome::new());
    for (home, is_http) in [(&home, true), (&other, false)] {
        home.lift_limits();
        let gateway = GatewayProcess::start(home, OPENCLAW).await;
        let session = new_session(&gateway, "spec").await;
        let params = json!({"sessionKey": session, "reason": "two events"});
        gateway.rpc("session.end", params).await.unwrap();
        let page = |limit: u32| {
            let params = json!({"sessionKey": session, "limit": limit});
            gateway.rpc("session.history", params)
        };
        let (of_one, of_two) = (page(1).await.unwrap(), page(2).await.unwrap());
        assert_ne!(of_one, of_two);

        let mut socket = Socket::open(&gateway).await;
        for example in single(&session, &of_one, &of_two) {
            if is_http {
                over_http(&gateway, &example).await;
            } else {
                over_socket(&mut socket, &example).await;
            }
        }
        assert_made(&gateway, &["update"]).await;
        // So that the mixed batch changes nothing that its last call shows.
        for peer in ["sum", "notify_hello"] {
            let params = json!({"channel": "spec", "peerId": peer});
            gateway.rpc("session.create", params).await.unwrap();
        }
        let sessions = gateway.rpc("session.list", json!({})).await.unwrap();
        for example in batches(&sessions) {
            if is_http {
                over_http(&gateway, &example).await;
            } else {
                over_socket(&mut socket, &example).await;
            }
        }
        let all = [
            "notify_again",
            "notify_hello",
            "notify_sum",
            "sum",
            "update",
        ];
        assert_made(&gateway, &all).await;
    }
}

#[tokio::test]
async fn ids_come_back_as_they_were_sent() {
    let home = TestHome::new();
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut socket = Socket::open(&gateway).await;
    for id in [
        "null",
        "0",
        "-1",
        "1.50",
        "1e2",
        "123456789012345678901234567890",
        r#""""#,
        r#""1""#,
        r#""ä\n""#,
    ] {
        let sent = format!(r#"{{"jsonrpc":"2.0","method":"agent.list","id":{id}}}"#);
        let http = gateway.rpc_client().post(sent.as_str()).await.unwrap();
        assert!(
            http.text().ends_with(&format!(r#""id":{id}}}"#)),
            "{id}: {}",
            http.text()
        );
        socket.send_text(&sent).await;
        let crate::socket::Frame::Text(text) = socket.next_frame().await else {
            panic!("closed");
        };
        assert!(text.ends_with(&format!(r#""id":{id}}}"#)), "{id}: {text}");
    }
}

#[tokio::test]
async fn a_batch_has_at_most_sixty_four_requests() {
    let home = TestHome::new();
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut socket = Socket::open(&gateway).await;
    for count in [64, 65] {
        let calls: Vec<Value> = (0..count)
            .map(|id| json!({"jsonrpc": "2.0", "method": "agent.list", "id": id}))
            .collect();
        let batch = Value::from(calls).to_string();
        let http = gateway
            .rpc_client()
            .post(batch.as_str())
            .await
            .unwrap()
            .json();
        socket.send_text(&batch).await;
        let reply = next_reply(&mut socket).await;
        for reply in [http, reply] {
            if count == 64 {
                let replies = reply.as_array().unwrap();
                assert!(replies.iter().all(|one| one.get("result").is_some()));
                assert_eq!(replies.len(), 64);
            } else {
                assert_eq!(reply["error"]["code"], -32029, "{reply}");
                assert_eq!(reply["error"]["message"], "a batch has at most 64 requests");
                assert_eq!(reply["id"], Value::Null);
            }
        }
    }
}

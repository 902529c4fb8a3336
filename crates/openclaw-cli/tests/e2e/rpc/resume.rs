//! Going on behind a cursor: each event once, in order, and errors that say how to go on.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{call, log, new_session, next_message, positions};
use crate::OPENCLAW;
use crate::socket::Socket;

/// Returns the next so many events that a socket is told of, with their cursors.
async fn told(socket: &mut Socket, count: usize) -> Vec<(Value, Value)> {
    let mut events = Vec::new();
    while events.len() < count {
        let mut message = next_message(socket).await;
        if message["method"] == "session.event" {
            let params = &mut message["params"];
            events.push((params["event"].take(), params["cursor"].take()));
        }
    }
    events
}

async fn gateway(home: &TestHome, provider: &FakeProvider) -> GatewayProcess {
    provider.otherwise(|seen| Reply::text(format!("re: {}", seen.last_user_text())));
    home.use_provider(provider, WireFormat::OpenAi);
    home.lift_limits();
    GatewayProcess::start(home, OPENCLAW).await
}

async fn say(gateway: &GatewayProcess, session: &str, text: &str) {
    let params = json!({"sessionKey": session, "content": text});
    gateway.rpc("session.message", params).await.unwrap();
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_followed_and_then_what_happens() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let gateway = gateway(&home, &provider).await;
    let (one, other) = (
        new_session(&gateway, "a").await,
        new_session(&gateway, "b").await,
    );
    let mut socket = Socket::open(&gateway).await;
    say(&gateway, &one, "first").await;
    let seen = told(&mut socket, 1).await;
    drop(socket);
    say(&gateway, &other, "while nobody listened").await;

    // One who shows the token in a header, and one who does in the first frame.
    let token = json!({"token": gateway.token().expose_secret()});
    let mut by_frame = Socket::open_with(gateway.addr(), &[]).await;
    call(&mut by_frame, "auth", token).await.unwrap();
    for mut socket in [Socket::open(&gateway).await, by_frame] {
        let params = json!({"cursor": seen[0].1});
        let answer = call(&mut socket, "events.subscribe", params).await.unwrap();
        assert_eq!(answer["cursor"], seen[0].1);
        say(&gateway, &one, "and now").await;
        let log = log(&gateway).await;
        let first = seen[0].0["position"].as_u64().unwrap();
        let rest: Vec<Value> = log
            .into_iter()
            .filter(|event| event["position"].as_u64().unwrap() > first)
            .collect();
        let told = told(&mut socket, rest.len()).await;
        let (events, cursors): (Vec<Value>, Vec<Value>) = told.into_iter().unzip();
        assert_eq!(events, rest);
        for (event, cursor) in events.iter().zip(cursors) {
            let digits = event["hash"].as_str().unwrap().get(..16).unwrap();
            assert_eq!(cursor, format!("{}.{digits}", event["position"]));
        }
    }
}

#[tokio::test]
async fn a_socket_hears_only_of_the_sessions_that_it_names() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let gateway = gateway(&home, &provider).await;
    let (one, other) = (
        new_session(&gateway, "a").await,
        new_session(&gateway, "b").await,
    );
    let mut socket = Socket::open(&gateway).await;
    let params = json!({"cursor": "0", "sessions": [one]});
    call(&mut socket, "events.subscribe", params).await.unwrap();
    say(&gateway, &other, "not for you").await;
    say(&gateway, &one, "for you").await;
    let mut kinds = Vec::new();
    while kinds.last() != Some(&json!("AgentResponse")) {
        let message = next_message(&mut socket).await;
        let params = &message["params"];
        let about = params
            .pointer("/event/sessionKey")
            .unwrap_or(&params["sessionKey"]);
        assert_eq!(*about, one, "{message}");
        if message["method"] == "session.event" {
            kinds.push(params["event"]["kind"].clone());
        }
    }
    assert_eq!(
        kinds,
        ["SessionStarted", "MessageReceived", "AgentResponse"]
    );
    // And of nothing at all.
    call(&mut socket, "events.subscribe", json!({"sessions": []}))
        .await
        .unwrap();
    say(&gateway, &one, "again").await;
    socket
        .send_text(r#"{"jsonrpc":"2.0","id":"end","method":"agent.list"}"#)
        .await;
    assert_eq!(next_message(&mut socket).await["id"], "end");
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_is_refused_with_a_way_to_go_on() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let gateway = gateway(&home, &provider).await;
    let (one, other) = (
        new_session(&gateway, "a").await,
        new_session(&gateway, "b").await,
    );
    say(&gateway, &one, "hello").await;
    say(&gateway, &other, "hello").await;
    let mut socket = Socket::open(&gateway).await;
    let mut cursors = vec![
        (
            json!("1.0123456789abcdef"),
            "conflict",
            json!("cursor.foreign"),
        ),
        (
            json!("999999.0123456789abcdef"),
            "notfound",
            json!("cursor.future"),
        ),
        (json!(999_999), "notfound", json!("cursor.future")),
        (json!("yesterday"), "invalid", Value::Null),
    ];
    let last = log(&gateway).await.pop().unwrap();
    let digits = last["hash"].as_str().unwrap().get(..16).unwrap();
    let good = format!("{}.{digits}", last["position"]);
    call(&mut socket, "events.subscribe", json!({"cursor": good}))
        .await
        .unwrap();

    let delete = [
        "sessions", "delete", &other, "--yes", "--reason", "asked to",
    ];
    let ran = home.command(OPENCLAW).args(delete).run().await;
    drop(ran.assert_code(0));
    let left = log(&gateway).await;
    assert!(left.iter().all(|event| event["sessionKey"] == one));
    cursors.push((
        json!(left[0]["position"]),
        "conflict",
        json!("cursor.deleted"),
    ));
    for (cursor, kind, reason) in cursors {
        let params = json!({"cursor": cursor});
        let error = call(&mut socket, "events.subscribe", params)
            .await
            .unwrap_err();
        assert_eq!(
            (&error["data"]["kind"], &error["data"]["reason"]),
            (&json!(kind), &reason),
            "{error}"
        );
        assert_eq!(error["data"]["field"], "cursor", "{error}");
        if reason != Value::Null {
            assert!(error["data"]["hint"].is_string(), "{error}");
        }
    }
    // As the hint says: what is left, and then from where that ends.
    let from = json!({"cursor": left[0]["position"]});
    let mut page = gateway.rpc("events.list", from).await.unwrap();
    assert_eq!(
        positions(page["events"].as_array().unwrap()),
        positions(&left[1..])
    );
    let next = json!({"cursor": page["nextCursor"].take()});
    call(&mut socket, "events.subscribe", next).await.unwrap();
    say(&gateway, &one, "go on").await;
    assert_eq!(told(&mut socket, 1).await[0].0["data"]["content"], "go on");

    // Without a socket there is nothing that could follow.
    let error = gateway
        .rpc("events.subscribe", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error["data"]["kind"], "invalid", "{error}");
}

#[tokio::test]
async fn the_gateway_describes_itself() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let document = gateway.rpc("rpc.discover", json!({})).await.unwrap();
    assert_eq!(document["openrpc"], "1.3.2");
    let methods = document["methods"].as_array().unwrap();
    let own = methods
        .iter()
        .find(|method| method["name"] == "rpc.discover");
    assert_eq!(own.unwrap()["x-scope"], "operator.read");
}

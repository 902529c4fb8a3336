//! Sockets of clients that show who they are in the first frame, or do not.

use openclaw_testkit::{GatewayProcess, TestHome};
use serde_json::{Value, json};

use crate::OPENCLAW;
use crate::socket::{Frame, Socket};

fn auth(token: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": "a", "method": "auth", "params": { "token": token } })
        .to_string()
}

fn call() -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "agent.list" }).to_string()
}

#[tokio::test]
async fn a_good_token_in_the_first_frame_opens_the_socket() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut socket = Socket::open_with(gateway.addr(), &[]).await;
    socket
        .send_text(&auth(gateway.token().expose_secret()))
        .await;
    assert_eq!(
        socket.next_answer().await,
        json!({ "jsonrpc": "2.0", "id": "a", "result": { "ok": true } })
    );
    socket.send_text(&call()).await;
    assert_eq!(socket.next_answer().await["id"], 1);
    // From now on it is a method like any other that does not exist.
    socket
        .send_text(&auth(gateway.token().expose_secret()))
        .await;
    assert_eq!(socket.next_answer().await["error"]["code"], -32601);
}

#[tokio::test]
async fn any_other_first_frame_is_refused_and_closes_the_socket() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let token = gateway.token().expose_secret();
    let mut refusals = Vec::new();
    for frame in [
        auth("wrong"),
        auth(""),
        call(),
        "{ no json".to_owned(),
        "5".to_owned(),
        format!("[{}]", auth(token)),
        auth(token).replace("\"token\"", "\"more\":1,\"token\""),
        auth(token).replace("auth", "login"),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "auth" }).to_string(),
    ] {
        let mut socket = Socket::open_with(gateway.addr(), &[]).await;
        socket.send_text(&frame).await;
        let mut answer = socket.next_answer().await;
        assert_eq!(socket.next_frame().await, Frame::Close(1008), "{frame}");
        answer["id"].take();
        answer["error"]["data"]["id"].take();
        refusals.push(answer);
    }
    // Nothing tells one from the other.
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0]["error"]["data"]["kind"], "unauthenticated");
    let mut binary = Socket::open_with(gateway.addr(), &[]).await;
    binary.send_binary(auth(token).as_bytes()).await;
    assert_eq!(binary.next_frame().await, Frame::Close(1003));
}

#[tokio::test]
async fn a_stranger_can_send_little_and_hears_nothing() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut stranger = Socket::open_with(gateway.addr(), &[]).await;
    let mut known = Socket::open(&gateway).await;
    let create = json!({ "jsonrpc": "2.0", "id": 1, "method": "session.create", "params": {} });
    known.send_text(&create.to_string()).await;
    assert!(matches!(known.next_frame().await, Frame::Text(_)));
    // Had the stranger been told, that would come first.
    stranger.send_text(&auth("wrong")).await;
    assert_eq!(
        stranger.next_answer().await["error"]["data"]["kind"],
        "unauthenticated"
    );

    let mut stranger = Socket::open_with(gateway.addr(), &[]).await;
    stranger.send_text(&"a".repeat(5000)).await;
    assert_eq!(stranger.next_frame().await, Frame::Close(1009));
    let mut stranger = Socket::open_with(gateway.addr(), &[]).await;
    stranger.send_text(&auth(&"a".repeat(4000))).await;
    let answer: Value = stranger.next_answer().await;
    assert_eq!(answer["error"]["data"]["kind"], "unauthenticated");
}

#[tokio::test]
async fn strangers_make_room_for_each_other_and_not_for_others() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut known = Socket::open(&gateway).await;
    let mut strangers = Vec::new();
    for _ in 0..70 {
        strangers.push(Socket::open_with(gateway.addr(), &[]).await);
    }
    for oldest in strangers.iter_mut().take(6) {
        assert_eq!(oldest.next_frame().await, Frame::Close(1013));
    }
    let youngest = strangers.last_mut().unwrap();
    youngest
        .send_text(&auth(gateway.token().expose_secret()))
        .await;
    assert_eq!(youngest.next_answer().await["result"]["ok"], true);
    known.send_text(&call()).await;
    assert_eq!(known.next_answer().await["id"], 1);
}

#[tokio::test]
async fn a_stranger_who_waits_too_long_is_sent_away() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut stranger = Socket::open_with(gateway.addr(), &[]).await;
    assert_eq!(stranger.next_frame().await, Frame::Close(1008));
}

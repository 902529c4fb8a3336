//! Requests on one socket run side by side, and messages to a session keep their order.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{new_session, next_reply};
use crate::OPENCLAW;
use crate::socket::Socket;

fn message(id: &str, session: &str, content: &str) -> String {
    let params = json!({"sessionKey": session, "content": content, "queue": "followup"});
    json!({"jsonrpc": "2.0", "id": id, "method": "session.message", "params": params}).to_string()
}

async fn received(gateway: &GatewayProcess, session: &str) -> Vec<String> {
    let params = json!({"sessionKey": session, "limit": 1000});
    let history = gateway.rpc("session.history", params).await.unwrap();
    let events = history["events"].as_array().unwrap().iter();
    events
        .filter(|event| event["kind"] == "MessageReceived")
        .map(|event| event["data"]["content"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pipelined_messages_to_a_session_are_recorded_in_the_order_in_which_they_were_sent() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.otherwise(|seen| Reply::text(format!("re: {}", seen.last_user_text())));
    home.use_provider(&provider, WireFormat::OpenAi);
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    // The main session comes into being by the first message; the others are there.
    let mut sessions = vec!["agent:main:main".to_owned()];
    for n in 0..4 {
        sessions.push(new_session(&gateway, &format!("p{n}")).await);
    }
    let mut socket = Socket::open(&gateway).await;
    for n in 0..20 {
        for session in &sessions {
            let id = format!("{session} {n}");
            socket
                .send_text(&message(&id, session, &format!("message {n}")))
                .await;
        }
    }
    for _ in 0..20 * sessions.len() {
        let reply = next_reply(&mut socket).await;
        let n = reply["id"].as_str().unwrap().rsplit(' ').next().unwrap();
        assert_eq!(
            reply["result"]["content"],
            format!("re: message {n}"),
            "{reply}"
        );
    }
    let expected: Vec<String> = (0..20).map(|n| format!("message {n}")).collect();
    for session in &sessions {
        assert_eq!(received(&gateway, session).await, expected, "{session}");
    }
}

#[tokio::test]
async fn a_session_whose_model_hangs_holds_up_no_other_on_the_same_socket() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.otherwise(|seen| match seen.last_user_text() {
        "hang" => Reply::text("at last").hold_after(0),
        _ => Reply::text("done"),
    });
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (one, other) = (
        new_session(&gateway, "a").await,
        new_session(&gateway, "b").await,
    );
    let mut socket = Socket::open(&gateway).await;
    socket.send_text(&message("hangs", &one, "hang")).await;
    provider.wait_for_holds(1).await;
    for n in 0..3 {
        let id = format!("other {n}");
        socket.send_text(&message(&id, &other, "go")).await;
        let reply = next_reply(&mut socket).await;
        assert_eq!(
            (&reply["id"], &reply["result"]["content"]),
            (&json!(id), &json!("done"))
        );
    }
    provider.release();
    let reply: Value = next_reply(&mut socket).await;
    assert_eq!(
        (&reply["id"], &reply["result"]["content"]),
        (&json!("hangs"), &json!("at last"))
    );
}

//! A client that does not know whether its message arrived sends it again under the same key.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

async fn session(gateway: &GatewayProcess) -> Value {
    let created = gateway.rpc("session.create", json!({})).await.unwrap();
    created["sessionKey"].clone()
}

fn message(session: &Value, content: &str, key: &str) -> Value {
    json!({ "sessionKey": session, "content": content, "idempotencyKey": key })
}

async fn kinds(gateway: &GatewayProcess, session: &Value) -> Vec<String> {
    let history = gateway
        .rpc("session.history", json!({ "sessionKey": session }))
        .await
        .unwrap();
    let events = history["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_message_that_is_sent_again_gets_the_answer_that_it_got() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::Anthropic);
    provider.reply(Reply::text("the only answer"));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let session = session(&gateway).await;
    let send = |content, key| gateway.rpc("session.message", message(&session, content, key));
    let first = send("hello", "k1").await.unwrap();
    assert_eq!(send("hello", "k1").await.unwrap(), first);
    let other = send("something else", "k1").await.unwrap_err();
    assert_eq!(other["data"]["kind"], "conflict", "{other}");
    let long = send("hello", &"k".repeat(257)).await.unwrap_err();
    assert_eq!(long["data"]["kind"], "invalid", "{long}");
    assert_eq!(
        kinds(&gateway, &session).await,
        ["SessionStarted", "MessageReceived", "AgentResponse"]
    );
    provider.assert_clean();
}

#[tokio::test]
async fn two_who_send_the_same_message_at_once_get_one_answer() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::OpenAi);
    provider.reply(Reply::text("once").hold_headers());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let session = session(&gateway).await;
    let send = || gateway.rpc("session.message", message(&session, "hello", "k1"));
    let held = async {
        provider.wait_for_holds(1).await;
        let again = send();
        provider.release();
        again.await
    };
    let (first, again) = tokio::join!(send(), held);
    assert_eq!(first.unwrap(), again.unwrap());
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn a_message_whose_gateway_died_is_answered_when_it_is_sent_again() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::OpenAi);
    provider.reply(Reply::hang()).reply(Reply::text("late"));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let session = session(&gateway).await;
    let client = gateway.rpc_client();
    let params = message(&session, "hello", "k1");
    let lost = tokio::spawn(async move { client.call("session.message", params).await });
    provider.wait_for_requests(1).await;
    gateway.kill9().await;
    drop(lost.await);

    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let answer = gateway
        .rpc("session.message", message(&session, "hello", "k1"))
        .await
        .unwrap();
    assert_eq!(answer["content"], "late");
    // The first one was closed: what its call may have taken, that it was cut off, and that it
    // failed. The second is a message of its own.
    assert_eq!(
        kinds(&gateway, &session).await,
        [
            "SessionStarted",
            "MessageReceived",
            "StateChanged",
            "StateChanged",
            "StateChanged",
            "MessageReceived",
            "AgentResponse"
        ]
    );
}

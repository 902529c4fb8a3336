//! `chat.send` and what comes of it.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{Connect, Device, Peer};
use crate::OPENCLAW;

const TEXT: &str = "The tide is high, and it holds until noon.";

async fn come(gateway: &GatewayProcess, device: &Device) -> Peer {
    let shown = Connect::token(gateway.token().expose_secret());
    Peer::connect(gateway.addr(), device, shown).await.unwrap()
}

fn message(name: &str) -> Value {
    json!({ "sessionKey": "main", "message": "how is the tide?", "idempotencyKey": name })
}

/// Returns the text of a session's answers.
async fn answers(peer: &mut Peer) -> Vec<String> {
    let asked = json!({ "sessionKey": "main" });
    let history = peer.call("chat.history", asked).await.unwrap();
    let messages = history["messages"].as_array().unwrap().iter();
    let said = messages.filter(|message| message["role"] == "assistant");
    said.map(|message| message["content"][0]["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_answer_is_streamed_without_a_gap_and_the_same_message_again_is_not_asked_again() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    provider
        .reply(Reply::text(TEXT).hold_after(3))
        .otherwise(|_| Reply::text(TEXT));
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = come(&gateway, &Device::new(5)).await;
    let started = peer.call("chat.send", message("k1")).await.unwrap();
    assert_eq!(started, json!({ "runId": "k1", "status": "started" }));
    let mut events = peer.until_chat("delta").await;
    provider.release();
    events.extend(peer.until_chat("final").await);

    let seqs: Vec<u64> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    let gapless = seqs.windows(2).all(|pair| pair[1] == pair[0] + 1);
    assert!(gapless, "{seqs:?}");
    let chats = events.iter().filter(|event| event["event"] == "chat");
    let chats: Vec<&Value> = chats.map(|event| &event["payload"]).collect();
    assert!(chats.iter().all(|chat| chat["runId"] == "k1"), "{chats:?}");
    let last = chats.last().unwrap();
    assert_eq!(last["message"]["content"][0]["text"], TEXT);
    let deltas = chats.iter().filter(|chat| chat["state"] == "delta");
    let told: String = deltas
        .filter_map(|chat| chat["deltaText"].as_str())
        .collect();
    assert_eq!(told, TEXT);

    let again = peer.call("chat.send", message("k1")).await.unwrap();
    assert_eq!(again, json!({ "runId": "k1", "status": "ok" }));
    assert_eq!(provider.requests().len(), 1);
    assert_eq!(answers(&mut peer).await, [TEXT]);
}

#[tokio::test]
async fn a_client_that_vanishes_in_the_middle_of_an_answer_finds_all_of_it_when_it_comes_again() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    provider.reply(Reply::text(TEXT).hold_after(3));
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let device = Device::new(6);
    let mut peer = come(&gateway, &device).await;
    drop(peer.call("chat.send", message("k2")).await.unwrap());
    drop(peer.until_chat("delta").await);
    drop(peer);

    let mut back = come(&gateway, &device).await;
    let again = back.call("chat.send", message("k2")).await.unwrap();
    assert_eq!(again, json!({ "runId": "k2", "status": "in_flight" }));
    provider.release();
    drop(back.until_chat("final").await);
    assert_eq!(answers(&mut back).await, [TEXT]);
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn an_aborted_answer_ends_as_aborted() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    provider.reply(Reply::text(TEXT).hold_after(3));
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = come(&gateway, &Device::new(7)).await;
    drop(peer.call("chat.send", message("k3")).await.unwrap());
    drop(peer.until_chat("delta").await);
    let mut other = come(&gateway, &Device::new(8)).await;
    let asked = json!({ "sessionKey": "main", "runId": "another" });
    let aborted = other.call("chat.abort", asked).await.unwrap();
    assert_eq!(aborted["aborted"], false, "{aborted}");
    let asked = json!({ "sessionKey": "main", "runId": "k3" });
    let aborted = other.call("chat.abort", asked).await.unwrap();
    assert_eq!(
        aborted,
        json!({ "ok": true, "aborted": true, "runIds": ["k3"] })
    );
    let events = peer.until_chat("aborted").await;
    assert_eq!(events.last().unwrap()["payload"]["runId"], "k3");
}

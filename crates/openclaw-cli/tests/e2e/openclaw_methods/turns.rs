//! `agent` answers twice, and `agent.wait` when the run has ended.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::json;

use super::peer::Peer;
use crate::OPENCLAW;

#[tokio::test]
async fn a_message_is_accepted_and_then_answered_under_the_same_id() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    provider.otherwise(|_| Reply::text("Hello to you."));
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;
    // As OpenClaw's command line asks.
    let asked = json!({
        "message": "hello", "sessionKey": "agent:main:main", "idempotencyKey": "k1",
        "deliver": false, "timeout": 600, "cleanupBundleMcpOnRunEnd": true,
    });
    let id = peer.ask("agent", asked.clone()).await;
    let accepted = peer.answer(&id).await.unwrap();
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(accepted["runId"], "k1");
    assert_eq!(accepted["sessionKey"], "agent:main:main");
    let done = peer.answer(&id).await.unwrap();
    assert_eq!(
        (&done["runId"], &done["status"]),
        (&json!("k1"), &json!("ok"))
    );
    assert_eq!(
        done["result"]["payloads"],
        json!([{ "text": "Hello to you.", "mediaUrl": null }])
    );
    assert!(done["result"]["meta"]["agentMeta"]["usage"]["total"].is_u64());

    // The same message again is the same run, and the model is not asked again.
    let id = peer.ask("agent", asked).await;
    assert_eq!(peer.answer(&id).await.unwrap()["status"], "accepted");
    let again = peer.answer(&id).await.unwrap();
    assert_eq!(again["result"]["payloads"], done["result"]["payloads"]);
    assert_eq!(provider.requests().len(), 1);

    let waited = peer
        .call("agent.wait", json!({ "runId": "k1" }))
        .await
        .unwrap();
    assert_eq!(waited["status"], "ok");
    assert_eq!(waited["terminalReply"]["text"], "Hello to you.");
    let unknown = json!({ "runId": "nope", "timeoutMs": 10 });
    let unknown = peer.call("agent.wait", unknown).await.unwrap();
    assert_eq!(unknown, json!({ "runId": "nope", "status": "timeout" }));
}

#[tokio::test]
async fn a_run_that_fails_is_an_error_and_whoever_waits_hears_of_it() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    provider.otherwise(|_| Reply::status(400));
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;
    let asked = json!({ "message": "hello", "idempotencyKey": "k2" });
    let id = peer.ask("agent", asked).await;
    let wait = peer.ask("agent.wait", json!({ "runId": "k2" })).await;
    assert_eq!(peer.answer(&id).await.unwrap()["status"], "accepted");
    let waited = peer.answer(&wait).await.unwrap();
    assert_eq!(waited["status"], "error", "{waited}");
    let mut other = Peer::connect(&gateway).await;
    let late = other
        .call("agent.wait", json!({ "runId": "k2" }))
        .await
        .unwrap();
    assert_eq!(late["status"], "error", "{late}");
    let nobody = json!({ "message": "x", "idempotencyKey": "k3", "agentId": "nope" });
    let error = other.call("agent", nobody).await.unwrap_err();
    assert_eq!(error["message"], "unknown agent id \"nope\"");
}

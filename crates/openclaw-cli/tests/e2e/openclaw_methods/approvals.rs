//! What waits for consent is shown and decided in OpenClaw's words.

use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::peer::Peer;
use super::published::{assert_is, protocol};
use crate::OPENCLAW;

/// A gateway whose owner is asked before a command runs and before a file is written.
async fn asking() -> (FakeProvider, TestHome, GatewayProcess) {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| {
        if seen.ends_with_results() {
            return Reply::text("That is how it ended.");
        }
        let (tool, arguments) = match seen.last_user_text() {
            "write" => ("write", json!({ "path": "a.txt", "content": "hello" })),
            _ => ("exec", json!({ "command": "echo hello" })),
        };
        Reply::tool_calls([FakeCall::new(tool, &arguments)])
    });
    let home = TestHome::new();
    home.use_provider(&provider, WireFormat::OpenAi);
    let ask = |tool: &str| json!({ "tool": tool, "decision": "ask", "because": "it is asked for" });
    let own = json!({
        "policy": { "rules": [ask("exec"), ask("write")] },
        "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
    });
    home.write_own(&own.to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    (provider, home, gateway)
}

/// Waits until something waits for consent, and returns it.
async fn waiting(peer: &mut Peer, sort: &str) -> Value {
    loop {
        let list = peer
            .call(&format!("{sort}.approval.list"), json!({}))
            .await
            .unwrap();
        if let Some(first) = list.get(0) {
            return first.clone();
        }
    }
}

#[tokio::test]
async fn a_command_waits_as_a_command_and_a_tool_as_a_plugins_wish() {
    let (_provider, _home, gateway) = asking().await;
    let mut peer = Peer::connect(&gateway).await;
    for (sort, other, said) in [("exec", "plugin", "run"), ("plugin", "exec", "write")] {
        let asked = json!({ "message": said, "idempotencyKey": said, "sessionKey": "main" });
        let run = peer.ask("agent", asked).await;
        assert_eq!(peer.answer(&run).await.unwrap()["status"], "accepted");
        let found = waiting(&mut peer, sort).await;
        assert_eq!(found["approvalKind"], sort);
        let others = peer
            .call(&format!("{other}.approval.list"), json!({}))
            .await;
        assert_eq!(others.unwrap(), json!([]));
        let request = &found["request"];
        assert_eq!(request["sessionKey"], "agent:main:main");
        assert_eq!(
            request["allowedDecisions"],
            json!(["allow-once", "allow-always", "deny"])
        );
        if sort == "exec" {
            assert_eq!(request["command"], "echo hello");
            let got = peer
                .call("exec.approval.get", json!({ "id": found["id"] }))
                .await
                .unwrap();
            assert_eq!(got["commandText"], "echo hello");
        } else {
            let shown = json!({
                "kind": "plugin",
                "title": request["title"],
                "description": request["description"],
                "severity": request["severity"],
                "toolName": request["toolName"],
                "allowedDecisions": request["allowedDecisions"],
            });
            assert_is(&protocol(), "PluginApprovalPresentation", &shown);
            assert_eq!(request["toolName"], "write");
        }
        let allow = json!({ "id": found["id"], "decision": "allow-once" });
        let resolve = format!("{sort}.approval.resolve");
        let resolved = peer.call(&resolve, allow.clone()).await.unwrap();
        assert_eq!(resolved, json!({ "ok": true }));
        let done = peer.answer(&run).await.unwrap();
        assert_eq!(
            done["result"]["payloads"][0]["text"],
            "That is how it ended."
        );
        let again = peer.call(&resolve, allow).await.unwrap_err();
        assert_eq!(again["message"], "unknown or expired approval id");
    }
}

#[tokio::test]
async fn an_approval_that_does_not_wait_is_not_found() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;
    for sort in ["exec", "plugin"] {
        let none = peer
            .call(&format!("{sort}.approval.list"), json!({}))
            .await
            .unwrap();
        assert_eq!(none, json!([]));
        let resolve = format!("{sort}.approval.resolve");
        let allow = json!({ "id": "nope", "decision": "allow-once" });
        let error = peer.call(&resolve, allow).await.unwrap_err();
        assert_eq!(error["code"], "INVALID_REQUEST");
        assert_eq!(error["message"], "unknown or expired approval id");
        assert_eq!(error["details"]["reason"], "APPROVAL_NOT_FOUND");
        let maybe = json!({ "id": "nope", "decision": "maybe" });
        let error = peer.call(&resolve, maybe).await.unwrap_err();
        assert_eq!(error["message"], "invalid decision");
    }
}

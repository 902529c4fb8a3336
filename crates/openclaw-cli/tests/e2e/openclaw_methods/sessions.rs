//! Sessions that clients begin, name, stop and delete.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::json;

use super::peer::Peer;
use super::published::{assert_is, protocol};
use crate::OPENCLAW;

#[tokio::test]
async fn a_session_is_begun_found_and_deleted_with_a_copy() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    provider.otherwise(|_| Reply::text("Hello."));
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;

    // As the terminal UI asks for a new one.
    let asked = json!({
        "key": "tui-1", "agentId": "main", "parentSessionKey": "agent:main:main",
        "succeedsParent": true, "emitCommandHooks": true,
    });
    let made = peer.call("sessions.create", asked.clone()).await.unwrap();
    assert_is(&protocol(), "SessionsCreateResult", &made);
    assert_eq!(made["key"], "agent:main:tui-1");
    assert_eq!(peer.call("sessions.create", asked).await.unwrap(), made);
    let id = made["sessionId"].clone();

    for named in [json!({ "key": "tui-1" }), json!({ "sessionId": id })] {
        let found = peer.call("sessions.resolve", named).await.unwrap();
        assert_is(&protocol(), "SessionsResolveResult", &found);
        assert_eq!(found["key"], "agent:main:tui-1");
    }
    let idle = peer
        .call("sessions.abort", json!({ "key": "tui-1" }))
        .await
        .unwrap();
    assert_eq!(
        idle,
        json!({ "ok": true, "abortedRunId": null, "status": "no-active-run" })
    );

    let gone = peer
        .call("sessions.delete", json!({ "key": "agent:main:tui-1" }))
        .await
        .unwrap();
    assert_is(&protocol(), "SessionsDeleteResult", &gone);
    assert_eq!(gone["deleted"], true);
    assert!(std::path::Path::new(gone["archived"][0].as_str().unwrap()).is_file());
    let again = peer
        .call("sessions.delete", json!({ "key": "agent:main:tui-1" }))
        .await
        .unwrap();
    assert_eq!(again["deleted"], false);

    let missing = peer
        .call("sessions.resolve", json!({ "key": "tui-1" }))
        .await
        .unwrap_err();
    assert_eq!(missing["message"], "No session found: tui-1");
    let allowed = json!({ "key": "tui-1", "allowMissing": true });
    assert_eq!(
        peer.call("sessions.resolve", allowed).await.unwrap(),
        json!({ "ok": false })
    );
    let main = peer
        .call("sessions.delete", json!({ "key": "main" }))
        .await
        .unwrap_err();
    assert_eq!(main["code"], "INVALID_REQUEST");
    let nobody = peer
        .call("sessions.create", json!({ "agentId": "nope" }))
        .await
        .unwrap_err();
    assert_eq!(nobody["message"], "unknown agent id \"nope\"");
}

/// Returns what a session's history shows: the text of each message.
async fn shown(peer: &mut Peer) -> Vec<String> {
    let asked = json!({ "sessionKey": "main" });
    let history = peer.call("chat.history", asked).await.unwrap();
    let messages = history["messages"].as_array().unwrap().iter();
    let text = |content: &serde_json::Value| {
        let block = content[0]["text"].as_str();
        block.or(content.as_str()).unwrap().to_owned()
    };
    messages.map(|message| text(&message["content"])).collect()
}

#[tokio::test]
async fn a_session_that_is_reset_begins_anew_for_the_model_and_for_whoever_looks() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    provider.otherwise(|seen| Reply::text(format!("heard {}", seen.user_texts().join(" "))));
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;
    let key = "agent:main:main";
    let say = async |content: &str| {
        let said = json!({ "sessionKey": key, "content": content });
        gateway.rpc("session.message", said).await.unwrap()["content"].clone()
    };
    assert_eq!(say("one").await, "heard one");
    assert_eq!(shown(&mut peer).await, ["one", "heard one"]);
    let asked = json!({ "key": "main", "reason": "reset" });
    let reset = peer.call("sessions.reset", asked).await.unwrap();
    assert_eq!((&reset["ok"], &reset["key"]), (&json!(true), &json!(key)));
    assert_eq!(reset["resolved"]["model"], "fake-model");
    assert_eq!(reset["entry"]["sessionId"], reset["sessionId"]);
    assert!(shown(&mut peer).await.is_empty());
    let described = peer.call("sessions.describe", json!({ "key": key })).await;
    let described = described.unwrap();
    assert_eq!(described["session"]["totalTokens"], json!(null));
    assert_eq!(described["session"]["archived"], false);
    assert_eq!(say("two").await, "heard two");
    assert_eq!(shown(&mut peer).await, ["two", "heard two"]);

    // One that has not begun begins.
    let fresh = json!({ "key": "fresh", "reason": "new" });
    let fresh = peer.call("sessions.reset", fresh).await.unwrap();
    assert_eq!(fresh["key"], "agent:main:fresh");
    // What was said before is still on record.
    let asked = json!({ "sessionKey": key });
    let log = gateway.rpc("session.history", asked).await.unwrap();
    assert!(log.to_string().contains("heard one"), "{log:#}");
}

#[tokio::test]
async fn what_holds_anyway_is_granted_to_a_session_and_nothing_else() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;
    let made = json!({ "key": "tui-1" });
    let made = peer.call("sessions.create", made).await.unwrap();
    for granted in [
        json!({ "model": null }),
        json!({ "model": "fake-model" }),
        json!({ "model": "fake/fake-model" }),
        json!({ "thinkingLevel": null, "fastMode": false, "responseUsage": "off" }),
        json!({ "expectedSessionId": made["sessionId"] }),
    ] {
        let mut asked = json!({ "key": "tui-1" });
        let more = granted.as_object().unwrap().clone();
        asked.as_object_mut().unwrap().extend(more);
        let answer = peer.call("sessions.patch", asked).await.unwrap();
        assert_eq!(answer["entry"], made["entry"], "{granted}");
        assert_eq!(answer["resolved"], made["resolved"], "{granted}");
    }
    let verbose = json!({ "key": "tui-1", "verboseLevel": "full" });
    let verbose = peer.call("sessions.patch", verbose).await.unwrap();
    assert_eq!(verbose["entry"]["verboseLevel"], "full");

    for (name, value, message) in [
        ("model", "fake/other", "model not allowed: fake/other "),
        (
            "thinkingLevel",
            "high",
            "at /thinkingLevel: is not supported",
        ),
        (
            "responseUsage",
            "full",
            "at /responseUsage: is not supported",
        ),
        (
            "elevatedLevel",
            "full",
            "at /elevatedLevel: is not supported",
        ),
        ("expectedSessionId", "another", "is another one by now"),
    ] {
        let asked = json!({ "key": "tui-1", name: value });
        let error = peer.call("sessions.patch", asked).await.unwrap_err();
        let said = error["message"].as_str().unwrap();
        assert!(said.contains(message), "{name}: {error}");
    }
    let nobody = json!({ "key": "nope" });
    let error = peer.call("sessions.patch", nobody).await.unwrap_err();
    assert_eq!(error["message"], "No session found: agent:main:nope");
}

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

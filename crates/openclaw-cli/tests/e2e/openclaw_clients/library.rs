//! `@openclaw/gateway-client`: it comes in, gives work, hears of it and reads what was said.

use openclaw_testkit::{Reply, TestHome};
use serde_json::{Value, json};

use super::World;

const TEXT: &str = "The tide is high, and it holds until noon.";

#[tokio::test]
async fn the_official_client_library_gives_work_and_hears_all_of_it() {
    let Some(world) = World::new("openclaw_clients::library").await else {
        return;
    };
    world.provider.reply(Reply::text(TEXT).hold_after(3));
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/e2e/openclaw_clients/scripts/library.mjs"
    );
    let theirs = TestHome::new();
    let command = world
        .clients
        .node(&theirs)
        .arg(script)
        .env("OPENCLAW_PACKAGES", world.clients.modules())
        .env("GATEWAY_URL", world.url())
        .env("GATEWAY_TOKEN", world.token());
    let ran = super::only_loopback(command).run_answering(async |begun: String| {
        let begun: String = serde_json::from_str(&begun).unwrap();
        assert!(TEXT.starts_with(&begun) && begun != TEXT, "{begun}");
        world.provider.release();
    });
    let ran = ran.await.assert_code(0);
    let said: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    let question = "how is the tide?";
    assert_eq!(
        said,
        json!({
            "gaps": [],
            "hello": ["hello-ok", 4, "operator"],
            "health": true,
            "agents": [["main"], "main"],
            "sent": { "runId": "k1", "status": "started" },
            "final": ["k1", TEXT],
            "runs": ["k1"],
            "streamed": TEXT,
            "lifecycle": ["start", "end"],
            "assistant": TEXT,
            "again": { "runId": "k1", "status": "ok" },
            "history": [["user", question], ["assistant", TEXT]],
            "session": ["agent:main:main", true],
            "refused": ["INVALID_REQUEST", "unknown method: nosuch.method"],
        })
    );
    assert_eq!(world.provider.requests().len(), 1);
}

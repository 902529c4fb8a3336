//! OpenClaw's command line, which is configured to use this gateway.

use openclaw_testkit::Reply;
use serde_json::json;

use super::World;

#[tokio::test]
async fn the_command_line_speaks_to_the_agent_and_asks_how_the_gateway_is() {
    let Some(world) = World::new("openclaw_clients::cli").await else {
        return;
    };
    world.configure();
    world.provider.reply(Reply::text("High."));
    let args = ["agent", "--message", "how is the tide?", "--session-key"];
    let asked = world
        .openclaw()
        .args(args)
        .args(["agent:main:main", "--json"]);
    let answer = asked.run().await.assert_code(0).json();
    assert_eq!(answer["status"], "ok", "{answer}");
    let payloads = json!([{ "text": "High.", "mediaUrl": null }]);
    assert_eq!(answer["result"]["payloads"], payloads);

    let health = world
        .openclaw()
        .args(["gateway", "call", "health", "--json"]);
    let health = health.run().await.assert_code(0).json();
    assert_eq!(health["ok"], true, "{health}");
    assert_eq!(health["sessions"]["count"], 1);

    let list = world
        .openclaw()
        .args(["gateway", "call", "sessions.list", "--json"]);
    let list = list.run().await.assert_code(0).json();
    assert_eq!(list["sessions"][0]["key"], "agent:main:main", "{list}");

    let models = world.openclaw().args(["models", "list", "--json"]);
    let models = models.run().await.assert_code(0).json();
    assert_eq!(models["models"][0]["key"], "fake/fake-model", "{models}");
    assert_eq!(models["models"][0]["available"], true, "{models}");
}

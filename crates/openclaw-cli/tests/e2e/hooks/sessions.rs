//! Sessions that webhooks name, where they may.

use serde_json::{Value, json};

use super::{MAIN, World, ok, on, refusal, with};

fn named() -> Value {
    with(
        on(),
        &json!({
            "allowRequestSessionKey": true,
            "allowedSessionKeyPrefixes": ["hook:", "agent:main:hook:"],
        }),
    )
}

#[tokio::test]
async fn a_session_goes_on_where_that_is_asked_for_within_the_prefixes() {
    let world = World::with(named(), json!({})).await;
    let say = |text: &str, key: &str| json!({ "message": text, "sessionKey": key, "sessionMode": "persistent" });
    world.agent(say("one", "hook:box")).await;
    world.answered("agent:main:hook:box", 1).await;
    world.agent(say("two", "agent:main:hook:box")).await;
    world.answered("agent:main:hook:box", 2).await;
    assert_eq!(world.provider.last_request().user_texts().len(), 2);
    for key in ["main", MAIN, "agent:other:hook:box", "box"] {
        let (status, error) = refusal(&world.post("/hooks/agent", say("m", key)).await);
        assert_eq!(status, 400, "{key}: {error}");
    }
    // Without a mode, each message has a session of its own below the key.
    world
        .agent(json!({ "message": "three", "sessionKey": "hook:box" }))
        .await;
    let own = world.sessions("agent:main:hook:box:run:").await.remove(0);
    world.answered(&own, 1).await;
    assert_eq!(world.provider.last_request().user_texts().len(), 1);
}

#[tokio::test]
async fn those_that_share_a_key_come_one_after_the_other() {
    let hooks = with(on(), &json!({ "defaultSessionKey": "hook:queue" }));
    let world = World::with(hooks, json!({})).await;
    world
        .provider
        .reply(openclaw_testkit::Reply::text("first").hold_after(0));
    world.agent(json!({ "message": "one" })).await;
    world.provider.wait_for_holds(1).await;
    let second = world.agent(json!({ "message": "two" }));
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(world.provider.requests().len(), 1);
        world.provider.release();
    };
    tokio::join!(second, release);
    let sessions = world.sessions("agent:main:hook:queue:run:").await;
    assert_eq!(sessions.len(), 2);
}

#[tokio::test]
async fn a_wake_reaches_another_session_only_where_that_is_allowed() {
    let world = World::with(named(), json!({})).await;
    let body = json!({ "text": "done", "sessionKey": "hook:box" });
    ok(&world.post("/hooks/wake", body).await);
    world.answered("agent:main:hook:box", 1).await;
    let main = json!({ "text": "done", "sessionKey": "main" });
    assert_eq!(refusal(&world.post("/hooks/wake", main).await).0, 400);
    // The main session is the one that is meant when none is named, whatever the prefixes.
    ok(&world.post("/hooks/wake", json!({ "text": "done" })).await);
    world.answered(MAIN, 1).await;
}

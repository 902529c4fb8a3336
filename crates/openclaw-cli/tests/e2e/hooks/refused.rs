//! Whom webhooks do not let in, what they do not take, and what is not told of that.

use openclaw_testkit::TestHome;
use openclaw_testkit::http::HttpRequest;
use serde_json::json;

use super::{MAIN, TOKEN, World, ok, on, refusal, with};
use crate::audit::entries;

fn wake(headers: &[(&str, &str)]) -> HttpRequest {
    let mut request = HttpRequest::post("/hooks/wake", r#"{"text": "done"}"#);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

#[tokio::test]
async fn the_token_of_the_webhooks_opens_them_and_nothing_else() {
    let world = World::new().await;
    let bearer = format!("Bearer {TOKEN}");
    ok(&world.send(wake(&[("x-openclaw-token", TOKEN)])).await);
    ok(&world.send(wake(&[("authorization", &bearer)])).await);

    let own = format!("Bearer {}", world.gateway.token().expose_secret());
    for headers in [
        &[][..],
        &[("authorization", own.as_str())],
        &[
            ("authorization", "Bearer wrong"),
            ("x-openclaw-token", TOKEN),
        ],
        &[("x-openclaw-token", "wrong")],
    ] {
        let answer = world.send(wake(headers)).await;
        assert_eq!(refusal(&answer).0, 401, "{headers:?}");
        assert!(answer.header("www-authenticate").is_some());
    }
    let in_address = HttpRequest::post(format!("/hooks/wake?token={TOKEN}"), r#"{"text": "done"}"#)
        .header("authorization", bearer.clone());
    assert_eq!(world.send(in_address).await.status, 400);

    let rpc = HttpRequest::post(
        "/rpc",
        r#"{"jsonrpc": "2.0", "id": 1, "method": "agent.list"}"#,
    )
    .header("content-type", "application/json")
    .header("authorization", bearer.clone());
    assert_eq!(world.send(rpc).await.status, 401);
    let invoke = HttpRequest::post("/tools/invoke", r#"{"tool": "ls"}"#)
        .header("content-type", "application/json")
        .header("authorization", bearer.clone());
    assert_eq!(world.send(invoke).await.status, 401);
    let get = HttpRequest::get("/hooks/wake").header("authorization", bearer);
    let get = world.send(get).await;
    assert_eq!(refusal(&get).0, 405);
    assert_eq!(get.header("allow"), Some("POST"));

    // What is on record names the door, and the token is nowhere.
    let told = entries(&world.home, "auth").await;
    let of_hooks = |kind: &str| {
        told.iter()
            .find(|entry| entry["kind"] == kind && entry["value"]["transport"] == "webhook")
            .unwrap_or_else(|| panic!("{kind}: {told:?}"))
    };
    assert_eq!(of_hooks("auth.allowed")["value"]["principal"], "webhook");
    of_hooks("auth.denied");
    world.answered(MAIN, 1).await;
    let events = format!("{:?}", world.events(MAIN).await);
    let log = world.gateway.stderr();
    assert!(!events.contains(TOKEN) && !log.contains(TOKEN));
}

#[tokio::test]
async fn the_token_is_masked_where_a_message_repeats_it() {
    let world = World::new().await;
    world
        .agent(json!({ "message": format!("my token is {TOKEN}"), "name": TOKEN }))
        .await;
    let session = world.sessions(":hook:").await.remove(0);
    let events = world.answered(&session, 1).await;
    assert!(!format!("{events:?}").contains(TOKEN), "{events:?}");
    let seen = serde_json::to_string(&world.provider.last_request().body).unwrap();
    assert!(!seen.contains(TOKEN), "{seen}");
    assert!(!world.gateway.stderr().contains(TOKEN));
}

#[tokio::test]
async fn wrong_tokens_are_slowed_down_and_the_right_one_is_let_in() {
    let world = World::new().await;
    let wrong = wake(&[("authorization", "Bearer wrong")]);
    for _ in 0..20 {
        assert_eq!(refusal(&world.send(wrong.clone()).await).0, 401);
    }
    let slowed = world.send(wrong.clone()).await;
    assert_eq!(refusal(&slowed).0, 429);
    let after: u64 = slowed.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&after), "{after}");
    ok(&world.send(wake(&[("x-openclaw-token", TOKEN)])).await);
    // From then on it is counted anew; the gateway's own door was never shut.
    assert_eq!(refusal(&world.send(wrong).await).0, 401);
    world.gateway.rpc("agent.list", json!({})).await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_the_gateway_s_or_can_be_guessed_opens_nothing() {
    let own = "of-the-gateway-0123456789";
    let same = json!({
        "gateway": { "auth": { "token": own } }, "hooks": { "enabled": true, "token": own },
    });
    let short = json!({ "hooks": { "enabled": true, "token": "short" } });
    for (config, token) in [(same, own), (short, "short")] {
        let world = World::of(config, json!({})).await;
        let bearer = format!("Bearer {token}");
        let answer = world.send(wake(&[("authorization", &bearer)])).await;
        assert_ne!(answer.status, 200, "{}", answer.text());
        let validated = world.home.command(crate::OPENCLAW);
        let validated = validated.args(["config", "validate"]).run().await;
        let told = validated.assert_code(0).stdout;
        assert!(told.contains("the webhooks stay off"), "{told}");
    }
}

/// Starts a gateway with two agents, of which webhooks reach one.
async fn one_of_two_agents() -> World {
    let config = json!({
        "hooks": with(on(), &json!({ "allowedAgentIds": ["main"] })),
        "agents": {
            "defaults": { "model": { "primary": "fake/fake-model" } },
            "entries": { "main": { "default": true }, "other": {} },
        },
    });
    World::of(config, json!({})).await
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_happens() {
    let world = one_of_two_agents().await;
    for (path, body, status, part) in [
        ("/hooks/agent", json!({}), 400, "`message` is missing"),
        ("/hooks/wake", json!({}), 400, "`text` is missing"),
        ("/hooks/agent", json!([]), 400, "JSON object"),
        (
            "/hooks/agent",
            json!({ "message": "m", "agentId": "nobody" }),
            400,
            "no agent `nobody`",
        ),
        (
            "/hooks/agent",
            json!({ "message": "m", "agentId": "other" }),
            400,
            "allowedAgentIds",
        ),
        (
            "/hooks/wake",
            json!({ "text": "t", "agentId": "other" }),
            400,
            "allowedAgentIds",
        ),
        (
            "/hooks/agent",
            json!({ "message": "m", "sessionKey": "hook:x" }),
            400,
            "allowRequestSessionKey",
        ),
        (
            "/hooks/wake",
            json!({ "text": "t", "sessionKey": "hook:x" }),
            400,
            "allowRequestSessionKey",
        ),
        (
            "/hooks/agent",
            json!({ "message": "m", "channel": "telegram", "to": "1" }),
            400,
            "no messenger channel",
        ),
        (
            "/hooks/agent",
            json!({ "message": "m", "thinking": "hard" }),
            400,
            "`thinking`",
        ),
        (
            "/hooks/agent",
            json!({ "message": "m", "model": "nobody/none" }),
            400,
            "`model`",
        ),
        (
            "/hooks/agent",
            json!({ "message": "m", "sessionMode": "persistent" }),
            400,
            "sessionKey",
        ),
        (
            "/hooks/unheard-of",
            json!({ "message": "m" }),
            404,
            "no webhook",
        ),
        ("/hooks", json!({}), 404, "no webhook"),
    ] {
        let (is, error) = refusal(&world.post(path, body.clone()).await);
        assert_eq!(is, status, "{path} {body}: {error}");
        assert!(error.contains(part), "{path} {body}: {error}");
    }
    assert_eq!(world.provider.requests().len(), 0);
    assert!(world.sessions("").await.is_empty());
}

#[tokio::test]
async fn bodies_and_calls_have_limits() {
    let world = World::new().await;
    let large = json!({ "message": "x".repeat(256 * 1024) });
    assert_eq!(refusal(&world.post("/hooks/agent", large).await).0, 413);
    let long = json!({ "message": "x".repeat(200_000) });
    assert_eq!(refusal(&world.post("/hooks/agent", long).await).0, 400);
    let bearer = format!("Bearer {TOKEN}");
    let broken = HttpRequest::post("/hooks/agent", "{").header("authorization", bearer);
    assert_eq!(refusal(&world.send(broken).await).0, 400);
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(64), "]".repeat(64));
    let bearer = format!("Bearer {TOKEN}");
    let deep = HttpRequest::post("/hooks/agent", deep).header("authorization", bearer);
    assert_eq!(refusal(&world.send(deep).await).0, 400);

    let usual = TestHome::config_for(&world.provider, openclaw_testkit::WireFormat::OpenAi);
    let limited = TestHome::new();
    limited.write_config(&with(usual, &json!({ "hooks": on() })).to_string());
    let gateway = openclaw_testkit::GatewayProcess::start(&limited, crate::OPENCLAW).await;
    let call = HttpRequest::post("/hooks/none", "{}").header("x-openclaw-token", TOKEN);
    let mut last = call.send(gateway.addr()).await.unwrap();
    for _ in 0..60 {
        assert_eq!(last.status, 404);
        last = call.send(gateway.addr()).await.unwrap();
    }
    assert_eq!(refusal(&last).0, 429);
    assert!(last.header("retry-after").is_some());
}

//! Addresses of one's own: which mapping is for a request, and what it makes of it.

use serde_json::{Value, json};

use super::{MAIN, TOKEN, World, message, ok, on, refusal, with};

async fn world(mappings: Value, more: Value) -> World {
    let hooks = with(on(), &json!({ "mappings": mappings }));
    World::with(with(hooks, &more), json!({})).await
}

/// Returns what was said in the sessions whose keys have a text in them.
async fn said(world: &World, with: &str) -> Vec<String> {
    let mut said = Vec::new();
    for session in world.sessions(with).await {
        let events = world.answered(&session, 1).await;
        let text = message(&events)["data"]["content"].as_str().unwrap();
        let (_label, text) = text.split_once('\n').unwrap();
        said.push(text.to_owned());
    }
    said.sort();
    said
}

#[tokio::test]
async fn the_first_mapping_that_fits_fills_in_its_templates() {
    let world = world(
        json!([
            {
                "match": { "path": "push", "source": "ci" }, "name": "CI {{repo.name}}", "deliver": false,
                "messageTemplate": "{{repo.name}}: {{commits[0].title}} ({{headers.x-event}}, {{query.kind}}, {{path}})",
            },
            { "match": { "path": "/push/" }, "deliver": false, "messageTemplate": "other: {{payload.repo}}" },
            { "match": { "path": "up" }, "action": "wake", "textTemplate": "{{service}} is up" },
        ]),
        json!({}),
    )
    .await;
    let push = json!({
        "source": "ci", "repo": { "name": "crab" }, "commits": [{ "title": "fix" }],
    });
    let headers = [("x-event", "push")];
    let answer = ok(&world
        .post_with("/hooks/push?kind=test", &push, &headers)
        .await);
    assert!(answer["runId"].is_string(), "{answer}");
    assert_eq!(
        said(&world, ":hook:").await,
        ["crab: fix (push, test, push)"]
    );
    let session = world.sessions(":hook:").await.remove(0);
    let events = world.events(&session).await;
    assert_eq!(message(&events)["payload"]["marks"][0]["name"], "CI crab");

    ok(&world
        .post("/hooks/push", json!({ "source": "me", "repo": {} }))
        .await);
    let all = said(&world, ":hook:").await;
    assert_eq!(all, ["crab: fix (push, test, push)", "other: {}"]);

    let answer = ok(&world.post("/hooks/up", json!({ "service": "db" })).await);
    assert_eq!(
        answer,
        json!({ "ok": true, "mode": "now", "eventOutcome": "queued" })
    );
    let events = world.answered(MAIN, 1).await;
    assert_eq!(
        message(&events)["data"]["content"],
        "[Hook wake; isUser=false]\ndb is up"
    );
    let none = refusal(&world.post("/hooks/down", json!({})).await);
    assert_eq!(none.0, 404);
}

#[tokio::test]
async fn each_element_of_a_list_is_a_message_of_its_own() {
    let world = world(
        json!([]),
        json!({
            "presets": ["gmail"], "allowRequestSessionKey": true,
            "allowedSessionKeyPrefixes": ["hook:"],
        }),
    )
    .await;
    let mail = |id: &str| json!({ "id": id, "from": format!("{id}@example.org"), "subject": "s", "snippet": "", "body": "b" });
    let batch = json!({ "messages": [mail("a"), mail("b")] });
    let first = ok(&world.post("/hooks/gmail", batch.clone()).await);
    assert_eq!(first["dispatched"], 2);
    assert_eq!(first["runIds"].as_array().unwrap().len(), 2);
    assert_eq!(first["runId"], first["runIds"][0]);
    for id in ["a", "b"] {
        let session = format!(":hook:gmail:{id}:run:");
        let said = said(&world, &session).await;
        assert_eq!(said.len(), 1, "{session}");
        assert!(
            said[0].starts_with(&format!("New email from {id}@")),
            "{said:?}"
        );
    }
    // The same list again, as a sender does that got no answer, is the same runs.
    let again = ok(&world.post("/hooks/gmail", batch).await);
    assert_eq!(again["runIds"], first["runIds"]);

    let one = ok(&world
        .post("/hooks/gmail", json!({ "messages": [mail("c")] }))
        .await);
    assert!(
        one["runId"].is_string() && one.get("runIds").is_none(),
        "{one}"
    );
    for empty in [
        json!({ "messages": [] }),
        json!({}),
        json!({ "messages": 5 }),
    ] {
        let answer = world.post("/hooks/gmail", empty).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
    // Mails take more room than other messages.
    let mut large = mail("d");
    large["body"] = "x".repeat(300 * 1024).into();
    let large = world
        .post("/hooks/gmail", json!({ "messages": [large] }))
        .await;
    assert_eq!(
        refusal(&large).0,
        400,
        "too long for a message, not for a body"
    );
}

#[tokio::test]
async fn what_a_mapping_cannot_do_here_is_refused_and_named_beforehand() {
    let world = world(
        json!([
            { "id": "js", "match": { "path": "js" }, "transform": { "module": "mine.js" } },
            { "match": { "path": "told" }, "messageTemplate": "m", "channel": "telegram", "to": "{{to}}" },
            { "match": { "path": "nobody" }, "messageTemplate": "m", "agentId": "retired" },
            { "match": { "path": "empty" }, "messageTemplate": "{{nothing}}" },
        ]),
        json!({}),
    )
    .await;
    for (path, status, part) in [
        ("/hooks/js", 500, "JavaScript"),
        ("/hooks/told", 400, "no messenger channel"),
        ("/hooks/nobody", 400, "no agent `retired`"),
        ("/hooks/empty", 400, "leaves no text"),
    ] {
        let (is, error) = refusal(&world.post(path, json!({})).await);
        assert_eq!(is, status, "{path}: {error}");
        assert!(error.contains(part), "{path}: {error}");
    }
    assert_eq!(world.provider.requests().len(), 0);
    let validated = world.home.command(crate::OPENCLAW);
    let validated = validated.args(["config", "validate"]).run().await;
    let told = validated.assert_code(0).stdout;
    for part in [
        "hooks.mappings.0.transform",
        "hooks.mappings.1.to",
        "hooks.mappings.2.agentId",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains(TOKEN));
}

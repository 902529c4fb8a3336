//! What comes of webhooks: a turn in a session of its own, or a word to the main session.

use openclaw_testkit::Reply;
use serde_json::json;

use super::{MAIN, TOKEN, World, message, ok, on, with};

#[tokio::test]
async fn a_message_has_a_turn_in_a_session_of_its_own_and_is_nobody_s_whom_the_agent_works_for() {
    let world = World::new().await;
    let body = json!({ "message": "Sum up the import.", "name": "Import", "deliver": false });
    let answer = ok(&world.post("/hooks/agent", body).await);
    let run = answer["runId"].as_str().unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");

    let session = world.sessions(":hook:").await.remove(0);
    assert!(session.starts_with("agent:main:hook:"), "{session}");
    let events = world.answered(&session, 1).await;
    assert_eq!(events[0]["data"]["channel"], "webhook");
    let message = message(&events);
    assert_eq!(message["runId"], run);
    let text = message["data"]["content"].as_str().unwrap();
    assert_eq!(text, "[Hook Import; isUser=false]\nSum up the import.");
    let mark = &message["payload"]["marks"][0];
    assert_eq!(
        (&mark["from"], &mark["name"], &mark["trust"]),
        (&json!("webhook"), &json!("Import"), &json!("untrusted"))
    );
    // The model has the agent's tools, and knows who writes.
    let seen = world.provider.last_request();
    assert!(seen.tools().contains(&"exec"), "{:?}", seen.tools());
    assert_eq!(seen.user_texts(), [text]);
    let told = serde_json::to_string(&seen.body).unwrap();
    assert!(
        told.contains("on the channel `webhook` by `Import`"),
        "{told}"
    );
    // Nobody is told, as that was asked for.
    assert!(world.events(MAIN).await.is_empty());
    assert_eq!(world.provider.requests().len(), 1);
    world.provider.assert_clean();
}

#[tokio::test]
async fn what_came_of_it_is_told_to_the_main_session_unless_that_is_not_wanted() {
    let world = World::new().await;
    world.provider.reply(Reply::text("imported 5 rows"));
    world.provider.reply(Reply::text("noted"));
    let body = json!({ "message": "Sum up the import.", "name": "Import" });
    ok(&world.post("/hooks/agent", body).await);
    let events = world.answered(MAIN, 1).await;
    let message = message(&events);
    let text = message["data"]["content"].as_str().unwrap();
    assert_eq!(
        text,
        "[Hook Import has ended; isUser=false]\nimported 5 rows"
    );
    assert_eq!(message["payload"]["marks"][0]["trust"], "untrusted");
}

#[tokio::test]
async fn a_turn_that_fails_is_told_to_the_main_session_in_any_case() {
    let world = World::new().await;
    world.provider.reply(Reply::status(400));
    world.agent(json!({ "message": "fail" })).await;
    let events = world.answered(MAIN, 1).await;
    let text = message(&events)["data"]["content"].as_str().unwrap();
    assert!(text.starts_with("[Hook Hook has failed;"), "{text}");
}

#[tokio::test]
async fn a_wake_is_heard_by_the_main_session() {
    let world = World::new().await;
    for (number, mode) in [json!("now"), json!("next-heartbeat"), json!(null)]
        .into_iter()
        .enumerate()
    {
        let body = json!({ "text": format!("done {number}"), "mode": mode });
        let answer = ok(&world.post("/hooks/wake", body).await);
        let said = if mode == "next-heartbeat" {
            "next-heartbeat"
        } else {
            "now"
        };
        let expected = json!({ "ok": true, "mode": said, "eventOutcome": "queued" });
        assert_eq!(answer, expected);
        let events = world.answered(MAIN, number + 1).await;
        let last = events
            .iter()
            .rfind(|event| event["kind"] == "MessageReceived")
            .unwrap();
        assert_eq!(
            last["data"]["content"],
            format!("[Hook wake; isUser=false]\ndone {number}")
        );
        assert_eq!(last["payload"]["marks"][0]["trust"], "untrusted");
    }
}

#[tokio::test]
async fn the_same_word_waits_once_for_a_session_that_is_busy() {
    let world = World::new().await;
    world.provider.reply(Reply::text("first").hold_after(0));
    let first = json!({ "text": "one" });
    ok(&world.post("/hooks/wake", first).await);
    world.provider.wait_for_holds(1).await;
    let outcome = async || {
        let answer = world.post("/hooks/wake", json!({ "text": "two" })).await;
        ok(&answer)["eventOutcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome().await, "queued");
    assert_eq!(outcome().await, "coalesced");
    world.provider.release();
    let events = world.answered(MAIN, 2).await;
    let texts = events
        .iter()
        .filter(|event| event["kind"] == "MessageReceived");
    assert_eq!(texts.count(), 2);
    // Once it was read, it is said again.
    assert_eq!(outcome().await, "queued");
    world.answered(MAIN, 3).await;
}

#[tokio::test]
async fn whoever_asks_waits_for_the_end_and_learns_nothing_of_what_was_said() {
    let world = World::new().await;
    let ended = async |reply: Reply| {
        world.provider.reply(reply);
        let body = json!({ "message": "do it", "deliver": false, "waitForCompletion": true });
        let answer = ok(&world.post("/hooks/agent", body).await);
        assert!(!answer.to_string().contains("private"), "{answer}");
        answer["completion"].clone()
    };
    let visible = json!({ "status": "ok", "replyDisposition": "visible" });
    assert_eq!(ended(Reply::text("private")).await, visible);
    let failed = json!({ "status": "error", "replyDisposition": "empty" });
    assert_eq!(ended(Reply::status(400).saying("private")).await, failed);
}

#[tokio::test]
async fn a_turn_takes_no_longer_than_it_may_and_asks_the_model_that_is_named() {
    let world = World::new().await;
    world.provider.reply(Reply::hang());
    let body = json!({
        "message": "do it", "deliver": false, "waitForCompletion": true,
        "timeoutSeconds": 1, "model": "fake/another", "thinking": "low",
    });
    let answer = ok(&world.post("/hooks/agent", body).await);
    assert_eq!(answer["completion"]["status"], "error");
    assert_eq!(world.provider.requests()[0].model(), "another");
}

#[tokio::test]
async fn webhooks_are_off_until_the_config_asks_for_them_which_it_may_do_at_any_time() {
    let world = World::with(json!({ "token": TOKEN }), json!({})).await;
    let own = world.gateway.token().expose_secret().to_owned();
    let body = json!({ "text": "done" });
    let with_own = HttpBody::of(&own, &body);
    assert_eq!(world.send(with_own.clone()).await.status, 404);
    assert_eq!(world.post("/hooks/wake", body.clone()).await.status, 401);

    let config = |hooks| {
        let usual = openclaw_testkit::TestHome::config_for(
            &world.provider,
            openclaw_testkit::WireFormat::OpenAi,
        );
        with(usual, &json!({ "hooks": hooks })).to_string()
    };
    let moved = with(on(), &json!({ "path": "in/" }));
    world.home.write_config(&config(moved));
    let mut answer = world.post("/in/wake", body.clone()).await;
    for _ in 0..super::LOOKS {
        if answer.status == 200 {
            break;
        }
        tokio::time::sleep(super::LOOK).await;
        answer = world.post("/in/wake", body.clone()).await;
    }
    ok(&answer);
    assert_eq!(world.send(with_own).await.status, 404);
    world.answered(MAIN, 1).await;
}

/// A request for `/hooks/wake` by any token.
struct HttpBody;

impl HttpBody {
    fn of(token: &str, body: &serde_json::Value) -> openclaw_testkit::http::HttpRequest {
        openclaw_testkit::http::HttpRequest::post("/hooks/wake", body.to_string())
            .header("authorization", format!("Bearer {token}"))
    }
}

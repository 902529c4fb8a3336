//! Questions that end without an answer: their time is up, nobody watches, the run is told to
//! stop, the gateway goes away.

use openclaw_testkit::{GatewayProcess, Ran};
use serde_json::{Value, json};

use super::{MAIN, Stage};
use crate::OPENCLAW;

/// Checks that an answer comes too late, and says what came first.
fn assert_too_late(ran: Ran, first: &str) {
    let ran = ran.assert_code(1);
    assert!(ran.stderr.contains(first), "{ran}");
    assert!(ran.stderr.contains("hint: "), "{ran}");
}

fn is_denied(decision: &Value, by: &str) -> bool {
    decision["allowed"] == false && decision["by"] == by
}

#[tokio::test]
async fn a_question_that_nobody_answers_in_time_is_a_no() {
    let mut stage = Stage::start(json!({ "expirySeconds": 1 })).await;
    let said = tokio::spawn(stage.say("touch late"));
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    let said = said.await.unwrap().assert_code(0);
    assert!(said.stdout.contains("nobody answered within 1 s"), "{said}");
    assert!(!stage.has("late"));
    let late = stage.resolve(&id, "allow-once");
    assert_too_late(late.await, "was denied already (expiry)");
    assert!(!stage.has("late"));
}

#[tokio::test]
async fn a_run_that_nobody_watches_is_refused_at_once_and_told_of_the_setting() {
    let stage = Stage::start(json!({})).await;
    let args = ["agent", "--unattended", "--message", "touch alone"];
    let said = stage.run(&args).await.assert_code(0);
    assert!(said.stdout.contains("approvals.unattended"), "{said}");
    assert!(!stage.has("alone"));
    assert!(is_denied(&stage.decisions().await[0], "unattended"));
}

#[tokio::test]
async fn a_run_that_nobody_watches_waits_where_the_owner_says_so() {
    let mut stage = Stage::start(json!({ "unattended": "wait" })).await;
    let args = ["agent", "--unattended", "--message", "touch alone"];
    let said = tokio::spawn(stage.home.command(OPENCLAW).args(args).run());
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    let resolved = stage.resolve(&id, "allow-once");
    drop(resolved.await.assert_code(0));
    drop(said.await.unwrap().assert_code(0));
    assert!(stage.has("alone"));
}

#[tokio::test]
async fn a_run_that_is_cancelled_while_it_asks_runs_nothing() {
    let mut stage = Stage::start(json!({})).await;
    let said = tokio::spawn(stage.say("touch never"));
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    let cancel = stage
        .gateway
        .rpc("session.cancel", json!({ "sessionKey": MAIN }));
    cancel.await.unwrap();
    let said = said.await.unwrap();
    assert_ne!(said.code, Some(0), "{said}");
    let late = stage.resolve(&id, "allow-once");
    assert_too_late(late.await, "was denied already (cancelled)");
    assert!(!stage.has("never"));
    // The session goes on.
    drop(stage.decided("touch next", "allow-once").await);
    assert!(stage.has("next"));
}

#[tokio::test]
async fn a_gateway_that_is_told_to_stop_while_it_asks_runs_nothing() {
    let mut stage = Stage::start(json!({})).await;
    let said = tokio::spawn(stage.say("touch never"));
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    assert_eq!(stage.gateway.terminate().await.0, Some(0));
    assert_ne!(said.await.unwrap().code, Some(0));
    after_restart(stage, &id).await;
}

#[tokio::test]
async fn a_gateway_that_is_killed_while_it_asks_runs_nothing_when_it_is_back() {
    let mut stage = Stage::start(json!({})).await;
    let said = tokio::spawn(stage.say("touch never"));
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    stage.gateway.kill9().await;
    assert_ne!(said.await.unwrap().code, Some(0));
    after_restart(stage, &id).await;
}

/// Starts the gateway again, where nothing waits and the session goes on.
async fn after_restart(mut stage: Stage, id: &str) {
    stage.gateway = GatewayProcess::start(&stage.home, OPENCLAW).await;
    stage.client = stage.gateway.client().await;
    let list = stage.run(&["approvals", "list", "--json"]).await;
    assert_eq!(list.json()["data"]["approvals"], json!([]), "{list}");
    let late = stage.resolve(id, "allow-once");
    assert_too_late(late.await, "was denied already (");
    drop(stage.decided("touch next", "allow-once").await);
    assert!(stage.has("next") && !stage.has("never"));
}

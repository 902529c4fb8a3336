//! Requests that are sent again: the same key is the same run, whatever happened in between.

use serde_json::{Value, json};

use super::{World, ok};

async fn send(world: &World, text: &str, headers: &[(&str, &str)]) -> Value {
    let body = json!({ "message": text, "deliver": false });
    let answer = world.post_with("/hooks/agent", &body, headers).await;
    ok(&answer)["runId"].clone()
}

#[tokio::test]
async fn the_same_key_is_the_same_run_and_other_words_are_another() {
    let world = World::new().await;
    let key = [("idempotency-key", "import-1")];
    let run = send(&world, "one", &key).await;
    let session = world.sessions(":hook:").await.remove(0);
    world.answered(&session, 1).await;
    assert_eq!(send(&world, "one", &key).await, run);
    assert_eq!(
        send(
            &world,
            "one",
            &[("x-openclaw-idempotency-key", " import-1 ")]
        )
        .await,
        run
    );
    let body = json!({ "message": "one", "deliver": false, "idempotencyKey": "import-1" });
    assert_eq!(ok(&world.post("/hooks/agent", body).await)["runId"], run);
    assert_eq!(world.provider.requests().len(), 1);

    assert_ne!(send(&world, "two", &key).await, run);
    let other = [("idempotency-key", "import-2")];
    assert_ne!(send(&world, "one", &other).await, run);
    assert_ne!(send(&world, "one", &[]).await, run);
    assert_eq!(world.sessions(":hook:").await.len(), 4);
}

#[tokio::test]
async fn a_restart_forgets_no_key() {
    let world = World::new().await;
    let key = [("idempotency-key", "import-1")];
    let run = send(&world, "one", &key).await;
    let session = world.sessions(":hook:").await.remove(0);
    world.answered(&session, 1).await;
    let world = world.again().await;
    assert_eq!(send(&world, "one", &key).await, run);
    assert_eq!(world.provider.requests().len(), 1);
}

#[tokio::test]
async fn one_that_is_sent_again_while_it_goes_on_is_the_same_run() {
    let world = World::new().await;
    world
        .provider
        .reply(openclaw_testkit::Reply::text("done").hold_after(0));
    let key = [("idempotency-key", "import-1")];
    let run = send(&world, "one", &key).await;
    world.provider.wait_for_holds(1).await;
    assert_eq!(send(&world, "one", &key).await, run);
    world.provider.release();
    // Whoever waits for the end has the end of that run.
    let body = json!({ "message": "one", "deliver": false, "waitForCompletion": true });
    let answer = ok(&world.post_with("/hooks/agent", &body, &key).await);
    assert_eq!(answer["runId"], run);
    assert_eq!(answer["completion"]["replyDisposition"], "visible");
    assert_eq!(world.provider.requests().len(), 1);
}

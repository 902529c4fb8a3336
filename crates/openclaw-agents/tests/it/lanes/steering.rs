//! Messages that a run takes in.

use openclaw_agents::lanes::QueueMode;
use openclaw_core::SessionEventKind;
use openclaw_core::events::Change;
use openclaw_testkit::{FakeCall, Reply};
use serde_json::json;

use super::{Arena, waiting};

#[tokio::test]
async fn a_message_in_mid_turn_is_seen_before_the_next_decision_and_has_the_answer_that_follows() {
    let arena = Arena::new([waiting(), Reply::text("both"), Reply::text("later")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let second = arena
        .queue(Arena::owner(), "second", QueueMode::Steer)
        .await;
    arena.let_tool_go();
    let (first, second) = (
        first.await.unwrap().unwrap(),
        second.await.unwrap().unwrap(),
    );
    assert_eq!(
        (first.content.as_str(), second.content.as_str()),
        ("both", "both")
    );
    assert_eq!(first.run_id, second.run_id);
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["first", "second"]);
    assert_eq!(seen.results()[0].content, "waited");
    let taken: Vec<Change> = arena.changes().await;
    assert_eq!(taken, [Change::MessageTaken { message: 4 }]);

    let later = arena.send("third").await.unwrap().unwrap();
    assert_eq!(later.content, "later");
    assert_eq!(
        arena.provider.last_request().user_texts(),
        ["first", "second", "third"]
    );
    arena.assert_clean();
}

#[tokio::test]
async fn calls_that_have_not_begun_are_passed_over_for_a_message() {
    let both = [
        FakeCall::new("write", &json!({ "path": "a", "content": "b" })),
        FakeCall::new("wait", &json!({})),
    ];
    let arena = Arena::new([
        Reply::tool_calls(both).hold_after(1),
        Reply::text("stopped"),
    ]);
    let first = arena.send("write it");
    arena.provider.wait_for_holds(1).await;
    let second = arena
        .queue(Arena::owner(), "no, do not", QueueMode::Steer)
        .await;
    arena.provider.release();
    assert_eq!(second.await.unwrap().unwrap().content, "stopped");
    assert_eq!(first.await.unwrap().unwrap().content, "stopped");
    let seen = arena.provider.last_request();
    assert_eq!((seen.calls().len(), seen.results().len()), (2, 2));
    for result in seen.results() {
        assert!(
            result
                .content
                .contains("not run: a message came in before it began"),
            "{result:?}"
        );
    }
    assert_eq!(seen.user_texts(), ["write it", "no, do not"]);
    assert!(!arena.dir.path().join("workspace/a").exists());
    arena.assert_clean();
}

#[tokio::test]
async fn a_message_during_the_final_answer_is_answered_right_after_it() {
    let arena = Arena::new([Reply::text("one").hold_after(1), Reply::text("two")]);
    let first = arena.send("first");
    arena.provider.wait_for_holds(1).await;
    let second = arena
        .queue(Arena::owner(), "second", QueueMode::Steer)
        .await;
    arena.provider.release();
    assert_eq!(first.await.unwrap().unwrap().content, "one");
    assert_eq!(second.await.unwrap().unwrap().content, "two");
    assert_eq!(
        arena.provider.last_request().user_texts(),
        ["first", "second"]
    );
    arena.assert_clean();
}

#[tokio::test]
async fn nobody_steers_the_run_of_somebody_else() {
    let arena = Arena::new([waiting(), Reply::text("owner"), Reply::text("guest")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let guest = arena
        .queue(Arena::guest("eve"), "and me", QueueMode::Steer)
        .await;
    arena.let_tool_go();
    assert_eq!(first.await.unwrap().unwrap().content, "owner");
    assert_eq!(guest.await.unwrap().unwrap().content, "guest");
    let requests = arena.provider.requests();
    assert_eq!(requests[1].user_texts(), ["first"]);
    assert_eq!(requests[2].user_texts(), ["first", "and me"]);
    arena.assert_clean();
}

#[tokio::test]
async fn a_message_that_is_sent_again_after_it_was_taken_has_the_answer_that_it_got() {
    let arena = Arena::new([waiting(), Reply::text("both")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let mut turn = arena.turn(Arena::owner(), "second", None);
    turn.inbound.message_id = Some("m-2".into());
    let again = || {
        let mut again = arena.turn(Arena::owner(), "second", None);
        again.inbound.message_id = Some("m-2".into());
        again
    };
    let second = arena.submit(turn);
    let same = arena.submit(again());
    // It is in its lane once the next one is refused there.
    let mut log = arena.store.subscribe(0);
    while !matches!(&log.next().await.unwrap().kind,
        SessionEventKind::MessageReceived { content, .. } if content == "second")
    {}
    drop(
        arena
            .engine
            .submit(arena.turn(Arena::owner(), "a\0b", None))
            .await,
    );
    arena.let_tool_go();
    for answer in [first, second, same] {
        assert_eq!(answer.await.unwrap().unwrap().content, "both");
    }
    let late = arena.submit(again()).await.unwrap().unwrap();
    assert_eq!(late.content, "both");
    assert_eq!(arena.provider.requests().len(), 2);
    arena.assert_clean();
}

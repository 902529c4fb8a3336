//! Messages that wait for the end of the run, or end it.

use std::time::Duration;

use openclaw_agents::lanes::{QueueMode, QueueRules};
use openclaw_agents::{AgentError, Limits, Rules};
use openclaw_testkit::Reply;

use super::{Arena, waiting};

#[tokio::test]
async fn a_followup_has_a_turn_of_its_own() {
    let arena = Arena::new([waiting(), Reply::text("one"), Reply::text("two")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let second = arena
        .queue(Arena::owner(), "second", QueueMode::Followup)
        .await;
    arena.let_tool_go();
    assert_eq!(first.await.unwrap().unwrap().content, "one");
    assert_eq!(second.await.unwrap().unwrap().content, "two");
    assert_eq!(arena.provider.requests()[1].user_texts(), ["first"]);
    arena.assert_clean();
}

#[tokio::test]
async fn collected_messages_of_one_sender_have_one_turn_together() {
    let rules = Rules {
        queue: QueueRules {
            quiet: Duration::from_millis(50),
            ..QueueRules::default()
        },
        ..Rules::default()
    };
    let replies = [
        waiting(),
        Reply::text("one"),
        Reply::text("all of it"),
        Reply::text("guest"),
    ];
    let arena = Arena::with(replies, rules, Limits::default());
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let mut collected = Vec::new();
    for text in ["b", "c", "d"] {
        collected.push(arena.queue(Arena::owner(), text, QueueMode::Collect).await);
        if text == "b" {
            let eve = arena.queue(Arena::guest("eve"), "g", QueueMode::Collect);
            collected.push(eve.await);
        }
    }
    let guest = collected.remove(1);
    arena.let_tool_go();
    assert_eq!(first.await.unwrap().unwrap().content, "one");
    for answer in collected {
        assert_eq!(answer.await.unwrap().unwrap().content, "all of it");
    }
    assert_eq!(guest.await.unwrap().unwrap().content, "guest");
    let requests = arena.provider.requests();
    assert_eq!(requests[2].user_texts(), ["first", "b\nc\nd"]);
    assert_eq!(requests[3].user_texts(), ["first", "b\nc\nd", "g"]);
    arena.assert_clean();
}

#[tokio::test]
async fn an_interrupting_message_ends_the_run_and_has_the_next_one() {
    let arena = Arena::new([waiting(), Reply::text("new"), Reply::text("after")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let dropped = arena
        .queue(Arena::owner(), "between", QueueMode::Followup)
        .await;
    let newest = arena
        .queue(Arena::owner(), "newest", QueueMode::Interrupt)
        .await;
    assert_eq!(newest.await.unwrap().unwrap().content, "new");
    for ended in [first, dropped] {
        let err = ended.await.unwrap().unwrap_err();
        assert!(matches!(err, AgentError::Superseded), "{err}");
    }
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["first", "newest"]);
    assert!(
        seen.results()[0].content.contains("cancelled"),
        "{:?}",
        seen.results()
    );
    arena.send("and now?").await.unwrap().unwrap();
    arena.assert_clean();
}

#[tokio::test]
async fn a_guest_ends_nobody_elses_run() {
    let arena = Arena::new([waiting(), Reply::text("owner"), Reply::text("guest")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let guest = arena
        .queue(Arena::guest("eve"), "stop that", QueueMode::Interrupt)
        .await;
    arena.let_tool_go();
    assert_eq!(first.await.unwrap().unwrap().content, "owner");
    assert_eq!(guest.await.unwrap().unwrap().content, "guest");
    arena.assert_clean();
}

#[tokio::test]
async fn cancelling_drops_what_waits_and_the_session_goes_on() {
    let arena = Arena::new([waiting(), Reply::text("again")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let second = arena
        .queue(Arena::owner(), "second", QueueMode::Collect)
        .await;
    assert!(arena.engine.cancel(&arena.session).await);
    for answer in [first, second] {
        let err = answer.await.unwrap().unwrap_err();
        assert!(matches!(err, AgentError::Cancelled), "{err}");
    }
    arena.engine.stop(&arena.session).await;
    let third = arena.send("third").await.unwrap().unwrap();
    assert_eq!(third.content, "again");
    assert_eq!(
        arena.provider.last_request().user_texts(),
        ["first", "third"]
    );
    arena.assert_clean();
}

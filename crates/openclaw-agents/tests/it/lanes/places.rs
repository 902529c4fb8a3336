//! How many runs go on at the same time.

use std::time::Duration;

use openclaw_agents::{Limits, Rules, Turn};
use openclaw_core::approvals;
use openclaw_core::tool_rules::Decision;
use openclaw_core::{SessionEventKind, SessionKey};
use openclaw_testkit::{FakeCall, Reply};
use serde_json::json;
use tokio::time;

use super::{Answer, Arena, deciding, waiting};

/// How long is waited for what is not to happen.
const NEVER: Duration = Duration::from_millis(300);

/// How long is waited for what is to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends a message to a session of its own.
async fn send_to(arena: &Arena, session: &str) -> Answer {
    let session = SessionKey::parse(&format!("agent:main:{session}")).unwrap();
    let start = SessionEventKind::SessionStarted {
        channel: "test".into(),
        peer_id: "owner".into(),
    };
    let started = arena.store.append(&session, vec![start.into()]).await;
    started.unwrap();
    arena.submit(Turn {
        session,
        ..arena.turn(Arena::owner(), "go", None)
    })
}

#[tokio::test]
async fn no_more_runs_than_are_let_go_on_at_the_same_time() {
    let replies = [waiting(), waiting(), waiting()];
    let done = (0..3).map(|_| Reply::text("done"));
    let mut arena = Arena::with(
        replies.into_iter().chain(done),
        Rules::default(),
        Limits::default(),
    );
    arena.engine = arena.engine.clone().at_most(2);
    let mut turns = Vec::new();
    for session in ["a", "b", "c"] {
        turns.push(send_to(&arena, session).await);
    }
    for _ in 0..2 {
        let begun = time::timeout(PATIENCE, arena.tool_has_begun());
        begun.await.unwrap();
    }
    let third = time::timeout(NEVER, arena.tool_has_begun()).await;
    assert!(third.is_err(), "three runs went on");
    assert_eq!(arena.provider.requests().len(), 2);
    arena.let_tool_go();
    arena.tool_has_begun().await;
    arena.let_tool_go();
    arena.let_tool_go();
    for turn in turns {
        assert_eq!(turn.await.unwrap().unwrap().content, "done");
    }
}

#[tokio::test]
async fn runs_that_wait_for_people_hold_up_nobody() {
    let rules = deciding("write", None, Decision::Ask);
    let mut arena = Arena::with([], rules, Limits::default());
    arena.engine = arena.engine.clone().at_most(1);
    let write = json!({ "path": "a", "content": "b" });
    let mut asking = Vec::new();
    for session in ["a", "b", "c"] {
        let call = FakeCall::new("write", &write);
        arena.provider.reply(Reply::tool_calls([call]));
        asking.push(send_to(&arena, session).await);
        let open = arena.questions(asking.len());
        time::timeout(PATIENCE, open).await.unwrap();
    }
    arena.provider.reply(Reply::text("at once"));
    let other = time::timeout(PATIENCE, send_to(&arena, "d").await).await;
    assert_eq!(other.unwrap().unwrap().unwrap().content, "at once");
    for _ in &asking {
        arena.provider.reply(Reply::text("written"));
    }
    for question in arena.questions(asking.len()).await {
        let decided = arena
            .store
            .decide(&question.id, approvals::Answer::AllowOnce, "owner");
        decided.await.unwrap();
    }
    for turn in asking {
        assert_eq!(turn.await.unwrap().unwrap().content, "written");
    }
}

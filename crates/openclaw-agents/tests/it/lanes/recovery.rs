//! What a crash leaves behind, and what becomes of it at the next start.

use std::sync::Arc;

use openclaw_agents::lanes::QueueMode;
use openclaw_agents::{AgentError, Limits, Rules};
use openclaw_core::events::Change;
use openclaw_core::{Kind, SessionEventKind};
use openclaw_testkit::{FakeCall, FakeProvider, Reply};
use serde_json::json;
use tempfile::TempDir;

use super::{Arena, waiting};

/// Starts again on what a crash has left.
fn restarted(left: TempDir, replies: impl IntoIterator<Item = Reply>) -> Arena {
    let provider = Arc::new(FakeProvider::scripted(replies));
    Arena::on(left, provider, Rules::default(), Limits::default())
}

/// Returns how the runs of a session ended that a crash cut off: what is not known, the kind and
/// whether anything was done.
async fn endings(arena: &Arena) -> Vec<(Vec<String>, Kind, String)> {
    let mut endings = Vec::new();
    let changes = arena.changes().await;
    for pair in changes.windows(2) {
        if let [
            Change::RunCutOff { unknown, .. },
            Change::RunFailed { kind, message, .. },
        ] = pair
        {
            let unknown = unknown.iter().map(ToString::to_string).collect();
            endings.push((unknown, *kind, message.clone()));
        }
    }
    endings
}

#[tokio::test]
async fn a_call_that_was_under_way_is_not_run_again_and_said_to_be_unknown() {
    let arena = Arena::new([waiting()]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let left = arena.crashed();
    first.abort();

    let arena = restarted(left, [Reply::text("understood")]);
    assert_eq!(arena.engine.recover().await.unwrap(), 1);
    let [(unknown, kind, message)] = &endings(&arena).await[..] else {
        panic!("{:?}", arena.changes().await);
    };
    assert_eq!((unknown.len(), *kind), (1, Kind::Unavailable));
    assert!(message.contains("in the midst of the turn"), "{message}");
    // A second look finds nothing more to close.
    assert_eq!(arena.engine.recover().await.unwrap(), 0);

    arena.send("second").await.unwrap().unwrap();
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["first", "second"]);
    assert!(seen.results()[0].content.contains("is not known"));
    assert_eq!(arena.doors.begun.available_permits(), 0);
    arena.assert_clean();
}

#[tokio::test]
async fn a_message_that_nothing_was_done_about_is_closed_and_answered_when_it_comes_again() {
    let arena = Arena::new([Reply::hang()]);
    let mut turn = arena.turn(Arena::owner(), "do it", None);
    turn.inbound.message_id = Some("m-1".into());
    let first = arena.submit(turn);
    arena.provider.wait_for_holds(1).await;
    let waits = arena
        .queue(Arena::owner(), "and that", QueueMode::Followup)
        .await;
    let left = arena.crashed();
    first.abort();
    waits.abort();

    let arena = restarted(left, [Reply::text("done")]);
    assert_eq!(arena.engine.recover().await.unwrap(), 1);
    let ended = endings(&arena).await;
    assert_eq!(ended.len(), 2, "{ended:?}");
    for (unknown, kind, message) in ended {
        assert_eq!((unknown.len(), kind), (0, Kind::Cancelled));
        assert!(message.contains("before anything was done"), "{message}");
    }
    let again = || {
        let mut again = arena.turn(Arena::owner(), "do it", None);
        again.inbound.message_id = Some("m-1".into());
        again
    };
    for _ in 0..2 {
        let reply = arena.engine.submit(again()).await.unwrap();
        assert_eq!(reply.content, "done");
    }
    assert_eq!(arena.provider.requests().len(), 1);
    assert_eq!(arena.provider.last_request().user_texts(), ["do it"]);
    arena.assert_clean();
}

#[tokio::test]
async fn what_was_taken_in_before_a_crash_is_seen_where_it_was_taken() {
    let arena = Arena::new([waiting(), Reply::hang()]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let second = arena
        .queue(Arena::owner(), "second", QueueMode::Steer)
        .await;
    arena.let_tool_go();
    arena.provider.wait_for_holds(1).await;
    let left = arena.crashed();
    first.abort();
    second.abort();

    let arena = restarted(left, [Reply::text("back")]);
    arena.engine.recover().await.unwrap();
    assert_eq!(endings(&arena).await.len(), 1);
    arena.send("third").await.unwrap().unwrap();
    // Blocks of one message are joined by this API.
    assert_eq!(
        arena.provider.last_request().user_texts(),
        ["first", "second\nthird"]
    );
    arena.assert_clean();
}

#[tokio::test]
async fn without_a_look_at_the_start_the_next_run_closes_what_was_left() {
    let arena = Arena::new([waiting()]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    let left = arena.crashed();
    first.abort();

    let arena = restarted(left, [Reply::text("understood")]);
    arena.send("second").await.unwrap().unwrap();
    assert_eq!(endings(&arena).await.len(), 1);
    assert_eq!(arena.engine.recover().await.unwrap(), 0);
    arena.assert_clean();
}

#[tokio::test]
async fn a_run_of_a_process_that_lives_is_left_alone() {
    let arena = Arena::new([waiting(), Reply::text("done")]);
    let first = arena.send("first");
    arena.tool_has_begun().await;
    // Another handle to the log is another owner of leases, as another process is.
    let other = openclaw_core::EventStore::open(arena.store.path()).unwrap();
    assert_eq!(other.left_behind().await.unwrap(), []);
    assert_eq!(arena.engine.recover().await.unwrap(), 0);
    arena.let_tool_go();
    assert_eq!(first.await.unwrap().unwrap().content, "done");
    assert_eq!(endings(&arena).await.len(), 0);
    arena.assert_clean();
}

#[tokio::test]
async fn a_session_that_was_cut_off_anywhere_takes_the_next_message() {
    let write = |n: u32| {
        let command = format!("echo {n} >> effects");
        Reply::tool_calls([FakeCall::new("exec", &json!({ "command": command }))])
    };
    let arena = Arena::new([write(1), write(2), Reply::text("done")]);
    let mut log = arena.store.subscribe(0);
    let first = arena.send("first");
    let mut left = Vec::new();
    loop {
        let event = log.next().await.unwrap();
        left.push(arena.crashed());
        if matches!(event.kind, SessionEventKind::AgentResponse { .. }) {
            break;
        }
    }
    first.await.unwrap().unwrap();
    for folder in left {
        let arena = restarted(folder, [Reply::text("back")]);
        arena.engine.recover().await.unwrap();
        let reply = arena.send("still there?").await.unwrap();
        assert_eq!(
            reply
                .map_err(|err: AgentError| err.to_string())
                .unwrap()
                .content,
            "back"
        );
        // Nothing ran again: the workspace of the copy is empty.
        assert!(!arena.dir.path().join("workspace/effects").exists());
        assert!(arena.store.left_behind().await.unwrap().is_empty());
        arena.assert_clean();
    }
}

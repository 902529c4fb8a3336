//! Messages that arrive while a person is waited for, and a crash in the midst of that.

use std::sync::Arc;

use jiff::Timestamp;
use openclaw_agents::lanes::QueueMode;
use openclaw_agents::{AgentError, Limits, Rules};
use openclaw_core::Kind;
use openclaw_core::approvals::Answer;
use openclaw_core::events::Change;
use openclaw_core::tool_rules::{AskWhen, CommandRule, Decision, Place, Security, ToolRules};
use openclaw_testkit::{FakeCall, FakeProvider, Reply};
use serde_json::json;

use super::{Arena, deciding};

fn writing() -> FakeCall {
    FakeCall::new("write", &json!({ "path": "a", "content": "b" }))
}

fn asked_about(replies: impl IntoIterator<Item = Reply>) -> Arena {
    let rules = deciding("write", None, Decision::Ask);
    Arena::with(replies, rules, Limits::default())
}

/// Returns who closed the questions.
async fn closed_by(arena: &Arena) -> Vec<(bool, String)> {
    let changes = arena.changes().await.into_iter();
    changes
        .filter_map(|change| match change {
            Change::ApprovalDecided { allowed, by, .. } => Some((allowed, by)),
            _ => None,
        })
        .collect()
}

async fn assert_nothing_is_open(arena: &Arena) {
    let pending = arena.store.pending_approvals(Timestamp::now()).await;
    assert_eq!(pending.unwrap(), []);
    assert!(!arena.dir.path().join("workspace/a").exists());
}

#[tokio::test]
async fn a_message_cuts_short_the_wait_for_a_person_and_is_what_the_model_sees_next() {
    let replies = [Reply::tool_calls([writing()]), Reply::text("stopped")];
    let arena = asked_about(replies);
    let first = arena.send("write it");
    arena.question().await;
    let second = arena.queue(Arena::owner(), "no", QueueMode::Steer).await;
    assert_eq!(second.await.unwrap().unwrap().content, "stopped");
    assert_eq!(first.await.unwrap().unwrap().content, "stopped");
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["write it", "no"]);
    let told = &seen.results()[0].content;
    assert!(told.contains("not run: a message came in"), "{told}");
    let by = "a newer message".to_owned();
    assert_eq!(closed_by(&arena).await, [(false, by)]);
    assert_nothing_is_open(&arena).await;
    arena.assert_clean();
}

#[tokio::test]
async fn what_runs_beside_a_question_ends_before_the_message_is_seen() {
    let both = [writing(), FakeCall::new("wait", &json!({}))];
    let arena = asked_about([Reply::tool_calls(both), Reply::text("stopped")]);
    let first = arena.send("write it");
    arena.question().await;
    arena.tool_has_begun().await;
    let second = arena.queue(Arena::owner(), "no", QueueMode::Steer).await;
    arena.let_tool_go();
    for answer in [first, second] {
        assert_eq!(answer.await.unwrap().unwrap().content, "stopped");
    }
    let seen = arena.provider.last_request();
    let results = seen.results();
    assert!(results[0].content.contains("not run:"), "{results:?}");
    assert_eq!(results[1].content, "waited");
    assert_nothing_is_open(&arena).await;
    arena.assert_clean();
}

#[tokio::test]
async fn nobody_is_asked_once_a_message_waits() {
    // The call is under way already when the message comes in, and asks for consent afterwards.
    let hold = Arc::new(tokio::sync::Semaphore::new(0));
    let begun = Arc::new(tokio::sync::Semaphore::new(0));
    let hooks = crate::hooks::holding(&begun, &hold);
    let rules = deciding("write", None, Decision::Ask);
    let replies = [Reply::tool_calls([writing()]), Reply::text("stopped")];
    let arena = Arena::hooked(replies, rules, hooks);
    let first = arena.send("write it");
    begun.acquire().await.unwrap().forget();
    let second = arena.queue(Arena::owner(), "no", QueueMode::Steer).await;
    hold.add_permits(1);
    for answer in [first, second] {
        assert_eq!(answer.await.unwrap().unwrap().content, "stopped");
    }
    assert_eq!(closed_by(&arena).await, []);
    assert_nothing_is_open(&arena).await;
    arena.assert_clean();
}

#[tokio::test]
async fn an_interrupting_message_ends_the_wait_for_a_person_with_the_run() {
    let arena = asked_about([Reply::tool_calls([writing()]), Reply::text("new")]);
    let first = arena.send("write it");
    arena.question().await;
    let newest = arena.queue(Arena::owner(), "no", QueueMode::Interrupt);
    assert_eq!(newest.await.await.unwrap().unwrap().content, "new");
    let ended = first.await.unwrap().unwrap_err();
    assert!(matches!(ended, AgentError::Superseded), "{ended}");
    assert_eq!(closed_by(&arena).await, [(false, "cancelled".to_owned())]);
    assert_nothing_is_open(&arena).await;
    arena.assert_clean();
}

#[tokio::test]
async fn a_guest_ends_nobody_elses_question() {
    let replies = [
        Reply::tool_calls([writing()]),
        Reply::text("owner"),
        Reply::text("guest"),
    ];
    let arena = asked_about(replies);
    let first = arena.send("write it");
    let question = arena.question().await;
    let mut guests = Vec::new();
    for mode in [QueueMode::Steer, QueueMode::Interrupt] {
        arena.provider.reply(Reply::text("guest"));
        guests.push(arena.queue(Arena::guest("eve"), "no", mode).await);
    }
    assert_eq!(closed_by(&arena).await, []);
    let decided = arena.store.decide(&question.id, Answer::AllowOnce, "owner");
    decided.await.unwrap();
    assert_eq!(first.await.unwrap().unwrap().content, "owner");
    for guest in guests {
        assert_eq!(guest.await.unwrap().unwrap().content, "guest");
    }
    assert!(arena.dir.path().join("workspace/a").exists());
    assert_eq!(arena.provider.requests()[1].user_texts(), ["write it"]);
    arena.assert_clean();
}

#[tokio::test]
async fn a_crash_while_a_person_is_waited_for_leaves_nothing_open_and_nothing_unknown() {
    let arena = asked_about([Reply::tool_calls([writing()])]);
    let first = arena.send("write it");
    let question = arena.question().await;
    let left = arena.crashed();
    first.abort();

    let provider = Arc::new(FakeProvider::scripted([Reply::text("understood")]));
    let arena = Arena::on(left, provider, Rules::default(), Limits::default());
    assert_eq!(arena.engine.recover().await.unwrap(), 1);
    let nobody = (false, "the end of the program".to_owned());
    assert_eq!(closed_by(&arena).await, [nobody]);
    assert_nothing_is_open(&arena).await;
    let changes = arena.changes().await;
    let [
        ..,
        Change::RunCutOff { unknown, .. },
        Change::RunFailed { kind, .. },
    ] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!((unknown.len(), *kind), (0, Kind::Unavailable));
    // An answer that comes too late does nothing.
    let late = arena.store.decide(&question.id, Answer::AllowOnce, "owner");
    assert!(late.await.is_err());
    arena.send("and now?").await.unwrap().unwrap();
    let seen = arena.provider.last_request();
    assert_eq!(seen.results().len(), 1);
    assert!(!seen.results()[0].content.contains("is not known"));
    arena.assert_clean();
}

#[tokio::test]
async fn what_is_asked_every_time_is_asked_although_it_was_allowed_for_good() {
    let touching = || Reply::tool_calls([FakeCall::new("exec", &json!({ "command": "true" }))]);
    for (ask, times) in [(AskWhen::OnMiss, 1), (AskWhen::Always, 2)] {
        let said = ToolRules {
            commands: Some(CommandRule {
                place: Place::default(),
                security: Security::Allowlist,
                ask,
            }),
            ..ToolRules::default()
        };
        let rules = Rules {
            policy: Arc::new(openclaw_agents::policy::Policy::new(said)),
            ..Rules::default()
        };
        let replies = [touching(), touching(), Reply::text("done")];
        let arena = Arena::with(replies, rules, Limits::default());
        let turn = arena.send("twice");
        for _ in 0..times {
            let question = arena.question().await;
            let decided = arena
                .store
                .decide(&question.id, Answer::AllowAlways, "owner");
            decided.await.unwrap();
        }
        turn.await.unwrap().unwrap();
        let by = (true, "owner".to_owned());
        assert_eq!(closed_by(&arena).await, vec![by; times], "{ask:?}");
        arena.assert_clean();
    }
}

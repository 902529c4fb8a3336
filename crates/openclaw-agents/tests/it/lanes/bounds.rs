//! Turns that get nowhere.

use std::time::Duration;

use openclaw_agents::loops::{LoopRules, Watch};
use openclaw_agents::{AgentError, Limits, Rules};
use openclaw_core::Kind;
use openclaw_core::events::Change;
use openclaw_testkit::{FakeCall, Reply};
use serde_json::json;

use super::Arena;

fn same() -> Reply {
    Reply::tool_calls([FakeCall::new("ls", &json!({}))])
}

#[tokio::test]
async fn a_model_that_goes_round_in_circles_is_told_once_and_then_stopped() {
    let arena = Arena::new(
        std::iter::repeat_with(same)
            .take(8)
            .chain([Reply::text("sorry")]),
    );
    let err = arena.send("go").await.unwrap().unwrap_err();
    assert!(
        matches!(&err, AgentError::Circles { tool, times: 8 } if tool == "ls"),
        "{err}"
    );
    let told: Vec<Change> = arena.changes().await;
    let [Change::ModelTold { text }, Change::RunFailed { kind, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(text.contains("`ls` was called 4 times"), "{text}");
    assert_eq!(*kind, Kind::Limited);
    let requests = arena.provider.requests();
    assert_eq!(requests[3].user_texts(), ["go"]);
    assert_eq!(requests[4].user_texts(), ["go", text.as_str()]);
    arena.send("and now?").await.unwrap().unwrap();
    arena.assert_clean();
}

#[tokio::test]
async fn circles_are_not_looked_for_when_nobody_wants_that() {
    let rules = Rules {
        loops: LoopRules {
            watch: Watch::Off,
            ..LoopRules::default()
        },
        ..Rules::default()
    };
    let replies = std::iter::repeat_with(same)
        .take(12)
        .chain([Reply::text("done")]);
    let arena = Arena::with(replies, rules, Limits::default());
    assert_eq!(arena.send("go").await.unwrap().unwrap().steps, 13);
    arena.assert_clean();
}

#[tokio::test]
async fn a_model_that_answers_nothing_is_asked_once_more() {
    let arena = Arena::new([Reply::text("\n"), Reply::text("here"), Reply::text("later")]);
    let reply = arena.send("go").await.unwrap().unwrap();
    assert_eq!((reply.content.as_str(), reply.steps), ("here", 2));
    let asked = arena.provider.last_request();
    assert!(
        asked
            .last_user_text()
            .contains("your last answer was empty")
    );
    arena.send("next").await.unwrap().unwrap();
    arena.assert_clean();
}

#[tokio::test]
async fn a_model_that_answers_nothing_twice_is_an_error_in_words_and_the_session_goes_on() {
    let arena = Arena::new([Reply::text(" \n"), Reply::text(" "), Reply::text("back")]);
    let err = arena.send("go").await.unwrap().unwrap_err();
    assert!(matches!(err, AgentError::NoAnswer), "{err}");
    assert_eq!(err.to_string(), "the model answered nothing, twice");
    assert_eq!(
        arena.send("still there?").await.unwrap().unwrap().content,
        "back"
    );
    arena.assert_clean();
}

#[tokio::test]
async fn a_turn_that_is_out_of_time_answers_all_of_its_calls() {
    let limits = Limits {
        max_wall_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let both = [
        FakeCall::new("wait", &json!({})),
        FakeCall::new("ls", &json!({})),
    ];
    let replies = [Reply::tool_calls(both), Reply::text("back")];
    let arena = Arena::with(replies, Rules::default(), limits);
    let err = arena.send("go").await.unwrap().unwrap_err();
    assert!(matches!(err, AgentError::TimedOut(_)), "{err}");
    arena.send("still there?").await.unwrap().unwrap();
    let seen = arena.provider.last_request();
    assert_eq!((seen.calls().len(), seen.results().len()), (2, 2));
    arena.assert_clean();
}

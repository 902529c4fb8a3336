//! What a turn's calls of the model leave behind.

use openclaw_core::events::{CallOutcome, Change};
use openclaw_core::{Kind, SessionEvent, Usage};
use openclaw_testkit::{FakeCall, FakeProvider, Reply};
use serde_json::json;

use super::Fixture;

fn used(input: u64, output: u64) -> Usage {
    Usage {
        input,
        output,
        ..Usage::default()
    }
}

/// Shows the calls beside each event that has any.
fn calls(events: &[SessionEvent]) -> Vec<(&'static str, Vec<(bool, u64)>)> {
    let with_calls = events.iter().filter_map(|event| {
        let calls = &event.payload.as_ref()?.calls;
        let shown = calls
            .iter()
            .map(|call| (call.outcome == CallOutcome::Ok, call.usage.total()));
        (!calls.is_empty()).then(|| (event.kind.name(), shown.collect()))
    });
    with_calls.collect()
}

#[tokio::test]
async fn every_call_is_on_record_beside_the_first_event_that_it_led_to() {
    let ls = || FakeCall::new("ls", &json!({}));
    let mut fixture = Fixture::new(FakeProvider::scripted([
        Reply::status(529),
        Reply::tool_calls([ls(), ls()]).usage(used(2000, 5)),
        Reply::text("done").usage(used(3000, 6)),
    ]));
    let runtime = fixture.runtime();
    let reply = runtime
        .process_message(&mut fixture.context, "go")
        .await
        .unwrap();
    assert_eq!((reply.usage.total(), reply.fallback), (5011, None));
    assert_eq!(
        calls(&fixture.events().await),
        [
            ("ToolCalled", vec![(false, 0), (true, 2005)]),
            ("AgentResponse", vec![(true, 3006)]),
        ]
    );
}

#[tokio::test]
async fn a_turn_that_fails_has_its_calls_on_record_too() {
    let mut fixture = Fixture::new(FakeProvider::scripted([Reply::text("half an answer")
        .usage(used(2000, 5))
        .error_event(2, "overloaded_error", "too much")]));
    let runtime = fixture.runtime();
    runtime
        .process_message(&mut fixture.context, "go")
        .await
        .unwrap_err();
    let events = fixture.events().await;
    let last = events.last().unwrap();
    assert!(matches!(Change::of(last), Some(Change::RunFailed { .. })));
    let calls = &last.payload.as_ref().unwrap().calls;
    assert_eq!(calls.len(), 1);
    assert!(matches!(
        &calls.first().unwrap().outcome,
        CallOutcome::Failed {
            kind: Kind::Unavailable,
            ..
        }
    ));
}

#[tokio::test]
async fn an_answer_with_nothing_in_it_is_asked_for_again_and_then_said_to_be_none() {
    let mut fixture = Fixture::new(FakeProvider::scripted([
        Reply::text(""),
        Reply::text("here"),
        Reply::text(""),
        Reply::text(""),
        Reply::text(""),
        Reply::text("and here"),
    ]));
    let runtime = fixture.runtime();
    let mut outcomes = Vec::new();
    for message in ["one", "two", "three"] {
        let outcome = runtime.process_message(&mut fixture.context, message).await;
        outcomes.push(outcome.map_or_else(|err| err.to_string(), |reply| reply.content));
    }
    assert_eq!(
        outcomes,
        [
            "here",
            "provider `openai` sent an answer with nothing in it (stop: end_turn)",
            "and here",
        ]
    );
    let seen = fixture.provider.last_request();
    // The message without an answer is still there, and the next one follows it.
    assert_eq!(seen.user_texts(), ["one", "two\nthree"]);
    fixture.provider.assert_clean();
}

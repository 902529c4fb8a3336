//! Which turn waits at an event, what its model saw, and which results are on record.

use openclaw_core::events::{Block, Change, EndReason, NewEvent, Payload, StepPayload};
use openclaw_core::{EventStore, Kind, RunId, SessionEvent, SessionEventKind, SessionKey, Usage};
use openclaw_providers::{Message, UserBlock};
use serde_json::{Value, json};

use super::tape::Tape;
use super::*;
use crate::transcript::INTERRUPTED;

fn key() -> SessionKey {
    SessionKey::parse("agent:main:main").unwrap()
}

/// Gives events their places by recording them.
async fn logged(events: Vec<NewEvent>) -> Vec<SessionEvent> {
    let dir = tempfile::tempdir().unwrap();
    let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
    for event in events {
        store.append(&key(), vec![event]).await.unwrap();
    }
    store.read(&key(), 1..=u64::MAX).await.unwrap()
}

fn seen(events: &[SessionEvent], at: u64) -> Recording {
    Recording::new(key(), events, Some(at)).unwrap()
}

/// The message, the next step's number and the first recorded step's event.
fn turn(events: &[SessionEvent], at: u64) -> Option<(u64, u32, Option<u64>)> {
    let turn = seen(events, at).turn?;
    let message = turn.message();
    let (_, steps, next) = turn.into_parts();
    Some((message, next, steps.first().map(|step| step.seq)))
}

fn messages(events: &[SessionEvent], at: u64) -> Vec<Message> {
    seen(events, at).turn.unwrap().into_parts().0
}

fn started() -> NewEvent {
    SessionEventKind::SessionStarted {
        channel: "rpc".into(),
        peer_id: "p".into(),
    }
    .into()
}

fn in_run(kind: SessionEventKind, run: &str) -> NewEvent {
    NewEvent::from(kind).in_run(&RunId::from(run), None)
}

fn text(text: &str) -> SessionEventKind {
    SessionEventKind::MessageReceived {
        content: text.into(),
        attachments: vec![],
    }
}

fn wrote(model: &str, blocks: Vec<Block>) -> Payload {
    let step = StepPayload {
        provider: "p".into(),
        model: model.into(),
        stop: "end_turn".into(),
        usage: Usage::default(),
        blocks,
    };
    Payload {
        step: Some(step),
        ..Payload::default()
    }
}

fn called(run: &str, step: u32, command: &str) -> NewEvent {
    let kind = SessionEventKind::ToolCalled {
        tool: "exec".into(),
        params: json!({ "command": command }),
    };
    in_run(kind, run)
        .at_step(step)
        .about_call(&command.into())
        .with_payload(wrote("m", vec![Block::Call(command.into())]))
}

fn result(run: &str, step: u32, command: &str, text: &str) -> NewEvent {
    let kind = SessionEventKind::ToolResult {
        tool: "exec".into(),
        result: text.into(),
        success: text != INTERRUPTED,
    };
    in_run(kind, run).at_step(step).about_call(&command.into())
}

fn response(content: &str) -> SessionEventKind {
    SessionEventKind::AgentResponse {
        content: content.into(),
        model: "m".into(),
        tokens: 1,
    }
}

fn answered(run: &str, step: u32, content: &str) -> NewEvent {
    in_run(response(content), run)
        .at_step(step)
        .with_payload(wrote("m-2", vec![Block::Text(content.into())]))
}

fn failed(run: &str) -> NewEvent {
    let failed = Change::RunFailed {
        run_id: RunId::from(run),
        kind: Kind::Unavailable,
        message: String::new(),
    };
    in_run(failed.to_event().unwrap().kind, run)
}

/// A turn of two steps, during which the next message comes in.
async fn two_turns() -> Vec<SessionEvent> {
    logged(vec![
        started(),
        in_run(text("one"), "a"),
        called("a", 1, "ls"),
        in_run(text("two"), "b"),
        result("a", 1, "ls", "files"),
        answered("a", 2, "done one"),
        answered("b", 1, "done two"),
    ])
    .await
}

#[tokio::test]
async fn each_event_has_the_turn_that_its_model_would_be_asked_in_next() {
    let events = two_turns().await;
    let waiting: Vec<_> = (1..=7).map(|at| turn(&events, at)).collect();
    assert_eq!(
        waiting,
        [
            None,
            Some((2, 1, Some(3))),
            Some((2, 2, Some(6))),
            Some((4, 1, Some(7))),
            Some((2, 2, Some(6))),
            Some((4, 1, Some(7))),
            None,
        ]
    );
}

#[tokio::test]
async fn the_model_sees_what_it_saw_when_its_step_is_on_record() {
    let events = two_turns().await;
    let first = [Message::User(vec![UserBlock::Text("one".into())])];
    assert_eq!(messages(&events, 2), first);
    // The result came after the event, and before the model was asked again.
    let asked_again = messages(&events, 3);
    assert_eq!(asked_again, messages(&events, 5));
    let Some(Message::ToolResults(results)) = asked_again.last() else {
        panic!("{asked_again:?}");
    };
    assert_eq!(results[0].content, "files");
    // The second message waited for the first turn, so its model saw all of that.
    let second = messages(&events, 4);
    assert_eq!((second.len(), &second[..3]), (5, &asked_again[..]));
}

#[tokio::test]
async fn without_a_number_the_last_message_that_was_answered_counts() {
    let mut events = two_turns().await;
    let at = |events: &[SessionEvent]| Recording::new(key(), events, None).map(|found| found.at);
    assert_eq!(at(&events), Ok(4));
    events.truncate(6);
    assert_eq!(at(&events), Ok(2));
    events.truncate(5);
    let none = RecordingError::NoAnswer {
        session: key(),
        message: Some(4),
    };
    assert_eq!(
        none.hint().unwrap(),
        "begin with the last message all the same: --at 4"
    );
    assert_eq!(at(&events), Err(none));
}

#[tokio::test]
async fn a_number_beyond_the_session_is_refused_with_the_last_one() {
    let events = two_turns().await;
    for at in [0, 8, u64::MAX] {
        let err = Recording::new(key(), &events, Some(at)).unwrap_err();
        assert_eq!(
            err.to_string(),
            format!("`agent:main:main` has no event {at}: its events are 1 to 7")
        );
    }
}

#[tokio::test]
async fn the_state_is_that_after_the_event() {
    let events = two_turns().await;
    let active = |at| seen(&events, at).state["tools.active"].clone();
    assert_eq!(
        [2, 3, 5].map(active),
        [json!([]), json!(["exec"]), json!([])]
    );
    assert_eq!(seen(&events, 6).state["messages.total"], json!(3));
}

#[tokio::test]
async fn a_turn_that_failed_goes_on_from_where_it_was() {
    let events = logged(vec![
        started(),
        in_run(text("one"), "a"),
        called("a", 1, "ls"),
        result("a", 1, "ls", "files"),
        failed("a"),
        in_run(text("two"), "b"),
        failed("b"),
    ])
    .await;
    assert_eq!(turn(&events, 4), Some((2, 2, None)));
    assert_eq!(messages(&events, 4).len(), 3);
    assert_eq!(turn(&events, 5), None);
    assert_eq!(turn(&events, 6), Some((6, 1, None)));
    assert_eq!(turn(&events, 7), None);
    // The model that was to answer is not on record; the one before it is.
    let model = seen(&events, 6).turn.unwrap().model().cloned();
    assert_eq!(model.unwrap().to_string(), "p/m");
}

#[tokio::test]
async fn a_run_that_left_no_end_does_not_wait_for_ever() {
    let events = logged(vec![
        started(),
        in_run(text("one"), "a"),
        called("a", 1, "ls"),
        in_run(text("two"), "b"),
        result("a", 1, "ls", INTERRUPTED),
        answered("b", 1, "done"),
    ])
    .await;
    assert_eq!(turn(&events, 6), None);
}

#[tokio::test]
async fn a_session_that_ended_or_began_anew_owes_nobody_an_answer() {
    let ended = SessionEventKind::SessionEnded {
        reason: EndReason::Requested,
    };
    let events = logged(vec![
        started(),
        in_run(text("one"), "a"),
        ended.into(),
        started(),
        in_run(text("two"), "b"),
        answered("b", 1, "done"),
    ])
    .await;
    assert_eq!([3, 4].map(|at| turn(&events, at)), [None, None]);
    assert_eq!(turn(&events, 2), Some((2, 1, None)));
    assert_eq!(
        messages(&events, 2),
        [Message::User(vec![UserBlock::Text("one".into())])]
    );
    assert_eq!(
        messages(&events, 5),
        [Message::User(vec![UserBlock::Text("two".into())])]
    );
}

#[tokio::test]
async fn a_session_without_runs_and_steps_can_be_replayed() {
    let events = logged(vec![
        started(),
        text("one").into(),
        response("done").into(),
        text("two").into(),
        response("done too").into(),
    ])
    .await;
    let recording = Recording::new(key(), &events, None).unwrap();
    let turn = recording.turn.unwrap();
    assert_eq!((recording.at, turn.message(), turn.model()), (4, 4, None));
    let (messages, steps, next) = turn.into_parts();
    assert_eq!((messages.len(), steps.len(), next), (3, 1, 1));
    let decision = &steps[0].decision;
    assert_eq!(
        (decision.text.as_str(), decision.usage, &decision.stop),
        ("done too", None, &None)
    );
}

fn said(message: &Message) -> String {
    match message {
        Message::User(blocks) => format!("{blocks:?}"),
        Message::Assistant(_) => "model".to_owned(),
        Message::ToolResults(_) => "results".to_owned(),
    }
}

#[tokio::test]
async fn what_a_run_heard_between_its_steps_is_heard_there_again() {
    let in_a = |change: Change| {
        let event = change.to_event().unwrap();
        event.in_run(&RunId::from("a"), None)
    };
    let events = logged(vec![
        started(),
        in_run(text("one"), "a"),
        called("a", 1, "ls"),
        in_run(text("two"), "b"),
        result("a", 1, "ls", "none"),
        in_a(Change::MessageTaken { message: 4 }),
        called("a", 2, "touch x"),
        result("a", 2, "touch x", "made"),
        in_a(Change::ModelTold {
            text: "enough".to_owned(),
        }),
        answered("a", 3, "done"),
        in_run(text("three"), "c"),
        answered("c", 1, "done too"),
    ])
    .await;
    let (before, steps, next) = seen(&events, 2).turn.unwrap().into_parts();
    assert_eq!((before.len(), next), (1, 1));
    let heard: Vec<String> = steps
        .iter()
        .map(|step| format!("{:?}", step.heard()))
        .collect();
    assert_eq!(heard, ["[]", "[Text(\"two\")]", "[Text(\"enough\")]"]);
    // Replayed from its midst, the turn has heard by then what it had.
    let midst: Vec<String> = messages(&events, 8).iter().map(said).collect();
    let [one, called, _, two, again, results, enough] = &midst[..] else {
        panic!("{midst:?}");
    };
    assert_eq!([called, again, results], ["model", "model", "results"]);
    for (message, text) in [(one, "one"), (two, "two"), (enough, "enough")] {
        assert_eq!(*message, format!("[Text({text:?})]"));
    }
    // A message that a run took in has no turn of its own, and stays where it was taken.
    assert_eq!(seen(&events, 11).turn.unwrap().message(), 11);
    let later: Vec<String> = messages(&events, 11).iter().map(said).collect();
    assert_eq!(later[..6], midst[..6]);
    assert_eq!(seen(&events, 4).turn.unwrap().message(), 2);
}

fn call(command: &str) -> Call {
    Call {
        id: "another-id".into(),
        tool: "exec".into(),
        params: json!({ "command": command }),
    }
}

#[tokio::test]
async fn a_recorded_result_answers_one_call_and_keeps_that_calls_id() {
    let events = logged(vec![
        started(),
        in_run(text("one"), "a"),
        called("a", 1, "ls"),
        result("a", 1, "ls", "none"),
        called("a", 2, "touch x"),
        result("a", 2, "touch x", "made"),
        called("a", 3, "ls"),
        result("a", 3, "ls", "x"),
        called("a", 4, "cut off"),
        result("a", 4, "cut off", INTERRUPTED),
    ])
    .await;
    let tape = |at| Tape::new(seen(&events, at).turn.unwrap().into_parts().1);
    let mut whole = tape(2);
    let mut take = |command| {
        whole
            .take(&call(command))
            .map(|result| (result.call_id.to_string(), result.content))
    };
    let answer = |content: &str| Ok(("another-id".to_owned(), content.to_owned()));
    assert_eq!(take("ls"), answer("none"));
    assert_eq!(take("ls"), answer("x"));
    assert_eq!(take("ls"), Err(Missing::Again));
    assert_eq!(take("rm"), Err(Missing::Call));
    assert_eq!(take("cut off"), Err(Missing::Result));
    assert_eq!(whole.current().map(|(place, _)| place), Some(1));
    // What was answered before the replay begins is not answered again.
    let mut rest = tape(4);
    assert_eq!(rest.take(&call("touch x")).unwrap().content, "made");
    assert_eq!(rest.take(&call("ls")).unwrap().content, "x");
    let other_type = Call {
        params: Value::Null,
        ..call("")
    };
    assert_eq!(rest.take(&other_type), Err(Missing::Call));
}

//! What a model sees of logs that were cut off, interleaved or ended.

use jiff::Timestamp;
use openclaw_core::events::{EventHash, NewEvent, Payload, Shortening};
use openclaw_core::{SessionKey, Usage};
use serde_json::json;

use super::*;
use crate::compaction::introduced;

/// Gives events their places, as the log does.
fn recorded(events: Vec<NewEvent>) -> Vec<SessionEvent> {
    (1_u64..)
        .zip(events)
        .map(|(seq, event)| SessionEvent {
            session: SessionKey::parse("agent:main:main").unwrap(),
            seq,
            position: seq,
            time: Timestamp::UNIX_EPOCH,
            cause: event.cause,
            run_id: event.run_id,
            step: event.step,
            call_id: event.call_id,
            kind: event.kind,
            payload: event.payload,
            raw: event.raw,
            hash: EventHash::START,
        })
        .collect()
}

fn run(name: &str) -> RunId {
    RunId::from(name)
}

fn started() -> NewEvent {
    SessionEventKind::SessionStarted {
        channel: "rpc".into(),
        peer_id: "p".into(),
    }
    .into()
}

fn message(text: &str, id: &str) -> NewEvent {
    let kind = SessionEventKind::MessageReceived {
        content: text.into(),
        attachments: vec![],
    };
    NewEvent::from(kind).in_run(&run(id), None)
}

fn step(blocks: Vec<Block>) -> Payload {
    Payload {
        step: Some(StepPayload {
            provider: "p".into(),
            model: "m".into(),
            stop: "tool_use".into(),
            usage: Usage::default(),
            blocks,
        }),
        ..Payload::default()
    }
}

fn called(id: &str, n: u32, call: &str) -> NewEvent {
    let kind = SessionEventKind::ToolCalled {
        tool: "exec".into(),
        params: json!({"command": call}),
    };
    NewEvent::from(kind)
        .in_run(&run(id), Some(1))
        .at_step(n)
        .about_call(&call.into())
}

fn result(id: &str, n: u32, call: &str) -> NewEvent {
    let kind = SessionEventKind::ToolResult {
        tool: "exec".into(),
        result: json!({"exitCode": 0, "stdout": format!("{call}\n")}),
        success: true,
    };
    NewEvent::from(kind)
        .in_run(&run(id), Some(1))
        .at_step(n)
        .about_call(&call.into())
}

fn answer(text: &str, id: &str) -> NewEvent {
    let kind = SessionEventKind::AgentResponse {
        content: text.into(),
        model: "m".into(),
        tokens: 1,
    };
    NewEvent::from(kind)
        .in_run(&run(id), Some(1))
        .with_payload(step(vec![Block::Text(text.into())]))
}

fn user(texts: &[&str]) -> Message {
    Message::User(
        texts
            .iter()
            .map(|text| UserBlock::Text((*text).into()))
            .collect(),
    )
}

fn assistant(text: &str) -> Message {
    Message::Assistant(vec![AssistantBlock::Text(text.into())])
}

fn call_block(call: &str) -> AssistantBlock {
    AssistantBlock::ToolCall(ToolCall {
        id: call.into(),
        name: "exec".into(),
        arguments: arguments(&json!({"command": call})),
    })
}

fn result_of(call: &str) -> ToolResult {
    ToolResult {
        call_id: call.into(),
        content: format!("exitCode: 0\nstdout:\n{call}\n"),
        is_error: false,
    }
}

#[test]
fn a_step_comes_back_in_the_order_in_which_the_model_wrote_it() {
    let thinking = openclaw_core::events::Thinking {
        text: "hm".into(),
        signature: Some("s".into()),
        redacted: None,
    };
    let blocks = vec![
        Block::Thinking(thinking),
        Block::Text("both".into()),
        Block::Call("a".into()),
        Block::Call("b".into()),
    ];
    let events = recorded(vec![
        started(),
        message("go", "r1"),
        called("r1", 1, "a").with_payload(step(blocks)),
        called("r1", 1, "b"),
        // The second call was faster.
        result("r1", 1, "b"),
        result("r1", 1, "a"),
        answer("done", "r1"),
        message("more", "r2"),
    ]);
    let written = vec![
        AssistantBlock::Thinking(Thinking {
            text: "hm".into(),
            signature: Some("s".into()),
            redacted: None,
            by: Some("p".into()),
        }),
        AssistantBlock::Text("both".into()),
        call_block("a"),
        call_block("b"),
    ];
    assert_eq!(
        fold(&events, &run("r2")),
        [
            user(&["go"]),
            Message::Assistant(written),
            Message::ToolResults(vec![result_of("a"), result_of("b")]),
            assistant("done"),
            user(&["more"]),
        ]
    );
    assert_eq!(open_calls(&events), []);
}

#[test]
fn a_call_that_a_crash_left_open_is_answered_by_a_note() {
    let events = recorded(vec![
        started(),
        message("go", "r1"),
        called("r1", 1, "a").with_payload(step(vec![Block::Call("a".into())])),
        message("still there?", "r2"),
    ]);
    let note = ToolResult {
        call_id: "a".into(),
        content: INTERRUPTED.into(),
        is_error: true,
    };
    assert_eq!(
        fold(&events, &run("r2")),
        [
            user(&["go"]),
            Message::Assistant(vec![call_block("a")]),
            Message::ToolResults(vec![note]),
            user(&["still there?"]),
        ]
    );
    let open: Vec<_> = open_calls(&events)
        .into_iter()
        .map(|call| (call.seq, call.call_id))
        .collect();
    assert_eq!(open, [(3, "a".into())]);
}

#[test]
fn a_message_that_came_during_a_run_waits_for_its_own() {
    let events = recorded(vec![
        started(),
        message("one", "r1"),
        called("r1", 1, "a").with_payload(step(vec![Block::Call("a".into())])),
        message("two", "r2"),
        result("r1", 1, "a"),
    ]);
    let first = [
        user(&["one"]),
        Message::Assistant(vec![call_block("a")]),
        Message::ToolResults(vec![result_of("a")]),
    ];
    assert_eq!(fold(&events, &run("r1")), first);
    let mut second = first.to_vec();
    second.push(user(&["two"]));
    assert_eq!(fold(&events, &run("r2")), second);
}

#[test]
fn runs_without_an_answer_leave_one_message_of_the_user() {
    let events = recorded(vec![started(), message("one", "r1"), message("two", "r2")]);
    assert_eq!(fold(&events, &run("r2")), [user(&["one", "two"])]);
}

#[test]
fn a_message_that_was_cancelled_before_it_was_answered_is_withdrawn() {
    let failed = |id: &str, kind: Kind| {
        let failed = Change::RunFailed {
            run_id: run(id),
            kind,
            message: String::new(),
        };
        failed.to_event().unwrap().in_run(&run(id), Some(1))
    };
    let events = recorded(vec![
        started(),
        message("the provider was down", "r1"),
        failed("r1", Kind::Unavailable),
        message("delete everything", "r2"),
        failed("r2", Kind::Cancelled),
        message("hi", "r3"),
    ]);
    assert_eq!(
        fold(&events, &run("r3")),
        [user(&["the provider was down", "hi"])]
    );
}

#[test]
fn a_session_that_started_anew_does_not_show_what_was_before() {
    let events = recorded(vec![
        started(),
        message("old", "r1"),
        answer("old answer", "r1"),
        started(),
        message("new", "r2"),
    ]);
    assert_eq!(fold(&events, &run("r2")), [user(&["new"])]);
}

fn compacted(summary: &str, first_kept: u64) -> NewEvent {
    let change = Change::ContextCompacted {
        summary: summary.into(),
        first_kept,
        tokens_before: 9,
        how: Shortening::default(),
    };
    change.to_event().unwrap()
}

#[test]
fn a_summary_stands_for_what_was_compacted() {
    let events = recorded(vec![
        started(),
        message("one", "r1"),
        answer("first", "r1"),
        message("two", "r2"),
        answer("second", "r2"),
        compacted("they said one", 4),
        message("three", "r3"),
    ]);
    let summary = introduced("they said one");
    assert_eq!(
        fold(&events, &run("r3")),
        [
            user(&[&summary, "two"]),
            assistant("second"),
            user(&["three"])
        ]
    );
}

#[test]
fn what_a_new_start_keeps_is_still_seen_and_begins_with_the_user() {
    let events = recorded(vec![
        started(),
        message("one", "r1"),
        answer("first", "r1"),
        started(),
        compacted("", 3),
        message("two", "r2"),
    ]);
    assert_eq!(
        fold(&events, &run("r2")),
        [user(&[GOES_ON]), assistant("first"), user(&["two"])]
    );
}

#[test]
fn a_clients_own_call_is_not_part_of_the_conversation() {
    let mut own = called("c1", 1, "a");
    own.step = None;
    let events = recorded(vec![started(), own, message("hi", "r1")]);
    assert_eq!(fold(&events, &run("r1")), [user(&["hi"])]);
    assert_eq!(open_calls(&events), []);
}

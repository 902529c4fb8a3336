//! What each version's entries become.

use openclaw_core::events::{Block, Change, EndReason, Shortening};
use openclaw_core::{Kind, SessionEvent, SessionEventKind};
use serde_json::json;

use crate::fixture::{Log, Written};

pub(crate) const V1: &str = include_str!("../fixtures/v1.jsonl");
pub(crate) const V2: &str = include_str!("../fixtures/v2.jsonl");
pub(crate) const V3: &str = include_str!("../fixtures/v3.jsonl");

async fn taken(text: &str) -> Vec<SessionEvent> {
    let home = Written::new();
    home.session("s.jsonl", text);
    home.session(
        "sessions.json",
        r#"{"agent:main:main": {"sessionId": "s"}}"#,
    );
    let log = Log::new();
    log.take(home.path()).await;
    log.events("agent:main:main").await
}

/// The kinds by name, and the keys of state changes.
fn kinds(events: &[SessionEvent]) -> Vec<&str> {
    events
        .iter()
        .map(|event| match &event.kind {
            SessionEventKind::StateChanged { key, .. } => key.as_str(),
            other => other.name(),
        })
        .collect()
}

fn changes(events: &[SessionEvent]) -> Vec<Change> {
    events.iter().filter_map(Change::of).collect()
}

#[tokio::test]
async fn version_1_has_no_ids_and_names_what_stays_by_its_number() {
    let events = taken(V1).await;
    assert_eq!(
        kinds(&events),
        [
            "SessionStarted",
            "openclaw.session",
            "MessageReceived",
            "AgentResponse",
            "usage.cost",
            "MessageReceived",
            "AgentResponse",
            "context.compacted",
            "MessageReceived",
            "openclaw.imported",
        ]
    );
    let compacted = Change::ContextCompacted {
        summary: "there was a first question".into(),
        first_kept: 6,
        tokens_before: 1234,
        how: Shortening::default(),
    };
    assert_eq!(
        changes(&events),
        [Change::UsageCost { usd: 0.3 }, compacted]
    );
    assert_eq!(
        events[5].kind,
        SessionEventKind::MessageReceived {
            content: "keep this".into(),
            attachments: vec![]
        }
    );
    assert_eq!(events[5].time.to_string(), "2025-12-01T08:00:03Z");
}

#[tokio::test]
async fn version_2_has_calls_in_their_order_and_a_branch_that_was_left() {
    let events = taken(V2).await;
    assert_eq!(
        kinds(&events),
        [
            "SessionStarted",
            "openclaw.session",
            "MessageReceived",
            "ToolCalled",
            "ToolCalled",
            "ToolResult",
            "ToolResult",
            "MessageReceived",
            "openclaw.branch",
            "MessageReceived",
            "run.failed",
            "openclaw.imported",
        ]
    );
    let step = events[3].payload.as_ref().unwrap().step.as_ref().unwrap();
    let blocks: Vec<String> = step
        .blocks
        .iter()
        .map(|block| match block {
            Block::Thinking(thinking) => format!("thinking {:?}", thinking.signature),
            Block::Call(call) => format!("call {call}"),
            Block::Text(text) => format!("text {text}"),
        })
        .collect();
    assert_eq!(
        blocks,
        [
            "thinking Some(\"c2ln\")",
            "call call|1",
            "text and",
            "call call|2"
        ]
    );
    assert_eq!(step.usage.total(), 17);
    for (called, result) in [(3, 6), (4, 5)] {
        let place = |n: usize| {
            let event: &SessionEvent = &events[n];
            (event.run_id.clone(), event.step, event.call_id.clone())
        };
        assert_eq!(place(called), place(result));
    }
    assert_eq!(
        events[6].kind,
        SessionEventKind::ToolResult {
            tool: "exec".into(),
            result: json!("a\n[picture: image/png]"),
            success: true
        }
    );
    let failed = changes(&events).pop().unwrap();
    assert!(
        matches!(&failed, Change::RunFailed { kind: Kind::Unavailable, message, .. } if message == "overloaded"),
        "{failed:?}"
    );
    // Each raw text is there once: that of a message with two calls goes with the first.
    assert!(events[3].raw.is_some() && events[4].raw.is_none());
}

#[tokio::test]
async fn version_3_goes_back_by_a_leaf_and_begins_anew_by_a_reset() {
    let events = taken(V3).await;
    assert_eq!(
        kinds(&events),
        [
            "SessionStarted",
            "openclaw.session",
            "model.changed",
            "openclaw.entry",
            "MessageReceived",
            "AgentResponse",
            "usage.cost",
            "openclaw.branch",
            "openclaw.branch",
            "openclaw.entry",
            "MessageReceived",
            "openclaw.entry",
            "openclaw.entry",
            "openclaw.entry",
            "SessionEnded",
            "SessionStarted",
            "context.compacted",
            "MessageReceived",
            "openclaw.imported",
        ]
    );
    assert_eq!(
        events[14].kind,
        SessionEventKind::SessionEnded {
            reason: EndReason::Other("new".into())
        }
    );
    let kept = changes(&events).pop().unwrap();
    assert!(
        matches!(kept, Change::ContextCompacted { first_kept: 11, .. }),
        "{kept:?}"
    );
    let SessionEventKind::MessageReceived { attachments, .. } = &events[4].kind else {
        panic!("{:?}", events[4]);
    };
    assert_eq!(attachments[0].bytes, b"hi");
}

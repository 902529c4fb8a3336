//! Views of logs in which runs overlap, whatever line is drawn through them.

use std::collections::HashMap;
use std::sync::Arc;

use openclaw_core::events::{Block, Change, CompactionTrigger, NewEvent, Payload, StepPayload};
use openclaw_core::{EventStore, RunId, SessionEvent, SessionEventKind, SessionKey, Usage};
use openclaw_providers::{AssistantBlock, Message, OpenAIProvider, Route};
use serde_json::json;
use tempfile::TempDir;

use super::plan::{self, Budget, Draft};
use super::{CompactionRules, Space, View, read};
use crate::transcript::fold;

/// A session that is written by hand.
struct Log {
    store: EventStore,
    session: SessionKey,
    messages: HashMap<&'static str, u64>,
    _dir: TempDir,
}

impl Log {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let log = Self {
            store,
            session: SessionKey::parse("agent:main:main").unwrap(),
            messages: HashMap::new(),
            _dir: dir,
        };
        let started = SessionEventKind::SessionStarted {
            channel: "rpc".into(),
            peer_id: "p".into(),
        };
        log.append(started.into()).await;
        log
    }

    async fn append(&self, event: NewEvent) -> u64 {
        let recorded = self.store.append(&self.session, vec![event]).await;
        recorded.unwrap()[0].seq
    }

    async fn message(&mut self, run: &'static str) {
        let kind = SessionEventKind::MessageReceived {
            content: format!("message of {run}"),
            attachments: vec![],
        };
        let event = NewEvent::from(kind).in_run(&RunId::from(run), None);
        let seq = self.append(event).await;
        self.messages.insert(run, seq);
    }

    /// Records a step with a call and its result.
    async fn step(&self, run: &'static str, n: u32) {
        let call = format!("{run}-{n}").as_str().into();
        let place = |kind: SessionEventKind| {
            NewEvent::from(kind)
                .in_run(&RunId::from(run), self.messages.get(run).copied())
                .at_step(n)
        };
        let called = place(SessionEventKind::ToolCalled {
            tool: "look".into(),
            params: json!({ "n": n }),
        })
        .about_call(&call)
        .with_payload(wrote(vec![Block::Call(call.clone())]));
        self.append(called).await;
        let result = place(SessionEventKind::ToolResult {
            tool: "look".into(),
            result: json!(format!("result of {run}-{n}")),
            success: true,
        })
        .about_call(&call);
        self.append(result).await;
    }

    async fn answer(&self, run: &'static str, n: u32) {
        let text = format!("answer of {run}");
        let event = NewEvent::from(SessionEventKind::AgentResponse {
            content: text.clone(),
            model: "m".into(),
            tokens: 1,
        })
        .in_run(&RunId::from(run), self.messages.get(run).copied())
        .at_step(n)
        .with_payload(wrote(vec![Block::Text(text)]));
        self.append(event).await;
    }

    async fn take(&self, run: &'static str, message: &'static str) {
        let change = Change::MessageTaken {
            message: self.messages[message],
        };
        let event = change.to_event().unwrap();
        self.append(event.in_run(&RunId::from(run), None)).await;
    }

    async fn all(&self) -> Vec<SessionEvent> {
        self.store.read(&self.session, 1..=u64::MAX).await.unwrap()
    }

    /// Returns what a run sees, from all events and from those that it reads of them.
    async fn seen(&self, run: &'static str) -> Vec<Message> {
        let whole = fold(&self.all().await, &RunId::from(run));
        let part = read(&self.store, &self.session, self.messages[run]).await;
        assert_eq!(fold(&part.unwrap(), &RunId::from(run)), whole, "{run}");
        whole
    }

    /// Compacts the view of a run at a piece, and returns the event.
    async fn compact(&self, run: &'static str, at: usize) -> u64 {
        let view = View::of(&self.all().await, &RunId::from(run));
        let draft = Draft::cut_at(&view.window, &view.pieces, &view.pending, at)
            .unwrap()
            .summed_up("so far".to_owned(), "p/m".to_owned());
        let change = Change::ContextCompacted {
            summary: draft.window.summary.clone(),
            first_kept: draft.window.first_kept,
            tokens_before: 1,
            how: draft.window.how.clone(),
        };
        self.append(change.to_event().unwrap()).await
    }
}

fn wrote(blocks: Vec<Block>) -> Payload {
    Payload {
        step: Some(StepPayload {
            provider: "p".into(),
            model: "m".into(),
            stop: "end_turn".into(),
            usage: Usage::default(),
            blocks,
        }),
        ..Payload::default()
    }
}

/// Fails unless a conversation begins with a person and answers each call at once.
fn assert_legal(messages: &[Message]) {
    assert!(
        matches!(messages.first(), Some(Message::User(_))),
        "{messages:#?}"
    );
    for (index, message) in messages.iter().enumerate() {
        let called: Vec<_> = match message {
            Message::Assistant(blocks) => blocks
                .iter()
                .filter_map(|block| match block {
                    AssistantBlock::ToolCall(call) => Some(call.id.clone()),
                    _ => None,
                })
                .collect(),
            _ => continue,
        };
        let answered: Vec<_> = match messages.get(index + 1) {
            Some(Message::ToolResults(results)) => results
                .iter()
                .map(|result| result.call_id.clone())
                .collect(),
            _ => Vec::new(),
        };
        assert_eq!(called, answered, "{messages:#?}");
    }
}

fn text(messages: &[Message]) -> String {
    format!("{messages:?}")
}

/// Two turns; then one of three steps, during which two messages arrive and one is taken in.
async fn overlapping() -> Log {
    let mut log = Log::new().await;
    for run in ["a", "b"] {
        log.message(run).await;
        log.step(run, 1).await;
        log.answer(run, 2).await;
    }
    log.message("c").await;
    log.step("c", 1).await;
    log.message("later").await;
    log.message("steered").await;
    log.take("c", "steered").await;
    log.step("c", 2).await;
    log.step("c", 3).await;
    log
}

#[tokio::test]
async fn every_line_that_can_be_drawn_leaves_a_legal_view_and_can_be_undone() {
    let log = overlapping().await;
    let whole = log.seen("c").await;
    assert_legal(&whole);
    let pieces = View::of(&log.all().await, &RunId::from("c")).pieces.len();
    assert_eq!(pieces, 11);
    for at in 1..pieces {
        let seq = log.compact("c", at).await;
        let short = log.seen("c").await;
        assert_legal(&short);
        assert!(text(&short).contains("message of c"), "{short:#?}");
        assert!(!text(&short).contains("message of later"), "{short:#?}");
        assert_ne!(short, whole);
        let restored = Change::ContextRestored { compaction: seq };
        log.append(restored.to_event().unwrap()).await;
        assert_eq!(log.seen("c").await, whole, "drawn at {at}");
    }
}

#[tokio::test]
async fn a_message_that_waited_is_seen_when_its_turn_comes() {
    for at in 1..11 {
        let log = overlapping().await;
        log.compact("c", at).await;
        log.answer("c", 4).await;
        let seen = log.seen("later").await;
        assert_legal(&seen);
        let told = text(&seen);
        assert_eq!(
            told.matches("message of later").count(),
            1,
            "{at}: {seen:#?}"
        );
        assert!(
            told.matches("message of steered").count() <= 1,
            "{at}: {seen:#?}"
        );
        let (answer, message) = (told.find("answer of c"), told.find("message of later"));
        assert!(answer < message, "{at}: {seen:#?}");
        // What is left of a run that the summary stands for is not seen again.
        assert!(
            !told.contains("result of a-1") || at <= 2,
            "{at}: {seen:#?}"
        );
    }
}

#[tokio::test]
async fn a_view_that_was_shortened_twice_has_one_summary_and_its_request() {
    let log = overlapping().await;
    let first = log.compact("c", 6).await;
    let once = log.seen("c").await;
    log.step("c", 4).await;
    let second = log.compact("c", 3).await;
    let twice = log.seen("c").await;
    assert_legal(&twice);
    assert_eq!(text(&twice).matches("so far").count(), 1);
    assert!(text(&twice).contains("message of c"), "{twice:#?}");
    for seq in [second, first] {
        let restored = Change::ContextRestored { compaction: seq };
        log.append(restored.to_event().unwrap()).await;
    }
    let whole = log.seen("c").await;
    assert!(whole.len() > once.len());
    assert!(text(&whole).contains("message of a"));
}

#[tokio::test]
async fn what_has_no_summary_says_so_and_fits() {
    let log = overlapping().await;
    let view = View::of(&log.all().await, &RunId::from("c"));
    let space = Space {
        window: Some(900),
        limit: 700,
    };
    let now = plan::tokens(&view.window, &view.pieces);
    let rules = CompactionRules::default();
    let budget = Budget::new(space, 100, now, CompactionTrigger::Threshold, &rules);
    let draft =
        Draft::without_model(&view.window, &view.pieces, &view.pending, budget).tightened(budget);
    assert!(draft.tokens() <= budget.allowance, "{draft:#?}");
}

#[test]
fn a_window_that_nobody_knows_is_taken_for_the_usual_one() {
    let provider = OpenAIProvider::without_key("http://127.0.0.1:1/v1");
    let space = Space::of(&Route::only(Arc::new(provider), "a-model-of-my-own"));
    let usual = Space {
        window: None,
        limit: 180_000,
    };
    assert_eq!(space, usual);
}

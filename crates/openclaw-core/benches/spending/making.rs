//! The log that is measured: many calls, spread over days and sessions.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use openclaw_core::clock::Clock;
use openclaw_core::events::{CallOutcome, CallPayload, NewEvent, Payload};
use openclaw_core::{Cost, EventStore, RunId, SessionEventKind, SessionKey, Usage};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// How many sessions there are.
pub(crate) const SESSIONS: u64 = 1000;
/// How many days the calls are spread over.
pub(crate) const DAYS: i64 = 30;
/// How many events there are, but for those that begin the sessions.
pub(crate) const EVENTS: u64 = TURNS * 4;
/// How many of them carry a call.
pub(crate) const CALLS: u64 = TURNS * 2;

const TURNS: u64 = 250_000;
/// Turns begin in quarters of an hour, and so the sums of each are rows of their own.
const QUARTERS: i64 = DAYS * 96;
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// Returns a folder on a real disk that ends with its value.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Returns the path of the event log in a state directory.
pub(crate) fn log(state: &Path) -> PathBuf {
    state.join("openclaw-rs/events.sqlite")
}

/// Returns the key of the session with this number.
pub(crate) fn session(number: u64) -> SessionKey {
    SessionKey::parse(&format!("agent:main:bench:direct:{number:06}")).unwrap()
}

/// Returns a time about a day ago, so that a whole day's calls count.
pub(crate) fn begin_of_today() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24)
}

/// Makes the log; its last calls are of now.
pub(crate) async fn make(state: &Path) {
    let now = Timestamp::now();
    let clock = Clock::fixed(now - QUARTER * i32::try_from(QUARTERS).unwrap());
    let store = EventStore::open_with_clock(&log(state), clock.clone()).unwrap();
    begin(&store, SESSIONS).await;
    let mut made = 0;
    for quarter in (0..QUARTERS).rev() {
        clock.set(now - QUARTER * i32::try_from(quarter).unwrap());
        let until =
            TURNS * u64::try_from(QUARTERS - quarter).unwrap() / u64::try_from(QUARTERS).unwrap();
        let mut appends = JoinSet::new();
        for turn in made..until {
            let store = store.clone();
            drop(appends.spawn(async move {
                // Coprime to the number of sessions, so that all of them get turns, in any order.
                let key = session(turn.wrapping_mul(7919) % SESSIONS);
                store.append(&key, events(turn)).await.unwrap();
            }));
        }
        appends.join_all().await;
        made = until;
    }
}

/// Begins so many sessions.
pub(crate) async fn begin(store: &EventStore, sessions: u64) {
    for number in 0..sessions {
        let started = SessionEventKind::SessionStarted {
            channel: "bench".into(),
            peer_id: "bench".into(),
        };
        let key = session(number);
        store.append(&key, vec![started.into()]).await.unwrap();
    }
}

/// Returns the events of a turn: a message, a step that calls a tool, its result, and the answer.
fn events(turn: u64) -> Vec<NewEvent> {
    let run = RunId(format!("bench-run-{turn:06}"));
    let received = SessionEventKind::MessageReceived {
        content: "What does this call cost?".to_owned(),
        attachments: Vec::new(),
    };
    let answer = || SessionEventKind::AgentResponse {
        content: "It depends on what it reads and writes.".to_owned(),
        model: "gpt-5.5".to_owned(),
        tokens: 12,
    };
    let result = SessionEventKind::ToolResult {
        tool: "read_file".to_owned(),
        result: serde_json::json!({ "content": "prices" }),
        success: true,
    };
    [
        NewEvent::from(received),
        NewEvent::from(answer()).with_payload(payload(turn * 2)),
        NewEvent::from(result),
        NewEvent::from(answer()).with_payload(payload(turn * 2 + 1)),
    ]
    .map(|event| event.in_run(&run, None))
    .to_vec()
}

fn payload(number: u64) -> Payload {
    let models = [
        ("openai", "gpt-5.5"),
        ("anthropic", "claude-opus-5"),
        ("google", "gemini-2.5-pro"),
    ];
    let (provider, model) = models[usize::try_from(number % 3).unwrap()];
    let call = CallPayload {
        provider: provider.into(),
        model: model.to_owned(),
        credential: None,
        outcome: CallOutcome::Ok,
        usage: Usage {
            input: 1000 + number % 5000,
            output: 100 + number % 900,
            cache_read: number % 20_000,
            ..Usage::default()
        },
        cost: Some(Cost::from_nanos(1_000_000 + number % 9_000_000)),
        latency_ms: 500 + number.wrapping_mul(7919) % 60_000,
        first_token_ms: Some(100 + number.wrapping_mul(104_729) % 5000),
        skipped: 0,
    };
    Payload {
        calls: vec![call],
        ..Payload::default()
    }
}

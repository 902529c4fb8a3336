//! In, out and in again: nothing is another.

use std::fs;
use std::path::Path;

use openclaw_compat::export;
use openclaw_core::events::{Block, Change, NewEvent, Payload, Shortening, StepPayload};
use openclaw_core::{CallId, RunId, SessionEventKind, SessionKey, Usage};
use serde_json::{Value, json};

use crate::fixture::{Log, Written, lines, recorded};
use crate::versions::{V1, V2, V3};

async fn export_all(log: &Log, to: &Path) {
    let sessions = log.store.sessions(0, 1000).await.unwrap();
    let keys: Vec<SessionKey> = sessions.into_iter().map(|session| session.key).collect();
    export::write(&log.store, &keys, to).await.unwrap();
}

/// Takes a home in, writes it out, takes that in, and compares every entry of every session.
async fn goes_round(home: &Path) -> usize {
    let (first, second) = (Log::new(), Log::new());
    first.take(home).await;
    let out = first.beside("out");
    export_all(&first, &out).await;
    let report = second.take(&out).await;
    assert!(report.left.is_empty(), "{:?}", report.left);
    assert_eq!(first.keys().await, second.keys().await);
    let mut entries = 0;
    for key in first.keys().await {
        let raws = first.raws(&key).await;
        assert_eq!(raws, second.raws(&key).await, "{key}");
        entries += raws.len();
        // What the entries mean is the same too.
        let meaning = |events: Vec<openclaw_core::SessionEvent>| -> Vec<_> {
            events
                .into_iter()
                .filter(|event| !crate::fixture::is_state(event, "openclaw.imported"))
                .map(|event| (event.seq, event.time, event.kind, event.payload))
                .collect()
        };
        assert_eq!(
            meaning(first.events(&key).await),
            meaning(second.events(&key).await)
        );
    }
    entries
}

#[tokio::test]
async fn the_home_of_february_goes_round_byte_for_byte() {
    if let Some(home) = recorded("home-2026.2") {
        assert_eq!(goes_round(home.path()).await, 50);
    }
}

#[tokio::test]
async fn the_home_of_september_goes_round_byte_for_byte() {
    if let Some(home) = recorded("home-2026.9") {
        assert_eq!(goes_round(home.path()).await, 96);
    }
}

#[tokio::test]
async fn every_version_goes_round_byte_for_byte() {
    let home = Written::new();
    let mut store = json!({});
    for (name, text) in [("v1", V1), ("v2", V2), ("v3", V3)] {
        home.session(&format!("{name}.jsonl"), text);
        store[format!("agent:main:{name}")] =
            json!({"sessionId": name, "updatedAt": 1_780_300_811_000_i64, "label": name});
    }
    home.session("sessions.json", store.to_string());
    let log = Log::new();
    log.take(home.path()).await;
    let out = log.beside("out");
    export_all(&log, &out).await;
    for (name, text) in [("v1", V1), ("v2", V2), ("v3", V3)] {
        let file = out.join(format!("agents/main/sessions/{name}.jsonl"));
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }
    let written = fs::read_to_string(out.join("agents/main/sessions/sessions.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written["agent:main:v2"]["label"], "v2");
    assert_eq!(written["agent:main:v2"]["sessionId"], "v2");
}

fn step(stop: &str, blocks: Vec<Block>) -> Payload {
    Payload {
        step: Some(StepPayload {
            provider: "anthropic".into(),
            model: "m-1".into(),
            stop: stop.into(),
            usage: Usage {
                input: 7,
                output: 3,
                ..Usage::default()
            },
            blocks,
        }),
        ..Payload::default()
    }
}

fn said(text: &str) -> SessionEventKind {
    SessionEventKind::MessageReceived {
        content: text.into(),
        attachments: vec![],
    }
}

/// A turn with two calls, of which one has no result, while another message comes in.
fn turn() -> Vec<NewEvent> {
    let (run, later) = (RunId::from("r1"), RunId::from("r2"));
    let calls = [CallId::from("c1"), CallId::from("c2")];
    let called = |call: &CallId| {
        NewEvent::from(SessionEventKind::ToolCalled {
            tool: "exec".into(),
            params: json!({"command": call}),
        })
        .in_run(&run, None)
        .at_step(1)
        .about_call(call)
    };
    let answer = |text: &str, run: &RunId, step_number| {
        NewEvent::from(SessionEventKind::AgentResponse {
            content: text.into(),
            model: "m-1".into(),
            tokens: 10,
        })
        .in_run(run, None)
        .at_step(step_number)
        .with_payload(step("end_turn", vec![Block::Text(text.into())]))
    };
    vec![
        NewEvent::from(said("one")).in_run(&run, None),
        called(&calls[0]).with_payload(step(
            "tool_use",
            calls.iter().cloned().map(Block::Call).collect(),
        )),
        called(&calls[1]),
        NewEvent::from(said("two")).in_run(&later, None),
        NewEvent::from(SessionEventKind::ToolResult {
            tool: "exec".into(),
            result: json!({"stdout": "x"}),
            success: true,
        })
        .in_run(&run, None)
        .at_step(1)
        .about_call(&calls[0]),
        answer("first", &run, 2),
        answer("second", &later, 1),
        Change::ContextCompacted {
            summary: "so far".into(),
            first_kept: u64::MAX,
            tokens_before: 5,
            how: Shortening::default(),
        }
        .to_event()
        .unwrap(),
    ]
}

fn role(line: &str) -> String {
    let entry: Value = serde_json::from_str(line).unwrap();
    match entry["message"]["role"].as_str() {
        Some(role) => format!(
            "{role} {}",
            entry["message"]["toolCallId"].as_str().unwrap_or("")
        ),
        None => entry["type"].as_str().unwrap().to_owned(),
    }
}

fn parents_follow(lines: &[String]) {
    let mut last = Value::Null;
    for line in lines {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["type"] != "session" {
            assert_eq!(entry["parentId"], last, "{line}");
            last = entry["id"].clone();
        }
    }
}

#[tokio::test]
async fn a_session_of_our_own_is_written_as_a_legal_conversation() {
    let log = Log::new();
    let key = SessionKey::parse("agent:work:telegram:direct:42").unwrap();
    let start = SessionEventKind::SessionStarted {
        channel: "telegram".into(),
        peer_id: "42".into(),
    };
    log.store.append(&key, vec![start.into()]).await.unwrap();
    log.store.append(&key, turn()).await.unwrap();
    let out = log.beside("out");
    export_all(&log, &out).await;
    let sessions = out.join("agents/work/sessions");
    let store = fs::read_to_string(sessions.join("sessions.json")).unwrap();
    let store: Value = serde_json::from_str(&store).unwrap();
    let entry = &store["agent:work:telegram:direct:42"];
    let id = entry["sessionId"].as_str().unwrap();
    let lines = lines(&sessions.join(format!("{id}.jsonl")));
    parents_follow(&lines);
    let roles: Vec<String> = lines.iter().map(|line| role(line)).collect();
    assert_eq!(
        roles,
        [
            "session",
            "user ",
            "assistant ",
            "toolResult c1",
            "toolResult c2",
            "assistant ",
            "user ",
            "assistant ",
            "compaction",
        ]
    );
    // It reads back, and says the same again.
    assert!(goes_round(&out).await > 0);
}

#[tokio::test]
async fn what_happened_here_hangs_on_what_came_from_there() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session(
        "sessions.json",
        r#"{"agent:main:main": {"sessionId": "s"}}"#,
    );
    let log = Log::new();
    log.take(home.path()).await;
    let key = SessionKey::parse("agent:main:main").unwrap();
    log.store.append(&key, turn()).await.unwrap();
    let out = log.beside("out");
    export_all(&log, &out).await;
    let lines = lines(&out.join("agents/main/sessions/s.jsonl"));
    let (theirs, ours) = lines.split_at(V2.lines().count());
    assert_eq!(theirs.join("\n") + "\n", V2);
    let first: Value = serde_json::from_str(&ours[0]).unwrap();
    assert_eq!(first["parentId"], "b2");
    assert_eq!(ours.len(), 8);
}

#[tokio::test]
async fn nothing_is_written_over() {
    let log = Log::new();
    let key = SessionKey::parse("agent:main:main").unwrap();
    let start = SessionEventKind::SessionStarted {
        channel: "cli".into(),
        peer_id: "local".into(),
    };
    log.store.append(&key, vec![start.into()]).await.unwrap();
    let out = log.beside("out");
    export_all(&log, &out).await;
    let again = export::write(&log.store, &[key], &out).await;
    assert!(
        matches!(again, Err(export::ExportError::Exists(_))),
        "{again:?}"
    );
}

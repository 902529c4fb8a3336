//! A home with sessions in it, before and while they are taken in.

use std::fs;
use std::path::PathBuf;

use openclaw_core::SessionEventKind;
use openclaw_core::env::Env;
use openclaw_core::state_dir::Overrides;

use super::*;

const FIRST: &str = r#"{"type":"session","version":3,"id":"s","timestamp":"2026-02-09T10:00:00.000Z","cwd":"/w"}
{"type":"message","id":"a","parentId":null,"timestamp":"2026-02-09T10:00:01.000Z","message":{"role":"user","content":"hello"}}
"#;
const SECOND: &str = r#"{"type":"message","id":"b","parentId":"a","timestamp":"2026-02-09T10:00:02.000Z","message":{"role":"user","content":"more"}}
"#;

struct Stage {
    folder: tempfile::TempDir,
    takeover: Takeover,
    log: EventStore,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let overrides = Overrides {
            state_dir: Some(folder.path().to_owned()),
            profile: None,
        };
        let state = StateDir::locate(&Env::default(), &overrides).unwrap();
        let stage = Self {
            takeover: Takeover::of(&state),
            log: EventStore::open(&state.event_log()).unwrap(),
            folder,
        };
        stage.write(FIRST);
        let store = r#"{"agent:main:main": {"sessionId": "s", "updatedAt": 1770631201000}}"#;
        fs::write(stage.sessions().join("sessions.json"), store).unwrap();
        stage
    }

    fn sessions(&self) -> PathBuf {
        let sessions = self.folder.path().join("agents/main/sessions");
        fs::create_dir_all(&sessions).unwrap();
        sessions
    }

    fn write(&self, text: &str) {
        fs::write(self.sessions().join("s.jsonl"), text).unwrap();
    }

    async fn waiting(&self) -> Vec<(String, u64)> {
        let waiting = self.takeover.waiting(Some(&self.log)).await.unwrap();
        waiting
            .into_iter()
            .map(|waiting| (waiting.key.to_string(), waiting.entries))
            .collect()
    }
}

fn key() -> SessionKey {
    SessionKey::parse("agent:main:main").unwrap()
}

#[tokio::test]
async fn a_session_that_is_not_in_the_log_is_listed_and_read() {
    let stage = Stage::new();
    assert_eq!(stage.waiting().await, [("agent:main:main".into(), 2)]);
    let read = stage.takeover.read(Some(&stage.log), &key()).await.unwrap();
    let (waiting, events) = read.unwrap();
    assert_eq!(waiting.source, "openclaw-jsonl");
    assert_eq!(waiting.started.to_string(), "2026-02-09T10:00:00Z");
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(kinds, ["SessionStarted", "StateChanged", "MessageReceived"]);
    assert_eq!(stage.log.session_count().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_added_there_is_seen_at_the_next_look() {
    let stage = Stage::new();
    assert_eq!(stage.waiting().await, [("agent:main:main".into(), 2)]);
    stage.write(&format!("{FIRST}{SECOND}"));
    assert_eq!(stage.waiting().await, [("agent:main:main".into(), 3)]);
}

#[tokio::test]
async fn a_session_that_is_spoken_to_is_taken_in_once() {
    let stage = Stage::new();
    for _ in 0..2 {
        stage.takeover.adopt(&stage.log, &key()).await.unwrap();
    }
    let events = stage.log.read(&key(), 1..=100).await.unwrap();
    assert_eq!(events.len(), 4);
    assert!(matches!(
        &events[2].kind,
        SessionEventKind::MessageReceived { content, .. } if content == "hello"
    ));
    assert_eq!(stage.waiting().await, []);
    let read = stage.takeover.read(Some(&stage.log), &key()).await.unwrap();
    assert_eq!(read, None);
}

#[tokio::test]
async fn a_session_that_the_log_has_does_not_wait() {
    let stage = Stage::new();
    let start = SessionEventKind::SessionStarted {
        channel: "cli".into(),
        peer_id: "local".into(),
    };
    stage.log.append(&key(), vec![start.into()]).await.unwrap();
    assert_eq!(stage.waiting().await, []);
    stage.takeover.adopt(&stage.log, &key()).await.unwrap();
    assert_eq!(stage.log.read(&key(), 1..=100).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_home_without_sessions_has_none_that_wait() {
    let stage = Stage::new();
    fs::remove_dir_all(stage.folder.path().join("agents")).unwrap();
    assert_eq!(stage.waiting().await, []);
    stage.takeover.adopt(&stage.log, &key()).await.unwrap();
    let read = stage.takeover.read(Some(&stage.log), &key()).await.unwrap();
    assert_eq!(read, None);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_told_and_its_transcripts_wait() {
    let stage = Stage::new();
    assert!(stage.takeover.unreadable().await.is_empty());
    fs::write(stage.sessions().join("sessions.json"), "{\"agent:main").unwrap();
    let told = stage.takeover.unreadable().await;
    assert!(
        matches!(&told[..], [trouble] if trouble.file.ends_with("sessions.json")),
        "{told:?}"
    );
    assert_eq!(
        stage.waiting().await,
        [("agent:main:recovered:s".into(), 2)]
    );
}

#[tokio::test]
async fn what_was_taken_in_before_its_store_broke_does_not_wait() {
    let stage = Stage::new();
    stage.takeover.adopt(&stage.log, &key()).await.unwrap();
    fs::write(stage.sessions().join("sessions.json"), "[]").unwrap();
    assert_eq!(stage.waiting().await, []);
}

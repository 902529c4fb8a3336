//! Homes that TypeScript OpenClaw wrote.

use openclaw_compat::{Home, Mode, migrate};
use openclaw_core::SessionEventKind;
use openclaw_core::events::SessionProjection;
use rusqlite::Connection;
use serde_json::Value;

use crate::fixture::{Log, hashes, lines, recorded};

fn calls(entries: &[String]) -> usize {
    entries
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|entry| entry["message"]["content"].as_array().cloned())
        .flatten()
        .filter(|part| part["type"] == "toolCall")
        .count()
}

#[tokio::test]
async fn the_home_of_february_is_taken_entry_by_entry() {
    let Some(home) = recorded("home-2026.2") else {
        return;
    };
    let before = hashes(home.path());
    let mut source = Vec::new();
    for (path, _) in &before {
        if path.extension().is_some_and(|end| end == "jsonl") {
            source.push(lines(path));
        }
    }
    let log = Log::new();
    let looked = migrate(&Home::open(home.path()), Some(&log.store), Mode::Look)
        .await
        .unwrap();
    assert_eq!(log.keys().await, Vec::<String>::new());
    let report = log.take(home.path()).await;
    assert_eq!(looked, report);
    assert_eq!(hashes(home.path()), before);
    assert_eq!(report.sessions.len(), source.len());
    let entries: usize = source.iter().map(Vec::len).sum();
    assert_eq!(report.added.entries, u64::try_from(entries).unwrap());
    let asked: usize = source.iter().map(|lines| calls(lines)).sum();
    assert_eq!(report.added.tool_calls, u64::try_from(asked).unwrap());
    assert!(report.left.is_empty(), "{:?}", report.left);

    let mut recorded_calls = 0;
    let mut raws = Vec::new();
    for key in log.keys().await {
        recorded_calls += log
            .events(&key)
            .await
            .iter()
            .filter(|event| matches!(event.kind, SessionEventKind::ToolCalled { .. }))
            .count();
        raws.push(log.raws(&key).await);
    }
    assert_eq!(recorded_calls, asked);
    raws.sort();
    source.sort();
    assert_eq!(raws, source);
    let again = log.take(home.path()).await;
    assert_eq!(again.changed(), 0);
    assert_eq!(again.there.entries, report.added.entries);
}

#[tokio::test]
async fn what_february_said_and_used_is_told_in_the_same_words() {
    let Some(home) = recorded("home-2026.2") else {
        return;
    };
    let log = Log::new();
    log.take(home.path()).await;
    let events = log.events("agent:main:main").await;
    let projection = SessionProjection::project(&events);
    let chat: Vec<&str> = projection
        .chat()
        .map(|said| said.content.as_str())
        .collect();
    assert_eq!(
        chat.first(),
        Some(&"[Sun 2026-11-22 13:58 UTC] Hello there, this is turn one")
    );
    assert_eq!(chat.get(3), Some(&"Tool finished. FAKE-REPLY-AFTER-TOOL."));
    let steps = events
        .iter()
        .filter(|event| {
            event
                .payload
                .as_ref()
                .is_some_and(|known| known.step.is_some())
        })
        .count();
    let usage = projection.get("usage.total").unwrap();
    assert_eq!(usage["inputTokens"], 100 * steps);
    assert_eq!(usage["cacheReadTokens"], 20 * steps);
    assert_eq!(
        projection.get("tools.active").unwrap(),
        serde_json::json!([])
    );
    assert_eq!(
        events.first().unwrap().time.to_string(),
        "2026-11-22T13:58:10.293Z"
    );
}

#[tokio::test]
async fn the_home_of_september_is_taken_row_by_row() {
    let Some(home) = recorded("home-2026.9") else {
        return;
    };
    let before = hashes(home.path());
    let log = Log::new();
    let report = log.take(home.path()).await;
    assert_eq!(hashes(home.path()), before);
    let database = home.path().join("agents/main/agent/openclaw-agent.sqlite");
    let database = Connection::open(database).unwrap();
    let rows: i64 = database
        .query_row("SELECT count(*) FROM transcript_events", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(report.added.entries, u64::try_from(rows).unwrap());
    assert!(report.left.is_empty(), "{:?}", report.left);
    let mut keys = database
        .prepare("SELECT session_key, current_session_id FROM session_nodes ORDER BY 1")
        .unwrap();
    let keys: Vec<(String, String)> = keys
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let named: Vec<&String> = keys.iter().map(|(key, _)| key).collect();
    assert_eq!(log.keys().await.iter().collect::<Vec<_>>(), named);
    for (key, session) in &keys {
        let mut plain = database
            .prepare(
                "SELECT event_json, event_utf8_bytes FROM transcript_events WHERE session_id = ?1 ORDER BY seq",
            )
            .unwrap();
        let plain: Vec<(Option<String>, i64)> = plain
            .query_map([session], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let raws = log.raws(key).await;
        assert_eq!(raws.len(), plain.len());
        for (raw, (text, size)) in raws.iter().zip(plain) {
            assert_eq!(i64::try_from(raw.len()), Ok(size));
            if let Some(text) = text {
                assert_eq!(*raw, text);
            }
        }
    }
    assert_eq!(log.take(home.path()).await.changed(), 0);
}

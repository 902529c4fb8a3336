//! Whoever changes the database behind our back is found out.

use openclaw_core::SessionKey;
use openclaw_core::events::{Finding, NewEvent, Payload, RawJson, Report, Tampering, ToolPayload};
use openclaw_core::{CallId, RunId, SessionEventKind};
use rusqlite::types::Value;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::fixture::{Fixture, answer, key, message, started};

/// A log with two conversations that take turns, and an audit stream.
async fn log() -> Fixture {
    let fixture = Fixture::new();
    let (a, b) = (key("a"), key("b"));
    let mut call = NewEvent::from(SessionEventKind::ToolCalled {
        tool: "exec".into(),
        params: json!({"command": "ls"}),
    })
    .in_run(&RunId::from("run-1"), Some(2))
    .at_step(1)
    .about_call(&CallId::from("call-1"));
    call.raw = Some(RawJson::new("{\"x\": 1}".into()).unwrap());
    call.payload = Some(Payload {
        tool: Some(ToolPayload::default()),
        ..Payload::default()
    });
    for (session, events) in [
        (&a, vec![started(), message("one")]),
        (&b, vec![started(), message("two")]),
        (&a, vec![call]),
        (&b, vec![answer("three")]),
        (&a, vec![answer("four")]),
    ] {
        fixture.store.append(session, events).await.unwrap();
    }
    fixture
}

async fn verified(fixture: &Fixture) -> Report {
    fixture.store.verify(|_, _| {}).await.unwrap()
}

/// Returns the first finding after `sql` was run on the database.
async fn first(sql: &str) -> Finding {
    let fixture = log().await;
    fixture.sql().execute_batch(sql).unwrap();
    let report = verified(&fixture).await;
    assert!(!report.intact, "{sql}: {report:?}");
    report.findings.into_iter().next().unwrap()
}

#[tokio::test]
async fn an_untouched_log_is_intact_before_and_after_a_restart() {
    let fixture = log().await;
    let report = verified(&fixture).await;
    assert!(report.intact, "{report:?}");
    assert_eq!((report.events, report.sessions), (8, 3));
    assert_eq!(verified(&fixture.reopened()).await, report);
}

#[tokio::test]
async fn every_byte_of_every_row_counts() {
    let fixture = log().await;
    let sql = fixture.sql();
    let columns = [
        "seq",
        "time_ms",
        "cause",
        "run_id",
        "step",
        "call_id",
        "kind",
        "data",
        "payload",
        "raw",
        "hash",
        "session_id",
    ];
    let mut changes = 0;
    for position in 1..=8 {
        for column in columns {
            let read = format!("SELECT {column} FROM events WHERE position = {position}");
            let write =
                format!("UPDATE OR IGNORE events SET {column} = ?1 WHERE position = {position}");
            let before: Value = sql.query_row(&read, [], |row| row.get(0)).unwrap();
            for after in variants(&before) {
                sql.execute(&write, [&after]).unwrap();
                let found: Value = sql.query_row(&read, [], |row| row.get(0)).unwrap();
                if found == before {
                    continue;
                }
                changes += 1;
                let report = verified(&fixture).await;
                assert!(
                    !report.intact,
                    "{column} of {position}: {before:?} -> {after:?}"
                );
                sql.execute(&write, [&before]).unwrap();
            }
        }
    }
    assert!(changes > 800, "{changes}");
    assert!(verified(&fixture).await.intact);
}

/// Every value that differs in one byte; a few for what is missing.
fn variants(before: &Value) -> Vec<Value> {
    match before {
        Value::Null => vec![Value::Null],
        Value::Integer(n) => (0..4)
            .map(|byte| Value::Integer(n ^ (1 << (byte * 8))))
            .collect(),
        Value::Text(text) => (0..text.len())
            .map(|at| {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                Value::Text(String::from_utf8(bytes).unwrap())
            })
            .collect(),
        Value::Blob(bytes) => (0..bytes.len())
            .map(|at| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1;
                Value::Blob(bytes)
            })
            .collect(),
        Value::Real(_) => vec![],
    }
}

#[tokio::test]
async fn an_edit_is_found_at_its_event() {
    let finding =
        first("UPDATE events SET data = replace(data, 'one', 'two') WHERE position = 2").await;
    assert_eq!(
        finding,
        Finding {
            position: 2,
            session: Some("agent:main:a".into()),
            seq: Some(2),
            what: Tampering::Edited,
        }
    );
}

#[tokio::test]
async fn what_is_gone_is_found_where_it_was() {
    let finding = first("DELETE FROM events WHERE position = 5").await;
    assert_eq!((finding.position, finding.what), (5, Tampering::Missing));
    let whole = "DELETE FROM events WHERE session_id = (SELECT id FROM sessions WHERE key = 'agent:main:b');
                 DELETE FROM sessions WHERE key = 'agent:main:b'";
    let finding = first(whole).await;
    assert_eq!((finding.position, finding.what), (3, Tampering::Missing));
}

#[tokio::test]
async fn a_tail_that_is_cut_off_cleanly_is_missed() {
    let cut = "DELETE FROM events WHERE position = 8;
               UPDATE sessions SET head = 3, head_hash =
                   (SELECT hash FROM events WHERE position = 5) WHERE key = 'agent:main:a'";
    let finding = first(cut).await;
    assert_eq!((finding.position, finding.what), (8, Tampering::CutOff));
    let everything = "DELETE FROM events; DELETE FROM sessions";
    let finding = first(everything).await;
    assert_eq!((finding.position, finding.what), (1, Tampering::CutOff));
}

#[tokio::test]
async fn events_that_change_places_are_found() {
    let swap = "UPDATE events SET position = 100 WHERE position = 2;
                UPDATE events SET position = 2 WHERE position = 4;
                UPDATE events SET position = 4 WHERE position = 100";
    assert_eq!(first(swap).await.position, 2);
    let keys = "UPDATE sessions SET key = 'agent:main:x' WHERE key = 'agent:main:a';
                UPDATE sessions SET key = 'agent:main:a' WHERE key = 'agent:main:b';
                UPDATE sessions SET key = 'agent:main:b' WHERE key = 'agent:main:x'";
    let finding = first(keys).await;
    assert_eq!((finding.position, finding.what), (1, Tampering::Rewritten));
}

#[tokio::test]
async fn a_session_that_was_rewritten_as_a_whole_is_found() {
    let fixture = log().await;
    rewrite(&fixture, |seq, data| {
        if seq == 2 {
            data.replace("one", "another")
        } else {
            data
        }
    });
    let report = verified(&fixture).await;
    let found = &report.findings[0];
    assert_eq!(
        (found.position, found.seq, found.what),
        (2, Some(2), Tampering::Rewritten)
    );
    assert_eq!(report.findings.len(), 3, "{report:?}");
}

#[tokio::test]
async fn an_event_that_is_well_chained_but_was_never_recorded_is_found() {
    let fixture = log().await;
    fixture
        .sql()
        .execute_batch(
            "INSERT INTO events (session_id, seq, time_ms, kind, data, hash)
                 SELECT session_id, 5, time_ms, 'MessageReceived', data, x'00' FROM events WHERE position = 2;
             UPDATE sessions SET head = 5 WHERE key = 'agent:main:a'",
        )
        .unwrap();
    rewrite(&fixture, |_, data| data);
    let report = verified(&fixture).await;
    assert_eq!(report.findings.len(), 1, "{report:?}");
    let found = &report.findings[0];
    assert_eq!((found.position, found.what), (9, Tampering::Inserted));
}

/// Gives session `a` new data, and hashes that fit each other again, as an attacker would.
fn rewrite(fixture: &Fixture, change: impl Fn(i64, String) -> String) {
    let sql = fixture.sql();
    let mut rows = sql
        .prepare(
            "SELECT position, seq, time_ms, cause, run_id, step, call_id, kind, data, payload, raw
             FROM events WHERE session_id = (SELECT id FROM sessions WHERE key = 'agent:main:a') ORDER BY seq",
        )
        .unwrap();
    let mut previous = vec![0_u8; 32];
    let mut rows = rows.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let number = |n: usize| row.get::<_, Option<i64>>(n).unwrap();
        let text = |n: usize| row.get::<_, Option<String>>(n).unwrap();
        let data = change(number(1).unwrap(), text(8).unwrap());
        let mut hasher = Sha256::new();
        hasher.update(b"openclaw event 1\0");
        hasher.update(&previous);
        for n in [1, 2, 3] {
            put_number(&mut hasher, number(n));
        }
        put_text(&mut hasher, text(4));
        put_number(&mut hasher, number(5));
        put_text(&mut hasher, text(6));
        put_text(&mut hasher, text(7));
        put_text(&mut hasher, Some(data.clone()));
        put_text(&mut hasher, text(9));
        put_text(&mut hasher, text(10));
        previous = hasher.finalize().to_vec();
        sql.execute(
            "UPDATE events SET data = ?2, hash = ?3 WHERE position = ?1",
            rusqlite::params![number(0), data, previous],
        )
        .unwrap();
    }
    sql.execute(
        "UPDATE sessions SET head_hash = ?1 WHERE key = 'agent:main:a'",
        [previous],
    )
    .unwrap();
}

fn put_number(hasher: &mut Sha256, number: Option<i64>) {
    hasher.update([u8::from(number.is_some())]);
    hasher.update(number.unwrap_or_default().to_be_bytes());
}

fn put_text(hasher: &mut Sha256, text: Option<String>) {
    hasher.update([u8::from(text.is_some())]);
    let text = text.unwrap_or_default();
    hasher.update(u64::try_from(text.len()).unwrap().to_be_bytes());
    hasher.update(text);
}

#[tokio::test]
async fn an_event_that_was_emptied_without_a_tombstone_is_found() {
    let finding = first(
        "UPDATE events SET kind = '', data = '', cause = NULL, run_id = NULL, step = NULL,
                call_id = NULL, payload = NULL, raw = NULL WHERE position = 5",
    )
    .await;
    assert_eq!((finding.position, finding.what), (5, Tampering::Emptied));
}

#[tokio::test]
async fn lost_anchors_are_a_finding_until_the_owner_accepts_the_log() {
    let fixture = log().await;
    std::fs::remove_file(fixture.folder().join("events.sqlite-anchors")).unwrap();
    let fixture = fixture.reopened();
    fixture
        .store
        .append(&key("a"), vec![message("later")])
        .await
        .unwrap();
    let report = verified(&fixture).await;
    assert_eq!(report.findings[0].what, Tampering::NoAnchors);
    let accepted = fixture.store.renew_anchors("moved by hand").await.unwrap();
    assert!(accepted.intact);
    assert!(verified(&fixture).await.intact);
    let audit = fixture
        .store
        .read(&SessionKey::audit(), 1..=u64::MAX)
        .await
        .unwrap();
    let last = serde_json::to_value(&audit.last().unwrap().kind).unwrap();
    assert_eq!(last["data"]["key"], "audit.log.accepted");
    // An event that does not have its hash is not accepted.
    fixture
        .sql()
        .execute("UPDATE events SET time_ms = 1 WHERE position = 3", [])
        .unwrap();
    assert!(!fixture.store.renew_anchors("again").await.unwrap().intact);
}

#[tokio::test]
async fn a_session_that_is_marked_as_what_it_is_not_is_found() {
    for mark in ["deleted", "system", "ended"] {
        let sql = format!("UPDATE sessions SET {mark} = 1 WHERE key = 'agent:main:b'");
        let finding = first(&sql).await;
        let found = (finding.session.as_deref(), finding.seq, finding.what);
        assert_eq!(
            found,
            (Some("agent:main:b"), Some(3), Tampering::Row),
            "{mark}"
        );
    }
}

#[tokio::test]
async fn what_is_no_text_any_more_is_found_at_its_event() {
    let edit = "UPDATE events SET data = CAST(x'22ff22' AS TEXT) WHERE position = 2";
    let finding = first(edit).await;
    assert_eq!((finding.position, finding.what), (2, Tampering::Edited));
}

#[tokio::test]
async fn a_log_that_was_put_back_by_hand_is_a_finding_until_the_owner_accepts_it() {
    let fixture = log().await;
    fixture
        .sql()
        .execute_batch(
            "DELETE FROM events WHERE position = 8;
             UPDATE sqlite_sequence SET seq = 7;
             UPDATE sessions SET head = 3, head_hash =
                 (SELECT hash FROM events WHERE position = 5) WHERE key = 'agent:main:a'",
        )
        .unwrap();
    let cut = |report: Report| report.findings.first().map(|finding| finding.what);
    assert_eq!(cut(verified(&fixture).await), Some(Tampering::CutOff));
    let fixture = fixture.reopened();
    let accepted = fixture.store.renew_anchors("put back").await.unwrap();
    assert_eq!(cut(accepted), None);
    assert_eq!(cut(verified(&fixture).await), None);
}

#[tokio::test]
async fn anchors_that_a_power_loss_took_are_written_again_and_that_is_on_record() {
    let fixture = log().await;
    let path = fixture.folder().join("events.sqlite-anchors");
    let truncated = |boot: u8| {
        let mut anchors = std::fs::read(&path).unwrap();
        anchors[16..32].fill(boot);
        anchors.truncate(32 * 7);
        std::fs::write(&path, anchors).unwrap();
    };
    truncated(9);
    let report = verified(&fixture).await;
    assert_eq!((report.intact, report.unanchored), (true, 2));
    let fixture = fixture.reopened();
    fixture
        .store
        .append(&key("b"), vec![message("on")])
        .await
        .unwrap();
    let report = verified(&fixture).await;
    assert_eq!(
        (report.intact, report.unanchored, report.events),
        (true, 0, 10)
    );
}

#[tokio::test]
async fn missing_anchors_are_no_power_loss_while_the_machine_runs() {
    let fixture = log().await;
    let path = fixture.folder().join("events.sqlite-anchors");
    let mut anchors = std::fs::read(&path).unwrap();
    anchors.truncate(32 * 7);
    std::fs::write(&path, anchors).unwrap();
    let found = verified(&fixture.reopened()).await.findings;
    assert_eq!((found[0].position, found[0].what), (7, Tampering::Inserted));
}

#[tokio::test]
async fn a_cut_tail_stays_a_finding_when_the_log_goes_on() {
    let fixture = log().await;
    fixture
        .sql()
        .execute_batch(
            "DELETE FROM events WHERE position >= 7;
             UPDATE sqlite_sequence SET seq = 6;
             UPDATE sessions SET head = 2, head_hash =
                 (SELECT hash FROM events WHERE position = 4) WHERE key = 'agent:main:b';
             UPDATE sessions SET head = 3, head_hash =
                 (SELECT hash FROM events WHERE position = 5) WHERE key = 'agent:main:a'",
        )
        .unwrap();
    for n in 0..5 {
        let later = vec![message(&n.to_string())];
        fixture.store.append(&key("a"), later).await.unwrap();
    }
    let fixture = fixture.reopened();
    let report = verified(&fixture).await;
    let found = &report.findings[0];
    assert_eq!((found.position, found.what), (7, Tampering::CutOff));
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert!(fixture.store.renew_anchors("known").await.unwrap().intact);
    assert!(verified(&fixture).await.intact);
}

#[tokio::test]
async fn what_a_row_says_of_its_session_is_held_against_its_events() {
    for change in [
        "updated_ms = 0",
        "started_ms = 5",
        "ended = 1",
        "deleted = 1",
        "system = 1",
    ] {
        let finding = first(&format!(
            "UPDATE sessions SET {change} WHERE key = 'agent:main:a'"
        ))
        .await;
        assert_eq!(finding.what, Tampering::Row, "{change}");
    }
    let ghost =
        "INSERT INTO sessions (key, head, started_ms, updated_ms) VALUES ('agent:main:x', 0, 1, 1)";
    assert_eq!(first(ghost).await.what, Tampering::Row);
}

#[tokio::test]
async fn a_deleted_session_stays_deleted_and_its_rows_stay_empty() {
    for change in [
        "UPDATE sessions SET deleted = 0 WHERE key = 'agent:main:b'",
        "UPDATE events SET payload = '{}' WHERE position = 3",
        "UPDATE events SET time_ms = 7 WHERE position = 3",
    ] {
        let fixture = log().await;
        fixture
            .store
            .delete(&key("b"), None, "", None)
            .await
            .unwrap();
        assert!(verified(&fixture).await.intact);
        fixture.sql().execute_batch(change).unwrap();
        assert!(!verified(&fixture).await.intact, "{change}");
        let listed = fixture.store.sessions_with_last(0, 10).await;
        assert!(listed.is_ok(), "{change}: {listed:?}");
    }
}

#[tokio::test]
async fn a_database_that_does_more_than_it_should_is_found() {
    for change in [
        "CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT raise(IGNORE); END",
        "DROP TABLE idempotency",
        "DROP TABLE events",
        "DROP INDEX sessions_key",
    ] {
        assert_eq!(first(change).await.what, Tampering::Schema, "{change}");
    }
}

#[tokio::test]
async fn anchors_whose_header_was_emptied_are_no_anchors() {
    for length in [16, 31] {
        let fixture = log().await;
        let path = fixture.folder().join("events.sqlite-anchors");
        let fixture = fixture.closed_and(|_| {
            let mut anchors = std::fs::read(&path).unwrap();
            anchors.truncate(length);
            if length > 16 {
                anchors[16..].fill(0);
            }
            std::fs::write(&path, anchors).unwrap();
        });
        let found = verified(&fixture).await.findings;
        assert_eq!(found[0].what, Tampering::NoAnchors, "{length}");
    }
}

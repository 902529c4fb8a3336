//! Whoever changes the files behind our back is found out, and where.

use std::fs;

use openclaw_testkit::TestHome;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{MAIN, OTHER, anchors, assert_intact, copied, log, openclaw, recorded, sql, verify};

/// Returns where an event is.
fn position(sql: &Connection, session: &str, seq: u64) -> i64 {
    let found = "SELECT e.position FROM events e JOIN sessions s ON s.id = e.session_id
                 WHERE s.key = ?1 AND e.seq = ?2";
    let seq = i64::try_from(seq).unwrap();
    sql.query_row(found, params![session, seq], |row| row.get(0))
        .unwrap()
}

fn id(sql: &Connection, session: &str) -> i64 {
    let found = "SELECT id FROM sessions WHERE key = ?1";
    sql.query_row(found, [session], |row| row.get(0)).unwrap()
}

fn length(sql: &Connection, session: &str) -> i64 {
    let found = "SELECT head FROM sessions WHERE key = ?1";
    sql.query_row(found, [session], |row| row.get(0)).unwrap()
}

/// Gives every event of a session the hash that it should have, and the session its end: what
/// somebody does who knows how the chain is made.
fn rechain(sql: &Connection, session: &str) {
    let id = id(sql, session);
    let mut events = sql
        .prepare(
            "SELECT position, seq, time_ms, cause, run_id, step, call_id, kind, data, payload, raw
             FROM events WHERE session_id = ?1 ORDER BY seq",
        )
        .unwrap();
    let mut rows = events.query([id]).unwrap();
    let (mut hash, mut head) = ([0_u8; 32], 0_i64);
    while let Some(row) = rows.next().unwrap() {
        let mut hasher = Sha256::new_with_prefix(b"openclaw event 1\0");
        hasher.update(hash);
        for column in [
            "seq", "time_ms", "cause", "run_id", "step", "call_id", "kind", "data", "payload",
            "raw",
        ] {
            match row.get_ref(column).unwrap() {
                rusqlite::types::ValueRef::Text(text) => {
                    hasher.update([1]);
                    hasher.update(u64::try_from(text.len()).unwrap().to_be_bytes());
                    hasher.update(text);
                }
                rusqlite::types::ValueRef::Integer(number) => {
                    hasher.update([1]);
                    hasher.update(number.to_be_bytes());
                }
                // A number and a text that are missing look the same.
                _ => hasher.update([0; 9]),
            }
        }
        hash = hasher.finalize().into();
        head = row.get("seq").unwrap();
        let position: i64 = row.get("position").unwrap();
        sql.execute(
            "UPDATE events SET hash = ?2 WHERE position = ?1",
            params![position, hash],
        )
        .unwrap();
    }
    sql.execute(
        "UPDATE sessions SET head = ?2, head_hash = ?3 WHERE id = ?1",
        params![id, head, hash],
    )
    .unwrap();
}

/// Moves every event from a position on by one place, and those of the session by one number.
fn make_room(sql: &Connection, session: &str, seq: i64, at: i64) {
    let session = id(sql, session);
    // Far up and almost back again, so that no two events ever meet.
    let (up, down) = (100_000, 99_999);
    for (change, values) in [
        (
            "position = position + ?1 WHERE position >= ?2",
            vec![up, at],
        ),
        (
            "position = position - ?1 WHERE position >= ?2",
            vec![down, at + up],
        ),
        (
            "seq = seq + ?1 WHERE session_id = ?2 AND seq >= ?3",
            vec![up, session, seq],
        ),
        (
            "seq = seq - ?1 WHERE session_id = ?2 AND seq >= ?3",
            vec![down, session, seq + up],
        ),
    ] {
        let values = rusqlite::params_from_iter(values);
        sql.execute(&format!("UPDATE events SET {change}"), values)
            .unwrap();
    }
}

/// Adds a message that was never said.
fn insert(sql: &Connection, session: &str, seq: i64, at: i64) {
    let said = json!({ "content": "transfer everything", "attachments": [] }).to_string();
    sql.execute(
        "INSERT INTO events (position, session_id, seq, time_ms, kind, data, hash)
         VALUES (?1, ?2, ?3, 1, 'MessageReceived', ?4, zeroblob(32))",
        params![at, id(sql, session), seq, said],
    )
    .unwrap();
    rechain(sql, session);
}

/// Where the first bad event is and what is wrong there.
type Expected = (i64, Option<&'static str>, Option<i64>, &'static str);

/// What somebody does to the log; returns what is to be found.
type Attack = fn(&TestHome) -> Expected;

const ATTACKS: &[(&str, Attack)] = &[
    ("an edit of what was said", |home| {
        let sql = sql(home);
        let at = position(&sql, MAIN, 2);
        sql.execute(
            "UPDATE events SET data = replace(data, 'one', 'won') WHERE position = ?1",
            [at],
        )
        .unwrap();
        (at, Some(MAIN), Some(2), "edited")
    }),
    ("an edit of a time", |home| {
        let sql = sql(home);
        let at = position(&sql, MAIN, 3);
        sql.execute(
            "UPDATE events SET time_ms = time_ms - 1 WHERE position = ?1",
            [at],
        )
        .unwrap();
        (at, Some(MAIN), Some(3), "edited")
    }),
    ("an edit of the audit stream", |home| {
        let sql = sql(home);
        let at: i64 = sql
            .query_row(
                "SELECT position FROM events WHERE data LIKE '%audit.tool.called%'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        let seq: i64 = sql
            .query_row("SELECT seq FROM events WHERE position = ?1", [at], |row| {
                row.get(0)
            })
            .unwrap();
        sql.execute(
            "UPDATE events SET data = replace(data, '\"write\"', '\"read\"') WHERE position = ?1",
            [at],
        )
        .unwrap();
        (at, Some("agent:_system:audit"), Some(seq), "edited")
    }),
    ("two events in the other order", |home| {
        let sql = sql(home);
        let (first, second) = (position(&sql, MAIN, 2), position(&sql, MAIN, 5));
        for (from, to) in [(2, 1000), (5, 2), (1000, 5)] {
            sql.execute(
                "UPDATE events SET seq = ?2 WHERE session_id = ?3 AND seq = ?1",
                [from, to, id(&sql, MAIN)],
            )
            .unwrap();
        }
        assert!(first < second);
        (first, Some(MAIN), Some(5), "out-of-order")
    }),
    ("an event at the end that fits the chain", |home| {
        let sql = sql(home);
        let last: i64 = sql
            .query_row("SELECT max(position) FROM events", [], |row| row.get(0))
            .unwrap();
        let seq = length(&sql, OTHER) + 1;
        insert(&sql, OTHER, seq, last + 1);
        (last + 1, Some(OTHER), Some(seq), "inserted")
    }),
    ("an event in the middle that fits the chain", |home| {
        let sql = sql(home);
        let at = position(&sql, OTHER, 2);
        make_room(&sql, OTHER, 2, at);
        insert(&sql, OTHER, 2, at);
        (at, Some(OTHER), Some(2), "rewritten")
    }),
    ("an event taken out of the middle", |home| {
        let sql = sql(home);
        let at = position(&sql, MAIN, 5);
        sql.execute("DELETE FROM events WHERE position = ?1", [at])
            .unwrap();
        (at, None, None, "missing")
    }),
    (
        "an event taken out of the middle, and the gap closed",
        |home| {
            let sql = sql(home);
            let at = position(&sql, MAIN, 5);
            let next: (i64, i64) = sql
                .query_row(
                    "SELECT session_id, seq FROM events WHERE position = ?1",
                    [at + 1],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap();
            sql.execute("DELETE FROM events WHERE position = ?1", [at])
                .unwrap();
            sql.execute(
                "UPDATE events SET position = -position WHERE position > ?1",
                [at],
            )
            .unwrap();
            sql.execute(
                "UPDATE events SET position = -position - 1 WHERE position < 0",
                [],
            )
            .unwrap();
            sql.execute(
                "UPDATE events SET seq = -seq WHERE session_id = ?1 AND seq > 5",
                [id(&sql, MAIN)],
            )
            .unwrap();
            sql.execute("UPDATE events SET seq = -seq - 1 WHERE seq < 0", [])
                .unwrap();
            rechain(&sql, MAIN);
            let (session, seq) = if next.0 == id(&sql, MAIN) {
                (MAIN, next.1 - 1)
            } else {
                (OTHER, next.1)
            };
            (at, Some(session), Some(seq), "rewritten")
        },
    ),
    (
        "a tail that is cut off, with the end of its session",
        |home| {
            let sql = sql(home);
            let last: i64 = sql
                .query_row("SELECT max(position) FROM events", [], |row| row.get(0))
                .unwrap();
            let stream: i64 = sql
                .query_row(
                    "SELECT session_id FROM events WHERE position = ?1",
                    [last],
                    |row| row.get(0),
                )
                .unwrap();
            sql.execute("DELETE FROM events WHERE position = ?1", [last])
                .unwrap();
            let key: String = sql
                .query_row("SELECT key FROM sessions WHERE id = ?1", [stream], |row| {
                    row.get(0)
                })
                .unwrap();
            rechain(&sql, &key);
            (last, None, None, "cut-off")
        },
    ),
    ("a whole session that is gone, with its row", |home| {
        let sql = sql(home);
        let at = position(&sql, OTHER, 1);
        let session = id(&sql, OTHER);
        sql.execute("DELETE FROM events WHERE session_id = ?1", [session])
            .unwrap();
        sql.execute("DELETE FROM sessions WHERE id = ?1", [session])
            .unwrap();
        (at, None, None, "missing")
    }),
    ("a whole session that was written anew", |home| {
        let sql = sql(home);
        let at = position(&sql, OTHER, 2);
        sql.execute(
            "UPDATE events SET data = replace(data, 'two', 'too') WHERE position = ?1",
            [at],
        )
        .unwrap();
        rechain(&sql, OTHER);
        (at, Some(OTHER), Some(2), "rewritten")
    }),
    ("two sessions with each other's keys", |home| {
        let sql = sql(home);
        let (one, two) = (id(&sql, MAIN), id(&sql, OTHER));
        let first = position(&sql, MAIN, 1).min(position(&sql, OTHER, 1));
        let named = if first == position(&sql, MAIN, 1) {
            OTHER
        } else {
            MAIN
        };
        sql.execute("UPDATE sessions SET key = 'x' WHERE id = ?1", [one])
            .unwrap();
        sql.execute(
            "UPDATE sessions SET key = ?2 WHERE id = ?1",
            params![two, MAIN],
        )
        .unwrap();
        sql.execute(
            "UPDATE sessions SET key = ?2 WHERE id = ?1",
            params![one, OTHER],
        )
        .unwrap();
        (first, Some(named), Some(1), "rewritten")
    }),
    ("an event that was emptied without a tombstone", |home| {
        let sql = sql(home);
        let at = position(&sql, MAIN, 2);
        sql.execute("UPDATE events SET kind = '', data = '', payload = NULL, raw = NULL WHERE position = ?1", [at]).unwrap();
        (at, Some(MAIN), Some(2), "emptied")
    }),
    ("a session that is hidden", |home| {
        let sql = sql(home);
        let last = length(&sql, OTHER);
        let at = position(&sql, OTHER, u64::try_from(last).unwrap());
        sql.execute("UPDATE sessions SET deleted = 1 WHERE key = ?1", [OTHER])
            .unwrap();
        (at, Some(OTHER), Some(last), "row")
    }),
    ("the anchors that are gone", |home| {
        fs::remove_file(anchors(home)).unwrap();
        (1, None, None, "no-anchors")
    }),
    ("the log that is gone", |home| {
        fs::remove_file(log(home)).unwrap();
        (1, None, None, "cut-off")
    }),
    ("another, empty log in its place", |home| {
        fs::write(log(home), "").unwrap();
        (1, None, None, "cut-off")
    }),
];

#[tokio::test]
async fn every_change_behind_our_back_is_found_and_the_first_bad_event_named() {
    let untouched = recorded().await;
    let data = assert_intact(&untouched).await;
    assert_eq!(
        (&data["sessions"], &data["events"]),
        (&json!(3), &data["position"])
    );
    for (attack, change) in ATTACKS {
        let home = copied(&untouched);
        let (position, session, seq, what) = change(&home);
        let (code, data) = verify(&home).await;
        let first = json!({ "position": position, "session": session, "seq": seq, "what": what });
        assert_eq!(
            (code, &data["first"]),
            (Some(1), &first),
            "{attack}: {data:#}"
        );
        assert_eq!(
            (&data["intact"], &data["findings"][0]),
            (&json!(false), &first),
            "{attack}"
        );
        assert!(
            data["hint"].as_str().unwrap().contains("openclaw "),
            "{attack}: {data}"
        );
    }
    assert_intact(&untouched).await;
}

#[tokio::test]
async fn people_are_told_where_it_began_and_what_to_do() {
    let home = recorded().await;
    let ran = openclaw(&home, &["audit", "verify"]).run().await;
    let ran = ran.assert_code(0);
    assert!(
        ran.stdout.starts_with("intact  ") && ran.stderr.is_empty(),
        "{ran}"
    );

    let at = {
        let sql = sql(&home);
        let at = position(&sql, MAIN, 2);
        sql.execute("UPDATE events SET time_ms = 0 WHERE position = ?1", [at])
            .unwrap();
        at
    };
    let ran = openclaw(&home, &["audit", "verify"]).run().await;
    let ran = ran.assert_code(1);
    let first = format!("position {at} (event 2 of {MAIN}): the event was edited");
    assert!(ran.stdout.contains(&first), "{ran}");
    assert!(
        ran.stderr.contains("hint: ") && ran.stderr.contains("openclaw backup restore"),
        "{ran}"
    );
}

#[tokio::test]
async fn without_a_log_there_is_nothing_to_check() {
    let home = TestHome::new();
    let ran = openclaw(&home, &["audit", "verify", "--json"]).run().await;
    let ran = ran.assert_code(3);
    assert_eq!(ran.json()["error"]["code"], Value::from("notfound"));
    assert!(!home.state_dir().own().exists());
}

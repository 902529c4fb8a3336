//! Homes with something wrong in them: it is said where, and the rest is taken.

use std::io::Cursor;
use std::path::Path;

use openclaw_compat::{Fault, Spot, Trouble, read_jsonl};

use crate::fixture::{Log, Written};
use crate::versions::{V2, V3};

fn said(left: &[openclaw_compat::Left]) -> Vec<String> {
    left.iter()
        .map(|left| format!("{}: {}", left.what, left.why))
        .collect()
}

/// A home with something wrong in nearly every file; returns also how many lines its transcript has.
fn broken() -> (Written, usize) {
    let home = Written::new();
    let mut lines: Vec<Vec<u8>> = V2.lines().map(|line| line.as_bytes().to_vec()).collect();
    let last = lines.pop().unwrap();
    lines.insert(2, b"{\"type\": oops}".to_vec());
    lines.insert(4, b"{\"type\":\"message\",\"id\":\"u\",\"parentId\":\"a2\",\"message\":{\"role\":\"user\",\"content\":\"\xff\"}}".to_vec());
    let deep = format!(
        "{{\"type\":\"custom\",\"id\":\"d\",\"data\":{}{}}}",
        "[".repeat(400),
        "]".repeat(400)
    );
    lines.insert(5, deep.into_bytes());
    lines.push(last[..last.len() / 2].to_vec());
    home.session("s.jsonl", lines.join(&b'\n'));
    home.session(
        "sessions.json",
        r#"{"agent:main:main": {"sessionId": "s"}, "agent:main:gone": {"sessionId": "gone"},
            "agent:main:odd": {"label": "x"}, "a b": {"sessionId": "v3"}}"#,
    );
    home.session("v3.jsonl", V3.replace("\"version\":3", "\"version\":9"));
    home.session("empty.jsonl", "\n\n");
    home.session("x.jsonl.deleted.2026-02-09T10-00-00.000Z", V2);
    home.session("folder.jsonl/inside", "");
    (home, lines.len())
}

#[tokio::test]
async fn every_fault_is_named_and_the_rest_is_taken() {
    let (home, lines) = broken();
    let log = Log::new();
    let report = log.take(home.path()).await;
    let at = |name: &str| format!("agents/main/sessions/{name}");
    let mut left = said(&report.left);
    left.sort();
    assert_eq!(
        left,
        [
            format!(
                "{} session empty: it has no transcript: nothing was ever said in it",
                at("empty.jsonl")
            ),
            format!("{}: not a regular file but a folder", at("folder.jsonl")),
            format!("{} session agent:main:gone: not there", at("gone.jsonl")),
            format!(
                "{} line 12: the last line was not written to its end: EOF while parsing a string at line 1 column 119",
                at("s.jsonl")
            ),
            format!(
                "{} line 3: no JSON: expected value at line 1 column 10",
                at("s.jsonl")
            ),
            format!(
                "{} session agent:main:odd: it is not what it should be: it has no `sessionId`",
                at("sessions.json")
            ),
            format!(
                "{}: it was deleted in OpenClaw; what is left of it stays where it is",
                at("x.jsonl.deleted.2026-02-09T10-00-00.000Z")
            ),
        ]
    );
    let mut notes = said(&report.notes);
    notes.sort();
    assert_eq!(
        notes,
        [
            format!(
                "{} line 5: not UTF-8 from byte 79 on; what cannot be read was replaced by U+FFFD",
                at("s.jsonl")
            ),
            format!(
                "{} line 6: kept as it is but not read: recursion limit exceeded at line 1 column 160",
                at("s.jsonl")
            ),
            format!(
                "{} line 10: the entry type `hologram` is not known: kept as it is",
                at("v3.jsonl")
            ),
            format!(
                "{} session v3: the key `a b` is no session key here: taken under `agent:main:a%20b`",
                at("v3.jsonl")
            ),
            format!(
                "{}: transcript version 9 is newer than 4: read as if it were that one",
                at("v3.jsonl")
            ),
        ]
    );
    assert_eq!(log.keys().await, ["agent:main:a%20b", "agent:main:main"]);
    // All lines but the two that are no JSON.
    assert_eq!(log.raws("agent:main:main").await.len(), lines - 2);
}

#[tokio::test]
async fn transcripts_that_no_key_names_are_taken_under_their_own() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("t.jsonl.reset.2026-02-09T10-00-00.000Z", V3);
    // A copy from before is left, unless it has something of its own.
    let id = "22222222-2222-4333-8444-555555555555";
    let before: Vec<&str> = V2.lines().take(3).collect();
    home.session(&format!("s.checkpoint.{id}.jsonl"), before.join("\n"));
    home.session("s.jsonl.bak.2026-02-09T10-00-00.000Z", format!("{V2}{V3}"));
    let log = Log::new();
    let report = log.take(home.path()).await;
    assert_eq!(
        log.keys().await,
        [
            "agent:main:recovered:s",
            "agent:main:recovered:s:bak:2026-02-09T10-00-00.000Z",
            "agent:main:recovered:t:reset:2026-02-09T10-00-00.000Z",
        ]
    );
    assert_eq!(report.left.len(), 1);
    assert!(report.left[0].why.contains("agents/main/sessions/s.jsonl"));
    assert_eq!(log.take(home.path()).await.changed(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn loops_and_pipes_hold_nobody_up() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    let sessions = home.path().join("agents/main/sessions");
    std::os::unix::fs::symlink("loop.jsonl", sessions.join("loop.jsonl")).unwrap();
    std::os::unix::fs::symlink(
        home.path().join("agents"),
        home.path().join("agents/main/agents"),
    )
    .unwrap();
    std::os::unix::fs::symlink("knot", home.path().join("agents/knot")).unwrap();
    let pipe = rustix::fs::CWD;
    rustix::fs::mknodat(
        pipe,
        sessions.join("pipe.jsonl"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let log = Log::new();
    let report = log.take(home.path()).await;
    assert_eq!(log.keys().await, ["agent:main:recovered:s"]);
    let left = said(&report.left);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[0].contains("loop.jsonl: "), "{left:?}");
    assert!(left[1].ends_with("pipe.jsonl: not a regular file but a device, a pipe or a socket"));
}

#[test]
fn a_huge_line_is_passed_over_and_the_next_one_is_read() {
    let head = b"{\"type\":\"session\",\"version\":3,\"id\":\"s\"}\n";
    let huge = vec![b'x'; 64 * 1024 * 1024 + 1];
    let mut bytes = [&head[..], &huge].concat();
    bytes.extend_from_slice(b"\n{\"type\":\"custom\",\"id\":\"a\"}");
    let read = read_jsonl(Cursor::new(bytes), Path::new("f"));
    assert_eq!(read.entries.len(), 2);
    assert_eq!(read.entries[1].place, 3);
    assert!(
        matches!(
            &read.troubles[..],
            [Trouble {
                spot: Spot::Line(2),
                fault: Fault::TooLarge {
                    size: 67_108_865,
                    ..
                },
                ..
            }]
        ),
        "{:?}",
        read.troubles
    );
}

#[test]
fn a_file_that_starts_with_a_mark_and_has_other_line_ends_is_read() {
    let text = format!("\u{feff}{}", V2.replace('\n', "\r\n"));
    let read = read_jsonl(Cursor::new(text), Path::new("f"));
    assert_eq!(read.entries.len(), V2.lines().count());
    assert!(read.troubles.is_empty());
    assert!(read.entries.iter().all(|entry| !entry.raw.ends_with('\r')));
}

/// A home whose store and links point at what is not its own.
#[cfg(unix)]
fn pointing_out(outside: &Path) -> Written {
    use std::os::unix::fs::symlink;

    let home = Written::new();
    home.session("s.jsonl", V2);
    let store = serde_json::json!({
        "agent:main:main": {"sessionId": "s", "sessionFile": "/elsewhere/agents/main/sessions/s.jsonl"},
        "agent:main:a": {"sessionId": "a", "sessionFile": outside.join("a.json")},
        "agent:main:up": {"sessionId": "u", "sessionFile": "../../../../../../../../etc/passwd"},
        "agent:main:link": {"sessionId": "link"},
        "agent:work:main": {"sessionId": "w"},
    });
    home.session("sessions.json", store.to_string());
    home.session("w.jsonl", V3);
    let sessions = home.path().join("agents/main/sessions");
    symlink(outside.join("a.json"), sessions.join("link.jsonl")).unwrap();
    symlink(outside.join("a.json"), sessions.join("unnamed.jsonl")).unwrap();
    symlink(outside, home.path().join("agents/linked")).unwrap();
    home.file("agents/half/sessions.txt", "");
    symlink(
        outside.join("sessions"),
        home.path().join("agents/half/sessions"),
    )
    .unwrap();
    home
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_outside_of_the_home_is_opened() {
    let other = Written::new();
    other.file("a.json", V3);
    other.file("sessions/other.jsonl", V3);
    let home = pointing_out(other.path());
    let log = Log::new();
    let report = log.take(home.path()).await;
    assert_eq!(log.keys().await, ["agent:main:main"]);
    let left = said(&report.left);
    let outside = "it lies outside of the sessions folder: it is not opened";
    for (what, why) in [
        ("a.json session agent:main:a", outside),
        ("passwd session agent:main:up", outside),
        ("sessions/link.jsonl session agent:main:link", outside),
        ("sessions/unnamed.jsonl", outside),
        ("agents/linked", outside),
        ("agents/half/sessions", outside),
        ("session agent:work:main", "its key is another agent's"),
    ] {
        let told = |line: &&String| line.contains(&format!("{what}: {why}"));
        assert_eq!(left.iter().filter(told).count(), 1, "{what}: {left:?}");
    }
    assert_eq!(left.len(), 7, "{left:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_home_that_is_reached_by_a_link_is_a_home() {
    let (home, other) = (Written::new(), Written::new());
    home.session("s.jsonl", V2);
    let link = other.path().join("link");
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    let report = Log::new().take(&link).await;
    assert_eq!(report.sessions.len(), 1, "{:?}", report.left);
}

#[tokio::test]
async fn half_a_character_is_kept_and_read_as_the_replacement_character() {
    let home = Written::new();
    let cut = V2.replacen("\"content\":\"", "\"content\":\"\\ud83d ", 1);
    assert_ne!(cut, V2);
    home.session("s.jsonl", &cut);
    home.session(
        "sessions.json",
        r#"{"agent:main:main": {"sessionId": "s", "label": "\ud83d"}}"#,
    );
    let log = Log::new();
    let report = log.take(home.path()).await;
    assert_eq!(said(&report.notes), Vec::<String>::new());
    let raws = log.raws("agent:main:main").await;
    assert_eq!(raws.join("\n") + "\n", cut);
    let events = log.events("agent:main:main").await;
    let read = events.iter().any(|event| {
        matches!(&event.kind, openclaw_core::SessionEventKind::MessageReceived { content, .. }
            if content.starts_with('\u{fffd}'))
    });
    assert!(read, "{events:?}");
}

#[test]
fn a_store_that_cannot_be_read_is_told_and_hides_no_transcript() {
    for store in ["", "[]", "{\"agent:main:main\": {\"sessi", "null"] {
        let home = Written::new();
        home.session("s.jsonl", V2);
        home.session("sessions.json", store);
        let home = openclaw_compat::Home::open(home.path());
        assert_eq!(home.unreadable().len(), 1, "{store}");
        assert_eq!(home.conversations().count(), 1, "{store}");
    }
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json/inside", "");
    home.file("agents/main/agent/openclaw-agent.sqlite", "garbage");
    let home = openclaw_compat::Home::open(home.path());
    assert_eq!(home.unreadable().len(), 2);
    assert_eq!(home.conversations().count(), 1);
}

#[tokio::test]
async fn of_two_sessions_with_one_key_the_other_is_told_under_its_own() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("t.jsonl", V3);
    home.session(
        "sessions.json",
        r#"{"agent:main:main": {"sessionId": "s"}, "main": {"sessionId": "t"}}"#,
    );
    let log = Log::new();
    let report = log.take(home.path()).await;
    let keys = log.keys().await;
    assert_eq!(keys, ["agent:main:main", "agent:main:main:again:2"]);
    let notes = said(&report.notes);
    let told = |note: &String| note.ends_with("taken under `agent:main:main:again:2`");
    assert!(notes.iter().any(told), "{notes:?}");
}

//! `openclaw sessions export` and `import`: a session as a file, and back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use openclaw_core::SessionEventKind;
use openclaw_core::events::{NewEvent, RawJson};
use openclaw_testkit::TestHome;
use serde_json::json;

use super::{MAIN, data, key, log, ok, openclaw, refused, talk, with_a_session};

async fn exported(home: &TestHome, session: &str) -> String {
    ok(home, &["sessions", "export", session]).await.stdout
}

#[tokio::test]
async fn what_is_exported_comes_back_byte_for_byte() {
    let (home, other) = (with_a_session().await, TestHome::new());
    // A record of another system, with what its writer liked: spaces, line breaks, digits.
    let raw = "{ \"a\" : 1.50,\n \"b\": \"\\u00e9\" }".to_owned();
    let mut event = NewEvent::from(SessionEventKind::StateChanged {
        key: "mood".into(),
        value: json!("calm\n"),
    });
    event.raw = Some(RawJson::new(raw).unwrap());
    log(&home).append(&key(MAIN), vec![event]).await.unwrap();
    let file = exported(&home, MAIN).await;
    assert_eq!(file.lines().count(), 7);

    // Deleted and taken in again.
    data(&home, &["delete", MAIN, "--yes", "--no-archive"]).await;
    let import = openclaw(&home, &["sessions", "import", "-"]).stdin(file.clone());
    let import = import.run().await.assert_code(0);
    assert_eq!(import.stdout, "imported agent:main:main, 6 events\n");
    assert_eq!(exported(&home, MAIN).await, file);

    // Taken in elsewhere.
    fs::write(other.path().join("main.jsonl"), &file).unwrap();
    let made = data(&other, &["import", "main.jsonl"]).await;
    assert_eq!(made["events"], 6);
    assert_eq!(exported(&other, MAIN).await, file);

    // Taken in under another key, only the key is another.
    data(
        &home,
        &[
            "import",
            &path(&other, "main.jsonl"),
            "--as",
            "agent:main:copy",
        ],
    )
    .await;
    let copy = exported(&home, "agent:main:copy").await;
    assert_eq!(copy.replacen("agent:main:copy", MAIN, 1), file);
}

fn path(home: &TestHome, name: &str) -> String {
    home.path().join(name).display().to_string()
}

#[tokio::test]
async fn a_long_session_and_a_branch_come_back_too() {
    let (home, other) = (TestHome::new(), TestHome::new());
    let texts: Vec<String> = (0..300).map(|n| format!("line {n} ✓")).collect();
    let said: Vec<&str> = texts.iter().map(String::as_str).collect();
    talk(&log(&home), MAIN, &said).await;
    let branch = "agent:main:branch";
    data(&home, &["fork", MAIN, "--at", "200", "--as", branch]).await;
    for (session, events) in [(MAIN, 301), (branch, 201)] {
        let file = exported(&home, session).await;
        let import = openclaw(&other, &["sessions", "import", "-", "--json"]).stdin(file.clone());
        let import = import.run().await.assert_code(0).json();
        assert_eq!(import["data"]["events"], events);
        assert_eq!(exported(&other, session).await, file);
    }
}

#[tokio::test]
async fn a_file_is_whole_private_and_never_overwritten() {
    let home = with_a_session().await;
    let args = ["export", MAIN, "--output", "main.jsonl"];
    let made = data(&home, &args).await;
    let file = home.path().join("main.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, exported(&home, MAIN).await);
    let events = data(&home, &["events", MAIN, "--after", "4"]).await;
    assert_eq!(
        made,
        json!({
            "sessionKey": MAIN,
            "file": path(&home, "main.jsonl"),
            "bytes": text.len(),
            "events": 5,
            "headHash": events["events"][0]["hash"],
        })
    );
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let told = refused(&home, &args, 1, "conflict").await;
    assert!(told.contains("exists already"), "{told}");
    let args = ["export", MAIN, "--output", "missing/main.jsonl"];
    refused(&home, &args, 69, "unavailable").await;
    // Nothing is left of what failed.
    let left = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut left: Vec<String> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| left(entry.unwrap()))
        .collect();
    left.sort();
    assert_eq!(left, [".openclaw", "main.jsonl"]);
    // Without a file there is nothing to put an envelope around.
    let ran = openclaw(&home, &["sessions", "export", MAIN, "--json"]);
    assert!(ran.run().await.assert_code(2).stdout.contains("--output"));
}

#[tokio::test]
async fn a_file_that_is_not_what_was_exported_is_refused_with_its_line() {
    let (home, other) = (with_a_session().await, TestHome::new());
    let file = exported(&home, MAIN).await;
    let lines: Vec<&str> = file.lines().collect();
    let without = |n: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| *at != n);
        kept.flat_map(|(_, line)| [*line, "\n"]).collect::<String>()
    };
    let edited = file.replace("remember the tide", "remember the time");
    let renamed = file.replacen("openclaw-session", "openclaw-sessions", 1);
    let newer = file.replacen("\"version\":1", "\"version\":2", 1);
    let last_hash = lines[0].rsplit('"').nth(1).unwrap();
    let other_head = file.replacen(last_hash, &"0".repeat(64), 1);
    for (text, told) in [
        (String::new().into_bytes(), "it is empty"),
        (
            without(5).into(),
            "the file has 4 of 5 events: it was cut off",
        ),
        (
            without(3).into(),
            "line 4: event 4 was changed after it was exported, or a line before it is missing",
        ),
        (
            file.as_bytes()[..file.len() - 20].to_vec(),
            "line 6 is no event: EOF",
        ),
        (
            edited.into(),
            "line 3: event 2 was changed after it was exported",
        ),
        (
            format!("{file}{}\n", lines[5]).into(),
            "line 7 is one more than the 5 events",
        ),
        (
            file.replacen('\n', "\n\n", 1).into(),
            "line 2 is no event: it is empty",
        ),
        (other_head.into(), "line 1 was changed"),
        (renamed.into(), "the format is `openclaw-sessions`"),
        (
            newer.into(),
            "the file has version 2 of the format, this program knows 1",
        ),
        (
            b"{\"type\":\"session\"}\n".to_vec(),
            "line 1 does not begin an exported session",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "line 1 is not UTF-8"),
    ] {
        fs::write(other.path().join("file"), text).unwrap();
        let stderr = refused(&other, &["import", "file"], 2, "invalid").await;
        assert!(stderr.contains(told), "`{told}`: {stderr}");
        assert!(stderr.contains("hint: "), "{stderr}");
    }
    // Not even a log was made for them.
    assert!(!other.state_dir().root().exists());
    refused(&other, &["import", "missing"], 3, "notfound").await;
    refused(&other, &["import", "."], 69, "unavailable").await;
    let told = refused(&other, &["import", "/dev/zero"], 2, "invalid").await;
    assert!(
        told.contains("line 1 has more than the 65536 bytes"),
        "{told}"
    );
}

#[tokio::test]
async fn a_session_that_exists_is_not_touched() {
    let home = with_a_session().await;
    let file = exported(&home, MAIN).await;
    fs::write(home.path().join("file"), &file).unwrap();
    let told = refused(&home, &["import", "file"], 1, "conflict").await;
    assert!(
        told.contains("exists already") && told.contains("--as"),
        "{told}"
    );
    assert_eq!(exported(&home, MAIN).await, file);
    let args = ["import", "file", "--as", "agent:_system:audit"];
    refused(&home, &args, 6, "denied").await;
}

//! Logs that are not what this program left behind: told precisely, and left as they are.

use std::fs;
use std::path::{Path, PathBuf};

use openclaw_testkit::TestHome;

use super::{MAIN, log, openclaw, talk};

/// Where SQLite keeps the version and the owner of a file (<https://www.sqlite.org/fileformat.html>).
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;
const PAGE: usize = 4096;

/// Every way to get at the log.
const COMMANDS: &[&[&str]] = &[
    &["list"],
    &["show", MAIN],
    &["events", MAIN],
    &["state", MAIN],
    &["fork", MAIN, "--at", "1"],
    &["export", MAIN, "--output", "copy.jsonl"],
    &["delete", MAIN, "--yes"],
    &["tail", "--from", "0", "--limit", "1"],
    &["cleanup", "--older-than", "0s"],
];

/// A home with a session that fills some pages.
async fn with_pages() -> (TestHome, PathBuf) {
    let home = TestHome::new();
    let long = "tide ".repeat(400);
    talk(&log(&home), MAIN, &vec![long.as_str(); 40]).await;
    let file = home.state_dir().event_log();
    (home, file)
}

/// Bytes that are like no others.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// Checks that every command fails in the same way and leaves the file as it is.
async fn all_refuse(home: &TestHome, file: &Path, told: &str) {
    let before = fs::read(file).unwrap();
    for args in COMMANDS {
        let ran = openclaw(home, &["sessions"]).args(*args).run().await;
        let ran = ran.assert_code(69);
        assert_eq!(ran.stdout, "", "{ran}");
        assert!(ran.stderr.contains(told), "`{told}`: {ran}");
        assert!(ran.stderr.contains("events.sqlite"), "{ran}");
        let ran = openclaw(home, &["sessions", "--json"]).args(*args);
        let ran = ran.run().await.assert_code(69);
        assert_eq!(ran.json()["error"]["code"], "unavailable", "{ran}");
        assert!(fs::read(file).unwrap() == before, "{ran}");
    }
    assert!(!home.path().join("copy.jsonl").exists());
}

async fn with_bytes(at: usize, bytes: &[u8], told: &str) {
    let (home, file) = with_pages().await;
    let mut damaged = fs::read(&file).unwrap();
    damaged[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(&file, damaged).unwrap();
    all_refuse(&home, &file, told).await;
}

#[tokio::test]
async fn a_header_of_random_bytes_is_damage() {
    with_bytes(0, &noise(100), "is damaged").await;
}

#[tokio::test]
async fn random_bytes_in_the_middle_are_damage() {
    let (home, file) = with_pages().await;
    let mut damaged = fs::read(&file).unwrap();
    let length = damaged.len();
    assert!(length > 10 * PAGE, "{length}");
    damaged[PAGE..].copy_from_slice(&noise(length - PAGE));
    fs::write(&file, damaged).unwrap();
    all_refuse(&home, &file, "is damaged").await;
}

#[tokio::test]
async fn a_file_that_was_cut_is_damage() {
    let (home, file) = with_pages().await;
    let cut = fs::read(&file).unwrap()[..2 * PAGE + 100].to_vec();
    fs::write(&file, cut).unwrap();
    all_refuse(&home, &file, "is damaged").await;
}

#[tokio::test]
async fn a_log_of_a_later_version_is_left_to_that_version() {
    with_bytes(USER_VERSION, &99_u32.to_be_bytes(), "has version 99").await;
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let theirs = 0x1234_5678_u32.to_be_bytes();
    with_bytes(APPLICATION_ID, &theirs, "is a database of another program").await;
}

#[tokio::test]
async fn a_write_ahead_log_that_was_cut_leaves_whole_events_and_is_found_out() {
    let (home, copy) = (TestHome::new(), TestHome::new());
    // Open, so that everything is still in the write-ahead log.
    let store = log(&home);
    let long = "tide ".repeat(400);
    for n in 0..6 {
        talk(&store, &format!("agent:main:s{n}"), &[&long]).await;
    }
    let (from, to) = (home.state_dir().event_log(), copy.state_dir().event_log());
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let part = |file: &Path, ending: &str| PathBuf::from(format!("{}{ending}", file.display()));
    for ending in ["", "-wal", "-anchors"] {
        fs::copy(part(&from, ending), part(&to, ending)).unwrap();
    }
    let wal = fs::read(part(&to, "-wal")).unwrap();
    fs::write(part(&to, "-wal"), &wal[..wal.len() / 2 + 100]).unwrap();

    let list = openclaw(&copy, &["sessions", "list", "--json"]).run().await;
    let list = list.assert_code(0).json();
    let rows = list["sessions"].as_array().unwrap();
    assert!((1..6).contains(&rows.len()), "{list}");
    assert!(rows.iter().all(|row| row["events"] == 2), "{list}");
    let verify = openclaw(&copy, &["audit", "verify"]).run().await;
    let verify = verify.assert_code(1);
    let gone = format!(
        "position {}: the end of the log is gone",
        rows.len() * 2 + 1
    );
    assert!(verify.stdout.contains(&gone), "{verify}");
}

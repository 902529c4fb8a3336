//! `openclaw sessions delete`: it asks, keeps a copy and says so.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use openclaw_core::SessionKey;
use openclaw_core::events::AuditEntry;
use openclaw_testkit::{Ran, TestHome};
use serde_json::json;

use super::{MAIN, data, key, log, ok, refused, talk, with_a_session};
use crate::OPENCLAW;

fn archive(home: &TestHome) -> Vec<std::path::PathBuf> {
    let folder = home.state_dir().own().join("archive");
    let mut files: Vec<_> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    files.sort();
    files
}

async fn audit(home: &TestHome) -> Vec<AuditEntry> {
    let events = log(home).read(&SessionKey::audit(), 1..=u64::MAX).await;
    events.unwrap().iter().filter_map(AuditEntry::of).collect()
}

#[tokio::test]
async fn a_deleted_session_leaves_a_copy_and_a_tombstone() {
    let home = with_a_session().await;
    let before = ok(&home, &["sessions", "export", MAIN]).await.stdout;
    let args = ["delete", MAIN, "--yes", "--reason", "asked to"];
    let ran = ok(&home, &[&["sessions"][..], &args].concat()).await;

    let files = archive(&home);
    let [file] = files.as_slice() else {
        panic!("{files:?}")
    };
    assert_eq!(fs::read_to_string(file).unwrap(), before);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));
    let name = file.file_name().unwrap().to_string_lossy();
    assert!(name.starts_with("agent_main_main-20"), "{name}");
    assert!(ran.stdout.contains(&*file.to_string_lossy()), "{ran}");
    refused(&home, &["show", MAIN], 3, "notfound").await;

    let tombstones: Vec<_> = audit(&home)
        .await
        .into_iter()
        .filter(|entry| matches!(entry, AuditEntry::SessionDeleted { .. }))
        .collect();
    let [
        AuditEntry::SessionDeleted {
            session,
            from,
            to,
            reason,
            archive,
            ..
        },
    ] = tombstones.as_slice()
    else {
        panic!("{tombstones:?}")
    };
    assert_eq!((session, *from, *to), (&key(MAIN), 1, 5));
    assert_eq!(
        (reason.as_str(), archive.as_ref()),
        ("asked to", Some(file))
    );

    // The command that it names takes the copy in again.
    let restore = ran.stdout.lines().last().unwrap();
    let restore = restore.strip_prefix("get it back with: openclaw ").unwrap();
    let restore: Vec<&str> = restore.split(' ').collect();
    drop(ok(&home, &restore).await);
    assert_eq!(
        ok(&home, &["sessions", "export", MAIN]).await.stdout,
        before
    );
}

#[tokio::test]
async fn scripts_read_where_the_copy_is() {
    let home = with_a_session().await;
    let copy = home.path().join("kept here.jsonl");
    let args = ["delete", MAIN, "--yes", "--archive", "kept here.jsonl"];
    let deleted = data(&home, &args).await;
    let state = deleted["tombstone"].as_u64();
    assert!(state.is_some(), "{deleted}");
    assert_eq!(
        (
            &deleted["events"],
            &deleted["deletedEvents"],
            &deleted["archive"]
        ),
        (&json!(5), &json!(5), &json!(copy))
    );
    let restore = format!("openclaw sessions import '{}'", copy.display());
    assert_eq!(deleted["restore"], restore);
    assert_eq!(archive(&home).len(), 0);
    data(&home, &["import", "kept here.jsonl"]).await;

    let deleted = data(&home, &["delete", MAIN, "--yes", "--no-archive"]).await;
    assert_eq!(
        (&deleted["archive"], &deleted["restore"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(archive(&home).len(), 0);
}

#[tokio::test]
async fn what_a_branch_shares_stays() {
    let home = with_a_session().await;
    let branch = "agent:main:branch";
    data(&home, &["fork", MAIN, "--at", "3", "--as", branch]).await;
    let before = data(&home, &["events", branch]).await;
    let deleted = data(&home, &["delete", MAIN, "--yes"]).await;
    assert_eq!(deleted["deletedEvents"], 2);
    assert_eq!(data(&home, &["events", branch]).await, before);
    // With the branch, the rest goes.
    let deleted = data(&home, &["delete", branch, "--yes"]).await;
    assert_eq!(deleted["deletedEvents"], 1);
    let list = ok(&home, &["sessions", "list", "--json"]).await;
    assert_eq!(list.json()["sessions"], json!([]));
}

#[tokio::test]
async fn scripts_have_to_say_yes() {
    let home = with_a_session().await;
    let told = refused(&home, &["delete", MAIN], 2, "invalid").await;
    assert!(told.contains("--yes"), "{told}");
    let would = data(&home, &["delete", MAIN, "--dry-run"]).await;
    assert_eq!(
        would,
        json!({
            "dryRun": true,
            "sessionKey": MAIN,
            "events": 5,
            "archive": home.state_dir().own().join("archive"),
        })
    );
    let would = ok(
        &home,
        &["sessions", "delete", MAIN, "--dry-run", "--no-archive"],
    )
    .await;
    assert_eq!(
        would.stdout,
        "would delete agent:main:main with 5 events (nobody can get it back)\n"
    );
    data(&home, &["show", MAIN]).await;
    assert_eq!(archive(&home).len(), 0);
}

/// Runs a command line on a terminal, and types.
async fn on_a_terminal(home: &TestHome, command: &str, typed: &str) -> Ran {
    home.command("script")
        .args(["-qec", &format!("{OPENCLAW} {command}"), "/dev/null"])
        .stdin(typed)
        .run()
        .await
}

#[tokio::test]
async fn people_are_asked_and_may_say_no() {
    let home = with_a_session().await;
    let delete = format!("sessions delete {MAIN}");
    let ran = on_a_terminal(&home, &delete, "n\n").await.assert_code(6);
    assert!(
        ran.stdout.contains("Delete agent:main:main with 5 events"),
        "{ran}"
    );
    assert!(ran.stdout.contains("nothing was changed"), "{ran}");
    data(&home, &["show", MAIN]).await;
    let ran = on_a_terminal(&home, &delete, "y\n").await.assert_code(0);
    assert!(ran.stdout.contains("get it back with"), "{ran}");
    refused(&home, &["show", MAIN], 3, "notfound").await;
}

#[tokio::test]
async fn a_session_that_is_running_stays() {
    let home = with_a_session().await;
    let store = log(&home);
    let lease = store.lease(&key(MAIN)).await.unwrap();
    for more in [&[][..], &["--no-archive"], &["--archive", "copy.jsonl"]] {
        let args = [&["delete", MAIN, "--yes"][..], more].concat();
        let told = refused(&home, &args, 69, "busy").await;
        assert!(told.contains("is being run"), "{told}");
    }
    // No copy is left of what was not deleted.
    assert_eq!(archive(&home).len(), 0);
    assert!(!home.path().join("copy.jsonl").exists());
    drop((lease, store));
    data(&home, &["delete", MAIN, "--yes"]).await;
}

#[tokio::test]
async fn what_cannot_be_copied_is_not_deleted() {
    let home = with_a_session().await;
    fs::write(home.path().join("taken"), "mine").unwrap();
    let args = ["delete", MAIN, "--yes", "--archive", "taken"];
    refused(&home, &args, 1, "conflict").await;
    let args = ["delete", MAIN, "--yes", "--archive", "missing/copy"];
    refused(&home, &args, 69, "unavailable").await;
    // The folder of the copies is somebody's file.
    fs::write(home.state_dir().own().join("archive"), "").unwrap();
    refused(&home, &["delete", MAIN, "--yes"], 69, "unavailable").await;
    data(&home, &["show", MAIN]).await;
    assert_eq!(
        fs::read_to_string(home.path().join("taken")).unwrap(),
        "mine"
    );
}

#[tokio::test]
async fn the_logs_own_stream_and_unknown_sessions_are_refused() {
    let home = with_a_session().await;
    talk(&log(&home), "agent:main:other", &["hi"]).await;
    let args = ["delete", "agent:_system:audit", "--yes"];
    refused(&home, &args, 6, "denied").await;
    let told = refused(
        &home,
        &["delete", "agent:main:othr", "--yes"],
        3,
        "notfound",
    )
    .await;
    assert!(told.contains("did you mean `agent:main:other`?"), "{told}");
    assert_eq!(archive(&home).len(), 0);
}

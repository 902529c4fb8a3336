//! `openclaw doctor`: it finds what is wrong, names the repair, and touches nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use openclaw_testkit::TestHome;
use rusqlite::Connection;
use serde_json::Value;

use crate::audit::{anchors, copied, log, openclaw, recorded, sql};

/// Returns every file of a folder with its content.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// Returns the exit code and the findings; nothing in the home is another after it.
async fn examined(home: &TestHome, flags: &[&str]) -> (Option<i32>, Vec<Value>) {
    let before = content(&home.path());
    let ran = openclaw(home, &["doctor", "--json"])
        .args(flags)
        .run()
        .await;
    let document = ran.json();
    assert_eq!(document["ok"], ran.code == Some(0), "{ran}");
    let text = openclaw(home, &["doctor"]).args(flags).run().await;
    assert_eq!(text.code, ran.code, "{text}");
    let findings = document["findings"].as_array().unwrap().clone();
    for finding in &findings {
        let id = finding["checkId"].as_str().unwrap();
        assert!(text.stdout.contains(id), "{text}");
    }
    assert_eq!(content(&home.path()), before);
    (ran.code, findings)
}

/// Returns the ids and severities of the findings, and the exit code.
async fn names(home: &TestHome, flags: &[&str]) -> (Option<i32>, Vec<String>) {
    let (code, findings) = examined(home, flags).await;
    let name = |finding: &Value| {
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        let fix = finding["fixHint"].as_str().unwrap_or_default();
        let repair = text("severity") == "info" || !fix.is_empty();
        assert!(repair && !text("why").is_empty(), "{finding}");
        format!("{} {}", text("severity"), text("checkId"))
    };
    (code, findings.iter().map(name).collect())
}

/// Does something to a home's log.
type Damage = fn(&TestHome);

#[tokio::test]
async fn every_way_in_which_a_log_can_be_broken_has_its_name() {
    let well = recorded().await;
    let damaged: [(&str, &str, Damage); 9] = [
        ("", "error store.corrupt", |home| {
            fs::write(log(home), "no database ".repeat(400)).unwrap();
        }),
        ("", "error store.foreign", |home| {
            fs::remove_file(log(home)).unwrap();
            Connection::open(log(home))
                .unwrap()
                .execute_batch("CREATE TABLE songs (name TEXT)")
                .unwrap();
            fs::set_permissions(log(home), fs::Permissions::from_mode(0o600)).unwrap();
        }),
        ("", "error store.newer", |home| {
            sql(home).pragma_update(None, "user_version", 99).unwrap();
        }),
        ("", "error store.wal-truncated", |home| {
            let last = "DELETE FROM events WHERE position = (SELECT max(position) FROM events)";
            sql(home).execute(last, []).unwrap();
        }),
        ("", "error store.missing", |home| {
            fs::remove_file(log(home)).unwrap();
        }),
        ("", "error store.anchors-missing", |home| {
            fs::remove_file(anchors(home)).unwrap();
        }),
        ("", "warning store.permissions", |home| {
            fs::set_permissions(log(home), fs::Permissions::from_mode(0o644)).unwrap();
        }),
        ("--deep", "error store.chain-broken", |home| {
            sql(home)
                .execute("UPDATE events SET time_ms = 1 WHERE seq = 2", [])
                .unwrap();
        }),
        ("--deep", "error store.corrupt", |home| {
            let mut bytes = fs::read(log(home)).unwrap();
            let page = bytes.len() - 4096;
            bytes[page..page + 8].fill(0xff);
            fs::write(log(home), bytes).unwrap();
        }),
    ];
    for (flag, expected, damage) in damaged {
        let home = copied(&well);
        damage(&home);
        let flags: Vec<&str> = [flag].into_iter().filter(|flag| !flag.is_empty()).collect();
        let found = names(&home, &flags).await;
        assert_eq!(found, (Some(1), vec![expected.to_owned()]));
    }
    for flags in [&[][..], &["--deep"], &["--lint"]] {
        assert_eq!(names(&well, flags).await, (Some(0), vec![]));
    }
}

#[tokio::test]
async fn a_home_without_a_log_is_well() {
    let home = TestHome::new();
    let found = names(&home, &[]).await;
    assert_eq!(found, (Some(0), vec!["info store.missing".to_owned()]));
    let ran = openclaw(&home, &["doctor"]).run().await;
    let caps = "caps     unattended $1.00 (default), unattended-day $5.00 (default)";
    assert!(ran.stdout.contains(caps), "{ran}");
    let document = openclaw(&home, &["doctor", "--json"]).run().await.json();
    assert_eq!(document["caps"][0]["limitUsd"], 1.0);
}

//! Reading the audit stream: `list`, `tail` and `export`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use openclaw_testkit::TestHome;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{MAIN, entries, openclaw, recorded};
use crate::watched::Watched;

async fn page(home: &TestHome, flags: &[&str]) -> Value {
    let ran = openclaw(home, &["audit", "list", "--json"]).args(flags);
    ran.run().await.assert_code(0).json()["data"].clone()
}

#[tokio::test]
async fn entries_are_listed_page_by_page_the_latest_first() {
    let home = recorded().await;
    let all = page(&home, &[]).await;
    let all = all["entries"].as_array().unwrap();
    assert_eq!(page(&home, &[]).await["nextBefore"], Value::Null);
    let (mut found, mut before) = (Vec::new(), Value::from(100_000));
    while let Some(seq) = before.as_u64() {
        let seq = seq.to_string();
        let page = page(&home, &["--limit", "3", "--before", &seq]).await;
        found.extend(page["entries"].as_array().unwrap().clone());
        before = page["nextBefore"].clone();
    }
    assert_eq!(&found, all);
    let seqs: Vec<u64> = all
        .iter()
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect();
    let expected: Vec<u64> = (1..=u64::try_from(all.len()).unwrap()).rev().collect();
    assert_eq!(seqs, expected);

    let tools = entries(&home, "tool").await;
    let kinds: Vec<&str> = tools
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["tool.called", "tool.finished"]);
    assert_eq!(
        (
            &tools[1]["value"]["session"],
            &tools[1]["value"]["seq"],
            &tools[1]["value"]["success"]
        ),
        (&json!(MAIN), &json!(4), &json!(true))
    );
    let ran = openclaw(&home, &["audit", "list", "--kind", "tool"])
        .run()
        .await;
    let ran = ran.assert_code(0);
    assert!(
        ran.stdout.contains("write in agent:main:main, event 3"),
        "{ran}"
    );
}

#[tokio::test]
async fn entries_are_shown_as_they_come() {
    let home = recorded().await;
    let tail = [
        "audit", "tail", "--jsonl", "--kind", "backup", "--lines", "1",
    ];
    let started = Watched::start(&home, &tail).await;
    // Another process, whose entries this one has to notice.
    let first = openclaw(&home, &["backup", "create", "one.sqlite"]);
    drop(first.run().await.assert_code(0));
    let (line, watched) = started.read_until("\n").await;
    let entry: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["kind"], "backup.created");
    assert!(
        entry["value"]["file"]
            .as_str()
            .unwrap()
            .ends_with("/one.sqlite")
    );
    let ran = watched.end_by(Signal::INT).await;
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(130), "", ""));

    let again = Watched::start(&home, &tail).await;
    let (line, watched) = again.read_until("\n").await;
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), entry);
    drop(watched.end_by(Signal::TERM).await);
    drop(
        openclaw(&home, &["audit", "tail", "--json"])
            .run()
            .await
            .assert_code(2),
    );
}

#[tokio::test]
async fn the_stream_is_exported_with_its_hashes() {
    let home = recorded().await;
    let ran = openclaw(&home, &["audit", "export"])
        .run()
        .await
        .assert_code(0);
    let lines = ran.json_lines();
    let (header, exported) = lines.split_first().unwrap();
    assert_eq!(header["events"], exported.len());
    assert_eq!(header["headHash"], exported.last().unwrap()["hash"]);
    let listed = page(&home, &["--limit", "1000"]).await;
    let mut hashes: Vec<&Value> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["hash"])
        .collect();
    hashes.reverse();
    assert_eq!(
        exported
            .iter()
            .map(|line| &line["hash"])
            .collect::<Vec<_>>(),
        hashes
    );

    let file = home.path().join("audit.jsonl");
    let to_file = || openclaw(&home, &["audit", "export", "--output", "audit.jsonl"]);
    drop(to_file().run().await.assert_code(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), ran.stdout);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = to_file().run().await.assert_code(1);
    assert!(again.stderr.contains("exists already"), "{again}");
    drop(
        openclaw(&home, &["audit", "export", "--json"])
            .run()
            .await
            .assert_code(2),
    );
}

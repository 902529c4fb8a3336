//! A backup that is made while others write, put back after everything was lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use openclaw_testkit::{FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::OPENCLAW;
use crate::audit::{MAIN, OTHER, assert_intact, entries, log, openclaw, recorded};

const CLIENTS: usize = 3;

async fn backup(home: &TestHome, args: &[&str]) -> Ran {
    openclaw(home, &["--json", "backup"]).args(args).run().await
}

/// Returns every session with all of its events.
async fn sessions(home: &TestHome) -> Vec<Value> {
    let list = openclaw(home, &["sessions", "list", "--json"]).run().await;
    let list = list.assert_code(0).json();
    let mut sessions = Vec::new();
    for session in list["sessions"].as_array().unwrap() {
        let key = session["key"].as_str().unwrap();
        let ran = openclaw(home, &["sessions", "events", key, "--json"])
            .run()
            .await;
        sessions.push(ran.assert_code(0).json()["data"]["events"].clone());
    }
    sessions.sort_by_key(ToString::to_string);
    sessions
}

async fn talk(client: openclaw_testkit::rpc::RpcClient, messages: usize) {
    let created = client.call("session.create", json!({})).await.unwrap();
    let session = created.unwrap()["sessionKey"].clone();
    for n in 0..messages {
        let params = json!({ "sessionKey": session, "content": format!("message {n}") });
        client
            .call("session.message", params)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_log_is_whole() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.lift_limits();
    provider.otherwise(|_| Reply::text("yes"));
    provider.keep_requests(1);
    home.use_provider(&provider, WireFormat::OpenAi);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(talk(gateway.rpc_client(), 30));
    }
    provider.wait_for_requests(10).await;
    let made = backup(&home, &["create"]).await.assert_code(0).json();
    let later = backup(&home, &["create", "later.sqlite"])
        .await
        .assert_code(0)
        .json();
    clients.join_all().await;
    assert_eq!(gateway.terminate().await.0, Some(0));

    let file = PathBuf::from(made["data"]["file"].as_str().unwrap());
    assert_eq!(
        file.parent(),
        Some(&*home.state_dir().root().join("backups"))
    );
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(made["data"]["intact"], true);
    assert!(made["data"]["position"].as_u64() < later["data"]["position"].as_u64());
    let after = assert_intact(&home).await;
    assert!(later["data"]["position"].as_u64() < after["position"].as_u64());
    let checked = backup(&home, &["verify", file.to_str().unwrap()]).await;
    assert_eq!(checked.assert_code(0).json()["data"], made["data"]);
    assert_eq!(entries(&home, "backup").await.len(), 2);
}

#[tokio::test]
async fn after_everything_is_lost_the_backup_brings_it_back() {
    let home = recorded().await;
    let before = sessions(&home).await;
    let file = home.path().join("kept.sqlite");
    let name = file.to_str().unwrap();
    drop(backup(&home, &["create", name]).await.assert_code(0));
    let ways: [fn(&Path); 2] = [
        |log| fs::write(log, "gone").unwrap(),
        |log| fs::remove_dir_all(log.parent().unwrap()).unwrap(),
    ];
    for destroy in ways {
        destroy(&log(&home));
        let ran = backup(&home, &["restore", name, "--yes"])
            .await
            .assert_code(0);
        let kept = &ran.json()["data"]["kept"];
        if let Some(kept) = kept.as_str() {
            assert_eq!(fs::read_to_string(kept).unwrap(), "gone");
        }
        assert_intact(&home).await;
        assert_eq!(sessions(&home).await, before);
        let put_back = entries(&home, "backup").await;
        assert_eq!(put_back.last().unwrap()["kind"], "backup.restored");
    }
    let provider = FakeProvider::start();
    provider.otherwise(|_| Reply::text("still here"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let said = openclaw(&home, &["agent", "--message", "on"]).run().await;
    assert_eq!(said.assert_code(0).stdout, "still here\n");
    assert_intact(&home).await;
}

#[tokio::test]
async fn nothing_is_put_back_without_a_word_or_under_a_running_gateway() {
    let home = recorded().await;
    drop(
        backup(&home, &["create", "kept.sqlite"])
            .await
            .assert_code(0),
    );
    let before = fs::read(log(&home)).unwrap();
    let ran = backup(&home, &["restore", "kept.sqlite"])
        .await
        .assert_code(2);
    assert!(
        ran.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--yes"),
        "{ran}"
    );
    drop(
        backup(&home, &["restore", "kept.sqlite", "--dry-run"])
            .await
            .assert_code(0),
    );
    assert_eq!(fs::read(log(&home)).unwrap(), before);

    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let ran = backup(&home, &["restore", "kept.sqlite", "--yes"])
        .await
        .assert_code(69);
    let message = ran.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("a gateway runs"), "{message}");
    assert!(
        gateway
            .rpc("session.history", json!({ "sessionKey": MAIN }))
            .await
            .is_ok()
    );
    gateway.terminate().await;
    drop(
        backup(&home, &["restore", "kept.sqlite", "--yes"])
            .await
            .assert_code(0),
    );
}

#[tokio::test]
async fn a_backup_that_is_no_backup_or_was_changed_is_refused() {
    let home = recorded().await;
    drop(
        backup(&home, &["create", "kept.sqlite"])
            .await
            .assert_code(0),
    );
    let ran = backup(&home, &["create", "kept.sqlite"])
        .await
        .assert_code(1);
    assert_eq!(ran.json()["error"]["code"], "conflict");
    drop(
        backup(&home, &["verify", "nowhere.sqlite"])
            .await
            .assert_code(69),
    );
    let before = fs::read(log(&home)).unwrap();
    let log_itself = log(&home);
    let ran = backup(&home, &["restore", log_itself.to_str().unwrap(), "--yes"]).await;
    let ran = ran.assert_code(2);
    assert!(
        ran.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("is no backup"),
        "{ran}"
    );

    let file = home.path().join("kept.sqlite");
    Connection::open(&file)
        .unwrap()
        .execute("UPDATE events SET data = replace(data, 'two', 'too')", [])
        .unwrap();
    let ran = backup(&home, &["verify", "kept.sqlite"])
        .await
        .assert_code(1);
    let first = &ran.json()["data"]["first"];
    assert_eq!(
        (&first["session"], &first["what"]),
        (&json!(OTHER), &json!("edited"))
    );
    let ran = backup(&home, &["restore", "kept.sqlite", "--yes"])
        .await
        .assert_code(2);
    assert!(
        ran.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("was changed, position"),
        "{ran}"
    );
    assert_eq!(fs::read(log(&home)).unwrap(), before);
    assert_intact(&home).await;
}

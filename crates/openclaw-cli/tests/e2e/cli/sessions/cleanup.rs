//! `openclaw sessions cleanup`, and the gateway that does the same by itself.

use std::fs;
use std::time::Duration;

use openclaw_testkit::{GatewayProcess, TestHome};
use serde_json::{Value, json};
use tokio::time;

use super::{data, key, log, log_of_old, ok, openclaw, refused, talk};
use crate::OPENCLAW;

const OLD: &str = "agent:main:old";
const YOUNG: &str = "agent:main:young";

/// A home with a session of 100 days ago and one of 10 days ago.
async fn with_history() -> TestHome {
    let home = TestHome::new();
    talk(&log_of_old(&home, 100), OLD, &["old words", "old answer"]).await;
    talk(&log_of_old(&home, 10), YOUNG, &["young words"]).await;
    home
}

fn configure(home: &TestHome, maintenance: &Value) {
    home.write_config(&json!({"session": {"maintenance": maintenance}}).to_string());
}

async fn sessions(home: &TestHome) -> Vec<String> {
    let list = ok(home, &["sessions", "list", "--json"]).await.json();
    let rows = list["sessions"].as_array().unwrap();
    rows.iter()
        .map(|row| row["key"].as_str().unwrap().to_owned())
        .collect()
}

fn copies(home: &TestHome) -> usize {
    fs::read_dir(home.state_dir().own().join("archive")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn what_is_too_old_is_archived_and_deleted() {
    let home = with_history().await;
    let would = data(&home, &["cleanup", "--older-than", "90d", "--dry-run"]).await;
    assert_eq!(
        (
            &would["dryRun"],
            &would["sessions"][0]["sessionKey"],
            &would["sessions"][0]["why"]
        ),
        (&json!(true), &json!(OLD), &json!("age"))
    );
    assert_eq!((sessions(&home).await.len(), copies(&home)), (2, 0));

    let done = data(&home, &["cleanup", "--older-than", "90d"]).await;
    let gone = done["sessions"].as_array().unwrap();
    assert_eq!((gone.len(), &gone[0]["events"]), (1, &json!(3)));
    assert_eq!(
        (sessions(&home).await, copies(&home)),
        (vec![YOUNG.to_owned()], 1)
    );
    // Nothing is lost.
    data(&home, &["import", gone[0]["archive"].as_str().unwrap()]).await;
    assert_eq!(sessions(&home).await, [YOUNG, OLD]);

    let again = data(&home, &["cleanup", "--older-than", "200d"]).await;
    assert_eq!(again["sessions"], json!([]));
}

#[tokio::test]
async fn people_are_told_line_by_line() {
    let home = with_history().await;
    let ran = openclaw(&home, &["sessions", "cleanup", "--older-than", "1h"]);
    let ran = ran.run().await.assert_code(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let [first, second] = lines.as_slice() else {
        panic!("{ran}")
    };
    assert!(
        first.starts_with(
            "deleted  agent:main:old, 3 events, last 100 d ago, for its age, archived in /"
        ),
        "{ran}"
    );
    assert!(
        second.starts_with("deleted  agent:main:young, 2 events"),
        "{ran}"
    );
    assert!(
        ran.stderr
            .starts_with("2 sessions are archived and deleted"),
        "{ran}"
    );
}

#[tokio::test]
async fn the_oldest_go_until_the_log_is_small_enough() {
    let home = TestHome::new();
    let long = "x".repeat(200_000);
    for (days, session) in [
        (30, "agent:main:c"),
        (20, "agent:main:b"),
        (10, "agent:main:a"),
    ] {
        talk(&log_of_old(&home, days), session, &[&long]).await;
    }
    let before = log(&home).size().await.unwrap();
    assert!(before > 600_000, "{before}");
    let would = data(&home, &["cleanup", "--max-size", "300kb", "--dry-run"]).await;
    assert_eq!(would["sessions"].as_array().unwrap().len(), 2, "{would}");
    let done = data(&home, &["cleanup", "--max-size", "300kb"]).await;
    assert_eq!(sessions(&home).await, ["agent:main:a"]);
    assert_eq!(done["sizeBefore"], before);
    assert!(done["sizeAfter"].as_u64().unwrap() <= 300 * 1024, "{done}");
    // The rest is more than nothing, whatever goes.
    let ran = openclaw(&home, &["sessions", "cleanup", "--max-size", "1"]);
    let ran = ran.run().await.assert_code(0);
    assert!(ran.stderr.contains("still uses"), "{ran}");
    assert_eq!((sessions(&home).await.len(), copies(&home)), (0, 3));
}

#[tokio::test]
async fn a_limit_of_size_never_takes_much_more_than_it_has_to() {
    let home = TestHome::new();
    let store = log_of_old(&home, 10);
    let said = vec!["the tide comes and goes ".repeat(12); 40];
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    for n in 0..40 {
        talk(&store, &format!("agent:main:s{n}"), &said).await;
    }
    let half = (store.size().await.unwrap() / 2).to_string();
    drop(store);
    let would = data(&home, &["cleanup", "--max-size", &half, "--dry-run"]).await;
    assert!((10..30).contains(&would["sessions"].as_array().unwrap().len()));
    data(&home, &["cleanup", "--max-size", &half]).await;
    let left = sessions(&home).await.len();
    assert!((10..30).contains(&left), "{left} are left");
}

#[tokio::test]
async fn a_session_that_is_running_is_kept_and_the_next_one_goes() {
    let home = with_history().await;
    let store = log(&home);
    let lease = store.lease(&key(OLD)).await.unwrap();
    let done = data(&home, &["cleanup", "--older-than", "1d"]).await;
    assert_eq!(done["kept"][0]["sessionKey"], OLD, "{done}");
    assert_eq!(done["sessions"][0]["sessionKey"], YOUNG, "{done}");
    assert_eq!(
        (sessions(&home).await, copies(&home)),
        (vec![OLD.to_owned()], 1)
    );
    drop(lease);
}

#[tokio::test]
async fn without_flags_the_config_says_what_goes() {
    let home = with_history().await;
    let told = refused(&home, &["cleanup"], 2, "invalid").await;
    assert!(
        told.contains("session.maintenance") && told.contains("--older-than"),
        "{told}"
    );
    configure(&home, &json!({"pruneAfter": "90d", "maxDiskBytes": "1tb"}));
    let would = data(&home, &["cleanup", "--dry-run"]).await;
    assert_eq!(
        would["limits"],
        json!({"olderThanMs": 90 * 86_400_000_u64, "maxSizeBytes": 1_u64 << 40, "preserveRecentMs": null})
    );
    assert_eq!(would["sessions"].as_array().unwrap().len(), 1);
    // What is typed counts alone.
    let would = data(&home, &["cleanup", "--older-than", "1d", "--dry-run"]).await;
    assert_eq!(would["sessions"].as_array().unwrap().len(), 2);
    configure(&home, &json!({"maxDiskBytes": 1, "preserveRecent": "30d"}));
    let would = data(&home, &["cleanup", "--dry-run"]).await;
    assert_eq!(would["sessions"].as_array().unwrap().len(), 1);

    configure(&home, &json!({"pruneAfter": "a while"}));
    let told = refused(&home, &["cleanup"], 78, "config").await;
    assert!(
        told.contains("session.maintenance.pruneAfter: must be a duration"),
        "{told}"
    );
    for flags in [["--older-than", "soon"], ["--max-size", "big"]] {
        let args = [&["cleanup"][..], &flags].concat();
        refused(&home, &args, 2, "invalid").await;
    }
}

#[tokio::test]
async fn an_empty_home_stays_empty() {
    let home = TestHome::new();
    let done = data(&home, &["cleanup", "--older-than", "1d"]).await;
    assert_eq!(done["sessions"], json!([]));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_gateway_enforces_what_the_config_says_when_it_starts() {
    let home = with_history().await;
    configure(&home, &json!({"mode": "enforce", "pruneAfter": "90d"}));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let gone = async {
        while sessions(&home).await.len() > 1 {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(Duration::from_secs(20), gone).await.unwrap();
    assert_eq!(
        (sessions(&home).await, copies(&home)),
        (vec![YOUNG.to_owned()], 1)
    );
    drop(gateway);
}

#[tokio::test]
async fn a_gateway_that_may_only_warn_deletes_nothing() {
    for (maintenance, warned) in [
        (json!({"mode": "warn", "pruneAfter": "90d"}), true),
        (json!({"pruneAfter": "90d"}), false),
    ] {
        let home = with_history().await;
        configure(&home, &maintenance);
        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        let told = || gateway.stderr().contains("sessions cleanup");
        if warned {
            let told = async {
                while !told() {
                    time::sleep(Duration::from_millis(20)).await;
                }
            };
            time::timeout(Duration::from_secs(20), told).await.unwrap();
        }
        gateway.terminate().await;
        assert_eq!(gateway.stderr().contains("sessions cleanup"), warned);
        assert_eq!((sessions(&home).await.len(), copies(&home)), (2, 0));
    }
}

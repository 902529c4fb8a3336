//! `openclaw audit accept`: only with the owner's word, and only what holds by itself.

use std::fs;

use openclaw_testkit::{GatewayProcess, Ran, TestHome};
use serde_json::json;

use super::{MAIN, anchors, assert_intact, entries, log, openclaw, recorded, sql, verify};
use crate::OPENCLAW;

async fn accept(home: &TestHome, flags: &[&str]) -> Ran {
    openclaw(home, &["audit", "accept"]).args(flags).run().await
}

#[tokio::test]
async fn lost_anchors_are_written_anew_when_the_owner_says_so() {
    let home = recorded().await;
    let ran = accept(&home, &["--yes"]).await.assert_code(0);
    assert!(ran.stdout.contains("nothing to accept"), "{ran}");
    fs::remove_file(anchors(&home)).unwrap();

    let ran = accept(&home, &[]).await.assert_code(2);
    assert!(ran.stderr.contains("--yes"), "{ran}");
    let ran = accept(&home, &["--dry-run"]).await.assert_code(0);
    assert!(ran.stdout.contains("could be accepted"), "{ran}");
    assert!(!anchors(&home).exists());

    let ran = accept(&home, &["--yes", "--json"]).await.assert_code(0);
    assert_eq!(ran.json()["data"]["accepted"], true);
    assert_intact(&home).await;
    let renewed = entries(&home, "log").await;
    assert_eq!(renewed.len(), 1, "{renewed:?}");
    assert!(
        renewed[0]["value"]["reason"]
            .as_str()
            .unwrap()
            .contains("owner")
    );
}

#[tokio::test]
async fn an_older_copy_that_was_put_back_by_hand_is_accepted() {
    let home = recorded().await;
    let older = fs::read(log(&home)).unwrap();
    drop(openclaw(&home, &["agent", "--message", "more"]).run().await);
    fs::write(log(&home), older).unwrap();
    for beside in ["wal", "shm"] {
        // What the last process to close the log left there, if anything, belongs to the newer one.
        drop(fs::remove_file(
            log(&home).with_extension(format!("sqlite-{beside}")),
        ));
    }
    let (code, data) = verify(&home).await;
    assert_eq!((code, &data["first"]["what"]), (Some(1), &json!("cut-off")));
    drop(accept(&home, &["--yes"]).await.assert_code(0));
    assert_intact(&home).await;
}

#[tokio::test]
async fn what_does_not_hold_by_itself_is_refused() {
    let home = recorded().await;
    fs::remove_file(anchors(&home)).unwrap();
    sql(&home)
        .execute("UPDATE events SET time_ms = 1 WHERE seq = 2", [])
        .unwrap();
    let ran = accept(&home, &["--yes"]).await.assert_code(6);
    assert!(ran.stderr.contains("the event was edited"), "{ran}");
    assert!(
        ran.stderr.contains(MAIN) || ran.stderr.contains("agent:"),
        "{ran}"
    );
    assert!(!anchors(&home).exists());
}

#[tokio::test]
async fn nothing_is_accepted_while_a_gateway_writes() {
    let home = recorded().await;
    fs::remove_file(anchors(&home)).unwrap();
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let ran = accept(&home, &["--yes"]).await.assert_code(69);
    assert!(ran.stderr.contains("a gateway runs"), "{ran}");
    gateway.terminate().await;
    drop(accept(&home, &["--yes"]).await.assert_code(0));
    assert_intact(&home).await;
}

#[tokio::test]
async fn a_check_tells_what_a_power_loss_took_and_leaves_the_repair_to_the_next_start() {
    let home = recorded().await;
    let mut cut = fs::read(anchors(&home)).unwrap();
    // Another boot of the machine wrote them, and the last slot never reached the disk.
    cut[16..32].fill(9);
    cut.truncate(cut.len() - 32);
    fs::write(anchors(&home), &cut).unwrap();
    for _ in 0..2 {
        let ran = openclaw(&home, &["audit", "verify", "--json"]).run().await;
        let data = ran.assert_code(0).json()["data"].clone();
        assert_eq!(
            (&data["unanchored"], &data["renewed"]),
            (&1.into(), &0.into())
        );
        assert!(fs::read(anchors(&home)).unwrap() == cut);
    }
    drop(openclaw(&home, &["agent", "--message", "more"]).run().await);
    let ran = openclaw(&home, &["audit", "verify", "--json"]).run().await;
    let data = ran.assert_code(0).json()["data"].clone();
    assert_eq!(
        (&data["unanchored"], &data["renewed"]),
        (&0.into(), &1.into())
    );
}

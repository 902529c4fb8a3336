//! Names that stand for nothing, or for more than one thing.

use openclaw_core::EventStore;
use openclaw_core::events::{Change, NewEvent};
use openclaw_testkit::Ran;
use serde_json::json;

use super::{MAIN, Stage};

#[tokio::test]
async fn an_id_that_nobody_gave_out_is_refused_with_where_to_look() {
    let stage = Stage::start(json!({})).await;
    for args in [
        &["approvals", "resolve", "nope", "deny"][..],
        &["approvals", "withdraw", "nope"],
    ] {
        let ran = stage.run(args).await.assert_code(3);
        assert!(ran.stderr.contains("`nope`"), "{ran}");
        assert!(ran.stderr.contains("with `openclaw approvals "), "{ran}");
        assert!(!ran.stderr.contains("sessions"), "{ran}");
    }
}

/// Puts a mark on a file of the workspace.
async fn mark(stage: &Stage, path: &str) {
    let store = EventStore::open(&stage.home.state_dir().event_log()).unwrap();
    let workspace = stage.home.workspace().canonicalize().unwrap();
    let mark = json!({ "from": "web", "host": "docs.example", "trust": "untrusted" });
    let marks = vec![serde_json::from_value(mark).unwrap()];
    let written = Change::file_written(&workspace, path.as_ref(), marks);
    let written: NewEvent = written.to_event().unwrap();
    let session = MAIN.parse().unwrap();
    store.append(&session, vec![written]).await.unwrap();
}

/// Checks that a path is refused in these words, and that nothing was recorded over it.
fn assert_unmarked(ran: Ran, words: &str, hint: &str) {
    let ran = ran.assert_code(3);
    assert!(ran.stderr.contains(words), "{ran}");
    assert!(ran.stderr.contains(hint), "{ran}");
}

#[tokio::test]
async fn nobody_vouches_for_a_file_that_carries_no_mark() {
    let mut stage = Stage::start(json!({})).await;
    drop(stage.decided("true", "allow-once").await);
    let none = "`openclaw approvals files`";
    for path in ["NOPE", "."] {
        let ran = stage.run(&["approvals", "vouch", path]).await;
        assert_unmarked(ran, &format!("by the name `{path}`"), none);
    }
    mark(&stage, "target").await;
    let inside = stage.run(&["approvals", "vouch", "target/debug/x"]).await;
    assert_unmarked(inside, "all of `target` has one", "vouch for `target`");
    let beside = stage.run(&["approvals", "vouch", "targets"]).await;
    assert_unmarked(beside, "by the name `targets`", none);
    let changes = stage.run(&["sessions", "list", "--json"]).await.json();
    assert_eq!(
        changes["sessions"].as_array().unwrap().len(),
        1,
        "{changes}"
    );

    let vouched = stage.run(&["approvals", "vouch", "./target"]).await;
    let vouched = vouched.assert_code(0);
    assert_eq!(vouched.stdout, "marks taken away: 1\n");
}

#[tokio::test]
async fn an_agent_that_there_is_not_is_refused_with_those_that_there_are() {
    let stage = Stage::start(json!({})).await;
    for args in [
        &["approvals", "files", "--agent", "mian"][..],
        &["approvals", "vouch", ".", "--agent", "mian"],
    ] {
        let ran = stage.run(args).await.assert_code(3);
        assert!(ran.stderr.contains("there are: main"), "{ran}");
    }
}

#[tokio::test]
async fn the_beginning_of_a_digest_has_to_be_clear() {
    let mut stage = Stage::start(json!({})).await;
    // Of seventeen digests, two begin with the same digit.
    for n in 0..17 {
        drop(stage.decided(&format!("true {n}"), "allow-always").await);
    }
    let grants = stage.run(&["approvals", "grants", "--json"]).await.json();
    let mut digits: Vec<String> = grants["data"]["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| grant["digest"].as_str().unwrap().chars().take(1).collect())
        .collect();
    digits.sort_unstable();
    let twice = digits.windows(2).find(|two| two[0] == two[1]).unwrap();
    let ran = stage.run(&["approvals", "withdraw", &twice[0]]).await;
    let ran = ran.assert_code(2);
    assert!(ran.stderr.contains("several standing approvals"), "{ran}");
    assert!(ran.stderr.contains("`openclaw approvals grants`"), "{ran}");
}

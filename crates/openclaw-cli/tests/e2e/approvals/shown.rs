//! What is shown of a call to whoever looks at it as JSON, on a terminal like any other.

use serde_json::json;

use super::Stage;

#[tokio::test]
async fn json_hides_nothing_from_a_terminal_and_says_the_same() {
    let mut stage = Stage::start(json!({})).await;
    let sly = "true # \u{202e}\u{200b}\u{e0041} ✓";
    let said = tokio::spawn(stage.say(&json!(sly).to_string()));
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    let list = stage.run(&["approvals", "list", "--json"]).await;
    let resolve = ["approvals", "resolve", &id, "allow-always", "--json"];
    let resolved = stage.run(&resolve).await;
    drop(said.await.unwrap().assert_code(0));
    let grants = stage.run(&["approvals", "grants", "--json"]).await;
    let all = stage.run(&["approvals", "list", "--all", "--json"]).await;
    for (ran, place) in [
        (list, "/data/approvals/0"),
        (resolved, "/data"),
        (grants, "/data/grants/0"),
        (all, "/data/closed/0"),
    ] {
        let shown = r"true # \u202e\u200b\udb40\udc41 ✓";
        assert!(ran.stdout.contains(shown), "{ran}");
        let hidden = |c: char| !c.is_ascii() && c != '✓';
        assert!(!ran.stdout.contains(hidden), "{ran}");
        let command = format!("{place}/shape/arguments/command");
        assert_eq!(ran.json().pointer(&command), Some(&json!(sly)), "{ran}");
    }
}

#[tokio::test]
async fn what_was_decided_is_listed_with_who_decided_and_when() {
    let mut stage = Stage::start(json!({})).await;
    drop(stage.decided("touch one", "allow-once").await);
    drop(stage.decided("touch two", "deny").await);
    let said = tokio::spawn(stage.say("touch three"));
    let waiting = stage.question().await;

    let all = ["approvals", "list", "--all"];
    let listed = stage.run(&[&all[..], &["--json"]].concat()).await.json();
    let data = &listed["data"];
    assert_eq!(data["approvals"][0]["id"], waiting["id"], "{listed}");
    let closed = data["closed"].as_array().unwrap();
    let told: Vec<_> = closed
        .iter()
        .map(|closed| {
            assert!(closed["decision"]["decided"].as_str() > closed["asked"].as_str());
            let argv = &closed["shape"]["argv"][2];
            (
                argv,
                &closed["decision"]["allowed"],
                &closed["decision"]["answer"],
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (&json!("touch two"), &json!(false), &json!("deny")),
            (&json!("touch one"), &json!(true), &json!("allow-once")),
        ]
    );
    let by = closed[0]["decision"]["by"].as_str().unwrap();
    let text = stage.run(&all).await.assert_code(0);
    let denied = format!("decided    denied by {by}, ");
    assert!(text.stdout.contains(&denied), "{text}");

    // Without the flag there is what waits, and nothing else.
    let few = stage.run(&["approvals", "list", "--json"]).await.json();
    assert_eq!(few["data"]["closed"], json!(null), "{few}");
    let id = waiting["id"].as_str().unwrap();
    let resolved = stage.resolve(id, "deny").await.assert_code(0);
    let what = r#"denied: exec ["/bin/sh","-c","touch three"]"#;
    assert_eq!(resolved.stdout.trim_end(), what);
    drop(said.await.unwrap().assert_code(0));
}

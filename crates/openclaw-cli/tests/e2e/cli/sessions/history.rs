//! What a session was at any of its events.

use openclaw_core::events::Change;
use openclaw_testkit::{FakeCall, FakeProvider, Reply, TestHome, WireFormat};
use serde_json::json;

use super::{MAIN, data, key, log, ok, openclaw, refused, shown, talk, with_a_session};

#[tokio::test]
async fn the_state_is_that_of_the_event_asked_for() {
    let home = with_a_session().await;
    let facts = |state: &serde_json::Value| {
        let facts = ["messages.total", "tokens.total", "tools.active"];
        let facts = facts.map(|key| state["state"][key].clone());
        (state["at"].clone(), state["head"].clone(), json!(facts))
    };
    let now = data(&home, &["state", MAIN]).await;
    assert_eq!(facts(&now), (json!(5), json!(5), json!([2, 5030, []])));
    let then = data(&home, &["state", MAIN, "--at", "3"]).await;
    assert_eq!(facts(&then), (json!(3), json!(5), json!([1, 0, ["write"]])));
    // The hash tells which history it is the state of.
    let events = data(&home, &["events", MAIN, "--after", "2", "--limit", "1"]).await;
    assert_eq!(then["hash"], events["events"][0]["hash"]);

    let table = ok(&home, &["sessions", "state", MAIN, "--at", "3"]).await;
    let table = shown(&home, &table);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[..2], ["(after event 3 of 5)", "KEY  VALUE"]);
    for line in ["messages.total  1", r#"tools.active  ["write"]"#] {
        assert!(lines.contains(&line), "{table}");
    }
}

#[tokio::test]
async fn a_conversation_can_be_read_as_it_was() {
    let home = with_a_session().await;
    let show = ok(&home, &["sessions", "show", MAIN, "--at", "4"]).await;
    insta::assert_snapshot!(shown(&home, &show), @"
    (after event 4 of 5)

    you  [TIME]
    remember the tide
    ");
    let then = data(&home, &["show", MAIN, "--at", "4"]).await;
    assert_eq!(then["messages"].as_array().unwrap().len(), 1);
    assert_eq!((&then["at"], &then["events"]), (&json!(4), &json!(5)));
    let last = data(&home, &["show", MAIN, "--limit", "1"]).await;
    assert_eq!(last["messages"][0]["seq"], 5);
    assert!(last["messages"][0]["time"].is_string());
}

#[tokio::test]
async fn what_the_agent_says_with_a_tool_call_stands_in_its_place() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let call = FakeCall::new("write", &json!({ "path": "notes.md", "content": "tide" }));
    provider
        .reply(Reply::tool_calls([call]).with_text("Let me do that."))
        .reply(Reply::text("It is in notes.md."));
    home.use_provider(&provider, WireFormat::OpenAi);
    let said = openclaw(&home, &["agent", "--message", "remember the tide"]);
    drop(said.run().await.assert_code(0));

    let show = ok(&home, &["sessions", "show", MAIN]).await;
    insta::assert_snapshot!(shown(&home, &show), @"
    you  [TIME]
    remember the tide

    main  [TIME]
    Let me do that.

    main  [TIME]
    It is in notes.md.
    ");
    let places = async |args: &[&str]| {
        let shown = data(&home, &[&["show", MAIN], args].concat()).await;
        let places = shown["messages"].as_array().unwrap().iter();
        let places = places.map(|said| (said["seq"].clone(), said["role"].clone()));
        places.collect::<Vec<_>>()
    };
    let all = [(2, "user"), (3, "assistant"), (5, "assistant")];
    let all = all.map(|(seq, role)| (json!(seq), json!(role)));
    assert_eq!(places(&[]).await, all);
    assert_eq!(places(&["--at", "4"]).await, all[..2]);
    for limit in 0..5 {
        let last = &all[all.len().saturating_sub(limit)..];
        assert_eq!(places(&["--limit", &limit.to_string()]).await, last);
    }
    assert_eq!(places(&["--at", "4", "--limit", "1"]).await, all[1..2]);

    let found = data(&home, &["search", "let me do"]).await;
    assert_eq!(found["hits"][0]["seq"], 3, "{found}");
}

#[tokio::test]
async fn an_event_beyond_the_end_is_named() {
    let home = with_a_session().await;
    for args in [
        &["state", MAIN, "--at", "6"][..],
        &["show", MAIN, "--at", "6"],
        &["events", MAIN, "--after", "6"],
        &["fork", MAIN, "--at", "6"],
    ] {
        let told = refused(&home, args, 3, "notfound").await;
        assert!(told.contains("has no event 6; its last one is 5"), "{told}");
    }
    // The end itself is a place to go on from.
    let events = data(&home, &["events", MAIN, "--after", "5"]).await;
    assert_eq!(events["events"], json!([]));
}

#[tokio::test]
async fn a_long_session_streams_line_by_line() {
    let home = TestHome::new();
    let texts: Vec<String> = (0..700).map(|n| format!("line {n}")).collect();
    let said: Vec<&str> = texts.iter().map(String::as_str).collect();
    talk(&log(&home), MAIN, &said).await;
    let args = ["sessions", "events", MAIN, "--jsonl", "--after", "1"];
    let lines = ok(&home, &args).await.json_lines();
    let seqs: Vec<u64> = lines
        .iter()
        .map(|line| line["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (2..=701).collect::<Vec<_>>());

    // A page of one kind only has as many as were asked for, wherever they are.
    let args = ["events", MAIN, "--kind", "agentresponse", "--limit", "300"];
    let first = data(&home, &args).await;
    assert_eq!(first["events"].as_array().unwrap().len(), 300);
    let after = first["nextCursor"].to_string();
    let rest = data(&home, &[&args[..], &["--after", &after]].concat()).await;
    assert_eq!(rest["events"].as_array().unwrap().len(), 50);
    assert_eq!(rest["nextCursor"], json!(null));
}

#[tokio::test]
async fn a_page_for_people_says_that_there_is_more() {
    let home = with_a_session().await;
    let ran = openclaw(&home, &["sessions", "events", MAIN, "--limit", "2"]);
    let ran = ran.run().await.assert_code(0);
    assert_eq!(ran.stderr, "5 events in all; see --after 2\n", "{ran}");
}

#[tokio::test]
async fn changes_of_state_are_told_in_words() {
    let home = TestHome::new();
    let store = log(&home);
    talk(&store, MAIN, &["hi"]).await;
    let change = Change::ModelChanged {
        provider: "anthropic".into(),
        model: "m".into(),
    };
    store
        .append(&key(MAIN), vec![change.to_event().unwrap()])
        .await
        .unwrap();
    let args = ["sessions", "events", MAIN, "--kind", "StateChanged"];
    let events = ok(&home, &args).await;
    assert!(
        events.stdout.contains("from here on anthropic/m answers"),
        "{events}"
    );
}

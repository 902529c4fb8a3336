//! `openclaw sessions tail`: following, stopping and going on.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{MAIN, data, log, ok, openclaw, refused, talk, with_a_session};
use crate::OPENCLAW;

fn positions(events: &[Value]) -> Vec<u64> {
    events
        .iter()
        .map(|event| event["position"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn what_a_gateway_records_is_followed_beside_it() {
    let (home, provider) = (with_a_session().await, FakeProvider::start());
    home.use_provider(&provider, WireFormat::OpenAi);
    provider.reply(Reply::text("Now."));
    let _gateway = GatewayProcess::start(&home, OPENCLAW).await;
    // Five events are there, the other two are yet to come.
    let args = [
        "sessions", "tail", MAIN, "--from", "0", "--limit", "7", "--jsonl",
    ];
    let tail = tokio::spawn(openclaw(&home, &args).run());
    drop(ok(&home, &["agent", "--message", "when?"]).await);
    let tail = tail.await.unwrap().assert_code(0);
    let kinds: Vec<Value> = tail
        .json_lines()
        .into_iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(
        kinds[5..],
        [json!("MessageReceived"), json!("AgentResponse")],
        "{tail}"
    );
    assert_eq!(tail.stderr, "");
}

#[tokio::test]
async fn a_cursor_goes_on_without_gap_or_repetition() {
    let home = TestHome::new();
    let store = log(&home);
    talk(&store, MAIN, &["one", "two", "three"]).await;
    talk(&store, "agent:main:other", &["four"]).await;
    let first = data(&home, &["tail", "--from", "0", "--limit", "3"]).await;
    let cursor = first["nextCursor"].to_string();
    let rest = data(&home, &["tail", "--from", &cursor, "--limit", "3"]).await;
    let events = |page: &Value| page["events"].as_array().unwrap().clone();
    let mut seen = positions(&events(&first));
    seen.extend(positions(&events(&rest)));
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
    // Only one session, wherever its events are.
    let other = data(
        &home,
        &["tail", "agent:main:other", "--from", "0", "--limit", "2"],
    )
    .await;
    assert_eq!(positions(&events(&other)), [5, 6]);

    let ran = openclaw(&home, &["sessions", "tail", "--from", "0", "--limit", "2"]);
    let ran = ran.run().await.assert_code(0);
    assert!(ran.stdout.contains("MessageReceived  one"), "{ran}");
    assert_eq!(ran.stderr, "go on with: openclaw sessions tail --from 2\n");
}

#[tokio::test]
async fn ctrl_c_ends_it_with_130_and_says_how_to_go_on() {
    let home = with_a_session().await;
    // The first line is awaited, so that the signal finds it following.
    let script = "mkfifo pipe && { \"$0\" \"$@\" >pipe & } && pid=$! && exec 3<pipe && read line <&3 \
                  && kill -INT $pid && wait $pid";
    for (format, told) in [(&[][..], true), (&["--jsonl"], false)] {
        let ran = home
            .command("/bin/sh")
            .args(["-c", script, OPENCLAW, "sessions", "tail", "--from", "4"])
            .args(format)
            .run()
            .await
            .assert_code(130);
        assert_eq!(ran.stderr.contains("sessions tail --from "), told, "{ran}");
        std::fs::remove_file(home.path().join("pipe")).unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_followed_is_said_at_once() {
    let home = with_a_session().await;
    let head = log(&home).position();
    let beyond = (head + 1).to_string();
    let args = ["tail", "--from", &beyond, "--limit", "1"];
    let told = refused(&home, &args, 3, "notfound").await;
    let expected = format!("has no position {beyond}; its last one is {head}");
    assert!(told.contains(&expected), "{told}");
    let told = refused(
        &home,
        &["tail", "agent:main:mian", "--limit", "1"],
        3,
        "notfound",
    )
    .await;
    assert!(told.contains("did you mean `agent:main:main`?"), "{told}");
    let ran = openclaw(&home, &["sessions", "tail", "--json"]).run().await;
    assert!(ran.assert_code(2).stdout.contains("--jsonl"));
    let ran = openclaw(&home, &["sessions", "tail", "--json", "--jsonl"]);
    drop(ran.run().await.assert_code(2));
    let empty = TestHome::new();
    refused(&empty, &["tail", "--limit", "1"], 3, "notfound").await;
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}

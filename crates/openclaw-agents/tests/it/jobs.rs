//! Commands that go on in the background, as a model uses them.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::SessionEventKind;
use openclaw_testkit::{FakeCall, FakeProvider, Reply};
use serde_json::{Value, json};

use super::Fixture;

/// Lets a model make one call after the other, with the id of the first background command in
/// place of `$ID`, and returns what each came to.
async fn results(fixture: &mut Fixture, calls: Vec<(&'static str, Value)>) -> Vec<(bool, Value)> {
    let calls = Arc::new(calls);
    fixture.provider.otherwise(move |seen| {
        let results = seen.results();
        let Some((tool, arguments)) = calls.get(results.len()) else {
            return Reply::text("done");
        };
        let id = results
            .iter()
            .find_map(|result| result.content.split("sessionId: ").nth(1))
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default();
        let arguments = arguments.to_string().replace("$ID", id);
        Reply::tool_calls([FakeCall::raw(*tool, arguments)])
    });
    let runtime = fixture.runtime();
    runtime
        .process_message(&mut fixture.context, "work")
        .await
        .unwrap();
    fixture.provider.assert_clean();
    let events = fixture.events().await;
    let results = events.into_iter().filter_map(|event| match event.kind {
        SessionEventKind::ToolResult {
            success, result, ..
        } => Some((success, result)),
        _ => None,
    });
    results.collect()
}

#[tokio::test]
async fn a_command_goes_on_after_its_call_and_is_written_to_and_read() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let script = "echo ready; while read line; do echo \"got $line\"; done; echo bye; exit 3";
    let results = results(
        &mut fixture,
        vec![
            ("exec", json!({ "command": script, "background": true })),
            (
                "process",
                json!({ "action": "write", "sessionId": "$ID", "data": "one\n" }),
            ),
            (
                "process",
                json!({ "action": "poll", "sessionId": "$ID", "timeout": 5000 }),
            ),
            (
                "process",
                json!({ "action": "write", "sessionId": "$ID", "data": "two\n", "eof": true }),
            ),
            ("exec", json!({ "command": "sleep 1" })),
            ("process", json!({ "action": "poll", "sessionId": "$ID" })),
            (
                "process",
                json!({ "action": "log", "sessionId": "$ID", "offset": 1, "limit": 2 }),
            ),
            ("process", json!({ "action": "list" })),
            (
                "process",
                json!({ "action": "write", "sessionId": "$ID", "data": "late" }),
            ),
            ("process", json!({ "action": "clear", "sessionId": "$ID" })),
            ("process", json!({ "action": "poll", "sessionId": "$ID" })),
        ],
    )
    .await;
    assert_eq!(results[0].1["status"], "running", "{results:?}");
    assert!(results[0].0);
    let (ended, poll) = &results[5];
    assert!(!ended, "it exits with 3: {poll}");
    assert_eq!(
        (&poll["status"], &poll["exitCode"]),
        (&json!("failed"), &json!(3))
    );
    assert_eq!(results[6].1["output"], "got one\ngot two");
    assert_eq!(results[6].1["lines"], 4);
    assert_eq!(results[7].1["processes"][0]["sandbox"], "strict");
    assert!(!results[8].0, "nothing is written to what has ended");
    assert!(
        results[10]
            .1
            .as_str()
            .unwrap()
            .contains("there is no background command")
    );
}

#[tokio::test]
async fn a_slow_command_moves_to_the_background_and_can_be_ended() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let results = results(
        &mut fixture,
        vec![
            (
                "exec",
                json!({ "command": "echo slow; sleep 1000", "yieldMs": 300 }),
            ),
            ("process", json!({ "action": "clear", "sessionId": "$ID" })),
            ("process", json!({ "action": "kill", "sessionId": "$ID" })),
            ("process", json!({ "action": "remove", "sessionId": "$ID" })),
            ("process", json!({ "action": "list" })),
        ],
    )
    .await;
    assert_eq!(results[0].1["output"], "slow\n");
    assert!(results[1].1.as_str().unwrap().contains("still runs"));
    assert_eq!(results[2].1["status"], "killed");
    assert_eq!(results[4].1, json!({ "processes": [] }));
}

#[tokio::test]
async fn a_program_that_wants_a_terminal_gets_one_and_its_keys() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let script = "trap 'echo interrupted; exit 0' INT; test -t 0 && echo at a terminal; \
                  while :; do sleep 0.1; done";
    let results = results(
        &mut fixture,
        vec![
            (
                "exec",
                json!({ "command": script, "pty": true, "yieldMs": 500 }),
            ),
            (
                "process",
                json!({ "action": "send-keys", "sessionId": "$ID", "keys": ["Hyper"] }),
            ),
            (
                "process",
                json!({ "action": "send-keys", "sessionId": "$ID", "keys": ["C-c"] }),
            ),
            ("exec", json!({ "command": "sleep 1" })),
            ("process", json!({ "action": "log", "sessionId": "$ID" })),
            ("exec", json!({ "command": "stty size", "pty": true })),
        ],
    )
    .await;
    assert_eq!(results[0].1["output"], "at a terminal\r\n");
    assert!(
        results[1]
            .1
            .as_str()
            .unwrap()
            .contains("there is no key `Hyper`")
    );
    let log = &results[4].1;
    assert_eq!(log["status"], "completed", "{log}");
    assert!(log["output"].as_str().unwrap().contains("interrupted"));
    assert_eq!(results[5].1["stdout"], "24 80\r\n");
}

#[tokio::test]
async fn background_commands_end_with_the_runtime() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let beat = fixture.workspace().join("beat");
    let script = "while :; do date +%s%N > beat; sleep 0.1; done";
    let started = results(
        &mut fixture,
        vec![("exec", json!({ "command": script, "yieldMs": 500 }))],
    )
    .await;
    assert_eq!(started[0].1["status"], "running");
    // The runtime is gone; two beats apart nothing may change any more.
    let mut last = std::fs::read(&beat).unwrap();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = std::fs::read(&beat).unwrap();
        if now == last {
            return;
        }
        last = now;
    }
    panic!("it still runs");
}

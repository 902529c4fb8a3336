//! `openclaw sessions`: what the log has, for people and for scripts.

mod branches;
mod cleanup;
mod damage;
mod delete;
mod history;
mod search;
mod tail;
mod transfer;

use std::fs;
use std::time::Duration;

use openclaw_core::events::NewEvent;
use openclaw_core::{Clock, EventStore, SessionEventKind, SessionKey};
use openclaw_testkit::{FakeProvider, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{openclaw, with_a_session, with_closed_stdout};

const MAIN: &str = "agent:main:main";

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

/// The log of a home, as another process has it open.
fn log(home: &TestHome) -> EventStore {
    EventStore::open(&home.state_dir().event_log()).unwrap()
}

/// The log of a home in which it is so many days ago.
fn log_of_old(home: &TestHome, days: u64) -> EventStore {
    let then = Clock::system().now() - Duration::from_hours(24 * days);
    EventStore::open_with_clock(&home.state_dir().event_log(), Clock::fixed(then)).unwrap()
}

/// Records the beginning of a session, and then what was said to it and by it in turn.
async fn talk(store: &EventStore, session: &str, said: &[&str]) {
    let mut events: Vec<NewEvent> = vec![
        SessionEventKind::SessionStarted {
            channel: "rpc".into(),
            peer_id: "local-owner".into(),
        }
        .into(),
    ];
    events.extend(said.iter().enumerate().map(|(n, text)| {
        let content = (*text).to_owned();
        NewEvent::from(if n % 2 == 0 {
            SessionEventKind::MessageReceived {
                content,
                attachments: vec![],
            }
        } else {
            SessionEventKind::AgentResponse {
                content,
                model: "m".into(),
                tokens: 7,
            }
        })
    }));
    store.append(&key(session), events).await.unwrap();
}

/// Runs a subcommand of `sessions` that has to work, with `--json`, and returns its data.
async fn data(home: &TestHome, args: &[&str]) -> Value {
    let ran = openclaw(home, &["sessions", "--json"]).args(args);
    let ran = ran.run().await.assert_code(0);
    assert_eq!(ran.stderr, "", "{ran}");
    ran.json()["data"].clone()
}

/// Runs a subcommand of `sessions` that has to fail, for people and for programs.
///
/// Returns what people are told.
async fn refused(home: &TestHome, args: &[&str], code: i32, kind: &str) -> String {
    let ran = openclaw(home, &["sessions"]).args(args).run().await;
    let told = ran.assert_code(code);
    assert_eq!(told.stdout, "", "{told}");
    let ran = openclaw(home, &["sessions", "--json"]).args(args);
    let ran = ran.run().await.assert_code(code);
    assert_eq!(ran.json()["error"]["code"], kind, "{ran}");
    told.stderr
}

/// Redacts, and takes away how wide columns are, which depends on what was redacted.
fn shown(home: &TestHome, ran: &Ran) -> String {
    let columns = |line: &str| {
        let cells: Vec<&str> = line.split("  ").map(str::trim).collect();
        let cells: Vec<&str> = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
        cells.join("  ")
    };
    let text = home.redact(&ran.stdout);
    text.lines().map(columns).collect::<Vec<_>>().join("\n")
}

async fn ok(home: &TestHome, args: &[&str]) -> Ran {
    let ran = openclaw(home, args).run().await.assert_code(0);
    assert_eq!(ran.stderr, "", "{ran}");
    ran
}

#[tokio::test]
async fn people_read_tables() {
    let home = with_a_session().await;
    let list = ok(&home, &["sessions", "list"]).await;
    insta::assert_snapshot!(shown(&home, &list), @r#"
    SESSION  UPDATED  EVENTS  STATUS  MODEL
    agent:main:main  [DURATION] ago  5  done  fake-model
    "#);
    let show = ok(&home, &["sessions", "show", MAIN]).await;
    insta::assert_snapshot!(shown(&home, &show), @r#"
    you  [TIME]
    remember the tide

    main  [TIME]
    It is in notes.md.
    Anything else?
    "#);
    let events = ok(&home, &["sessions", "events", MAIN]).await;
    insta::assert_snapshot!(shown(&home, &events), @r#"
    SEQ  TIME  KIND  WHAT
    1  [TIME]  SessionStarted  rpc, with local-owner
    2  [TIME]  MessageReceived  remember the tide
    3  [TIME]  ToolCalled  write  {"path":"notes.md","content":"tide"}
    4  [TIME]  ToolResult  write  ok, [DURATION]
    5  [TIME]  AgentResponse  (fake-model, 5030 tokens) It is in notes.md.\nAnything else?
    "#);
    // `list` is what one means without saying so.
    assert_eq!(
        shown(&home, &ok(&home, &["sessions"]).await),
        shown(&home, &list)
    );
}

#[tokio::test]
async fn scripts_read_json_about_sessions() {
    let home = with_a_session().await;
    let list = ok(&home, &["sessions", "list", "--json"]).await;
    insta::assert_json_snapshot!(list.json(), {
        ".path" => "[PATH]",
        ".sessions[].updatedAt" => "[MS]",
        ".sessions[].ageMs" => "[MS]",
        ".sessions[].sessionStartedAt" => "[MS]",
    }, @r#"
    {
      "path": "[PATH]",
      "count": 1,
      "totalCount": 1,
      "limitApplied": 100,
      "hasMore": false,
      "activeMinutes": null,
      "sessions": [
        {
          "key": "agent:main:main",
          "updatedAt": "[MS]",
          "ageMs": "[MS]",
          "sessionStartedAt": "[MS]",
          "status": "done",
          "model": "fake-model",
          "modelProvider": "fake",
          "agentId": "main",
          "kind": "direct",
          "events": 5,
          "ended": false
        }
      ]
    }
    "#);
    let show = ok(&home, &["sessions", "show", MAIN, "--json"]).await;
    insta::assert_snapshot!(home.redact(&show.stdout), @r#"
    {
      "ok": true,
      "schemaVersion": 1,
      "data": {
        "sessionKey": "agent:main:main",
        "agentId": "main",
        "startedAt": "[TIME]",
        "updatedAt": "[TIME]",
        "ended": false,
        "events": 5,
        "messages": [
          {
            "seq": 2,
            "time": "[TIME]",
            "role": "user",
            "content": "remember the tide"
          },
          {
            "seq": 5,
            "time": "[TIME]",
            "role": "assistant",
            "content": "It is in notes.md.\nAnything else?"
          }
        ],
        "state": {
          "cost.total": 0.0,
          "messages.total": 2,
          "tokens.total": 5030,
          "tools.active": [],
          "usage.total": {
            "inputTokens": 5000,
            "outputTokens": 30,
            "cacheReadTokens": 0,
            "cacheWriteTokens": 0
          }
        }
      },
      "warnings": []
    }
    "#);
}

#[tokio::test]
async fn scripts_read_json_about_events() {
    let home = with_a_session().await;
    let args = ["sessions", "events", MAIN, "--after", "4", "--json"];
    let events = ok(&home, &args).await;
    insta::assert_snapshot!(home.redact(&events.stdout), @r#"
    {
      "ok": true,
      "schemaVersion": 1,
      "data": {
        "sessionKey": "agent:main:main",
        "events": [
          {
            "sessionKey": "agent:main:main",
            "seq": 5,
            "position": 8,
            "time": "[TIME]",
            "cause": 2,
            "runId": "[UUID]",
            "step": 2,
            "kind": "AgentResponse",
            "data": {
              "content": "It is in notes.md.\nAnything else?",
              "model": "fake-model",
              "tokens": 5030
            },
            "payload": {
              "step": {
                "provider": "fake",
                "model": "fake-model",
                "stop": "end_turn",
                "usage": {
                  "input": 2500,
                  "output": 15,
                  "cacheRead": 0,
                  "cacheWrite": 0,
                  "reasoning": 0
                },
                "blocks": [
                  {
                    "text": "It is in notes.md.\nAnything else?"
                  }
                ]
              },
              "calls": [
                {
                  "provider": "fake",
                  "model": "fake-model",
                  "outcome": "ok",
                  "usage": {
                    "input": 2500,
                    "output": 15,
                    "cacheRead": 0,
                    "cacheWrite": 0,
                    "reasoning": 0
                  },
                  "cost": 0,
                  "latencyMs": "[DURATION]",
                  "firstTokenMs": "[DURATION]"
                }
              ]
            },
            "hash": "[TOKEN]"
          }
        ],
        "nextCursor": null
      },
      "warnings": []
    }
    "#);
}

#[tokio::test]
async fn pages_of_events_follow_one_another() {
    let home = with_a_session().await;
    let (mut seqs, mut cursor) = (Vec::new(), json!(0));
    while cursor.is_u64() {
        let after = cursor.to_string();
        let args = [
            "sessions", "events", MAIN, "--limit", "2", "--after", &after,
        ];
        let page = openclaw(&home, &args).arg("--json").run().await;
        let page = page.assert_code(0).json();
        let events = page["data"]["events"].as_array().unwrap().clone();
        seqs.extend(events.iter().map(|event| event["seq"].as_u64().unwrap()));
        cursor = page["data"]["nextCursor"].clone();
    }
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn an_unknown_key_is_not_found_and_a_like_one_is_named() {
    let home = with_a_session().await;
    for verb in ["show", "events"] {
        let ran = openclaw(&home, &["sessions", verb, "agent:main:mian"])
            .run()
            .await;
        let ran = ran.assert_code(3);
        assert!(
            ran.stderr.contains("did you mean `agent:main:main`?"),
            "{ran}"
        );
        let ran = openclaw(&home, &["sessions", verb, "nonsense"]).run().await;
        drop(ran.assert_code(2));
    }
    let ran = openclaw(&home, &["sessions", "show", "agent:x:y", "--json"]);
    let ran = ran.run().await.assert_code(3);
    assert_eq!(ran.json()["error"]["code"], "notfound");
}

#[tokio::test]
async fn an_empty_home_has_no_sessions_and_stays_empty() {
    let home = TestHome::new();
    let ran = openclaw(&home, &["sessions", "list"])
        .run()
        .await
        .assert_code(0);
    assert_eq!(ran.stdout, "");
    let ran = openclaw(&home, &["sessions", "list", "--json"]).run().await;
    assert_eq!(ran.assert_code(0).json()["sessions"], json!([]));
    drop(
        openclaw(&home, &["sessions", "show", MAIN])
            .run()
            .await
            .assert_code(3),
    );
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_reader_that_leaves_early_is_no_failure() {
    let home = with_a_session().await;
    for args in [
        &["sessions", "list"][..],
        &["sessions", "show", MAIN],
        &["sessions", "events", MAIN],
        &["sessions", "events", MAIN, "--json"],
    ] {
        let ran = with_closed_stdout(&home, args).run().await.assert_code(0);
        assert_eq!(ran.stderr, "", "{ran}");
    }
}

#[tokio::test]
async fn what_was_said_cannot_command_the_terminal() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.reply(Reply::text("red\u{1b}[31m bell\u{7} back\r end\u{202e}"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let escaped = "red\\u{1b}[31m bell\\u{7} back\\r end\\u{202e}";
    for args in [
        &["agent", "--message", "hi"][..],
        &["sessions", "show", MAIN],
        &["sessions", "events", MAIN],
    ] {
        let ran = openclaw(&home, args).run().await.assert_code(0);
        assert!(ran.stdout.contains(escaped), "{ran}");
        let harmful = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
        assert!(!ran.stdout.contains(harmful), "{:?}", ran.stdout);
    }
    // Scripts get it as it was said.
    let ran = openclaw(&home, &["sessions", "show", MAIN, "--json"])
        .run()
        .await;
    let said = &ran.assert_code(0).json()["data"]["messages"][1]["content"];
    assert_eq!(said, "red\u{1b}[31m bell\u{7} back\r end\u{202e}");
}

//! `openclaw sessions replay`: a recorded turn again, with nothing run and nothing written.

use std::fs;

use openclaw_core::{EventStore, SessionEventKind, Usage};
use openclaw_testkit::{FakeCall, FakeProvider, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{openclaw, with_a_session};
use crate::OPENCLAW;

/// What a model is offered where nothing is configured.
const TOOLS: [&str; 14] = [
    "apply_patch",
    "edit",
    "exec",
    "find",
    "grep",
    "ls",
    "message",
    "process",
    "read",
    "sessions_history",
    "sessions_list",
    "sessions_send",
    "web_fetch",
    "write",
];

const MAIN: &str = "agent:main:main";
const ANSWER: &str = "It is in notes.md.\nAnything else?";

fn write(content: &str) -> FakeCall {
    FakeCall::new("write", &json!({ "path": "notes.md", "content": content }))
}

/// Configures two providers: `fake`, which is the recorded one, and `second`.
fn configure(home: &TestHome, fake: &FakeProvider, second: &FakeProvider) {
    let mut config = TestHome::config_for(fake, WireFormat::OpenAi);
    let other = TestHome::config_for(second, WireFormat::Anthropic);
    config["models"]["providers"]["second"] = other["models"]["providers"]["fake"].clone();
    home.write_config(&config.to_string());
}

/// A home with a recorded turn and two providers that were not asked yet.
async fn recorded() -> (TestHome, FakeProvider, FakeProvider) {
    let (home, fake, second) = (
        with_a_session().await,
        FakeProvider::start(),
        FakeProvider::start(),
    );
    second.expect_key("sk-canary-77aa01");
    configure(&home, &fake, &second);
    (home, fake, second)
}

async fn replay(home: &TestHome, args: &[&str]) -> Ran {
    openclaw(home, &["sessions", "replay", MAIN])
        .args(args)
        .run()
        .await
}

async fn data(home: &TestHome, args: &[&str]) -> Value {
    let ran = replay(home, args).await;
    let ran = ran.assert_code(0);
    assert_eq!(ran.stderr, "", "{ran}");
    assert!(!ran.stdout.contains("canary"), "{ran}");
    ran.json()["data"].clone()
}

/// Returns the position of the last event in the log, whichever session it is in.
fn head(home: &TestHome) -> u64 {
    let store = EventStore::open(&home.state_dir().event_log()).unwrap();
    store.position()
}

/// Returns what was recorded after a position, all of which has to be changes of state.
async fn state_keys_after(home: &TestHome, position: u64) -> Vec<String> {
    let store = EventStore::open(&home.state_dir().event_log()).unwrap();
    let events = store.read_after(position, 100).await.unwrap();
    events
        .into_iter()
        .map(|event| match event.kind {
            SessionEventKind::StateChanged { key, .. } => key,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn notes(home: &TestHome) -> String {
    fs::read_to_string(home.workspace().join("notes.md")).unwrap()
}

#[tokio::test]
async fn the_same_model_with_the_same_answers_shows_no_difference() {
    let (home, fake, second) = recorded().await;
    fake.reply(Reply::tool_calls([write("tide")]))
        .reply(Reply::text(ANSWER));
    let before = head(&home);
    fs::remove_file(home.workspace().join("notes.md")).unwrap();
    let found = data(&home, &["--json"]).await;
    let steps: Vec<(&Value, &Value)> = found["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (&step["same"], &step["differences"]))
        .collect();
    assert_eq!(steps, [(&json!(true), &json!([])); 2]);
    assert_eq!(
        (&found["outcome"], &found["diverged"]),
        (&json!("answered"), &Value::Null)
    );
    assert_eq!(found["usage"]["recorded"], found["usage"]["replayed"]);
    // The model was told what the tool had said; the tool itself was left alone.
    let last = fake.last_request();
    assert_eq!(
        (last.model(), last.user_texts().as_slice()),
        ("fake-model", &["remember the tide"][..])
    );
    assert_eq!((last.calls().len(), last.results().len()), (1, 1));
    assert!(!home.workspace().join("notes.md").exists());
    assert_eq!(head(&home), before);
    assert_eq!(second.requests().len(), 0);
}

#[tokio::test]
async fn another_model_that_decides_otherwise_is_stopped_before_anything_runs() {
    let (home, fake, second) = recorded().await;
    second.reply(Reply::tool_calls([write("flood")]).with_text("At once."));
    let before = head(&home);
    let model = "second/fake-model";
    let found = data(&home, &["--model", model, "--json"]).await;
    assert_eq!(
        (&found["outcome"], &found["model"]),
        (
            &json!("diverged"),
            &json!({ "recorded": "fake/fake-model", "replayed": model })
        )
    );
    let diverged = &found["diverged"];
    assert_eq!(
        (&diverged["step"], &diverged["call"]["params"]["content"]),
        (&json!(1), &json!("flood"))
    );
    let step = &found["steps"][0];
    assert_eq!(
        (&step["same"], &step["differences"]),
        (&json!(false), &json!(["calls", "text"]))
    );
    assert_eq!(found["steps"].as_array().unwrap().len(), 1);
    // Only what was compared counts, and the recorded answer is there to be read.
    assert_eq!(found["usage"]["recorded"]["total"], 2515);
    assert_eq!(
        found["answer"],
        json!({ "recorded": ANSWER, "replayed": null })
    );
    assert_eq!(notes(&home), "tide");
    assert_eq!(
        state_keys_after(&home, before).await,
        ["audit.secret.accessed"]
    );
    assert_eq!((fake.requests().len(), second.requests().len()), (0, 1));
}

#[tokio::test]
async fn another_answer_is_a_difference_and_the_turn_goes_to_its_end() {
    let (home, _fake, second) = recorded().await;
    second
        .reply(Reply::tool_calls([write("tide")]))
        .reply(Reply::text("Noted."));
    let found = data(&home, &["--model", "second/fake-model", "--json"]).await;
    assert_eq!(
        (&found["outcome"], &found["diverged"]),
        (&json!("answered"), &Value::Null)
    );
    let same: Vec<&Value> = found["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["same"])
        .collect();
    assert_eq!(same, [&json!(true), &json!(false)]);
    assert_eq!(found["steps"][1]["differences"], json!(["text"]));
    assert_eq!(
        found["answer"],
        json!({ "recorded": ANSWER, "replayed": "Noted." })
    );
}

#[tokio::test]
async fn a_replay_from_the_middle_goes_on_with_the_recorded_result() {
    let (home, fake, _second) = recorded().await;
    // The call, whose result came later, and the result: the model is asked the same.
    for at in ["3", "4"] {
        fake.reply(Reply::text(ANSWER));
        let found = data(&home, &["--at", at, "--json"]).await;
        let step = &found["steps"][0];
        assert_eq!(
            (&step["step"], &step["same"], &step["recorded"]["seq"]),
            (&json!(2), &json!(true), &json!(5))
        );
        assert_eq!(found["usage"]["recorded"]["total"], 2515);
        let last = fake.last_request();
        assert!(last.ends_with_results());
        assert_eq!(last.results().len(), 1);
    }
}

#[tokio::test]
async fn scripts_read_the_envelope() {
    let (home, fake, _second) = recorded().await;
    fake.reply(Reply::text("Noted.").usage(Usage {
        input: 2000,
        cache_read: 5,
        output: 2,
        ..Usage::default()
    }));
    let ran = replay(&home, &["--at", "4", "--json"]).await;
    insta::assert_json_snapshot!(ran.assert_code(0).json(), {
        ".data.steps[].*.usage" => "[USAGE]",
        ".data.usage.recorded" => "[USAGE]",
        ".data.state[\"usage.total\"]" => "[USAGE]",
    }, @r#"
    {
      "ok": true,
      "schemaVersion": 1,
      "data": {
        "sessionKey": "agent:main:main",
        "at": 4,
        "head": 5,
        "state": {
          "cost.total": 0.0,
          "messages.total": 1,
          "tokens.total": 0,
          "tools.active": [],
          "usage.total": "[USAGE]"
        },
        "model": {
          "recorded": "fake/fake-model",
          "replayed": "fake/fake-model"
        },
        "outcome": "answered",
        "steps": [
          {
            "step": 2,
            "same": false,
            "differences": [
              "text",
              "tokens"
            ],
            "recorded": {
              "step": 2,
              "seq": 5,
              "provider": "fake",
              "model": "fake-model",
              "text": "It is in notes.md.\nAnything else?",
              "calls": [],
              "usage": "[USAGE]",
              "stop": "end_turn"
            },
            "replayed": {
              "provider": "fake",
              "model": "fake-model",
              "text": "Noted.",
              "calls": [],
              "usage": "[USAGE]",
              "stop": "end_turn"
            }
          }
        ],
        "diverged": null,
        "answer": {
          "recorded": "It is in notes.md.\nAnything else?",
          "replayed": "Noted."
        },
        "usage": {
          "recorded": "[USAGE]",
          "replayed": {
            "input": 2000,
            "output": 2,
            "cacheRead": 5,
            "cacheWrite": 0,
            "reasoning": 0,
            "total": 2007
          }
        }
      },
      "warnings": []
    }
    "#);
}

#[tokio::test]
async fn the_state_is_that_at_the_event() {
    let (home, fake, _second) = recorded().await;
    let at = async |at: &str| data(&home, &["--at", at, "--dry-run", "--json"]).await;
    let state = at("3").await["state"].clone();
    assert_eq!(
        [
            &state["messages.total"],
            &state["tokens.total"],
            &state["tools.active"]
        ],
        [&json!(1), &json!(0), &json!(["write"])]
    );
    let shown = openclaw(&home, &["sessions", "show", MAIN, "--json"]);
    let shown = shown.run().await.assert_code(0).json();
    // At the end no model is asked, which is no failure: the state is there to be read.
    let end = replay(&home, &["--at", "5", "--json"]).await.assert_code(0);
    let end = end.json();
    assert_eq!(end["data"]["state"], shown["data"]["state"]);
    assert_eq!(
        (&end["data"]["outcome"], &end["data"]["steps"]),
        (&json!("nothing"), &json!([]))
    );
    let warning = end["warnings"][0].as_str().unwrap();
    assert!(warning.contains("after event 5 no message waits"), "{end}");
    assert_eq!(fake.requests().len(), 0);
}

#[tokio::test]
async fn a_dry_run_asks_nobody_and_shows_what_would_be_sent() {
    let (home, fake, second) = recorded().await;
    let found = data(&home, &["--at", "4", "--dry-run", "--json"]).await;
    let mut request = found["request"].clone();
    assert!(request["system"]["characters"].as_u64().unwrap() > 100);
    let result = request.pointer_mut("/messages/2/results/0");
    let result = result.unwrap().as_object_mut().unwrap();
    assert!(result.remove("content").unwrap().is_string());
    let id = found["request"]["messages"][1]["calls"][0]["id"].clone();
    assert_eq!(
        request["messages"],
        json!([
            { "role": "user", "texts": ["remember the tide"], "pictures": 0 },
            { "role": "assistant", "texts": [], "calls": [
                { "id": id, "tool": "write", "params": { "path": "notes.md", "content": "tide" } },
            ] },
            { "role": "tool", "results": [{ "callId": id, "success": true }] },
        ])
    );
    assert_eq!(
        (&request["model"], &request["maxTokens"], &request["tools"]),
        (&json!("fake/fake-model"), &json!(4096), &json!(TOOLS))
    );
    assert_eq!(found["outcome"], "notasked");
    let step = &found["steps"][0];
    assert_eq!(
        (&step["recorded"]["text"], &step["replayed"]),
        (&json!(ANSWER), &Value::Null)
    );
    assert_eq!((fake.requests().len(), second.requests().len()), (0, 0));
}

#[tokio::test]
async fn people_see_where_the_two_differ() {
    let (home, fake, second) = recorded().await;
    second
        .reply(Reply::tool_calls([write("tide")]))
        .reply(Reply::text("Noted."));
    let model = ["--model", "second/fake-model"];
    let ran = replay(&home, &model).await.assert_code(0);
    insta::assert_snapshot!(ran.stdout, @r#"
    agent:main:main at event 2 of 5
    message 2: remember the tide
    recorded fake/fake-model, replayed second/fake-model

    = step 1  same, 2515 tokens
        write  {"path":"notes.md","content":"tide"}
    ! step 2  other text, 2515 tokens
      - It is in notes.md.\nAnything else?
      + Noted.

    answered otherwise
    2 steps, 1 the same, 5030 tokens
    "#);

    second.reply(Reply::tool_calls([write("flood")]).with_text("At once."));
    let ran = replay(&home, &model).await.assert_code(0);
    insta::assert_snapshot!(ran.stdout, @r#"
    agent:main:main at event 2 of 5
    message 2: remember the tide
    recorded fake/fake-model, replayed second/fake-model

    ! step 1  other calls and text, 2515 tokens
      + At once.
      - write  {"path":"notes.md","content":"tide"}
      + write  {"path":"notes.md","content":"flood"}

    not run: write  {"path":"notes.md","content":"flood"}
    diverged in step 1: no call with these arguments is on record from here on
    1 step, 0 the same, 2515 tokens
    "#);

    let ran = replay(&home, &["--dry-run"]).await.assert_code(0);
    // The prompt names the workspace, whose path differs from run to run.
    let shown = ran.stdout.lines().map(|line| {
        let size = line.trim_start().starts_with("system prompt of");
        if size {
            "    system prompt of [N] characters".to_owned()
        } else {
            line.replace(&TOOLS.join(", "), "[TOOLS]")
        }
    });
    let shown = shown.collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown, @r#"
    agent:main:main at event 2 of 5
    message 2: remember the tide
    recorded fake/fake-model, replayed fake/fake-model

    would send for step 1
        system prompt of [N] characters
        tools [TOOLS]
        user  remember the tide

    would compare with
      step 1 at event 3, 2515 tokens
        write  {"path":"notes.md","content":"tide"}
      step 2 at event 5, 2515 tokens
        It is in notes.md.\nAnything else?

    nothing was sent
    "#);
    assert_eq!(fake.requests().len(), 0);
}

#[tokio::test]
async fn an_event_that_does_not_exist_is_not_found() {
    let (home, _fake, _second) = recorded().await;
    for at in ["0", "6"] {
        let ran = replay(&home, &["--at", at]).await.assert_code(3);
        let message = format!("`{MAIN}` has no event {at}: its events are 1 to 5");
        assert!(ran.stderr.contains(&message), "{ran}");
    }
    drop(replay(&home, &["--at", "x"]).await.assert_code(2));
    drop(replay(&home, &["--model", "no-slash"]).await.assert_code(2));
    let ran = openclaw(&home, &["sessions", "replay", "agent:main:mian", "--json"]);
    let ran = ran.run().await.assert_code(3);
    assert_eq!(
        ran.json()["error"]["hint"],
        "did you mean `agent:main:main`?"
    );
}

#[tokio::test]
async fn a_session_without_an_answer_says_where_to_begin() {
    let (home, fake) = (TestHome::new(), FakeProvider::start());
    fake.reply(Reply::status(400));
    home.use_provider(&fake, WireFormat::OpenAi);
    let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    assert_ne!(ran.code, Some(0));
    let ran = replay(&home, &[]).await.assert_code(3);
    assert!(ran.stderr.contains("--at 2"), "{ran}");
    // The turn that failed can be had now, with nothing to compare it with.
    fake.reply(Reply::text("hello"));
    let found = data(&home, &["--at", "2", "--json"]).await;
    let step = &found["steps"][0];
    assert_eq!(
        (&step["recorded"], &step["same"], &step["replayed"]["text"]),
        (&Value::Null, &json!(false), &json!("hello"))
    );
}

#[tokio::test]
async fn a_recorded_model_that_is_gone_is_named_with_the_way_out() {
    let (home, fake, second) = recorded().await;
    let mut config = TestHome::config_for(&second, WireFormat::Anthropic);
    let providers = &mut config["models"]["providers"];
    providers["second"] = providers["fake"].take();
    providers.as_object_mut().unwrap().remove("fake");
    config["agents"]["defaults"]["model"]["primary"] = json!("second/fake-model");
    home.write_config(&config.to_string());
    let ran = replay(&home, &["--json"]).await.assert_code(78);
    let error = ran.json()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("`fake/fake-model` cannot be asked"),
        "{ran}"
    );
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("--model provider/model"), "{ran}");
    assert_eq!(fake.requests().len(), 0);
}

#[tokio::test]
async fn a_provider_that_fails_has_its_usual_code_and_keeps_its_key() {
    let (home, _fake, second) = recorded().await;
    second.otherwise(|_| Reply::status(401).saying("bad key sk-canary-77aa01"));
    let ran = replay(&home, &["--model", "second/fake-model"]).await;
    let ran = ran.assert_code(69);
    assert!(ran.stderr.contains("401"), "{ran}");
    assert!(!format!("{ran}").contains("canary"), "{ran}");
}

#[tokio::test]
async fn a_replay_that_is_interrupted_hangs_up() {
    let (home, fake, _second) = recorded().await;
    fake.reply(Reply::hang());
    let script = "mkfifo go && { \"$0\" \"$@\" & read -r _ <go; kill -TERM $!; wait $!; }";
    let ran = home
        .command("/bin/sh")
        .args(["-c", script, OPENCLAW])
        .args(["sessions", "replay", MAIN, "--json"]);
    let ran = tokio::spawn(ran.run());
    fake.wait_for_holds(1).await;
    fs::write(home.path().join("go"), "\n").unwrap();
    let ran = ran.await.unwrap().assert_code(130);
    assert_eq!(ran.json()["error"]["code"], "cancelled", "{ran}");
    fake.wait_for_hang_ups(1).await;
}

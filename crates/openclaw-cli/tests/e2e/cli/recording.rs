//! `openclaw agent --record`, and the model `replay/FILE`.

use std::fs;

use openclaw_core::{EventStore, SessionEvent, SessionEventKind};
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::openclaw;
use crate::OPENCLAW;

const KEY: &str = "sk-canary-5f1c0a77";
const MESSAGE: &str = "remember the tide";
const ANSWER: &str = "It is in notes.md.\nAnything else?";

/// A home whose provider writes a file and says so.
fn home(wire: WireFormat) -> (TestHome, FakeProvider) {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.expect_key(KEY);
    provider
        .reply(Reply::tool_calls([FakeCall::new(
            "write",
            &json!({ "path": "notes.md", "content": "tide" }),
        )]))
        .reply(Reply::text(ANSWER));
    let mut config = TestHome::config_for(&provider, wire);
    // A recording counts as a model that can see, so only what such a model was offered is the same.
    let model = config
        .pointer_mut("/models/providers/fake/models/0")
        .unwrap();
    model["input"] = json!(["text", "image"]);
    home.write_config(&config.to_string());
    (home, provider)
}

async fn say(home: &TestHome, args: &[&str]) -> Ran {
    openclaw(home, &["agent", "--new", "--message", MESSAGE])
        .args(args)
        .run()
        .await
}

/// Returns what happened in the session that came last, without what is always new.
async fn last_session(home: &TestHome) -> Vec<Value> {
    let store = EventStore::open(&home.state_dir().event_log()).unwrap();
    let events = store.read_after(0, 1_000).await.unwrap();
    let last = events
        .iter()
        .rev()
        .find(|event| matches!(event.kind, SessionEventKind::AgentResponse { .. }))
        .unwrap();
    let last = last.session.clone();
    let of_last = |event: &&SessionEvent| event.session == last;
    events.iter().filter(of_last).map(content).collect()
}

fn content(event: &SessionEvent) -> Value {
    let mut value = serde_json::to_value(&event.kind).unwrap();
    forget(&mut value);
    value
}

/// Takes out ids, times, and who answered.
fn forget(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                ![
                    "runId",
                    "callId",
                    "id",
                    "calls",
                    "provider",
                    "model",
                    "durationMs",
                    "messageId",
                    "by",
                ]
                .contains(&name.as_str())
            });
            members.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

#[tokio::test]
async fn a_turn_that_was_recorded_is_replayed_without_its_provider() {
    for wire in [WireFormat::OpenAi, WireFormat::Anthropic] {
        let (home, provider) = home(wire);
        let file = home.path().join("bug.jsonl");
        let file = file.to_str().unwrap();
        let live = say(&home, &["--record", file]).await.assert_code(0);
        assert!(live.stdout.contains(ANSWER), "{live}");
        assert!(live.stderr.contains("2 model calls recorded"), "{live}");
        provider.assert_clean();
        drop(provider);
        let recorded = last_session(&home).await;
        let written = fs::read_to_string(file).unwrap();
        assert!(!written.contains("canary"), "{written}");
        assert!(written.contains(MESSAGE));

        fs::remove_file(home.workspace().join("notes.md")).unwrap();
        // Not even the provider's settings are needed.
        home.write_config("{}");
        let model = format!("replay/{file}");
        let again = say(&home, &["--model", &model]).await.assert_code(0);
        assert_eq!(again.stdout, live.stdout);
        assert_eq!(last_session(&home).await, recorded);
        let notes = fs::read_to_string(home.workspace().join("notes.md")).unwrap();
        assert_eq!(notes, "tide");
    }
}

#[tokio::test]
async fn a_recording_can_be_an_agent_s_model() {
    let (home, _provider) = home(WireFormat::Anthropic);
    let file = home.path().join("bug.jsonl");
    let file = file.to_str().unwrap();
    drop(say(&home, &["--record", file]).await.assert_code(0));
    let config =
        json!({ "agents": { "defaults": { "model": { "primary": format!("replay/{file}") } } } });
    home.write_config(&config.to_string());
    let again = say(&home, &[]).await.assert_code(0);
    assert!(again.stdout.contains(ANSWER), "{again}");
    let longer = openclaw(&home, &["agent", "--message", "and"]).run().await;
    let longer = longer.assert_code(0);
    assert!(longer.stdout.contains(ANSWER), "{longer}");
}

#[tokio::test]
async fn a_recorded_turn_is_compared_with_its_own_recording() {
    let (home, provider) = home(WireFormat::Anthropic);
    let file = home.path().join("bug.jsonl");
    let model = format!("replay/{}", file.display());
    let ran = openclaw(&home, &["agent", "--message", MESSAGE, "--record"]);
    let ran = ran.arg(file.to_str().unwrap()).run().await;
    drop(ran.assert_code(0));
    drop(provider);
    let args = [
        "sessions",
        "replay",
        "agent:main:main",
        "--json",
        "--model",
        &model,
    ];
    let replayed = openclaw(&home, &args).run().await.assert_code(0);
    let data = &replayed.json()["data"];
    assert_eq!(data["model"]["replayed"], json!(model), "{replayed}");
    let steps = data["steps"].as_array().unwrap().iter();
    let same: Vec<&Value> = steps.map(|step| &step["same"]).collect();
    assert_eq!(same, [true, true], "{replayed}");
}

#[tokio::test]
async fn no_secret_that_is_known_gets_onto_a_cassette() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.expect_key(KEY);
    provider.otherwise(|seen| Reply::text(format!("you said: {}", seen.last_user_text())));
    home.use_provider(&provider, WireFormat::OpenAi);
    let file = home.path().join("bug.jsonl");
    let message = format!("my key is {KEY}, is it not");
    let ran = openclaw(&home, &["agent", "--message", &message, "--record"])
        .arg(file.to_str().unwrap())
        .run()
        .await;
    drop(ran.assert_code(0));
    let written = fs::read_to_string(&file).unwrap();
    for part in [KEY, "canary", "5f1c0a77"] {
        assert!(!written.contains(part), "{written}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_cassette_that_is_damaged_or_of_another_turn_is_refused_with_the_line() {
    let (home, _provider) = home(WireFormat::OpenAi);
    let file = home.path().join("bug.jsonl");
    let path = file.to_str().unwrap();
    drop(say(&home, &["--record", path]).await.assert_code(0));
    let model = format!("replay/{path}");
    let whole = fs::read(&file).unwrap();

    let taken = say(&home, &["--record", path]).await.assert_code(1);
    assert!(taken.stderr.contains("exists already"), "{taken}");

    let third = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let third = third.map(|(at, _)| at).nth(1).unwrap() + 30;
    let mut flipped = whole.clone();
    flipped[third] ^= 1;
    for damaged in [&flipped[..], &whole[..third]] {
        fs::write(&file, damaged).unwrap();
        let refused = say(&home, &["--model", &model]).await;
        assert!(
            refused.stderr.contains("line 3 of the cassette"),
            "{refused}"
        );
        assert!(refused.stderr.contains("is damaged"), "{refused}");
        assert_ne!(refused.code, Some(0));
    }

    fs::write(&file, &whole).unwrap();
    let text = String::from_utf8(whole)
        .unwrap()
        .replace("\"exec\"", "\"run\"");
    let other = unsummed(&text);
    fs::write(&file, other).unwrap();
    let refused = say(&home, &["--model", &model]).await;
    assert!(
        refused
            .stderr
            .contains("the list of tools differs from line 2"),
        "{refused}"
    );
}

/// Returns a cassette as somebody leaves it who changes it by hand.
fn unsummed(cassette: &str) -> String {
    let lines = cassette.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("sum");
        record.to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_turn_of_a_running_gateway_is_not_recorded_and_says_what_to_do() {
    let (home, _provider) = home(WireFormat::OpenAi);
    let _gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let file = home.path().join("bug.jsonl");
    for args in [
        ["--record", file.to_str().unwrap()],
        ["--model", "replay/x"],
    ] {
        let refused = say(&home, &args).await.assert_code(69);
        assert!(refused.stderr.contains("a gateway runs on"), "{refused}");
        assert!(refused.stderr.contains("stop the gateway"), "{refused}");
    }
    assert!(!file.exists());
}

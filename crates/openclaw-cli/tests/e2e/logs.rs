//! The log: whose each line is, what is masked in it, and how it is read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::OPENCLAW;
use crate::watched::Watched;

const SESSION: &str = "agent:main:main";

fn file(home: &TestHome) -> PathBuf {
    let logs = home.state_dir().logs();
    let mut files: Vec<PathBuf> = fs::read_dir(logs)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

async fn ask(gateway: &GatewayProcess, text: &str) -> Result<Value, Value> {
    let params = json!({ "sessionKey": SESSION, "content": text });
    gateway.rpc("session.message", params).await
}

/// Writes a config with the provider and with more.
fn configure(home: &TestHome, provider: &FakeProvider, more: &Value) {
    let mut config = TestHome::config_for(provider, WireFormat::Anthropic);
    let members = config.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    home.write_config(&config.to_string()).lift_limits();
}

/// What is said of the model in the middle of a turn: from the line that begins a run to the one
/// that ends it.
fn of_turn(all: &[Value]) -> &[Value] {
    let at = |message: &str| {
        all.iter()
            .position(|line| line["message"] == message)
            .unwrap_or_else(|| panic!("no line `{message}` in {all:#?}"))
    };
    &all[at("a run starts")..=at("a run has its answer")]
}

#[tokio::test]
async fn every_line_of_a_turn_says_whose_it_is() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    configure(
        &home,
        &provider,
        &json!({ "logging": { "level": "debug", "consoleLevel": "debug", "consoleStyle": "json" } }),
    );
    provider
        .reply(Reply::tool_calls([
            FakeCall::new("exec", &json!({ "command": "true" })).id("call-of-exec"),
            FakeCall::new("read", &json!({ "path": "no-such-file" })).id("call-of-read"),
        ]))
        .reply(Reply::text("done"));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let run = ask(&gateway, "hello").await.unwrap()["runId"].clone();
    gateway.terminate().await;
    let on_file = fs::read_to_string(file(&home)).unwrap();
    let told = gateway.stderr();
    let told: Vec<&str> = told.lines().filter(|line| line.starts_with('{')).collect();
    let told = told.join("\n");
    for text in [on_file, told] {
        let all = lines(&text);
        let turn = of_turn(&all);
        assert!(turn.len() > 3, "{turn:#?}");
        let request = turn[0]["request"].clone();
        assert!(request.is_string(), "{turn:#?}");
        for line in turn {
            for name in ["time", "level", "module", "message"] {
                assert!(line[name].is_string(), "{line}");
            }
            let about = [&line["run"], &line["session"], &line["request"]];
            assert_eq!(about, [&run, &SESSION.into(), &request], "{line}");
        }
        let failed = turn
            .iter()
            .find(|line| line["message"] == "a tool call failed");
        assert_eq!(failed.unwrap()["call"], "call-of-read", "{turn:#?}");
        let ended = turn
            .iter()
            .find(|line| line["message"] == "a command ended");
        assert_eq!(ended.unwrap()["call"], "call-of-exec", "{turn:#?}");
    }
}

#[tokio::test]
async fn the_line_of_a_failing_provider_says_whose_it_is() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    configure(&home, &provider, &json!({}));
    provider.otherwise(|_| Reply::status(401).saying("wrong key"));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let failure = ask(&gateway, "hello").await.unwrap_err();
    assert_eq!(failure["data"]["kind"], "unavailable", "{failure}");
    gateway.terminate().await;
    let all = lines(&fs::read_to_string(file(&home)).unwrap());
    let begun = all
        .iter()
        .find(|line| line["message"] == "a run starts")
        .unwrap();
    let about: Vec<&Value> = all
        .iter()
        .filter(|line| {
            line["module"]
                .as_str()
                .unwrap()
                .starts_with("openclaw_providers")
        })
        .collect();
    assert!(!about.is_empty(), "{all:#?}");
    for line in about {
        assert_eq!(
            (&line["run"], &line["session"]),
            (&begun["run"], &SESSION.into()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn messages_that_share_a_lane_keep_their_own_requests() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    configure(
        &home,
        &provider,
        &json!({ "messages": { "queue": { "mode": "followup" } } }),
    );
    provider
        .reply(Reply::text("first").hold_headers())
        .reply(Reply::text("second"));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let first = ask(&gateway, "one");
    let second = async {
        provider.wait_for_holds(1).await;
        let second = ask(&gateway, "two");
        provider.release();
        second.await
    };
    let (first, second) = tokio::join!(first, second);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_ne!(first["runId"], second["runId"]);
    gateway.terminate().await;
    let all = lines(&fs::read_to_string(file(&home)).unwrap());
    let started: Vec<&Value> = all
        .iter()
        .filter(|line| line["message"] == "a run starts")
        .collect();
    assert_eq!(started.len(), 2, "{all:#?}");
    assert_eq!(started[0]["run"], first["runId"]);
    assert_eq!(started[1]["run"], second["runId"]);
    assert_ne!(started[0]["request"], started[1]["request"]);
}

#[tokio::test]
async fn secrets_and_what_the_config_names_are_masked_in_the_file() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let mut config = TestHome::config_for(&provider, WireFormat::Anthropic);
    config["models"]["providers"]["fake"]["apiKey"] = "sk-cnry-of-the-log-file".into();
    config["logging"] = json!({ "level": "trace", "redactPatterns": ["customer-[0-9]+", "(?=x)"] });
    home.write_config(&config.to_string()).lift_limits();
    provider.otherwise(|_| {
        Reply::status(400).saying("sk-cnry-of-the-log-file is not for customer-4711")
    });
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    drop(ask(&gateway, "hello").await);
    gateway.terminate().await;
    let text = fs::read_to_string(file(&home)).unwrap();
    assert!(text.contains("[REDACTED] is not for [REDACTED]"), "{text}");
    assert!(!text.contains("cnry") && !text.contains("4711"), "{text}");
    let told = gateway.stderr();
    assert!(
        told.contains("logging.redactPatterns[1] is not followed"),
        "{told}"
    );
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file(&home)), 0o600);
    assert_eq!(mode(home.state_dir().logs()), 0o700);
}

#[tokio::test]
async fn the_log_is_read_without_a_gateway() {
    let home = TestHome::new();
    let logs = home.state_dir().logs();
    fs::create_dir_all(&logs).unwrap();
    let line = |second: u32, level: &str, session: &str, message: &str| {
        json!({ "time": format!("2026-11-22T00:00:{second:02}.000Z"), "level": level,
                "module": "m", "message": message, "session": session })
        .to_string()
    };
    let older = [line(1, "warn", "s1", "one"), line(2, "info", "s2", "two")];
    let newer = [
        line(3, "error", "s1", "th\u{1b}[2Jree"),
        "no JSON".to_owned(),
    ];
    fs::write(
        logs.join("openclaw-2026-11-22.log"),
        older.join("\n") + "\n",
    )
    .unwrap();
    fs::write(
        logs.join("openclaw-2026-11-23.log"),
        newer.join("\n") + "\n",
    )
    .unwrap();
    let read = async |args: &[&str]| {
        let ran = home.command(OPENCLAW).arg("logs").args(args).run().await;
        ran.assert_code(0)
    };
    let ran = read(&[]).await;
    assert_eq!(
        ran.stdout,
        "2026-11-22T00:00:01.000Z  WARN m: one session=s1\n\
         2026-11-22T00:00:02.000Z  INFO m: two session=s2\n\
         2026-11-22T00:00:03.000Z ERROR m: th\\u{1b}[2Jree session=s1\n\
         no JSON\n"
    );
    for (args, wanted) in [
        (&["--limit", "2"][..], &["three", ""][..]),
        (&["--session", "s1"], &["one", "three"]),
        (&["--level", "warn"], &["one", "three"]),
        (&["--level", "warn", "--limit", "1"], &["three"]),
        (&["--session", "nobody"], &[]),
    ] {
        let ran = read(&[args, &["--json"]].concat()).await;
        let all = ran.json_lines();
        assert_eq!(all[0]["type"], "meta");
        let shown: Vec<String> = all[1..]
            .iter()
            .map(|line| {
                line["message"]
                    .as_str()
                    .unwrap_or_default()
                    .replace("\u{1b}[2J", "")
            })
            .collect();
        assert_eq!(shown, wanted, "{args:?}");
    }
    let raw = read(&["--json", "--limit", "1"]).await.json_lines();
    assert_eq!(raw[1], json!({ "type": "raw", "raw": "no JSON" }));
}

#[tokio::test]
async fn whoever_follows_the_log_misses_nothing_when_files_are_put_aside() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    // A file has room for a few turns only, and none is let go before it is read.
    configure(
        &home,
        &provider,
        &json!({ "logging": { "maxFileBytes": 5000 } }),
    );
    provider.otherwise(|_| Reply::text("yes"));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    drop(ask(&gateway, "before").await.unwrap());
    let args = ["logs", "--follow", "--json", "--limit", "0"];
    // The first line says which file is read, from where it ends now.
    let started = Watched::start(&home, &args).await;
    let (meta, mut watched) = started.read_until("\n").await;
    assert!(meta.contains("\"type\":\"meta\""), "{meta}");
    let mut asked = Vec::new();
    for _ in 0..30 {
        asked.push(ask(&gateway, "well?").await.unwrap()["runId"].clone());
    }
    let mut heard = Vec::new();
    while heard.len() < asked.len() {
        let (line, again) = watched.read_until("\n").await;
        watched = again;
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == "a run has its answer" {
            heard.push(line["run"].clone());
        }
    }
    assert_eq!(heard, asked);
    let ran = watched.end_by(Signal::INT).await;
    assert_eq!((ran.code, &*ran.stderr), (Some(130), ""));
    let files = fs::read_dir(home.state_dir().logs()).unwrap().count();
    assert!(files >= 4, "{files}");
}

//! Every answer has the published shape, and the members that clients read.

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::peer::Peer;
use super::published::{assert_is, lacks, protocol, read_by_clients};
use crate::OPENCLAW;

/// A secret of the config, which must never be told.
const SECRET: &str = "sk-live-4f8a2b7c9d1e3f5a6b8c0d2e4f6a8b0c";

const KEY: &str = "agent:main:main";

fn home(provider: &FakeProvider) -> TestHome {
    provider.otherwise(|_| Reply::text("Good morning to you."));
    let home = TestHome::new();
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    config["models"]["providers"]["fake"]["apiKey"] = json!(SECRET);
    config["models"]["providers"]["fake"]["models"][0]["contextWindow"] = json!(100_000);
    home.write_config(&config.to_string());
    home.lift_limits();
    let skill = home.workspace().join("skills/greet");
    std::fs::create_dir_all(&skill).unwrap();
    let text = "---\nname: greet\ndescription: Greets somebody.\n---\nSay hello.\n";
    std::fs::write(skill.join("SKILL.md"), text).unwrap();
    home
}

/// The params with which a method has something to tell.
fn params(method: &str) -> Value {
    match method {
        "sessions.describe" | "sessions.resolve" => json!({ "key": KEY }),
        "sessions.preview" => json!({ "keys": [KEY] }),
        "sessions.create" => json!({ "key": "agent:main:made" }),
        "tools.effective" | "agent.identity.get" => json!({ "sessionKey": KEY }),
        "commands.list" => json!({ "agentId": "main", "scope": "text", "includeArgs": false }),
        "sessions.list" => json!({
            "includeGlobal": true, "includeUnknown": false, "activeMinutes": 120, "limit": 120,
            "includeDerivedTitles": true, "includeLastMessage": true, "search": KEY,
        }),
        _ => json!({}),
    }
}

async fn greeted() -> (FakeProvider, TestHome, GatewayProcess) {
    let provider = FakeProvider::start();
    let home = home(&provider);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let said = json!({ "sessionKey": KEY, "content": "Good morning" });
    gateway.rpc("session.message", said).await.unwrap();
    (provider, home, gateway)
}

#[tokio::test]
async fn every_answer_has_what_clients_read_and_the_published_shape() {
    let (_provider, _home, gateway) = greeted().await;
    let mut peer = Peer::connect(&gateway).await;
    let protocol = protocol();
    for (method, read) in read_by_clients() {
        let answer = peer.call(&method, params(&method)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{method}: {error}"));
        let paths = read
            .as_array()
            .unwrap()
            .iter()
            .map(|path| path.as_str().unwrap());
        let missing: Vec<String> = paths.filter_map(|path| lacks(&answer, path)).collect();
        assert!(missing.is_empty(), "{method} lacks {missing:?}\n{answer:#}");
        if let Some(definition) = protocol["methods"][&method]["result"].as_str() {
            assert_is(&protocol, definition, &answer);
        }
    }
}

#[tokio::test]
async fn rows_of_sessions_are_what_is_published_and_true() {
    let (_provider, _home, gateway) = greeted().await;
    let mut peer = Peer::connect(&gateway).await;
    let asked = json!({ "includeDerivedTitles": true, "includeLastMessage": true });
    let list = peer.call("sessions.list", asked).await.unwrap();
    assert_eq!(
        (&list["count"], &list["totalCount"]),
        (&json!(1), &json!(1))
    );
    let row = &list["sessions"][0];
    assert_is(&protocol(), "SessionRow", row);
    let told = |name: &str| row[name].clone();
    assert_eq!(told("key"), KEY);
    assert_eq!(
        (told("status"), told("isMain")),
        (json!("done"), json!(true))
    );
    assert_eq!(told("derivedTitle"), "Good morning");
    assert_eq!(told("lastMessagePreview"), "Good morning to you.");
    assert_eq!(told("contextTokens"), 100_000);
    assert_eq!(
        (told("hasActiveRun"), told("activeRunIds")),
        (json!(false), json!([]))
    );
    let described = peer
        .call("sessions.describe", json!({ "key": "main" }))
        .await
        .unwrap();
    assert_eq!(described["session"]["sessionId"], row["sessionId"]);
    let preview = peer
        .call("sessions.preview", json!({ "keys": ["main", "nope"] }))
        .await;
    let preview = preview.unwrap();
    assert_eq!(
        preview["previews"],
        json!([
            { "key": "main", "status": "ok", "items": [
                { "role": "user", "text": "Good morning" },
                { "role": "assistant", "text": "Good morning to you." },
            ]},
            { "key": "nope", "status": "missing", "items": [] },
        ])
    );
}

#[tokio::test]
async fn no_answer_has_a_secret_of_the_config() {
    let (_provider, _home, gateway) = greeted().await;
    let mut peer = Peer::connect(&gateway).await;
    for method in read_by_clients().keys() {
        let answer = peer.call(method, params(method)).await.unwrap().to_string();
        assert!(!answer.contains(SECRET), "{method}");
        assert!(
            !answer.contains(gateway.token().expose_secret()),
            "{method}"
        );
    }
    let config = peer.call("config.get", json!({})).await.unwrap();
    let key = "/models/providers/fake/apiKey";
    for form in [
        "parsed",
        "sourceConfig",
        "resolved",
        "config",
        "runtimeConfig",
    ] {
        let shown = config[form].pointer(key);
        assert_eq!(shown, Some(&json!("__OPENCLAW_REDACTED__")), "{form}");
    }
    assert!(
        config["raw"]
            .as_str()
            .unwrap()
            .contains("__OPENCLAW_REDACTED__")
    );
}

#[tokio::test]
async fn usage_is_told_by_the_day() {
    let (_provider, _home, gateway) = greeted().await;
    let mut peer = Peer::connect(&gateway).await;
    let week = peer.call("usage.cost", json!({ "days": 7 })).await.unwrap();
    assert_eq!(week["daily"].as_array().unwrap().len(), 7);
    let today = &week["daily"][6];
    assert!(today["totalTokens"].as_u64().unwrap() > 0, "{today}");
    assert_eq!(today["totalTokens"], week["totals"]["totalTokens"]);
    assert_eq!(week["daily"][0]["totalTokens"], 0);
}

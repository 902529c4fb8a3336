//! What the gateway puts on record: who came in, what it read, whether its config changed.

use std::fs;

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{assert_intact, entries, openclaw};
use crate::{OPENCLAW, socket};

const KEY: &str = "sk-canary-51f0aa93";

fn post(body: &str) -> HttpRequest {
    HttpRequest::post("/rpc", body.as_bytes()).header("content-type", "application/json")
}

/// Returns how often each sort of entry says that something happened, and in how many entries.
fn tally(entries: &[Value], field: &str) -> Vec<(String, String, u64, usize)> {
    let mut sorts: Vec<(String, String, u64, usize)> = Vec::new();
    for entry in entries {
        let value = &entry["value"];
        assert_eq!(value["peer"], "127.0.0.1", "{entry}");
        let what = value[field].as_str().unwrap_or_default().to_owned();
        let transport = value["transport"].as_str().unwrap().to_owned();
        let count = value["count"].as_u64().unwrap();
        match sorts
            .iter_mut()
            .find(|sort| (&sort.0, &sort.1) == (&what, &transport))
        {
            Some(sort) => {
                sort.2 += count;
                sort.3 += 1;
            }
            None => sorts.push((what, transport, count, 1)),
        }
    }
    sorts.sort();
    sorts
}

#[tokio::test]
async fn who_was_let_in_and_who_was_not_is_counted_and_written_once() {
    let home = TestHome::new();
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (addr, wrong) = (gateway.addr(), format!("Bearer {}", "x".repeat(64)));
    let mut statuses = Vec::new();
    for _ in 0..40 {
        let guessed = post("{}").header("authorization", &wrong);
        statuses.push(guessed.send(addr).await.unwrap().status);
    }
    let answers = [[401; 10].as_slice(), &[429; 30]].concat();
    assert_eq!(statuses, answers, "after ten wrong ones it is enough");
    for _ in 0..3 {
        assert_eq!(
            HttpRequest::get("/status").send(addr).await.unwrap().status,
            401
        );
        assert!(gateway.rpc("tools.list", json!({})).await.is_ok());
    }
    let answer = socket::refused(addr, &[("authorization", &wrong)]).await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    let page = post("{}").header("origin", "http://evil.example");
    assert_eq!(page.send(addr).await.unwrap().status, 403);
    let rebound = "GET /health HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert!(
        socket::exchange(addr, rebound)
            .await
            .starts_with("HTTP/1.1 421 ")
    );
    drop(gateway.client().await);
    assert_eq!(gateway.terminate().await.0, Some(0));

    let entries = entries(&home, "auth").await;
    let (allowed, denied): (Vec<Value>, Vec<Value>) = entries
        .into_iter()
        .partition(|entry| entry["kind"] == "auth.allowed");
    let sorts = |entries: &[Value], field: &str| {
        tally(entries, field)
            .into_iter()
            .map(|(what, transport, count, _)| (what, transport, count))
            .collect::<Vec<_>>()
    };
    let sort = |what: &str, transport: &str, count| (what.to_owned(), transport.to_owned(), count);
    assert_eq!(
        sorts(&allowed, "principal"),
        [sort("token", "rpc", 3), sort("token", "ws", 1)]
    );
    assert_eq!(
        sorts(&denied, "reason"),
        [
            sort("foreign Host", "http", 1),
            sort("foreign Origin", "rpc", 1),
            sort("locked out", "rpc", 30),
            sort("locked out", "ws", 1),
            sort("no credential", "status", 3),
            sort("wrong credential", "rpc", 10),
        ]
    );
    // The first at once and the rest together, unless the machine was very slow.
    let guessed = tally(&denied, "reason")
        .into_iter()
        .find(|sort| sort.2 == 30)
        .unwrap();
    assert!((1..=8).contains(&guessed.3), "{guessed:?}");
    let text = serde_json::to_string(&denied).unwrap();
    assert!(!text.contains("xxxx"), "{text}");
    assert_intact(&home).await;
}

#[tokio::test]
async fn secrets_are_named_with_what_they_were_read_for_and_never_told() {
    let (mut home, provider) = (TestHome::new(), FakeProvider::start());
    provider.otherwise(|_| Reply::text("yes"));
    provider.expect_key(KEY);
    home.set_env("MINE_KEY", KEY);
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["models"]["providers"]["fake"]["apiKey"] =
        json!({ "source": "env", "provider": "default", "id": "MINE_KEY" });
    home.write_config(&config.to_string());
    let said = openclaw(&home, &["agent", "--message", "hi"]).run().await;
    drop(said.assert_code(0));
    home.use_provider(&provider, WireFormat::OpenAi);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    gateway.terminate().await;

    let read: Vec<(String, String)> = entries(&home, "secret")
        .await
        .iter()
        .map(|entry| {
            let text = |field: &str| entry["value"][field].as_str().unwrap().to_owned();
            (text("name"), text("purpose"))
        })
        .collect();
    let expected = [
        ("MINE_KEY", "provider fake"),
        ("gateway.token", "gateway token"),
        ("models.providers.fake.apiKey", "provider fake"),
        ("gateway.token", "gateway token"),
    ];
    let expected = expected.map(|(name, purpose)| (name.to_owned(), purpose.to_owned()));
    assert_eq!(read, expected);
    let own = home.state_dir().own();
    for entry in fs::read_dir(own).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(KEY.len())
                .any(|window| window == KEY.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_changed_config_is_noticed_at_the_next_start_and_at_onboarding() {
    let home = TestHome::new();
    let onboard = [
        "onboard",
        "--non-interactive",
        "--provider",
        "mine",
        "--base-url",
        "http://127.0.0.1:1/v1",
        "--model",
        "m",
    ];
    drop(openclaw(&home, &onboard).run().await.assert_code(0));
    let config = home.state_dir().config_file().to_owned();
    let text = fs::read_to_string(&config).unwrap();
    let restart = async || {
        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        gateway.terminate().await;
    };
    restart().await;
    fs::write(&config, format!("// more\n{text}")).unwrap();
    restart().await;
    restart().await;
    fs::write(&config, text).unwrap();
    restart().await;

    let changes = entries(&home, "config").await;
    let by: Vec<&str> = changes
        .iter()
        .map(|entry| entry["value"]["by"].as_str().unwrap())
        .collect();
    assert_eq!(by, ["openclaw onboard", "gateway start", "gateway start"]);
    let hashes: Vec<&Value> = changes
        .iter()
        .map(|entry| &entry["value"]["sha256"])
        .collect();
    assert!(
        hashes[0] == hashes[2] && hashes[0] != hashes[1],
        "{hashes:?}"
    );
    assert_eq!(changes[0]["value"]["file"], config.to_str().unwrap());
}

//! `openclaw models`: what it shows, what it asks providers, and what it changes.

use std::os::unix::fs::PermissionsExt as _;

use openclaw_testkit::{FakeProvider, Reply, Rule, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::openclaw;

const CONFIG: &str = r#"{
  // what I think with
  agents: { defaults: {
    model: { primary: "fake/fake-model", fallbacks: ["openai/gpt-5.5"] },
    models: { "fake/fake-model": { alias: "quick" } },
  } },
  models: { providers: { fake: {
    baseUrl: "http://127.0.0.1:9/v1", api: "openai-completions", apiKey: "sk-of-the-config",
    models: [{ id: "fake-model", name: "Fake", contextWindow: 200000, cost: { input: 1, output: 2 } }],
  } } },
}
"#;

async fn json_of(home: &TestHome, args: &[&str]) -> Value {
    openclaw(home, args)
        .arg("--json")
        .run()
        .await
        .assert_code(0)
        .json()
}

#[tokio::test]
async fn status_and_list_say_what_is_configured_without_any_secret() {
    let mut home = TestHome::new();
    home.remove_env("OPENAI_API_KEY");
    home.write_config(CONFIG);
    let status = json_of(&home, &["models", "status"]).await;
    assert_eq!(status["defaultModel"], "fake/fake-model");
    assert_eq!(status["fallbacks"], json!(["openai/gpt-5.5"]));
    assert_eq!(status["aliases"], json!({ "quick": "fake/fake-model" }));
    assert_eq!(status["auth"]["missingProvidersInUse"], json!(["openai"]));
    assert_eq!(
        status["auth"]["providers"][0]["effective"],
        json!({ "kind": "models.json", "detail": "models.providers.fake.apiKey" })
    );
    let checked = openclaw(&home, &["models", "status", "--check"])
        .run()
        .await;
    let checked = checked.assert_code(1);
    assert!(checked.stderr.contains("openai/gpt-5.5"), "{checked}");
    assert!(
        !checked.to_string().contains("sk-of-the-config"),
        "{checked}"
    );

    home.set_env("OPENAI_API_KEY", "sk-of-the-environment");
    drop(
        openclaw(&home, &["models", "status", "--check"])
            .run()
            .await
            .assert_code(0),
    );
    let list = json_of(&home, &["models", "list"]).await;
    let rows = list["models"].as_array().unwrap();
    assert_eq!(list["count"], rows.len());
    assert_eq!(
        rows[0],
        json!({
            "key": "fake/fake-model", "name": "Fake", "input": "text", "contextWindow": 200_000,
            "maxTokens": null, "local": true, "available": true, "tools": true, "reasoning": false,
            "cost": { "input": 1.0, "output": 2.0, "cacheRead": 1.0, "cacheWrite": 1.0 },
            "source": "config", "tags": ["default", "configured", "alias:quick"],
        })
    );
    assert_eq!(rows[1]["source"], "built-in");
    let local = json_of(&home, &["models", "list", "--local"]).await;
    assert_eq!(local["count"], 1);
    let known = json_of(&home, &["models", "list", "--provider", "anthropic"]).await;
    assert!(known["count"].as_u64().unwrap() > 5, "{known}");
}

#[tokio::test]
async fn the_config_is_changed_line_by_line_and_what_nothing_serves_is_refused() {
    let home = TestHome::new();
    home.write_config(CONFIG);
    for refused in [
        &["models", "set", "nobody/model"][..],
        &["models", "aliases", "remove", "slow"],
        &["models", "fallbacks", "remove", "fake/other"],
    ] {
        drop(openclaw(&home, refused).run().await.assert_code(3));
    }
    for invalid in [
        &["models", "set", "nonsense"][..],
        &["models", "aliases", "add", "a/b", "fake/fake-model"],
    ] {
        drop(openclaw(&home, invalid).run().await.assert_code(2));
    }
    let file = home.state_dir().config_file().to_owned();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), CONFIG);
    for done in [
        &["models", "set", "anthropic/claude-opus-5"][..],
        &["models", "aliases", "add", "big", "anthropic/claude-opus-5"],
        &["models", "aliases", "add", "QUICK", "big"],
        &["models", "fallbacks", "add", "fake/fake-model"],
        &["models", "fallbacks", "remove", "openai/gpt-5.5"],
    ] {
        drop(openclaw(&home, done).run().await.assert_code(0));
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("// what I think with"), "{text}");
    let status = json_of(&home, &["models", "status"]).await;
    assert_eq!(status["defaultModel"], "anthropic/claude-opus-5");
    assert_eq!(status["fallbacks"], json!(["fake/fake-model"]));
    assert_eq!(
        status["aliases"],
        json!({ "QUICK": "anthropic/claude-opus-5" })
    );
    let aliases = json_of(&home, &["models", "aliases", "list"]).await;
    assert_eq!(
        aliases["data"]["aliases"],
        json!({ "QUICK": "anthropic/claude-opus-5" })
    );
    drop(
        openclaw(&home, &["models", "fallbacks", "clear"])
            .run()
            .await
            .assert_code(0),
    );
    let fallbacks = json_of(&home, &["models", "fallbacks", "list"]).await;
    assert_eq!(fallbacks["data"]["fallbacks"], json!([]));
}

#[tokio::test]
async fn a_test_tries_every_key_and_says_which_is_wrong() {
    let home = TestHome::new();
    let provider = FakeProvider::start();
    provider
        .allow(Rule::System)
        .reply(Reply::status(401))
        .reply(Reply::text("OK"));
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["models"]["providers"]["fake"]["apiKey"] = "sk-the-first".into();
    home.write_config(&config.to_string());
    let own = json!({ "providers": { "fake": { "credentials": [
        "sk-the-second", { "source": "env", "provider": "default", "id": "NOT_SET" },
    ] } } });
    let own_file = home
        .state_dir()
        .config_file()
        .with_file_name("openclaw-rs.json5");
    std::fs::write(own_file, own.to_string()).unwrap();
    let ran = openclaw(&home, &["models", "test", "--json"]).run().await;
    let ran = ran.assert_code(1);
    let tests = ran.json()["data"]["tests"].clone();
    let told = |n: usize| (tests[n]["credential"].clone(), tests[n]["ok"].clone());
    assert_eq!(told(0), (json!("NOT_SET"), json!(false)));
    assert_eq!(
        told(1),
        (json!("models.providers.fake.apiKey"), json!(false))
    );
    assert_eq!(
        tests[1]["error"]["hint"],
        "check the API key of provider `fake`"
    );
    assert_eq!(
        told(2),
        (json!("providers.fake.credentials.0"), json!(true))
    );
    assert!(tests[2]["usage"]["output"].is_u64(), "{tests}");
    assert!(!ran.to_string().contains("sk-the"), "{ran}");
}

/// Answers each request to a port with these bytes.
async fn serving(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            drop(stream.write_all(&body).await);
            drop(stream.shutdown().await);
        }
    });
    format!("http://{addr}/v1")
}

fn answer(mime: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {mime}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn a_scan_keeps_what_providers_say_and_names_those_that_say_nonsense() {
    let home = TestHome::new();
    let many: Vec<Value> = (0..10_000)
        .map(|n| json!({ "id": format!("model-{n}"), "object": "model" }))
        .collect();
    let many = json!({ "object": "list", "data": many }).to_string();
    let good = serving(answer("application/json", &many)).await;
    let html = serving(answer("text/html", "<html><body>Sign in</body></html>")).await;
    let huge = format!("{{\"data\": [\"{}", "x".repeat(100 << 20));
    let huge = serving(answer("application/json", &huge)).await;
    let provider = |url: &str| json!({ "baseUrl": url, "api": "openai-completions", "apiKey": "sk-any", "models": [] });
    let config = json!({
        "agents": { "defaults": { "model": "good/model-7" } },
        "models": { "providers": { "good": provider(&good), "html": provider(&html), "huge": provider(&huge) } },
    });
    home.write_config(&config.to_string());
    let ran = openclaw(&home, &["models", "scan", "--json"]).run().await;
    let ran = ran.assert_code(1);
    let rows = ran.json()["data"]["providers"].clone();
    let told = |n: usize| (rows[n]["outcome"].clone(), rows[n]["models"].clone());
    assert_eq!(told(0), (json!("listed"), json!(5000)), "{rows}");
    assert_eq!(rows[0]["leftOut"], 5000);
    assert_eq!(told(1), (json!("failed"), json!(0)), "{rows}");
    assert_eq!(told(2), (json!("failed"), json!(0)), "{rows}");
    let kept = home.state_dir().own().join("models.json");
    let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let list = json_of(&home, &["models", "list", "--provider", "good"]).await;
    // Beside those that are kept, the one that the config names.
    assert_eq!(list["count"], 5001);
    assert_eq!(list["models"][1]["source"], "scan");

    // A file that somebody damaged is said to be damaged, and written anew.
    std::fs::write(&kept, "{").unwrap();
    drop(
        openclaw(&home, &["models", "list"])
            .run()
            .await
            .assert_code(0),
    );
    let again = openclaw(&home, &["models", "scan", "--provider", "good"]);
    let again = again.run().await.assert_code(0);
    assert_eq!(again.stdout, "good  5000 models\n", "{again}");
}

#[tokio::test]
async fn a_model_that_cannot_be_asked_is_stood_in_for() {
    let mut home = TestHome::new();
    home.remove_env("ANTHROPIC_API_KEY");
    let provider = FakeProvider::scripted([Reply::text("I am the other one.")]);
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["agents"]["defaults"]["model"] =
        json!({ "primary": "anthropic/claude-opus-5", "fallbacks": ["fake/fake-model"] });
    home.write_config(&config.to_string());
    let ran = openclaw(&home, &["agent", "--message", "who is there?"]);
    let ran = ran.run().await.assert_code(0);
    assert!(ran.stdout.contains("I am the other one."), "{ran}");
    provider.assert_clean();
}

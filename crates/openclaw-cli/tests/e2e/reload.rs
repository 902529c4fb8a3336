//! A gateway that follows its config, and a home with several agents.

use std::time::Duration;

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;
use crate::audit::entries;

/// How often, and how long at most, the gateway is asked whether it has noticed.
const ASK: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 100;

fn config(provider: &FakeProvider, model: &str) -> Value {
    let mut config = TestHome::config_for(provider, WireFormat::Anthropic);
    config["models"]["providers"]["fake"]["models"] = json!([
        { "id": "fake-model", "name": "fake-model" }, { "id": "other-model", "name": "other-model" }
    ]);
    config["agents"]["defaults"]["model"]["primary"] = json!(format!("fake/{model}"));
    config
}

/// Asks until `seen` is satisfied with the answer.
async fn until(gateway: &GatewayProcess, seen: impl Fn(&Value) -> bool) {
    let mut asked = tokio::time::interval(ASK);
    for _ in 0..ATTEMPTS {
        asked.tick().await;
        let agents = gateway.rpc("agent.list", json!({})).await.unwrap();
        if seen(&agents) {
            return;
        }
    }
    panic!("the gateway did not notice\n{}", gateway.stderr());
}

#[tokio::test]
async fn a_good_edit_is_taken_up_and_a_bad_one_is_refused_while_a_session_goes_on() {
    let home = TestHome::new();
    let provider = FakeProvider::scripted(["one", "two", "three", "four"].map(Reply::text));
    home.write_config(&config(&provider, "fake-model").to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let say = |text: &'static str| {
        gateway.rpc(
            "session.message",
            json!({ "sessionKey": "agent:main:main", "content": text }),
        )
    };
    assert_eq!(say("first").await.unwrap()["content"], "one");
    assert_eq!(provider.last_request().model(), "fake-model");

    home.write_config(&config(&provider, "other-model").to_string());
    until(&gateway, |agents| {
        agents["agents"][0]["model"] == "other-model"
    })
    .await;
    assert_eq!(say("second").await.unwrap()["content"], "two");
    let asked = provider.last_request();
    assert_eq!(asked.model(), "other-model");
    assert_eq!(
        asked.user_texts(),
        ["first", "second"],
        "the session went on"
    );

    let mut broken = config(&provider, "fake-model");
    broken["gateway"] = json!({ "port": "many" });
    home.write_config(&broken.to_string());
    let mut asked = tokio::time::interval(ASK);
    for _ in 0..ATTEMPTS {
        asked.tick().await;
        if gateway.stderr().contains("the changed config is refused") {
            break;
        }
    }
    assert!(
        gateway.stderr().contains("gateway.port"),
        "{}",
        gateway.stderr()
    );
    assert_eq!(say("third").await.unwrap()["content"], "three");
    assert_eq!(
        provider.last_request().model(),
        "other-model",
        "the last good one stays"
    );
    // Who calls the gateway gets through, and is told.
    let said = home.command(OPENCLAW).args(["status", "--json"]);
    let said = said.run().await.json();
    assert_eq!(said["gateway"]["reachable"], true, "{said}");
    assert_eq!(said["config"]["valid"], false, "{said}");

    // A config that is gone is no empty one.
    std::fs::remove_file(home.state_dir().config_file()).unwrap();
    let mut asked = tokio::time::interval(ASK);
    for _ in 0..ATTEMPTS {
        asked.tick().await;
        if gateway.stderr().contains("the config file is gone") {
            break;
        }
    }
    assert_eq!(say("fourth").await.unwrap()["content"], "four");
    assert_eq!(provider.last_request().model(), "other-model");
    provider.assert_clean();

    drop(gateway);
    let entries = entries(&home, "config").await;
    let told = |what: &str| {
        let telling = entries
            .iter()
            .filter(|entry| entry.to_string().contains(what));
        telling.count()
    };
    assert_eq!(told("gateway start"), 1, "{entries:?}");
    assert_eq!(told("gateway reload"), 1, "{entries:?}");
    assert_eq!(told("gateway.port"), 1, "{entries:?}");
    assert_eq!(told("the config file is gone"), 1, "{entries:?}");
}

#[tokio::test]
async fn every_agent_has_its_own_model_and_folder() {
    let home = TestHome::new();
    let provider = FakeProvider::scripted(["from main", "from work"].map(Reply::text));
    let mut config = config(&provider, "fake-model");
    config["agents"]["ownership"] = json!("explicit");
    config["agents"]["entries"] = json!({ "main": {}, "work": { "model": "fake/other-model" } });
    home.write_config(&config.to_string());
    for (agent, answer, model) in [
        ("main", "from main", "fake-model"),
        ("work", "from work", "other-model"),
    ] {
        let said = home
            .command(OPENCLAW)
            .args(["agent", "--agent", agent, "--message", "hello", "--json"])
            .run()
            .await
            .assert_code(0)
            .json();
        assert!(said.to_string().contains(answer), "{said}");
        assert!(
            said.to_string().contains(&format!("agent:{agent}:main")),
            "{said}"
        );
        let asked = provider.last_request();
        assert_eq!(asked.model(), model);
        let workspace = home.state_dir().root().join(match agent {
            "main" => "workspace-main",
            _ => "workspace-work",
        });
        assert!(workspace.is_dir());
    }
    let unknown = home
        .command(OPENCLAW)
        .args(["agent", "--agent", "nobody", "--message", "hello"]);
    let unknown = unknown.run().await;
    assert_ne!(unknown.code, Some(0));
    provider.assert_clean();
}

#[tokio::test]
async fn a_sign_in_that_openclaw_left_is_used_where_it_is() {
    let home = TestHome::new();
    let provider = FakeProvider::scripted(["one", "two"].map(Reply::text));
    provider.expect_key("sk-second");
    let mut config = config(&provider, "fake-model");
    config["models"]["providers"]["fake"]
        .as_object_mut()
        .unwrap()
        .remove("apiKey");
    let sign_ins = home.state_dir().root().join("agents/main/agent");
    std::fs::create_dir_all(&sign_ins).unwrap();
    let profile = |key: &str| json!({ "type": "api_key", "provider": "fake", "key": key });
    let store = json!({ "version": 1, "profiles": {
        "fake:default": profile("sk-first"), "fake:second": profile("sk-second"),
    } });
    std::fs::write(sign_ins.join("auth-profiles.json"), store.to_string()).unwrap();
    config["auth"] = json!({ "order": { "fake": ["fake:second", "fake:default"] } });
    home.write_config(&config.to_string());
    let say = || {
        home.command(OPENCLAW)
            .args(["agent", "--message", "hello", "--json"])
            .run()
    };
    assert!(say().await.assert_code(0).stdout.contains("one"));

    // Without an order, the one that was made first counts.
    provider.expect_key("sk-first");
    config["auth"] = json!({});
    home.write_config(&config.to_string());
    assert!(say().await.assert_code(0).stdout.contains("two"));
    provider.assert_clean();
    let read = entries(&home, "secret").await;
    assert!(
        read.iter()
            .any(|entry| entry.to_string().contains("fake:second"))
    );
    assert!(!format!("{read:?}").contains("sk-"));
}

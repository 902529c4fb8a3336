//! Two models over real sockets: one that fails, and one that stands in for it.

use std::time::{Duration, Instant};

use openclaw_core::Clock;
use openclaw_core::clock::rfc3339;
use openclaw_testkit::{FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

const SESSION: &str = "agent:main:main";

/// How long the first model is left alone, in seconds: longer than a turn takes.
const REST: u64 = 5;

/// A home whose agent asks `first`, and `second` in its place.
struct Pair {
    home: TestHome,
    first: FakeProvider,
    second: FakeProvider,
}

impl Pair {
    fn new() -> Self {
        let (first, second) = (FakeProvider::start(), FakeProvider::start());
        second.otherwise(|seen| Reply::text(format!("second: {}", seen.last_user_text())));
        Self {
            home: TestHome::new(),
            first,
            second,
        }
    }

    async fn status(&self, command: &[&str]) -> Ran {
        let ran = self.home.command(OPENCLAW).args(command).run().await;
        ran.assert_code(0)
    }

    /// Starts a gateway; `own` is what our own file says about the first provider.
    async fn gateway(&self, own: Value) -> GatewayProcess {
        let provider = |fake: &FakeProvider, wire: WireFormat, key: &str| {
            json!({
                "baseUrl": fake.base_url(wire),
                "api": wire.api(),
                "apiKey": key,
                "models": [{"id": "m", "name": "m"}],
            })
        };
        let config = json!({
            "agents": {"defaults": {"model": {"primary": "first/m", "fallbacks": ["second/m"]}}},
            "models": {"providers": {
                "first": provider(&self.first, WireFormat::Anthropic, "key-one"),
                "second": provider(&self.second, WireFormat::OpenAi, "key-of-second"),
            }},
        });
        self.home.write_config(&config.to_string());
        let own = json!({
            "rateLimit": {"requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000},
            "providers": {"first": own},
        });
        let config = self.home.state_dir().config_file().to_owned();
        std::fs::write(config.with_file_name("openclaw-rs.json5"), own.to_string()).unwrap();
        GatewayProcess::start_with(&self.home, OPENCLAW, |command| {
            command.env("OPENCLAW_LOG", "info")
        })
        .await
    }
}

async fn ask(gateway: &GatewayProcess, text: &str) -> Result<Value, Value> {
    let params = json!({ "sessionKey": SESSION, "content": text });
    gateway.rpc("session.message", params).await
}

/// Returns the calls of the last event that has any, as `provider/key: outcome`.
async fn last_calls(gateway: &GatewayProcess) -> Vec<String> {
    let params = json!({ "sessionKey": SESSION });
    let history = gateway.rpc("session.history", params).await.unwrap();
    let events = history["events"].as_array().unwrap();
    let calls = events
        .iter()
        .rev()
        .find_map(|event| event["payload"]["calls"].as_array())
        .unwrap();
    calls
        .iter()
        .map(|call| {
            let outcome = match &call["outcome"]["failed"]["message"] {
                Value::String(message) => message,
                _ => "ok",
            };
            format!("{}: {outcome}", call["provider"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn an_overloaded_model_is_stood_in_for_within_the_turn_and_returns_after_its_rest() {
    let pair = Pair::new();
    for _ in 0..3 {
        pair.first
            .reply(Reply::status(529).saying("too much to do"));
    }
    pair.first.otherwise(|_| Reply::text("first again"));
    let gateway = pair.gateway(json!({ "rest": REST })).await;

    let answer = ask(&gateway, "one").await.unwrap();
    let rested = Instant::now();
    assert_eq!(
        (&answer["content"], &answer["provider"]),
        (&json!("second: one"), &json!("second"))
    );
    let refused = "first: provider `first` answered with status 529: too much to do";
    assert_eq!(
        last_calls(&gateway).await,
        [refused, refused, refused, "second: ok"]
    );
    let log = gateway.stderr();
    for line in [
        "a model is asked again after a wait",
        "a model does not answer",
        "another model stands in",
    ] {
        assert!(log.contains(line), "{line}\n{log}");
    }

    // While it rests it is not asked, and after that it is the one that is asked.
    let mut turns = 0;
    let back = loop {
        let answer = ask(&gateway, "next").await.unwrap();
        turns += 1;
        if answer["provider"] == "first" {
            break answer;
        }
        assert_eq!(pair.first.requests().len(), 3);
        assert!(
            rested.elapsed() < Duration::from_mins(1),
            "it does not return"
        );
    };
    assert_eq!((&back["content"], turns > 1), (&json!("first again"), true));
    assert!(rested.elapsed() > Duration::from_secs(REST - 1));
    pair.first.assert_clean();
    pair.second.assert_clean();
}

#[tokio::test]
async fn a_key_that_hits_its_limit_is_followed_by_the_next_key() {
    let pair = Pair::new();
    pair.first.otherwise(|seen| match seen.header("x-api-key") {
        Some("key-one") => Reply::status(429).retry_after(3600),
        Some("key-two") => Reply::text("with the other key"),
        other => Reply::status(401).saying(format!("{other:?}")),
    });
    let gateway = pair.gateway(json!({ "credentials": ["key-two"] })).await;
    for _ in 0..2 {
        let answer = ask(&gateway, "hi").await.unwrap();
        assert_eq!(answer["content"], "with the other key");
    }
    // The key that was turned down is left alone.
    assert_eq!(pair.first.requests().len(), 3);
    let status = pair.status(&["models", "status", "--json"]).await.json();
    let resting = status["failing"].as_array().unwrap();
    assert_eq!(resting.len(), 1, "{status}");
    let until = resting[0]["until"].as_str().unwrap();
    assert_eq!(
        resting[0],
        json!({
            "provider": "first", "model": "m", "credential": "models.providers.first.apiKey",
            "why": "too many requests were made", "failures": 1, "until": until,
        })
    );
    assert!(*until > *rfc3339(Clock::system().now()), "{until}");
    let line = format!(
        "the key `models.providers.first.apiKey` for first/m: too many requests were made; it rests until {until}"
    );
    let told = pair.status(&["models", "status"]).await;
    assert!(told.stderr.contains(&line), "{told}");
    let told = pair.status(&["status"]).await;
    assert!(told.stdout.contains(&line), "{told}");
    assert_eq!(pair.second.requests().len(), 0);
    let history = gateway
        .rpc("session.history", json!({ "sessionKey": SESSION }))
        .await;
    let history = history.unwrap().to_string();
    assert!(
        !history.contains("key-one") && !history.contains("key-two"),
        "{history}"
    );
}

#[tokio::test]
async fn a_wrong_key_is_told_with_a_hint_and_the_turn_goes_on_with_the_next_model() {
    let pair = Pair::new();
    pair.first
        .otherwise(|_| Reply::status(401).saying("invalid x-api-key"));
    let gateway = pair.gateway(json!({})).await;
    let answer = ask(&gateway, "hi").await.unwrap();
    assert_eq!(answer["content"], "second: hi");
    let log = gateway.stderr();
    assert!(
        log.contains("check the API key of provider `first`"),
        "{log}"
    );
    assert_eq!(
        last_calls(&gateway).await,
        [
            "first: provider `first` answered with status 401: invalid x-api-key",
            "second: ok"
        ]
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_fails_the_turn_and_no_other_model_goes_on_with_it() {
    let pair = Pair::new();
    pair.first
        .reply(Reply::text("half an answer").error_event(4, "overloaded_error", "too much"));
    pair.first.otherwise(|_| Reply::text("whole"));
    let gateway = pair.gateway(json!({})).await;
    let error = ask(&gateway, "one").await.unwrap_err();
    assert_eq!(error["data"]["kind"], "unavailable", "{error}");
    assert_eq!(pair.second.requests().len(), 0);
    assert_eq!(
        last_calls(&gateway).await,
        ["first: provider `first` broke off its answer: too much"]
    );
    assert_eq!(ask(&gateway, "two").await.unwrap()["content"], "whole");
}

#[tokio::test]
async fn a_model_that_hangs_is_hung_up_on_and_stood_in_for() {
    let pair = Pair::new();
    pair.first.reply(Reply::hang());
    let gateway = pair.gateway(json!({ "timeouts": { "stall": 1 } })).await;
    let answer = ask(&gateway, "hi").await.unwrap();
    assert_eq!(answer["content"], "second: hi");
    pair.first.wait_for_hang_ups(1).await;
    assert_eq!(
        last_calls(&gateway).await,
        ["first: provider `first` said nothing for 1 s", "second: ok"]
    );
}

#[tokio::test]
async fn when_nobody_answers_the_error_names_both_and_what_to_do() {
    let pair = Pair::new();
    pair.first
        .otherwise(|_| Reply::status(401).saying("invalid x-api-key"));
    pair.second
        .otherwise(|_| Reply::status(404).saying("no such model"));
    let gateway = pair.gateway(json!({})).await;
    let error = ask(&gateway, "hi").await.unwrap_err();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("first/m") && message.contains("second/m"),
        "{error}"
    );
    assert_eq!(
        error["data"]["hint"], "check the API key of provider `first`",
        "{error}"
    );
}

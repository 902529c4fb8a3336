//! What models cost, and the caps on it: over a real gateway, over two processes, over kill -9.

use std::fs;
use std::time::Duration;

use openclaw_core::Usage;
use openclaw_testkit::{FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::OPENCLAW;

const PATIENCE: Duration = Duration::from_secs(30);

/// What the fake model takes for each answer: a dollar.
const TAKES: Usage = Usage {
    input: 0,
    output: 1000,
    cache_read: 0,
    cache_write: 0,
    cache_write_1h: 0,
    reasoning: 0,
};

fn dear() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.otherwise(|_| Reply::text("done").usage(TAKES));
    provider
}

/// Returns a home whose model costs a dollar for a thousand tokens that it writes, and nothing
/// else, with these caps.
fn home(provider: &FakeProvider, budget: &Value) -> TestHome {
    let home = TestHome::new();
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    config["models"]["providers"]["fake"]["models"][0]["cost"] =
        json!({ "input": 0, "output": 1000, "cacheRead": 0, "cacheWrite": 0 });
    // Of a night that is long everywhere, no test sees the end.
    config["agents"]["defaults"]["userTimezone"] = json!("UTC");
    home.write_config(&config.to_string());
    own(&home, budget);
    home
}

fn own(home: &TestHome, budget: &Value) {
    let file = home.state_dir().root().join("openclaw-rs.json5");
    let lifted = json!({ "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 });
    let own = json!({ "rateLimit": lifted, "budget": budget });
    fs::write(file, own.to_string()).unwrap();
}

async fn openclaw(home: &TestHome, args: &[&str]) -> Ran {
    home.command(OPENCLAW).args(args).run().await
}

async fn json_of(home: &TestHome, args: &[&str]) -> Value {
    let ran = openclaw(home, args).await.assert_code(0);
    ran.json()["data"].clone()
}

/// Says something in a session of its own; returns the answer or the error.
async fn turn(gateway: &openclaw_testkit::rpc::RpcClient) -> (String, Result<Value, Value>) {
    let created = gateway.call("session.create", json!({})).await.unwrap();
    let session = created.unwrap()["sessionKey"].as_str().unwrap().to_owned();
    let params = json!({ "sessionKey": session, "content": "hi" });
    let said = gateway.call("session.message", params).await.unwrap();
    (session, said)
}

async fn sixteen_turns(gateways: &[&GatewayProcess]) -> Vec<(String, Result<Value, Value>)> {
    let mut turns = JoinSet::new();
    for n in 0..16 {
        let client = gateways[n % gateways.len()].rpc_client();
        turns.spawn(async move { turn(&client).await });
    }
    timeout(PATIENCE, turns.join_all()).await.unwrap()
}

/// Returns an amount of US dollars to a thousandth of a cent, as text.
fn usd(value: &Value) -> String {
    format!("{:.5}", value.as_f64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_turns_side_by_side_do_not_exceed_a_cap_and_a_raise_lets_the_next_one_go_on() {
    let provider = dear();
    let home = home(&provider, &json!({ "day": { "usd": 10 } }));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let turns = sixteen_turns(&[&gateway]).await;
    let answered = turns.iter().filter(|(_, said)| said.is_ok()).count();
    // A call may write 4096 tokens, so that two fit side by side; each writes a thousand, and the
    // last of them had to have 1024.
    let served = provider.requests().len();
    assert_eq!((answered, served), (9, 9));

    for (session, said) in turns.iter().filter(|(_, said)| said.is_err()) {
        let refusal = said.clone().unwrap_err();
        assert_eq!(refusal["data"]["kind"], "limited", "{refusal}");
        let message = refusal["message"].as_str().unwrap();
        assert!(
            message.contains("the cap `day`") && message.contains("of $10.00 spent"),
            "{message}"
        );
        let hint = refusal["data"]["hint"].as_str().unwrap();
        assert!(hint.contains("openclaw usage raise day"), "{hint}");
        // It is on record, too.
        let params = json!({ "sessionKey": session });
        let history = gateway.rpc("session.history", params).await.unwrap();
        let last = history["events"].as_array().unwrap().last().unwrap();
        assert_eq!(last["data"]["key"], "run.failed", "{last}");
        assert_eq!(last["data"]["value"]["kind"], "limited", "{last}");
    }
    let sums = json_of(&home, &["usage", "--json"]).await;
    assert_eq!(usd(&sums["total"]["costUsd"]), "9.00000", "{sums}");
    assert_eq!(sums["rows"][0]["name"], "fake/fake-model", "{sums}");

    // A restart keeps what was spent.
    gateway.terminate().await;
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (_, said) = turn(&gateway.rpc_client()).await;
    assert!(said.is_err(), "{said:?}");

    let raised = json_of(&home, &["usage", "raise", "day", "--usd", "12", "--json"]).await;
    assert_eq!(usd(&raised["cap"]["limitUsd"]), "12.00000", "{raised}");
    let (_, said) = turn(&gateway.rpc_client()).await;
    assert!(said.is_ok(), "{said:?}");
    gateway.terminate().await;
    // The raise outlives the gateway as well.
    let caps = json_of(&home, &["usage", "caps", "--json"]).await;
    let day = caps["caps"].as_array().unwrap().iter();
    let day = day.clone().find(|cap| cap["cap"] == "day").unwrap();
    assert_eq!(
        (
            &day["raised"],
            usd(&day["limitUsd"]),
            usd(&day["spent"]["usd"])
        ),
        (&json!(true), "12.00000".to_owned(), "10.00000".to_owned())
    );
    let again = openclaw(&home, &["usage", "raise", "day", "--usd", "11"]).await;
    let again = again.assert_code(2);
    assert!(again.stderr.contains("$12.00 already"), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_home_keep_to_one_cap() {
    let provider = dear();
    let home = home(&provider, &json!({ "day": { "usd": 8 } }));
    // Without a gateway each of these is a process that runs its own turn.
    let mut turns = JoinSet::new();
    for n in 0..12 {
        let session = format!("agent:main:explicit:{n}");
        let say = home
            .command(OPENCLAW)
            .args(["agent", "--new", "--message", &session]);
        turns.spawn(say.run());
    }
    let turns = turns.join_all().await;
    let answered = turns.iter().filter(|ran| ran.code == Some(0)).count();
    assert_eq!((answered, provider.requests().len()), (7, 7));
    let refused = turns.iter().find(|ran| ran.code != Some(0)).unwrap();
    assert!(refused.stderr.contains("the cap `day`"), "{refused}");
    let sums = json_of(&home, &["usage", "--by", "agent", "--json"]).await;
    assert_eq!(usd(&sums["total"]["costUsd"]), "7.00000", "{sums}");
    assert_eq!(sums["rows"][0]["name"], "main", "{sums}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_process_was_killed_counts_with_the_most_that_it_may_have_taken() {
    let provider = dear();
    let home = home(&provider, &json!({ "day": { "usd": 6 } }));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    provider.reply(Reply::text("never").hold_headers());
    let client = gateway.rpc_client();
    let cut = tokio::spawn(async move {
        let created = client.call("session.create", json!({})).await.unwrap();
        let session = created.unwrap()["sessionKey"].as_str().unwrap().to_owned();
        let params = json!({ "sessionKey": session, "content": "hi" });
        (
            session,
            client.call("session.message", params).await.is_err(),
        )
    });
    timeout(PATIENCE, provider.wait_for_holds(1)).await.unwrap();
    gateway.kill9().await;
    let (session, cut) = cut.await.unwrap();
    assert!(cut);

    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let sums = json_of(&home, &["usage", "--by", "session", "--json"]).await;
    assert_eq!(sums["rows"][0]["name"], json!(session), "{sums}");
    assert_eq!(
        (&sums["total"]["calls"], &sums["total"]["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(usd(&sums["total"]["costUsd"]), "4.09600", "{sums}");
    // A dollar is left, and more than the least that a call has to have.
    let (_, said) = turn(&gateway.rpc_client()).await;
    assert!(said.is_ok(), "{said:?}");
    let (_, said) = turn(&gateway.rpc_client()).await;
    assert!(said.is_err(), "{said:?}");
    provider.release();
    gateway.terminate().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_again_after_a_kill_is_a_turn_of_its_own_and_the_first_has_spent() {
    let provider = dear();
    let home = home(&provider, &json!({ "turn": { "usd": 4 } }));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    provider.reply(Reply::text("never").hold_headers());
    let client = gateway.rpc_client();
    let created = client.call("session.create", json!({})).await.unwrap();
    let session = created.unwrap()["sessionKey"].clone();
    let say = json!({ "sessionKey": session, "content": "hi", "idempotencyKey": "k" });
    let params = say.clone();
    let cut = tokio::spawn(async move { client.call("session.message", params).await.is_err() });
    timeout(PATIENCE, provider.wait_for_holds(1)).await.unwrap();
    gateway.kill9().await;
    assert!(cut.await.unwrap());

    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let client = gateway.rpc_client();
    let said = client.call("session.message", say.clone()).await.unwrap();
    let run = said.unwrap()["runId"].clone();
    let sums = json_of(&home, &["usage", "--by", "session", "--json"]).await;
    assert_eq!(
        (&sums["total"]["calls"], &sums["total"]["failed"]),
        (&json!(2), &json!(1)),
        "{sums}"
    );
    let said = client.call("session.message", say).await.unwrap();
    assert_eq!(said.unwrap()["runId"], run, "it is answered once");
    provider.release();
    gateway.terminate().await;
}

#[tokio::test]
async fn what_nobody_waits_for_is_capped_without_any_config() {
    let provider = dear();
    let home = home(&provider, &json!({}));
    // 1024 tokens are the least that a call has to be able to write, and cost more than a dollar.
    let say = ["agent", "--message", "hi"];
    let ran = openclaw(&home, &[&say[..], &["--unattended"]].concat()).await;
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr.contains("the cap `unattended`") && ran.stderr.contains("$1.00"),
        "{ran}"
    );
    assert_eq!(provider.requests().len(), 0);
    drop(openclaw(&home, &say).await.assert_code(0));

    let raise = ["usage", "raise", "unattended", "--usd", "2"];
    drop(openclaw(&home, &raise).await.assert_code(0));
    let ran = openclaw(&home, &[&say[..], &["--unattended"]].concat()).await;
    drop(ran.assert_code(0));
    let table = openclaw(&home, &["usage", "caps"]).await.assert_code(0);
    let unattended = |line: &&str| line.starts_with("unattended ");
    let line = table.stdout.lines().find(unattended).unwrap();
    assert!(line.contains("$2.00") && line.contains("raised"), "{table}");
    let line = table
        .stdout
        .lines()
        .find(|line| line.starts_with("unattended-day"));
    let line = line.unwrap();
    assert!(line.contains("$5.00") && line.contains("$1.00"), "{table}");
}

#[tokio::test]
async fn money_is_not_spent_on_a_model_whose_price_nobody_knows() {
    let provider = dear();
    let home = home(&provider, &json!({ "day": { "usd": 5 } }));
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    // Whatever runs on this machine is free; this does not, and is not asked either.
    config["models"]["providers"]["fake"]["baseUrl"] = json!("http://models.invalid/v1");
    home.write_config(&config.to_string());
    let ran = openclaw(&home, &["agent", "--message", "hi"]).await;
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("nobody knows what `fake/fake-model` costs")
            && ran.stderr.contains("`cost`"),
        "{ran}"
    );

    let config = TestHome::config_for(&provider, WireFormat::OpenAi);
    home.write_config(&config.to_string());
    drop(
        openclaw(&home, &["agent", "--message", "hi"])
            .await
            .assert_code(0),
    );
    let sums = openclaw(&home, &["usage"]).await.assert_code(0);
    assert!(sums.stdout.contains("$0.00 in 1 call"), "{sums}");
}

#[tokio::test]
async fn what_calls_took_is_shown_by_whatever_is_asked_for() {
    let provider = dear();
    let home = home(&provider, &json!({}));
    provider.reply(Reply::status(400));
    let refused = openclaw(&home, &["agent", "--message", "one"]).await;
    assert_ne!(refused.code, Some(0), "{refused}");
    drop(
        openclaw(&home, &["agent", "--message", "two"])
            .await
            .assert_code(0),
    );
    for (by, name) in [
        ("model", "fake/fake-model"),
        ("agent", "main"),
        ("channel", "rpc"),
        ("session", "agent:main:main"),
    ] {
        let sums = json_of(&home, &["usage", "--by", by, "--days", "2", "--json"]).await;
        let row = &sums["rows"][0];
        assert_eq!(
            (&row["name"], &row["calls"], &row["failed"]),
            (&json!(name), &json!(2), &json!(1)),
            "{sums}"
        );
        assert_eq!(row["tokens"]["output"], 1000, "{sums}");
        assert!(row["latencyMs"]["p95"].is_u64(), "{sums}");
    }
    let long_ago = ["usage", "--until", "2020-01-01", "--json"];
    assert_eq!(json_of(&home, &long_ago).await["rows"], json!([]));
    let table = openclaw(&home, &["usage", "--by", "day"])
        .await
        .assert_code(0);
    assert!(
        table.stdout.contains("$1.00 in 2 calls (1 failed)"),
        "{table}"
    );
    let status = openclaw(&home, &["status"]).await;
    assert!(
        status.stdout.contains("today     $1.00 in 2 calls\n"),
        "{status}"
    );
    let status = openclaw(&home, &["status", "--json"]).await.json();
    assert_eq!(usd(&status["usageToday"]["costUsd"]), "1.00000");
    for wrong in [
        &["usage", "--since", "yesterday"][..],
        &["usage", "--days", "0"],
        &["usage", "raise", "day", "--usd", "5"],
        &["usage", "raise", "week", "--usd", "5"],
        &["usage", "raise", "session", "--usd", "5"],
        &["usage", "raise", "unattended"],
        &["usage", "raise", "unattended", "--usd=-1"],
        &["usage", "raise", "unattended", "--tokens", "5"],
    ] {
        let ran = openclaw(&home, wrong).await.assert_code(2);
        assert!(!ran.stderr.is_empty(), "{ran}");
    }
}

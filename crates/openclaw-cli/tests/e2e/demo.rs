//! `openclaw demo`: everything at work, from a home with nothing in it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use openclaw_core::ApiKey;
use openclaw_testkit::rpc::RpcClient;
use openclaw_testkit::{HomeCommand, TestHome};
use rustix::process::Signal;
use serde_json::json;

use crate::OPENCLAW;
use crate::watched::Watched;

fn demo(home: &TestHome) -> HomeCommand {
    home.command(OPENCLAW).arg("demo")
}

#[tokio::test]
async fn it_runs_tools_in_the_strict_sandbox_and_ends_by_itself() {
    let home = TestHome::new();
    let ran = demo(&home).run().await.assert_code(0);
    assert_eq!(ran.stderr, "", "{ran}");
    for shown in [
        "you> list the files here",
        "   | step 5 of 5\n",
        "<- exec  ok, exit code 0, ",
        "sandbox strict",
        "<- exec  failed, exit code 1, ",
        "\nSEQ  TIME",
        "SessionStarted",
        "AgentResponse",
        "\nSTATE",
        "AFTER EVENT",
    ] {
        assert!(ran.stdout.contains(shown), "`{shown}`: {ran}");
    }
    assert!(!ran.stdout.contains("sandbox none"), "{ran}");
    // Its gateway and its state were its own.
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    let (_, after) = ran.stdout.split_once("its state in ").unwrap();
    let state = after.split_once(".\n").unwrap().0;
    assert!(!Path::new(state).exists(), "{state}");
}

#[tokio::test]
async fn a_users_token_and_config_play_no_part_in_it() {
    let mut home = TestHome::new();
    home.write_config("{ broken");
    home.set_env("OPENCLAW_GATEWAY_TOKEN", "weak");
    drop(demo(&home).arg("--exit").run().await.assert_code(0));
}

#[tokio::test]
async fn without_bubblewrap_it_says_what_to_install() {
    let mut home = TestHome::new();
    let empty = home.path().join("empty");
    fs::create_dir(&empty).unwrap();
    home.set_env("PATH", &empty);
    let ran = demo(&home).run().await.assert_code(6);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("install bubblewrap"), "{ran}");
}

/// Returns what stands between the last `from` and the next `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.rsplit_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[tokio::test]
async fn kept_it_can_be_talked_to_until_it_is_interrupted() {
    let home = TestHome::new();
    let demo = Watched::start(&home, &["demo", "--keep"]).await;
    let (said, demo) = demo.read_until("}'\n").await;

    let addr: SocketAddr = between(&said, "http://", "/rpc").parse().unwrap();
    let token_file = between(&said, "$(cat ", ")");
    let token = fs::read_to_string(token_file).unwrap();
    let call: serde_json::Value = serde_json::from_str(between(&said, "-d '", "'\n")).unwrap();
    let client = RpcClient::new(addr, ApiKey::new(token.trim().to_owned()));
    let answer = client.post(call.to_string()).await.unwrap().json();
    let content = answer["result"]["content"].as_str().unwrap();
    assert!(content.contains("poem.txt"), "{answer}");

    // The printed commands find it too.
    let state = between(&said, "agent --workspace ", " --message");
    let ran_agent = home
        .command(OPENCLAW)
        .args(["agent", "--workspace", state, "--json"])
        .args(["--message", "what do you remember?"]);
    let answer = ran_agent.run().await.assert_code(0).json();
    assert_eq!(
        answer["result"]["meta"]["agentMeta"]["provider"],
        "scripted"
    );
    assert!(
        answer.to_string().contains("the tide takes its time"),
        "{answer}"
    );

    let ran = demo.end_by(Signal::INT).await.assert_code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("\n", ""));
    assert!(!Path::new(state).exists(), "{state}");
    assert!(client.call("agent.list", json!({})).await.is_err());
}

//! `openclaw onboard`: one file, once, without the key.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use openclaw_testkit::{FakeProvider, GatewayProcess, HomeCommand, Reply, TestHome, WireFormat};

use super::openclaw;
use crate::OPENCLAW;

const KEY: &str = "sk-canary-9b1f4c7d2e";

/// Returns every file beneath a folder that contains the text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else {
            let bytes = fs::read(&path).unwrap();
            let hit = bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes());
            found.extend(hit.then(|| path.display().to_string()));
        }
    }
    found
}

fn onboard(home: &TestHome, provider: &FakeProvider, wire: WireFormat) -> HomeCommand {
    openclaw(
        home,
        &["onboard", "--non-interactive", "--provider", "mine"],
    )
    .args(["--base-url", &provider.base_url(wire), "--api", wire.api()])
    .args(["--model", "fake-model", "--api-key-env", "MINE_KEY"])
}

async fn then_talk_both_ways(wire: WireFormat) {
    let (mut home, provider) = (TestHome::new(), FakeProvider::start());
    provider
        .reply(Reply::text("first"))
        .reply(Reply::text("second"));
    provider.expect_key(KEY).expect_distinct_user_texts();
    home.set_env("MINE_KEY", KEY);

    let ran = onboard(&home, &provider, wire).run().await.assert_code(0);
    assert!(ran.stdout.contains("mine/fake-model"), "{ran}");
    let config = home.state_dir().config_file().to_owned();
    let mode = fs::metadata(&config).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains("\"id\": \"MINE_KEY\""), "{text}");

    let ran = openclaw(&home, &["agent", "--message", "one"]);
    assert_eq!(ran.run().await.assert_code(0).stdout, "first\n");

    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    // Only the gateway has the key from here on, so only through it can there be an answer.
    home.remove_env("MINE_KEY");
    let ran = openclaw(&home, &["agent", "--message", "two"]);
    assert_eq!(ran.run().await.assert_code(0).stdout, "second\n");
    assert_eq!(provider.last_request().user_texts(), ["one", "two"]);

    provider.assert_clean();
    assert!(!gateway.stderr().contains(KEY), "{}", gateway.stderr());
    assert_eq!(files_with(&home.path(), KEY), [""; 0]);
}

#[tokio::test]
async fn an_anthropic_provider_then_answers_in_this_process_and_through_the_gateway() {
    then_talk_both_ways(WireFormat::Anthropic).await;
}

#[tokio::test]
async fn an_openai_provider_then_answers_in_this_process_and_through_the_gateway() {
    then_talk_both_ways(WireFormat::OpenAi).await;
}

/// The address of a local server, which few but OpenAI and Azure can ask by Responses.
#[tokio::test]
async fn a_server_of_ones_own_is_asked_by_chat_completions_unless_its_provider_is_known() {
    for (provider, key, path) in [
        ("local", None, "/v1/chat/completions"),
        ("openai", Some("OPENAI_API_KEY"), "/v1/chat/completions"),
        ("ollama", None, "/api/chat"),
    ] {
        let (mut home, server) = (TestHome::new(), FakeProvider::start());
        server.reply(Reply::text("hello"));
        home.set_env("OPENAI_API_KEY", KEY);
        let url = server.base_url(WireFormat::OpenAi);
        let ran = openclaw(&home, &["onboard", "--non-interactive"])
            .args(["--provider", provider, "--base-url", &url])
            .args(["--model", "llama3.2"])
            .args(key.map(|key| ["--api-key-env", key]).into_iter().flatten());
        drop(ran.run().await.assert_code(0));
        let ran = openclaw(&home, &["agent", "--message", "hi"]).run().await;
        assert_eq!(ran.assert_code(0).stdout, "hello\n");
        let seen = server.last_request();
        assert_eq!((seen.path.as_str(), seen.model()), (path, "llama3.2"));
        server.assert_clean();
    }
}

#[tokio::test]
async fn a_missing_or_wrong_flag_writes_nothing() {
    let mut home = TestHome::new();
    home.set_env("MINE_KEY", KEY);
    for (flags, named) in [
        (&["--provider", "anthropic"][..], "--non-interactive"),
        (&["--non-interactive"], "--provider"),
        (
            &["--non-interactive", "--provider", "anthropic"],
            "--api-key-env",
        ),
        (&["--non-interactive", "--provider", "mine"], "--base-url"),
        (
            &[
                "--non-interactive",
                "--provider",
                "openai",
                "--api-key-env",
                KEY,
            ],
            "--api-key-env",
        ),
    ] {
        let ran = openclaw(&home, &["onboard"]).args(flags);
        let ran = ran.run().await.assert_code(2);
        assert!(ran.stderr.contains(named), "{ran}");
        // A key in the place of a variable's name is not repeated.
        assert!(!ran.stderr.contains(KEY), "{ran}");
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_config_that_is_there_stays_as_it_is() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.write_config("{ /* mine */ }");
    let ran = onboard(&home, &provider, WireFormat::OpenAi).run().await;
    let ran = ran.assert_code(6);
    assert!(ran.stderr.contains("openclaw.json"), "{ran}");
    let config = fs::read_to_string(home.state_dir().config_file()).unwrap();
    assert_eq!(config, "{ /* mine */ }");
}

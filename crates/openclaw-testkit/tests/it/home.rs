//! Programs run in a home of their own.

use std::fs;
use std::time::Duration;

use openclaw_config::Config;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeProvider, TestHome, WireFormat, shared_dir, skip_note};
use serde_json::json;

#[tokio::test]
async fn a_program_sees_home_and_path_and_what_the_test_adds() {
    let mut home = TestHome::new();
    home.set_env("ONE", "1");
    let ran = home
        .command("/usr/bin/env")
        .env("TWO", "2")
        .run()
        .await
        .assert_code(0);
    let mut names: Vec<&str> = ran
        .stdout
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "ONE", "PATH", "TWO"]);
    assert!(
        ran.stdout
            .contains(&format!("HOME={}", home.path().display()))
    );
}

#[tokio::test]
async fn output_input_and_exit_code_are_captured() {
    let home = TestHome::new();
    let ran = home
        .command("/bin/sh")
        .args(["-c", "cat; echo oops >&2; exit 3"])
        .stdin("{\"a\": 1}\n{\"a\": 2}")
        .run()
        .await
        .assert_code(3);
    assert_eq!(ran.json_lines(), [json!({"a": 1}), json!({"a": 2})]);
    assert_eq!(ran.stderr, "oops\n");
}

#[tokio::test]
#[should_panic(expected = "so far")]
async fn a_program_that_hangs_is_killed_and_its_output_shown() {
    let home = TestHome::new();
    let command = home
        .command("/bin/sh")
        .args(["-c", "echo so far; cat /dev/zero >/dev/null"]);
    drop(command.timeout(Duration::from_millis(300)).run().await);
}

#[tokio::test]
#[should_panic(expected = "is not ready")]
async fn a_gateway_that_does_not_get_ready_fails_the_test() {
    let home = TestHome::new();
    drop(openclaw_testkit::GatewayProcess::start(&home, "/bin/echo").await);
}

#[test]
fn the_config_for_a_fake_provider_is_a_valid_config() {
    for wire in WireFormat::ALL {
        let mut home = TestHome::new();
        home.set_env("OPENCLAW_STATE_DIR", home.path().join("elsewhere"));
        let provider = FakeProvider::start();
        provider.expect_key("sk-test");
        home.use_provider(&provider, wire);
        let state = home.state_dir();
        assert!(state.root().ends_with("elsewhere"));
        let config = Config::load(&state, &home.env()).unwrap();
        assert_eq!(
            config
                .default_agent()
                .unwrap()
                .model
                .as_ref()
                .unwrap()
                .to_string(),
            "fake/fake-model"
        );
        let settings = &config.providers[&"fake".into()];
        assert_eq!(settings.base_url, Some(provider.base_url(wire)));
        assert_eq!(settings.api.as_deref(), Some(wire.api()));
        assert!(settings.api_key.is_some());
        assert!(home.workspace().starts_with(state.root()));
    }
}

#[test]
fn what_differs_between_runs_is_redacted() {
    let home = TestHome::new();
    let text = format!(
        "{home}/x at 2026-09-30T12:00:01.5Z took 1.25s (pid 4711) on http://127.0.0.1:1234/rpc\n\
         run 0198f0a4-1111-7222-8333-444455556666, port 99, {{\"pid\":12,\"port\": 9,\"durationMs\": 3.5}}\n\
         token {token}; kept: 200 messages, v1.2.3, 5 sessions, exit code 3",
        home = home.path().display(),
        token = "0f".repeat(32),
    );
    assert_eq!(
        home.redact(&text),
        "[HOME]/x at [TIME] took [DURATION] (pid [PID]) on http://127.0.0.1:[PORT]/rpc\n\
         run [UUID], port [PORT], {\"pid\":\"[PID]\",\"port\": \"[PORT]\",\"durationMs\": \"[DURATION]\"}\n\
         token [TOKEN]; kept: 200 messages, v1.2.3, 5 sessions, exit code 3"
    );
}

#[tokio::test]
async fn a_connection_that_nobody_takes_is_an_error() {
    let addr = ([127, 0, 0, 1], TestHome::free_port()).into();
    assert!(HttpRequest::get("/").send(addr).await.is_err());
}

#[test]
fn the_shared_folder_holds_what_was_recorded() {
    let Some(dir) = shared_dir() else {
        skip_note(
            "the_shared_folder_holds_what_was_recorded",
            "no shared folder",
        );
        return;
    };
    assert!(fs::read_dir(dir).unwrap().count() > 0);
}

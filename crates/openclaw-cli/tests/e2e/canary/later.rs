//! What was recorded before somebody made a secret of it, which the masks on the way into the log
//! could not know.

use std::fs;

use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::json;

use super::call;
use super::seen::Seen;
use crate::OPENCLAW;
use crate::socket::Socket;

const LATER: &str = "cnry-that-became-a-secret-8899";
const SESSION: &str = "agent:main:main";

/// A conversation that has the text in every part.
async fn talk(home: &TestHome, provider: &FakeProvider) {
    let looked = FakeCall::new("exec", &json!({ "command": format!("echo {LATER}") }));
    provider
        .reply(
            Reply::tool_calls([looked])
                .with_thinking(format!("maybe {LATER}"), "signature")
                .with_text(format!("Looking for {LATER}.")),
        )
        .reply(Reply::text(format!("It is {LATER}.")));
    let say = [
        "agent",
        "--message",
        "tell me of cnry-that-became-a-secret-8899",
    ];
    let said = home.command(OPENCLAW).args(say).run().await.assert_code(0);
    assert!(said.stdout.contains(LATER), "{said}");
}

/// The commands that show what is recorded. A copy is not among them: it has to be the same.
async fn show(home: &TestHome, seen: &mut Seen) {
    let commands: &[&[&str]] = &[
        &["sessions", "list"],
        &["sessions", "show", SESSION],
        &["sessions", "events", SESSION],
        &["sessions", "state", SESSION],
        &["sessions", "search", "became"],
        &["sessions", "replay", "--dry-run", SESSION],
        &[
            "sessions",
            "show",
            "agent:main:cnry-that-became-a-secret-8899",
        ],
        &["agent", "--message", "once more"],
    ];
    for args in commands {
        for form in [&[][..], &["--json"]] {
            let ran = home.command(OPENCLAW).args(*args).args(form).run().await;
            seen.add(format!("stdout of {}", ran.command), ran.stdout);
            seen.add(format!("stderr of {}", ran.command), ran.stderr);
        }
    }
}

#[tokio::test]
async fn what_was_recorded_before_it_was_a_secret_is_shown_to_nobody() {
    let provider = FakeProvider::scripted([]);
    let home = TestHome::new();
    let mut config = TestHome::config_for(&provider, WireFormat::Anthropic);
    home.write_config(&config.to_string());
    talk(&home, &provider).await;
    let before = provider.requests().len();
    provider.otherwise(|_| Reply::text("Nothing."));

    config["channels"]["telegram"] = json!({ "botToken": LATER, "enabled": false });
    home.write_config(&config.to_string());
    home.lift_limits();
    fs::write(
        home.workspace().join("AGENTS.md"),
        format!("Say {LATER}.\n"),
    )
    .unwrap();
    let mut seen = Seen::default();
    show(&home, &mut seen).await;
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    show(&home, &mut seen).await;
    let mut socket = Socket::open(&gateway).await;
    let params = json!({ "sessionKey": SESSION });
    drop(call(&mut socket, &mut seen, "session.history", params).await);
    gateway.terminate().await;
    seen.add("the gateway's log", gateway.stderr());
    let asked = provider.requests();
    assert!(asked.len() >= before + 4);
    for request in asked.iter().skip(before) {
        seen.add("a request to the model", request.body.to_string());
    }
    seen.assert_without(&[LATER.to_owned()]);
    for expected in [
        "It is [REDACTED].",
        "Say [REDACTED].",
        "agent:main:[REDACTED]",
    ] {
        assert!(seen.has(expected), "{expected}");
    }
}

#[tokio::test]
async fn what_only_the_caller_knows_is_not_printed_either() {
    let mine = "cnry-known-to-the-caller-only-4455";
    let provider = FakeProvider::scripted([Reply::text(format!("Is it {mine}?"))]);
    let home = TestHome::new();
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let say = home.command(OPENCLAW).args(["agent", "--message", "hello"]);
    let ran = say.env("OTHER_API_KEY", mine).run().await.assert_code(0);
    assert_eq!(ran.stdout, "Is it [REDACTED]?\n");
    drop(gateway);
}

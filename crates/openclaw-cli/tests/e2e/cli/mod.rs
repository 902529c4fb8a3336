//! The command line: what it prints, where, and with which exit code.

mod agent;
mod endings;
mod models;
mod onboard;
mod recording;
mod replay;
mod sandbox;
mod self_test;
mod sessions;
mod status;
mod usage;

use openclaw_testkit::{FakeCall, FakeProvider, HomeCommand, Reply, TestHome, WireFormat};
use serde_json::json;

use crate::OPENCLAW;

/// Prepares to run the binary.
fn openclaw(home: &TestHome, args: &[&str]) -> HomeCommand {
    home.command(OPENCLAW).args(args)
}

/// Prepares to run the binary with a standard output whose reader is gone.
fn with_closed_stdout(home: &TestHome, args: &[&str]) -> HomeCommand {
    // A pipe that is open for reading while the writing end is opened, and not any more after.
    let script = "mkfifo pipe && exec 3<>pipe 4>pipe 3<&- && rm pipe && exec \"$0\" \"$@\" >&4";
    home.command("/bin/sh")
        .args(["-c", script, OPENCLAW])
        .args(args)
}

/// A home in which the agent once wrote a file and said so.
async fn with_a_session() -> TestHome {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider
        .reply(Reply::tool_calls([FakeCall::new(
            "write",
            &json!({ "path": "notes.md", "content": "tide" }),
        )]))
        .reply(Reply::text("It is in notes.md.\nAnything else?"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let ran = openclaw(&home, &["agent", "--message", "remember the tide"]);
    drop(ran.run().await.assert_code(0));
    home
}

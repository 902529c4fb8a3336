//! The audit stream and the check of the whole log, with the real binary.

mod accept;
mod every_kind;
mod gateway;
mod stream;
mod tampering;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use openclaw_testkit::{
    FakeCall, FakeProvider, GatewayProcess, HomeCommand, Reply, TestHome, WireFormat,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::OPENCLAW;

pub(crate) const MAIN: &str = "agent:main:main";
pub(crate) const OTHER: &str = "agent:main:web:direct:a";

pub(crate) fn openclaw(home: &TestHome, args: &[&str]) -> HomeCommand {
    home.command(OPENCLAW).args(args)
}

/// A home with two conversations, one of them with a tool call, that a gateway wrote and closed.
pub(crate) async fn recorded() -> TestHome {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider
        .reply(Reply::tool_calls([FakeCall::new(
            "write",
            &json!({ "path": "notes.md", "content": "tide" }),
        )]))
        .otherwise(|_| Reply::text("noted"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let other = json!({ "channel": "web", "peerId": "a" });
    gateway.rpc("session.create", other).await.unwrap();
    for (session, content) in [(MAIN, "one"), (OTHER, "two"), (MAIN, "three")] {
        let params = json!({ "sessionKey": session, "content": content });
        gateway.rpc("session.message", params).await.unwrap();
    }
    assert_eq!(gateway.terminate().await.0, Some(0));
    home
}

/// Returns the path of the log.
pub(crate) fn log(home: &TestHome) -> PathBuf {
    home.state_dir().event_log()
}

/// Returns the path of the log's anchors.
pub(crate) fn anchors(home: &TestHome) -> PathBuf {
    openclaw_core::events::anchors_path(&log(home))
}

/// Opens the log as anybody can.
pub(crate) fn sql(home: &TestHome) -> Connection {
    let connection = Connection::open(log(home)).unwrap();
    connection
        .pragma_update(None, "foreign_keys", false)
        .unwrap();
    connection
}

/// Another home with a copy of the log.
pub(crate) fn copied(from: &TestHome) -> TestHome {
    let to = TestHome::new();
    let own = to.state_dir().own();
    copy_folder(&from.state_dir().own(), &own);
    fs::set_permissions(own, fs::Permissions::from_mode(0o700)).unwrap();
    to
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &name);
        } else {
            fs::copy(&path, &name).unwrap();
        }
    }
}

/// Checks the log and returns the exit code and the data of the document.
pub(crate) async fn verify(home: &TestHome) -> (Option<i32>, Value) {
    let ran = openclaw(home, &["audit", "verify", "--json"]).run().await;
    (ran.code, ran.json()["data"].clone())
}

pub(crate) async fn assert_intact(home: &TestHome) -> Value {
    let (code, data) = verify(home).await;
    assert_eq!((code, &data["intact"]), (Some(0), &json!(true)), "{data:#}");
    data
}

/// Returns the entries of the audit stream, the first one first.
pub(crate) async fn entries(home: &TestHome, kind: &str) -> Vec<Value> {
    let args = ["audit", "list", "--json", "--limit", "1000", "--kind", kind];
    let ran = openclaw(home, &args).run().await.assert_code(0);
    let mut entries = ran.json()["data"]["entries"].as_array().unwrap().clone();
    entries.reverse();
    entries
}

//! The way back: what the real TypeScript OpenClaw says to homes that this program has worked in.
//!
//! `cargo xtask way-back` installs that tool and names it; without it, nothing is checked here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_core::env::Env;
use openclaw_testkit::{
    FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat, shared_dir, skip_note,
};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// The Node that runs the tool, and the tool's own script.
const NODE: &str = "OPENCLAW_WAY_BACK_NODE";
const TOOL: &str = "OPENCLAW_WAY_BACK_TOOL";

/// How long the tool may take: it migrates whole databases.
const PATIENCE: Duration = Duration::from_mins(3);

struct Tool {
    node: PathBuf,
    script: PathBuf,
}

impl Tool {
    fn find() -> Option<Self> {
        let env = Env::from_process();
        let named = |name| env.get_os(name).map(PathBuf::from);
        let found = named(NODE).zip(named(TOOL));
        if found.is_none() {
            skip_note(
                "way_back",
                "run `cargo xtask way-back`, which installs OpenClaw",
            );
        }
        let (node, script) = found?;
        Some(Self { node, script })
    }

    async fn run(&self, home: &TestHome, args: &[&str]) -> Ran {
        home.command(&self.node)
            .arg(&self.script)
            .args(args)
            .timeout(PATIENCE)
            .run()
            .await
    }

    async fn is_valid(&self, home: &TestHome) -> bool {
        let verdict = self.run(home, &["config", "validate", "--json"]).await;
        verdict.json()["valid"] == true
    }

    async fn sessions(&self, home: &TestHome) -> Vec<String> {
        let listed = self.run(home, &["sessions", "--json"]).await;
        keys(&listed.assert_code(0).json()["sessions"])
    }
}

fn keys(sessions: &Value) -> Vec<String> {
    let sessions = sessions.as_array().unwrap().iter();
    let mut keys: Vec<String> = sessions
        .map(|session| session["key"].as_str().unwrap().to_owned())
        .collect();
    keys.sort();
    keys
}

/// Copies a folder; the copy can be written.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// Makes a home of a recorded one; what names its old place names the new one.
fn home_of(recorded: &Path) -> TestHome {
    let mut home = TestHome::new();
    home.set_env("OPENCLAW_GATEWAY_TOKEN", "fake-gateway-token-0123456789");
    let root = home.state_dir().root().to_owned();
    copy(recorded, &root);
    // The recorded identity is made up, and OpenClaw's doctor goes no further when it sees that.
    drop(fs::remove_dir_all(root.join("identity")));
    let config = fs::read_to_string(root.join("openclaw.json")).unwrap();
    let mut moved = config.clone();
    for old in [
        "/home/someone/h262/.openclaw",
        "/home/someone/h269/.openclaw",
    ] {
        moved = moved.replace(old, root.to_str().unwrap());
    }
    assert_ne!(moved, config);
    home.write_config(&moved);
    home
}

async fn ours(home: &TestHome, args: &[&str]) -> Ran {
    home.command(OPENCLAW).args(args).run().await.assert_code(0)
}

/// Takes a home over, changes its config, and answers a message in it.
async fn worked_in(home: &TestHome) {
    let provider = FakeProvider::scripted([Reply::text("from the other program")]);
    drop(ours(home, &["migrate", "--json"]).await);
    let url = provider.base_url(WireFormat::Anthropic);
    let path = "models.providers.fakeanth.baseUrl";
    drop(ours(home, &["config", "set", path, &url]).await);
    drop(
        ours(
            home,
            &["config", "set", "messages.responsePrefix", "[ours]"],
        )
        .await,
    );
    let gateway = GatewayProcess::start(home, OPENCLAW).await;
    let params = json!({ "sessionKey": "agent:main:main", "content": "still there?" });
    let reply = gateway.rpc("session.message", params).await.unwrap();
    assert_eq!(reply["content"], "from the other program");
    provider.assert_clean();
}

async fn stays_usable(tool: &Tool, name: &str) -> Option<TestHome> {
    let Some(shared) = shared_dir() else {
        skip_note("way_back", "the recorded homes are not there");
        return None;
    };
    let home = home_of(&shared.join("compat").join(name));
    let before = tool.is_valid(&home).await;
    let there = if before {
        tool.sessions(&home).await
    } else {
        Vec::new()
    };
    worked_in(&home).await;
    assert!(tool.is_valid(&home).await, "{name}: valid before: {before}");
    drop(ours(&home, &["config", "unset", "messages.responsePrefix"]).await);
    assert!(tool.is_valid(&home).await, "{name}");
    let fixed = tool.run(&home, &["doctor", "--fix", "--non-interactive"]);
    drop(fixed.await.assert_code(0));
    let after = tool.sessions(&home).await;
    let lost: Vec<&String> = there.iter().filter(|key| !after.contains(key)).collect();
    assert!(lost.is_empty(), "{name}: {lost:?}");
    assert!(
        after.contains(&"agent:main:main".to_owned()),
        "{name}: {after:?}"
    );
    Some(home)
}

/// Has the tool import what this program exports; nothing of it is lost.
async fn goes_back(tool: &Tool, home: &TestHome) {
    let out = home.path().join("exported");
    let out = out.to_str().unwrap();
    let export = ["sessions", "export", "--format", "openclaw-jsonl", "--all"];
    let exported = ours(home, &[&export[..], &["--out", out, "--json"]].concat()).await;
    let fresh = TestHome::new();
    copy(Path::new(out), fresh.state_dir().root());
    fresh.write_config("{ gateway: { mode: 'local' } }");
    let fixed = tool.run(&fresh, &["doctor", "--fix", "--non-interactive"]);
    drop(fixed.await.assert_code(0));
    let listed = ours(home, &["sessions", "list", "--json", "--limit", "1000"]).await;
    let listed = keys(&listed.json()["sessions"]);
    assert_eq!(tool.sessions(&fresh).await, listed);
    // What the tool has now, read by this program, is as much as was exported.
    let read = TestHome::new();
    let root = fresh.state_dir().root().to_owned();
    let migrate = [
        "migrate",
        "--dry-run",
        "--json",
        "--from",
        root.to_str().unwrap(),
    ];
    let read = ours(&read, &migrate).await.json();
    let areas = read["data"]["areas"].as_array().unwrap();
    let sessions = areas
        .iter()
        .find(|area| area["area"] == "sessions")
        .unwrap();
    let exported = &exported.json()["data"];
    assert_eq!(
        sessions["taken"]["events"], exported["events"],
        "{exported}"
    );
}

#[tokio::test]
async fn a_home_of_february_stays_usable_and_its_sessions_go_back() {
    let Some(tool) = Tool::find() else { return };
    if let Some(home) = stays_usable(&tool, "home-2026.2").await {
        goes_back(&tool, &home).await;
    }
}

#[tokio::test]
async fn a_home_of_september_stays_usable_and_its_sessions_go_back() {
    let Some(tool) = Tool::find() else { return };
    if let Some(home) = stays_usable(&tool, "home-2026.9").await {
        goes_back(&tool, &home).await;
    }
}

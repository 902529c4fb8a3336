//! OpenClaw's own clients at this gateway: its client library, its terminal UI and its command line,
//! as they come from npm.
//!
//! `fixtures/openclaw-clients` pins them, and `cargo xtask test` installs them. Each runs in a home
//! of its own, which is not the gateway's.

mod cli;
mod library;
mod tui;

use openclaw_testkit::{
    FakeProvider, GatewayProcess, HomeCommand, OpenclawClients, TestHome, WireFormat,
};
use serde_json::{Value, json};

use crate::OPENCLAW;

const KEY: &str = "agent:main:main";

/// A gateway, and a client's home beside its own.
struct World {
    gateway: GatewayProcess,
    provider: FakeProvider,
    clients: OpenclawClients,
    /// Where clients keep what they write.
    theirs: TestHome,
    // The last to go: the others keep files in it.
    _ours: TestHome,
}

impl World {
    /// Starts a gateway; nothing if there are no clients, which is noted in the name of the test.
    async fn new(test: &str) -> Option<Self> {
        let clients = OpenclawClients::find(test)?;
        let (provider, ours) = (FakeProvider::start(), TestHome::new());
        ours.use_provider(&provider, WireFormat::OpenAi)
            .lift_limits();
        let gateway = GatewayProcess::start(&ours, OPENCLAW).await;
        Some(Self {
            gateway,
            provider,
            clients,
            theirs: TestHome::new(),
            _ours: ours,
        })
    }

    fn url(&self) -> String {
        format!("ws://{}", self.gateway.addr())
    }

    fn token(&self) -> &str {
        self.gateway.token().expose_secret()
    }

    /// Says something in the main session without any of the clients.
    async fn says(&self, content: &str) {
        let said = json!({ "sessionKey": KEY, "content": content });
        self.gateway.rpc("session.message", said).await.unwrap();
    }

    /// Prepares to run OpenClaw's command line, which finds nothing but loopback and its own home.
    fn openclaw(&self) -> HomeCommand {
        only_loopback(self.clients.openclaw(&self.theirs))
    }

    /// Lets OpenClaw's command line know where the gateway is, as its users write it.
    fn configure(&self) {
        let remote = json!({ "url": self.url(), "token": self.token() });
        let config = json!({ "gateway": { "mode": "remote", "remote": remote } });
        self.theirs.write_config(&config.to_string());
    }
}

/// Has Node refuse every connection that leads off this machine.
fn only_loopback(command: HomeCommand) -> HomeCommand {
    let guard = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/e2e/openclaw_clients/scripts/loopback.cjs"
    );
    command
        .env("NODE_OPTIONS", format!("--require={guard}"))
        .env("PATH", "/usr/bin:/bin")
}

/// Returns what was said in a session: who, and what.
async fn conversation(gateway: &GatewayProcess) -> Vec<(String, String)> {
    let asked = json!({ "sessionKey": KEY, "limit": 1000 });
    let history = gateway.rpc("session.history", asked).await.unwrap();
    let events = history["events"].as_array().unwrap().iter();
    let text = |event: &Value| event["data"]["content"].as_str().map(str::to_owned);
    events
        .filter_map(|event| Some((event["kind"].as_str()?.to_owned(), text(event)?)))
        .collect()
}

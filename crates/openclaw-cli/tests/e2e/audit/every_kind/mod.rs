//! Every kind of entry that the audit stream has, provoked at the real binary and found again.
//!
//! What kinds there are is asked of the type itself, so that a kind that is added and not provoked
//! here fails the test. `owner` is what the owner does with the commands, `callers` is what others
//! do over the network, `devices` what a device does that has a key of its own.

mod callers;
mod devices;
mod owner;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use openclaw_core::events::{AuditEntry, SecretChange};
use openclaw_testkit::{FakeProvider, GatewayProcess, HomeCommand, Reply, TestHome, WireFormat};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{assert_intact, entries, openclaw};
use crate::OPENCLAW;

const KEY: &str = "sk-canary-every-kind-1";
const PLAIN_KEY: &str = "sk-canary-every-kind-2";
const GUESSED: &str = "canary-every-kind-guessed";
const MISPLACED: &str = "canary-every-kind-misplaced";
const PASSWORD: &str = "canary every kind";
const MASTER: [&str; 2] = ["canary master of every kind", "canary next of every kind"];
const MASTER_FILE: &str = "OPENCLAW_CREDENTIALS_PASSWORD_FILE";

/// A command that somebody is asked about.
const ASKED: &str = "true asked-for";

/// How many calls and messages a minute brings.
const CALLS: u64 = 40;
const MESSAGES: u64 = 3;

/// How often, and how long at most, it is asked whether the gateway has noticed.
const ASK: Duration = Duration::from_millis(100);
const ATTEMPTS: u32 = 200;

/// A home in which everything is tried, and what must not be on record there.
struct Stage {
    home: TestHome,
    provider: FakeProvider,
    secrets: Vec<String>,
}

/// An entry: its kind, what its fields say, and how often that happened.
struct Expected(&'static str, Value, u64);

#[tokio::test]
async fn every_kind_of_entry_is_provoked_and_found_without_a_secret_in_it() {
    let mut stage = Stage::new();
    let mut expected = stage.secrets().await;
    expected.extend(stage.log().await);
    expected.extend(stage.sessions().await);
    expected.extend(stage.caps().await);
    expected.extend(stage.egress().await);
    let gateway = GatewayProcess::start(&stage.home, OPENCLAW).await;
    expected.extend(stage.approvals(&gateway).await);
    expected.extend(stage.tokens(&gateway).await);
    expected.extend(stage.limits(&gateway).await);
    expected.extend(stage.browser(&gateway).await);
    expected.extend(stage.devices(&gateway).await);
    expected.extend(stage.strangers(&gateway).await);
    expected.extend(stage.edits(gateway).await);
    assert_intact(&stage.home).await;

    let list = stage.ran(&["audit", "list", "--json", "--limit", "1000"]);
    let list = list.await;
    let entries: Value = serde_json::from_str(&list).unwrap();
    let entries = entries["data"]["entries"].as_array().unwrap();
    let wrong: Vec<String> = expected
        .iter()
        .filter_map(|expected| expected.wrong(entries))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?} in\n{list}");

    let kinds = names::<AuditEntry>(json!({ "key": "", "value": {} }));
    let provoked = expected.iter().map(|Expected(kind, ..)| *kind);
    let provoked: BTreeSet<String> = provoked.map(|kind| format!("audit.{kind}")).collect();
    assert_eq!(provoked, kinds);
    let changes = expected
        .iter()
        .filter_map(|Expected(_, value, _)| value["change"].as_str());
    let changes: BTreeSet<String> = changes.map(str::to_owned).collect();
    assert_eq!(changes, names::<SecretChange>(json!("")));

    let exported = stage.ran(&["audit", "export"]).await;
    let table = stage.ran(&["audit", "list", "--limit", "1000"]).await;
    for secret in &stage.secrets {
        for text in [&list, &exported, &table] {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
    }
}

/// Returns the names that a type knows, from what it says when it is given another one.
fn names<T: DeserializeOwned>(unknown: Value) -> BTreeSet<String> {
    let Err(refusal) = serde_json::from_value::<T>(unknown) else {
        panic!("it was to be refused");
    };
    let refusal = refusal.to_string();
    // What stands between backquotes; the first of it is the name that is not known.
    let quoted = refusal.split('`').skip(1).step_by(2);
    quoted.skip(1).map(str::to_owned).collect()
}

impl Stage {
    fn new() -> Self {
        let (mut home, provider) = (TestHome::new(), FakeProvider::start());
        provider.expect_key(KEY);
        provider.otherwise(|_| Reply::text("noted"));
        home.set_env(MASTER_FILE, home.path().join("master"));
        for (name, text) in ["master", "next"].into_iter().zip(MASTER) {
            let path = home.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let [old, new] = MASTER;
        let secrets = [KEY, PLAIN_KEY, GUESSED, MISPLACED, PASSWORD, old, new];
        let stage = Self {
            home,
            provider,
            secrets: secrets.map(str::to_owned).into(),
        };
        stage.home.write_config(&stage.config().to_string());
        let asks = json!({ "tool": "exec", "args": { "/command": ASKED }, "decision": "ask" });
        let own = json!({ "policy": { "rules": [asks] } });
        stage.home.write_own(&own.to_string());
        stage
    }

    /// Returns the config; its password is one that could be guessed.
    fn config(&self) -> Value {
        let mut config = TestHome::config_for(&self.provider, WireFormat::OpenAi);
        config["models"]["providers"]["fake"]["apiKey"] =
            json!({ "source": "store", "provider": "default", "id": "FAKE" });
        config["gateway"] = json!({
            "auth": { "mode": "password", "password": PASSWORD },
            "trustedProxies": ["127.0.0.1"],
            "rateLimit": { "requestsPerMinute": CALLS, "messagesPerMinute": MESSAGES },
        });
        config
    }

    fn command(&self, args: &[&str]) -> HomeCommand {
        openclaw(&self.home, args)
    }

    async fn ran(&self, args: &[&str]) -> String {
        self.command(args).run().await.assert_code(0).stdout
    }

    /// Keeps a text, which is not to be on record.
    fn secret(&mut self, text: &Value) -> String {
        let text = text.as_str().unwrap().to_owned();
        self.secrets.push(text.clone());
        text
    }

    /// Waits until an entry about the config has this in it.
    async fn recorded(&self, text: &str) {
        let mut asked = tokio::time::interval(ASK);
        for _ in 0..ATTEMPTS {
            asked.tick().await;
            let entries = entries(&self.home, "config").await;
            if entries.iter().any(|entry| entry.to_string().contains(text)) {
                return;
            }
        }
        panic!("no entry says `{text}`");
    }
}

impl Expected {
    fn once(kind: &'static str, value: Value) -> Self {
        Self(kind, value, 1)
    }

    /// Says what is wrong, if it is not on record as often as it happened.
    fn wrong(&self, entries: &[Value]) -> Option<String> {
        let Self(kind, value, wanted) = self;
        let found = entries.iter().filter(|entry| self.is(entry));
        // What happens again and again is one entry that says how often.
        let times = found.map(|entry| entry["value"]["count"].as_u64().unwrap_or(1));
        let times: u64 = times.sum();
        let wrong = times != *wanted || times == 0;
        wrong.then(|| format!("{kind} {value}: {times} times, and not {wanted}"))
    }

    /// Tells whether an entry says it; a text that ends with `…` may go on.
    fn is(&self, entry: &Value) -> bool {
        let says = |(name, expected): (&String, &Value)| {
            let value = &entry["value"][name];
            match expected.as_str().and_then(|text| text.strip_suffix('…')) {
                Some(begun) => value.as_str().is_some_and(|text| text.starts_with(begun)),
                None => value == expected,
            }
        };
        entry["kind"] == self.0 && self.1.as_object().unwrap().iter().all(says)
    }
}

//! What waits for somebody's consent, from a second terminal: deciding, taking back, and what
//! becomes of a question that nobody answers.

mod endings;
mod names;
mod prompt;
mod shown;
mod strangers;

use std::future::Future;

use openclaw_core::EventStore;
use openclaw_core::events::Change;
use openclaw_ipc::Client;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

const MAIN: &str = "agent:main:main";

/// A gateway whose owner is asked before any command runs.
struct Stage {
    client: Client,
    gateway: GatewayProcess,
    _provider: FakeProvider,
    // The last to go: the others keep files in it.
    home: TestHome,
}

/// A model that runs each message as a command, and says what came of it; a message that is a
/// JSON string stands for what is in it.
fn obedient() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| {
        if seen.ends_with_results() {
            let results = seen.results();
            return Reply::text(results.last().unwrap().content.clone());
        }
        let said = seen.last_user_text();
        let command = serde_json::from_str(said).unwrap_or_else(|_| said.to_owned());
        Reply::tool_calls([FakeCall::new("exec", &json!({ "command": command }))])
    });
    provider
}

/// A home whose owner is asked about every command, with these settings.
fn asking(provider: &FakeProvider, approvals: &Value) -> TestHome {
    let home = TestHome::new();
    home.use_provider(provider, WireFormat::OpenAi);
    let rule = json!({ "tool": "exec", "decision": "ask", "because": "commands are asked for" });
    let own = json!({
        "policy": { "rules": [rule] },
        "approvals": approvals,
        "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
    });
    home.write_own(&own.to_string());
    home
}

impl Stage {
    async fn start(approvals: Value) -> Self {
        let provider = obedient();
        let home = asking(&provider, &approvals);
        let gateway = GatewayProcess::start(&home, OPENCLAW).await;
        let client = gateway.client().await;
        Self {
            home,
            _provider: provider,
            gateway,
            client,
        }
    }

    async fn run(&self, args: &[&str]) -> Ran {
        self.home.command(OPENCLAW).args(args).run().await
    }

    /// Says something, as from a terminal of its own.
    fn say(&self, text: &str) -> impl Future<Output = Ran> + use<> {
        let args = ["agent", "--message", text];
        self.home.command(OPENCLAW).args(args).run()
    }

    /// Decides about a question, from a terminal of its own.
    async fn resolve(&self, id: &str, decision: &str) -> Ran {
        self.run(&["approvals", "resolve", id, decision]).await
    }

    /// Waits for the next question.
    async fn question(&mut self) -> Value {
        question(&mut self.client).await
    }

    /// Says something and answers its question.
    async fn decided(&mut self, text: &str, decision: &str) -> Ran {
        let said = tokio::spawn(self.say(text));
        let question = self.question().await;
        assert_eq!(question["shape"]["arguments"]["command"], text);
        let id = question["id"].as_str().unwrap();
        let resolved = self.resolve(id, decision).await;
        drop(resolved.assert_code(0));
        said.await.unwrap().assert_code(0)
    }

    fn has(&self, file: &str) -> bool {
        self.home.workspace().join(file).exists()
    }

    /// Returns how many requests have been put on record, and what was decided about each.
    async fn decisions(&self) -> Vec<Value> {
        let log = self.run(&["sessions", "export", MAIN]).await;
        let lines = log.assert_code(0).json_lines();
        let decided = lines
            .iter()
            .filter(|line| line["data"]["key"] == "approval.decided");
        decided.map(|line| line["data"]["value"].clone()).collect()
    }
}

async fn question(client: &mut Client) -> Value {
    loop {
        let heard = client.next_notification().await.unwrap();
        let heard = serde_json::to_value(&heard).unwrap();
        if heard["method"] == "approval.requested" {
            return heard["params"]["approval"].clone();
        }
    }
}

#[tokio::test]
async fn a_second_terminal_sees_what_would_run_and_lets_it() {
    let mut stage = Stage::start(json!({})).await;
    let said = tokio::spawn(stage.say("touch one"));
    let id = stage.question().await["id"].as_str().unwrap().to_owned();
    assert!(!stage.has("one"));

    let list = stage.run(&["approvals", "list"]).await.assert_code(0);
    for part in [
        id.as_str(),
        "agent main, session agent:main:main",
        "because    asks first: commands are asked for (policy.rules.0)",
        r#"argv       ["/bin/sh","-c","touch one"]"#,
        "policy     sandbox: strict",
        "expires",
    ] {
        assert!(list.stdout.contains(part), "{part}: {list}");
    }
    let listed = stage.run(&["approvals", "list", "--json"]).await.json();
    assert_eq!(listed["data"]["approvals"][0]["id"], json!(id));

    let resolved = stage.resolve(&id, "allow-once").await.assert_code(0);
    let what = r#"exec ["/bin/sh","-c","touch one"]"#;
    assert_eq!(resolved.stdout, format!("allowed: {what}\n"));
    let said = said.await.unwrap().assert_code(0);
    assert!(stage.has("one"));
    // Where nobody can be asked, it is said how to answer from somewhere else.
    let how = format!("openclaw approvals resolve {id} allow-once|allow-always|deny");
    assert!(said.stderr.contains(&how), "{said}");

    let empty = stage.run(&["approvals", "list"]).await.assert_code(0);
    assert!(empty.stderr.contains("nothing waits"), "{empty}");
    // What became of it can be looked up.
    let all = ["approvals", "list", "--all"];
    let all = stage.run(&all).await.assert_code(0);
    assert!(all.stdout.contains(&id), "{all}");
    assert!(all.stdout.contains("decided    allowed once by "), "{all}");

    let again = stage.resolve(&id, "deny").await.assert_code(1);
    assert!(
        again.stderr.contains("was allowed already (") && again.stderr.contains("approvals list"),
        "{again}"
    );
}

#[tokio::test]
async fn what_is_allowed_for_good_is_exactly_that_until_it_is_withdrawn() {
    let mut stage = Stage::start(json!({})).await;
    drop(stage.decided("touch two", "allow-always").await);
    std::fs::remove_file(stage.home.workspace().join("two")).unwrap();
    drop(stage.say("touch two").await.assert_code(0));
    assert!(stage.has("two"));
    assert_eq!(stage.decisions().await.len(), 1);

    let said = stage.decided("touch two three", "deny").await;
    let what = r#"said no to exec ["/bin/sh","-c","touch two three"]"#;
    assert!(said.stdout.contains(what), "{said}");
    assert!(!stage.has("three"));

    let grants = stage.run(&["approvals", "grants"]).await.assert_code(0);
    assert!(
        grants.stdout.contains(r#"["/bin/sh","-c","touch two"]"#),
        "{grants}"
    );
    let grants = stage.run(&["approvals", "grants", "--json"]).await.json();
    let digest = grants["data"]["grants"][0]["digest"].as_str().unwrap();
    let withdraw = ["approvals", "withdraw", digest.get(..8).unwrap()];
    drop(stage.run(&withdraw).await.assert_code(0));
    std::fs::remove_file(stage.home.workspace().join("two")).unwrap();
    drop(stage.decided("touch two", "deny").await);
    assert!(!stage.has("two"));
    let gone = stage.run(&withdraw).await.assert_code(3);
    assert!(gone.stderr.contains("approvals grants"), "{gone}");
}

#[tokio::test]
async fn a_run_without_a_gateway_is_answered_from_a_second_terminal_too() {
    let mut stage = Stage::start(json!({})).await;
    stage.gateway.terminate().await;
    let store = EventStore::open(&stage.home.state_dir().event_log()).unwrap();
    let mut log = store.subscribe(0);
    let said = tokio::spawn(stage.say("touch alone"));
    let id = loop {
        let event = log.next().await.unwrap();
        if let Some(Change::ApprovalRequested { approval, .. }) = Change::of(&event) {
            break approval;
        }
    };
    let list = stage.run(&["approvals", "list"]).await.assert_code(0);
    assert!(list.stdout.contains(&id.0), "{list}");
    drop(stage.resolve(&id.0, "allow-once").await.assert_code(0));
    drop(said.await.unwrap().assert_code(0));
    assert!(stage.has("alone"));
}

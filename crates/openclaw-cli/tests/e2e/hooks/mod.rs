//! `POST /hooks/…`: what programs of others hand in by a token of their own.

mod injected;
mod mapped;
mod refused;
mod repeated;
mod sessions;
mod turns;

use std::time::Duration;

use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

const MAIN: &str = "agent:main:main";
/// The token of the webhooks.
const TOKEN: &str = "of-the-webhooks-0123456789";

/// How often, and how long at most, something is looked for.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 400;

/// A gateway with webhooks, and the model that it asks.
struct World {
    gateway: GatewayProcess,
    provider: FakeProvider,
    // The last to go: the others keep files in it.
    home: TestHome,
}

/// Settings that let webhooks in.
fn on() -> Value {
    json!({ "enabled": true, "token": TOKEN })
}

fn with(mut hooks: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        hooks[key] = value.clone();
    }
    hooks
}

impl World {
    async fn new() -> Self {
        Self::with(on(), json!({})).await
    }

    /// Starts a gateway with these webhooks, and more in this program's own settings.
    async fn with(hooks: Value, own: Value) -> Self {
        Self::of(json!({ "hooks": hooks }), own).await
    }

    /// Starts a gateway with more in its config.
    async fn of(config: Value, own: Value) -> Self {
        let (home, provider) = (TestHome::new(), FakeProvider::start());
        let usual = TestHome::config_for(&provider, WireFormat::OpenAi);
        home.write_config(&with(usual, &config).to_string());
        let lifted = json!({
            "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
        });
        home.write_own(&with(lifted, &own).to_string());
        provider.otherwise(|seen| Reply::text(format!("heard {}", seen.last_user_text().len())));
        let gateway = GatewayProcess::start(&home, OPENCLAW).await;
        Self {
            gateway,
            provider,
            home,
        }
    }

    /// Starts the gateway once more, with what its files say now.
    async fn again(mut self) -> Self {
        self.gateway.terminate().await;
        self.gateway = GatewayProcess::start(&self.home, OPENCLAW).await;
        self
    }

    async fn send(&self, request: HttpRequest) -> HttpAnswer {
        let sent = request.send(self.gateway.addr()).await;
        sent.unwrap_or_else(|err| panic!("{err}\n{}", self.gateway.stderr()))
    }

    async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> HttpAnswer {
        let bearer = format!("Bearer {TOKEN}");
        let mut request = HttpRequest::post(path, body.to_string()).header("authorization", bearer);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    async fn post(&self, path: &str, body: Value) -> HttpAnswer {
        self.post_with(path, &body, &[]).await
    }

    /// Has an agent take a turn of which nobody is told, and returns its run.
    async fn agent(&self, mut body: Value) -> String {
        body["deliver"] = false.into();
        let answer = ok(&self.post("/hooks/agent", body).await);
        answer["runId"].as_str().unwrap().to_owned()
    }

    /// Returns the sessions whose keys have a text in them.
    async fn sessions(&self, with: &str) -> Vec<String> {
        let list = self.gateway.rpc("session.list", json!({})).await.unwrap();
        let keys = list["sessions"].as_array().unwrap().iter();
        keys.filter_map(|session| session["sessionKey"].as_str())
            .filter(|key| key.contains(with))
            .map(str::to_owned)
            .collect()
    }

    async fn events(&self, session: &str) -> Vec<Value> {
        let params = json!({ "sessionKey": session });
        match self.gateway.rpc("session.history", params).await {
            Ok(history) => history["events"].as_array().unwrap().clone(),
            Err(_none) => Vec::new(),
        }
    }

    /// Waits for so many answers in a session, and returns its events.
    async fn answered(&self, session: &str, count: usize) -> Vec<Value> {
        for _ in 0..LOOKS {
            let events = self.events(session).await;
            let answers = events
                .iter()
                .filter(|event| event["kind"] == "AgentResponse");
            if answers.count() >= count {
                return events;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("no answer in {session}\n{}", self.gateway.stderr());
    }

    fn has(&self, file: &str) -> bool {
        self.home.workspace().join(file).exists()
    }
}

fn ok(answer: &HttpAnswer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["ok"], true, "{body}");
    body
}

/// Returns the status and the sentence of a refusal.
fn refusal(answer: &HttpAnswer) -> (u16, String) {
    let body = answer.json();
    assert_eq!(body["ok"], false, "{}", answer.text());
    (answer.status, body["error"].as_str().unwrap().to_owned())
}

/// Returns the only message of a session.
fn message(events: &[Value]) -> &Value {
    let mut messages = events
        .iter()
        .filter(|event| event["kind"] == "MessageReceived");
    let first = messages.next().unwrap();
    assert!(messages.next().is_none(), "{events:?}");
    first
}

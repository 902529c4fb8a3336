//! OpenAI's HTTP API, spoken by hand and by its official clients.

mod adversity;
mod bad_input;
mod chat;
mod clients;
mod embeddings;
mod files;
mod responses;
mod tools;

use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{FakeProvider, GatewayProcess, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// A gateway whose routes are on, and the model that it asks.
struct World {
    gateway: GatewayProcess,
    provider: FakeProvider,
    // The last to go: the others keep files in it.
    home: TestHome,
}

fn config(provider: &FakeProvider, endpoints: &Value) -> Value {
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    config["gateway"]["http"]["endpoints"] = endpoints.clone();
    config
}

fn both() -> Value {
    json!({ "chatCompletions": { "enabled": true }, "responses": { "enabled": true } })
}

impl World {
    async fn new() -> Self {
        Self::with(&both()).await
    }

    async fn with(endpoints: &Value) -> Self {
        let (home, provider) = (TestHome::new(), FakeProvider::start());
        let config = config(&provider, endpoints);
        home.lift_limits();
        home.write_config(&config.to_string());
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

    fn authorized(&self, request: HttpRequest) -> HttpRequest {
        let token = self.gateway.token().expose_secret();
        request.header("authorization", format!("Bearer {token}"))
    }

    async fn send(&self, request: HttpRequest) -> HttpAnswer {
        let request = self.authorized(request);
        let sent = request.send(self.gateway.addr()).await;
        sent.unwrap_or_else(|err| panic!("{err}\n{}", self.gateway.stderr()))
    }

    async fn get(&self, path: &str) -> HttpAnswer {
        self.send(HttpRequest::get(path)).await
    }

    async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> HttpAnswer {
        let mut request =
            HttpRequest::post(path, body.to_string()).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    async fn post(&self, path: &str, body: &Value) -> HttpAnswer {
        self.post_with(path, body, &[]).await
    }

    async fn chat(&self, body: &Value) -> HttpAnswer {
        self.post("/v1/chat/completions", body).await
    }

    async fn responses(&self, body: &Value) -> HttpAnswer {
        self.post("/v1/responses", body).await
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

    /// Returns the events of a session.
    async fn events(&self, session: &str) -> Vec<Value> {
        let params = json!({ "sessionKey": session });
        let history = self.gateway.rpc("session.history", params).await.unwrap();
        history["events"].as_array().unwrap().clone()
    }
}

fn ok(answer: &HttpAnswer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn user(text: &str) -> Value {
    json!([{ "role": "user", "content": text }])
}

/// Returns the data of a stream's events, of which the last one is the end.
fn data(answer: &HttpAnswer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let text = answer.text();
    let mut data: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(data.pop(), Some("[DONE]"), "{text}");
    data.into_iter()
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

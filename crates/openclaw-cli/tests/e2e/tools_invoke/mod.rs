//! `POST /tools/invoke`: one tool for a client, without a model.

mod refused;

use openclaw_core::access::Scope;
use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{FakeProvider, GatewayProcess, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

const MAIN: &str = "agent:main:main";

/// A gateway with these settings.
struct World {
    gateway: GatewayProcess,
    _provider: FakeProvider,
    // The last to go: the others keep files in it.
    home: TestHome,
}

impl World {
    async fn new() -> Self {
        Self::with(json!({}), json!({})).await
    }

    /// Starts a gateway with more in its config, and in this program's own settings.
    async fn with(config: Value, own: Value) -> Self {
        let (home, provider) = (TestHome::new(), FakeProvider::start());
        let mut whole = TestHome::config_for(&provider, WireFormat::OpenAi);
        for (key, value) in config.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let mut settings = json!({
            "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
        });
        for (key, value) in own.as_object().unwrap() {
            settings[key] = value.clone();
        }
        home.write_config(&whole.to_string());
        home.write_own(&settings.to_string());
        std::fs::write(home.workspace().join("notes.txt"), "a crab\n").unwrap();
        let gateway = GatewayProcess::start(&home, OPENCLAW).await;
        Self {
            gateway,
            _provider: provider,
            home,
        }
    }

    async fn send(&self, request: HttpRequest) -> HttpAnswer {
        let sent = request.send(self.gateway.addr()).await;
        sent.unwrap_or_else(|err| panic!("{err}\n{}", self.gateway.stderr()))
    }

    /// Asks for a tool as the holder of this token.
    async fn invoke_as(&self, token: &str, body: &Value) -> HttpAnswer {
        self.send(
            HttpRequest::post("/tools/invoke", body.to_string())
                .header("content-type", "application/json")
                .header("authorization", format!("Bearer {token}")),
        )
        .await
    }

    async fn invoke(&self, body: Value) -> HttpAnswer {
        self.invoke_as(self.gateway.token().expose_secret(), &body)
            .await
    }

    /// Issues a token with a scope.
    async fn token(&self, scope: Scope) -> String {
        let params = json!({ "name": "test", "scopes": [scope] });
        let made = self.gateway.rpc("tokens.create", params).await.unwrap();
        made["accessToken"].as_str().unwrap().to_owned()
    }

    async fn events(&self, session: &str) -> Vec<Value> {
        let params = json!({ "sessionKey": session });
        match self.gateway.rpc("session.history", params).await {
            Ok(history) => history["events"].as_array().unwrap().clone(),
            Err(_none) => Vec::new(),
        }
    }

    fn has(&self, file: &str) -> bool {
        self.home.workspace().join(file).exists()
    }
}

/// Returns the result of a call that was made.
fn result(answer: &HttpAnswer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["ok"], true, "{body}");
    body["result"].clone()
}

/// Returns the status, the sort of the error, and its message.
fn refusal(answer: &HttpAnswer) -> (u16, String, String) {
    let body = answer.json();
    assert_eq!(body["ok"], false, "{body}");
    let text = |key: &str| body["error"][key].as_str().unwrap().to_owned();
    (answer.status, text("type"), text("message"))
}

#[tokio::test]
async fn a_tool_is_run_and_its_result_has_openclaw_s_form() {
    let world = World::new().await;
    let read = world
        .invoke(json!({ "tool": "read", "args": { "path": "notes.txt" } }))
        .await;
    let result_of_read = result(&read);
    assert_eq!(result_of_read["content"].as_array().unwrap().len(), 1);
    assert_eq!(result_of_read["content"][0]["type"], "text");
    let text = result_of_read["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("a crab"), "{text}");

    // Without a session it is the agent's main one, which begins with the call.
    let kinds: Vec<Value> = world
        .events(MAIN)
        .await
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds, ["SessionStarted", "ToolCalled", "ToolResult"]);

    // The name of the other member, and what is made of objects.
    let list = world.invoke(json!({ "name": "sessions_list" })).await;
    let list = result(&list);
    let text = list["content"][0]["text"].as_str().unwrap();
    let said: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    assert_eq!(said, list["details"], "{list}");
    assert!(text.contains(MAIN), "{text}");
}

#[tokio::test]
async fn a_call_is_made_in_the_session_and_for_the_agent_that_are_named() {
    let world = World::with(
        json!({ "agents": {
            "defaults": { "model": { "primary": "fake/fake-model" } },
            "entries": { "main": { "default": true }, "other": {} },
        } }),
        json!({}),
    )
    .await;
    let ls = |more: Value| {
        let mut body = json!({ "tool": "ls", "args": {} });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    for (more, session) in [
        (json!({ "sessionKey": "main" }), MAIN),
        (json!({ "sessionKey": "work" }), "agent:main:work"),
        (json!({ "agentId": "other" }), "agent:other:main"),
        (json!({ "sessionKey": "agent:other:x" }), "agent:other:x"),
        (
            json!({ "sessionKey": "y", "agentId": "other" }),
            "agent:other:y",
        ),
    ] {
        result(&world.invoke(ls(more)).await);
        let events = world.events(session).await;
        let called = events.iter().any(|event| event["kind"] == "ToolCalled");
        assert!(called, "{session}: {events:?}");
    }
    let conflict = ls(json!({ "sessionKey": "agent:main:x", "agentId": "other" }));
    let (status, sort, message) = refusal(&world.invoke(conflict).await);
    assert_eq!((status, sort.as_str()), (400, "invalid_request"));
    assert!(message.contains("does not match"), "{message}");
}

#[tokio::test]
async fn what_starts_programs_is_run_only_where_the_config_allows_it() {
    let exec = || json!({ "tool": "exec", "args": { "command": "touch made; exit 3" } });
    let world = World::new().await;
    for name in ["exec", "bash", "apply_patch", "sessions_send"] {
        let (status, sort, message) = refusal(&world.invoke(json!({ "tool": name })).await);
        assert_eq!((status, sort.as_str()), (404, "not_found"), "{message}");
    }
    // What is not run leaves no trace in a session.
    assert!(!world.has("made") && world.events(MAIN).await.is_empty());

    let allowed = json!({ "gateway": { "tools": { "allow": ["exec"], "deny": ["group:web"] } } });
    let world = World::with(allowed, json!({})).await;
    // A command that fails has a result all the same.
    let output = result(&world.invoke(exec()).await);
    assert_eq!(output["details"]["exitCode"], 3, "{output}");
    assert!(world.has("made"));
    // The list is no wider scope.
    let writer = world.token(Scope::Write).await;
    let refused = world.invoke_as(&writer, &exec()).await;
    assert_eq!(refusal(&refused).0, 404);
    let url = json!({ "tool": "web_fetch", "args": { "url": "http://127.0.0.1:1/" } });
    assert_eq!(refusal(&world.invoke(url).await).0, 404);
}

#[tokio::test]
async fn the_policy_of_the_agent_goes_for_its_calls() {
    let config = json!({ "tools": { "deny": ["ls"] } });
    let own = json!({ "policy": { "rules": [
        { "tool": "read", "args": { "/path": "secret*" }, "decision": "deny", "because": "it is private" },
        { "tool": "find", "channel": "telegram", "decision": "deny" },
    ] } });
    let world = World::with(config, own).await;
    assert_eq!(refusal(&world.invoke(json!({ "tool": "ls" })).await).0, 404);
    let private = json!({ "tool": "read", "args": { "path": "secret.txt" } });
    let (status, sort, message) = refusal(&world.invoke(private).await);
    assert_eq!((status, sort.as_str()), (403, "tool_call_blocked"));
    assert!(message.contains("it is private"), "{message}");
    result(
        &world
            .invoke(json!({ "tool": "read", "args": { "path": "notes.txt" } }))
            .await,
    );

    // The rules of a channel go for those who say that they are on it.
    let find = json!({ "tool": "find", "args": { "pattern": "*.txt" } });
    result(&world.invoke(find.clone()).await);
    let token = world.gateway.token().expose_secret();
    let on_telegram = HttpRequest::post("/tools/invoke", find.to_string())
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .header("x-openclaw-message-channel", "Telegram");
    assert_eq!(refusal(&world.send(on_telegram).await).0, 404);
}

#[tokio::test]
async fn nothing_is_run_when_it_is_only_tried() {
    let world = World::new().await;
    let mut write =
        json!({ "tool": "write", "args": { "path": "made", "content": "x" }, "dryRun": true });
    let answer = world.invoke(write.clone()).await;
    result(&answer);
    assert_eq!(answer.json()["dryRun"], true);
    assert!(!world.has("made") && world.events(MAIN).await.is_empty());
    write["args"] = json!({ "path": 5 });
    assert_eq!(refusal(&world.invoke(write.clone()).await).0, 400);
    write["args"] = json!({ "path": "made", "content": "x" });
    write["dryRun"] = false.into();
    result(&world.invoke(write).await);
    assert!(world.has("made"));
}

#[tokio::test]
async fn an_action_becomes_an_argument_of_tools_that_have_one() {
    let world = World::new().await;
    result(
        &world
            .invoke(json!({ "tool": "process", "action": "list" }))
            .await,
    );
    // What has no actions is not told of one.
    let ls = json!({ "tool": "ls", "action": "json", "args": {} });
    result(&world.invoke(ls).await);
    let both = json!({ "tool": "process", "action": "list", "args": { "action": "unheard-of" } });
    assert_eq!(refusal(&world.invoke(both).await).0, 400);
}

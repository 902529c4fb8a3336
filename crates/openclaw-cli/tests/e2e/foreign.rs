//! Turns against servers of model APIs that nobody here wrote: a call, a tool in its sandbox, its
//! result, and an answer that shows that the server understood the result.

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{ForeignServer, GatewayProcess, TestHome};
use serde_json::{Value, json};

use crate::OPENCLAW;

const COMMAND: &str = "echo crab > made && cat made";

/// A way to speak to a server: the API, and where it is below the server's address.
type Way = (&'static str, &'static str);

fn config((api, path): Way, server: &ForeignServer) -> Value {
    json!({
        "agents": {"defaults": {"model": {"primary": "foreign/some-model"}}},
        "models": {"providers": {"foreign": {
            "api": api,
            "baseUrl": format!("{}{path}", server.url()),
            "apiKey": "sk-foreign-0123456789",
            "models": [{"id": "some-model", "name": "some-model", "maxTokens": 4096}],
        }}},
    })
}

/// Has a turn and checks that the tool ran in its sandbox, once; returns the answer.
async fn turn(home: &TestHome, way: Way, server: &ForeignServer) -> String {
    home.write_config(&config(way, server).to_string());
    let gateway = GatewayProcess::start(home, OPENCLAW).await;
    let session = gateway.rpc("session.create", json!({})).await.unwrap()["sessionKey"].clone();
    let params = json!({"sessionKey": session, "content": "run it"});
    let reply = gateway.rpc("session.message", params).await;
    let reply = reply.unwrap_or_else(|err| panic!("{way:?}: {err}\n{}", gateway.stderr()));
    let history = gateway
        .rpc("session.history", json!({"sessionKey": session}))
        .await;
    let history = history.unwrap();
    let events = history["events"].as_array().unwrap();
    let of_kind = |kind: &str| {
        let events = events.iter();
        events
            .filter(|event| event["kind"] == kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_kind("ToolCalled").len(), 1, "{way:?}: {history:#}");
    let results = of_kind("ToolResult");
    assert_eq!(results[0]["data"]["success"], true, "{way:?}: {history:#}");
    assert_eq!(
        results[0]["payload"]["tool"]["sandbox"], "strict",
        "{way:?}"
    );
    let made = home.workspace().join("made");
    assert_eq!(std::fs::read_to_string(&made).unwrap(), "crab\n", "{way:?}");
    reply["content"].as_str().unwrap().to_owned()
}

async fn with_aimock(test: &str, way: Way) {
    let home = TestHome::new();
    let call = json!({"name": "exec", "arguments": json!({"command": COMMAND}).to_string()});
    let fixtures = json!({"fixtures": [
        {
            "match": {"userMessage": "run it", "hasToolResult": false},
            "response": {"content": "Looking.", "toolCalls": [call]},
        },
        {
            "match": {"toolResultContains": "crab", "hasToolResult": true},
            "response": {"content": "It said crab."},
        },
    ]});
    let Some(server) = ForeignServer::aimock(&home, test, &fixtures).await else {
        return;
    };
    assert_eq!(turn(&home, way, &server).await, "It said crab.", "{way:?}");
}

#[tokio::test]
async fn aimock_understands_the_chat_completions_that_it_is_sent() {
    let way = ("openai-completions", "/v1");
    with_aimock("foreign::aimock_chat_completions", way).await;
}

#[tokio::test]
async fn aimock_understands_the_responses_requests_that_it_is_sent() {
    let way = ("openai-responses", "/v1");
    with_aimock("foreign::aimock_responses", way).await;
}

#[tokio::test]
async fn aimock_understands_the_anthropic_messages_that_it_is_sent() {
    with_aimock("foreign::aimock_messages", ("anthropic-messages", "")).await;
}

#[tokio::test]
async fn aimock_understands_the_gemini_requests_that_it_is_sent() {
    let way = ("google-generative-ai", "/v1beta");
    with_aimock("foreign::aimock_gemini", way).await;
}

#[tokio::test]
async fn aimock_understands_the_ollama_requests_that_it_is_sent() {
    with_aimock("foreign::aimock_ollama", ("ollama", "/v1")).await;
}

async fn control(server: &ForeignServer, request: HttpRequest) -> Value {
    let addr = server.url().trim_start_matches("http://").parse().unwrap();
    request.send(addr).await.unwrap().json()
}

/// Has llmock call the tool after it has failed in this way; what it says once it has a result is
/// its own, and so is what it thinks of a client.
async fn with_llmock(test: &str, way: Way, failures: &[Value]) {
    let home = TestHome::new();
    let Some(server) = ForeignServer::llmock(&home, test).await else {
        return;
    };
    let call = json!({"name": "exec", "arguments": {"command": COMMAND}});
    let mut behaviors = failures.to_vec();
    behaviors.push(json!({"type": "reply", "tool_calls": [call]}));
    let scenario = json!({"behaviors": behaviors}).to_string();
    let scenario = HttpRequest::post("/_llmock/scenario", scenario);
    let queued = control(&server, scenario.header("content-type", "application/json")).await;
    assert_eq!(queued["queued"], behaviors.len(), "{queued}");

    assert_ne!(turn(&home, way, &server).await, "", "{way:?}");
    let verdict = control(&server, HttpRequest::get("/_llmock/verdict")).await;
    assert_eq!(verdict["findings"], json!([]), "{way:?}: {verdict:#}");
    assert_eq!(
        verdict["attempts"],
        2 + failures.len(),
        "{way:?}: {verdict:#}"
    );
}

#[tokio::test]
async fn llmock_finds_nothing_wrong_with_chat_completions() {
    let way = ("openai-completions", "/v1");
    with_llmock("foreign::llmock_chat_completions", way, &[]).await;
}

#[tokio::test]
async fn llmock_finds_nothing_wrong_with_responses() {
    let way = ("openai-responses", "/v1");
    with_llmock("foreign::llmock_responses", way, &[]).await;
}

#[tokio::test]
async fn llmock_finds_nothing_wrong_with_anthropic_messages() {
    let way = ("anthropic-messages", "/anthropic");
    with_llmock("foreign::llmock_messages", way, &[]).await;
}

#[tokio::test]
async fn llmock_finds_nothing_wrong_with_gemini() {
    let way = ("google-generative-ai", "/gemini/v1beta");
    with_llmock("foreign::llmock_gemini", way, &[]).await;
}

#[tokio::test]
async fn llmock_finds_nothing_wrong_with_how_it_is_asked_again() {
    let way = ("anthropic-messages", "/anthropic");
    let failures = [
        json!({"type": "fail", "status": 529}),
        json!({"type": "fail", "status": 429, "retry_after": 1}),
    ];
    with_llmock("foreign::llmock_again", way, &failures).await;
}

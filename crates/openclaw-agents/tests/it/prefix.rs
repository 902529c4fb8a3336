//! What a provider can find in its cache: the beginning of a request stays the same, byte for byte,
//! from step to step and from turn to turn.

use openclaw_agents::{AgentRuntime, SandboxConfig, ToolRegistry};
use openclaw_core::ApiKey;
use openclaw_providers::{
    AnthropicProvider, GoogleProvider, OllamaProvider, OpenAIProvider, ProviderConfig,
    ResponsesProvider,
};
use openclaw_testkit::{FakeCall, FakeProvider, Reply, SeenRequest, WireFormat};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Fixture;

/// Takes the marks away that say up to where a provider is to keep the prompt: they move on.
fn unmarked(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "cache_control")
            .map(|(name, value)| (name.clone(), unmarked(value)))
            .collect(),
        Value::Array(values) => values.iter().map(unmarked).collect(),
        other => other.clone(),
    }
}

/// Where APIs have the conversation.
const CONVERSATION: [&str; 3] = ["messages", "input", "contents"];

/// What stands above it in a prompt, and the name by which a provider finds it again.
const ABOVE: [&str; 5] = [
    "system",
    "instructions",
    "systemInstruction",
    "tools",
    "prompt_cache_key",
];

fn messages(body: &Value) -> Vec<Value> {
    let messages = CONVERSATION.iter().find_map(|name| body.get(*name));
    messages.and_then(Value::as_array).cloned().unwrap()
}

/// Returns a hash of what stands above the conversation and of its first `length` messages.
fn prefix(request: &SeenRequest, length: usize) -> String {
    let body = unmarked(&request.body);
    let mut conversation = messages(&body);
    conversation.truncate(length);
    let prefix = json!([ABOVE.map(|name| body.get(name)), conversation]);
    format!("{:x}", Sha256::digest(prefix.to_string()))
}

fn replies() -> [Reply; 4] {
    let exec = |command: &str| FakeCall::new("exec", &json!({ "command": command, "n": 1.50 }));
    [
        Reply::tool_calls([exec("echo one"), exec("echo two >&2; exit 3")])
            .with_text("Both.")
            .with_thinking("Two at once.", "c2lnbmVk"),
        Reply::tool_calls([FakeCall::raw("ls", "{\"path\": ")]),
        Reply::text("Done."),
        Reply::text("As I said."),
    ]
}

fn config(fixture: &Fixture, wire: WireFormat) -> ProviderConfig {
    ProviderConfig {
        base_url: Some(fixture.provider.base_url(wire)),
        ..ProviderConfig::new("fake")
    }
}

/// Takes two turns and compares each request with the one before.
async fn assert_stable(mut fixture: Fixture, runtime: AgentRuntime) {
    let sandbox = SandboxConfig {
        allowed_paths: vec![fixture.workspace()],
        ..SandboxConfig::default()
    };
    let runtime = runtime
        .with_model("fake")
        .with_tools(ToolRegistry::standard())
        .with_sandbox(sandbox);
    for message in ["do it", "did you?"] {
        runtime
            .process_message(&mut fixture.context, message)
            .await
            .unwrap();
    }
    let requests = fixture.provider.requests();
    assert_eq!(requests.len(), 4);
    for pair in requests.windows(2) {
        let [before, after] = pair else {
            panic!("no pair")
        };
        let length = messages(&before.body).len();
        assert!(messages(&after.body).len() > length);
        assert_eq!(
            prefix(before, length),
            prefix(after, length),
            "{:#}\n{:#}",
            before.body,
            after.body
        );
    }
}

#[tokio::test]
async fn requests_to_anthropic_begin_like_the_one_before() {
    let fixture = Fixture::new(FakeProvider::scripted(replies()));
    let provider = AnthropicProvider::new(ApiKey::new("key".to_owned()))
        .with_base_url(fixture.provider.base_url(WireFormat::Anthropic));
    assert_stable(fixture, AgentRuntime::new(provider)).await;
}

#[tokio::test]
async fn requests_to_chat_completions_begin_like_the_one_before() {
    let fixture = Fixture::new(FakeProvider::scripted(replies()));
    let base_url = fixture.provider.base_url(WireFormat::OpenAi);
    assert_stable(
        fixture,
        AgentRuntime::new(OpenAIProvider::without_key(base_url)),
    )
    .await;
}

#[tokio::test]
async fn requests_to_responses_begin_like_the_one_before() {
    let fixture = Fixture::new(FakeProvider::scripted(replies()));
    let provider = ResponsesProvider::from_config(config(&fixture, WireFormat::Responses)).unwrap();
    assert_stable(fixture, AgentRuntime::new(provider)).await;
}

#[tokio::test]
async fn requests_to_google_begin_like_the_one_before() {
    let fixture = Fixture::new(FakeProvider::scripted(replies()));
    let provider = GoogleProvider::from_config(config(&fixture, WireFormat::Google)).unwrap();
    assert_stable(fixture, AgentRuntime::new(provider)).await;
}

#[tokio::test]
async fn requests_to_ollama_begin_like_the_one_before() {
    let fixture = Fixture::new(FakeProvider::scripted(replies()));
    let provider = OllamaProvider::from_config(config(&fixture, WireFormat::Ollama)).unwrap();
    assert_stable(fixture, AgentRuntime::new(provider)).await;
}

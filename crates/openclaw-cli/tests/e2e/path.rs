//! One message through agent, tool, sandbox and event log, and back.

use openclaw_core::SessionKey;
use openclaw_core::usage::Attended;
use openclaw_core::validation::MAX_MESSAGE_SIZE;
use openclaw_ipc::methods::{
    SessionCreate, SessionCreateParams, SessionMessage, SessionMessageParams,
};
use openclaw_ipc::notifications::DeltaChannel;
use openclaw_ipc::{Event, EventData, Notification};
use openclaw_testkit::{
    Chunking, FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat,
};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// A model that runs two commands in one step and then reports.
fn two_commands() -> FakeProvider {
    let call = |command: &str| FakeCall::new("exec", &json!({ "command": command }));
    let provider = FakeProvider::scripted([
        Reply::tool_calls([call("echo one > made && cat made"), call("echo two")])
            .with_text("Both at once.")
            .chunked(Chunking::PER_BYTE),
        Reply::text("They said one and two."),
    ]);
    provider
        .expect_key("sk-canary-0123456789")
        .expect_distinct_user_texts();
    provider
}

fn kinds(history: &Value) -> Vec<&str> {
    let events = history["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect()
}

fn seqs(history: &Value) -> Vec<u64> {
    let events = history["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect()
}

const EXPECTED: [&str; 7] = [
    "SessionStarted",
    "MessageReceived",
    "ToolCalled",
    "ToolCalled",
    "ToolResult",
    "ToolResult",
    "AgentResponse",
];

async fn over_rpc(wire: WireFormat) {
    let (home, provider) = (TestHome::new(), two_commands());
    home.use_provider(&provider, wire);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;

    let session = gateway.rpc("session.create", json!({})).await.unwrap()["sessionKey"].clone();
    let params = json!({ "sessionKey": session, "content": "run both" });
    let reply = gateway.rpc("session.message", params).await.unwrap();
    assert_eq!(reply["content"], "They said one and two.");
    assert_eq!(
        (&reply["provider"], &reply["steps"]),
        (&json!("fake"), &json!(2))
    );
    assert!(reply["usage"]["output"].as_u64().unwrap() > 0);

    let history = gateway
        .rpc("session.history", json!({ "sessionKey": session }))
        .await
        .unwrap();
    assert_eq!(kinds(&history), EXPECTED);
    assert_eq!(seqs(&history), (1..=7).collect::<Vec<_>>());
    for event in history["events"].as_array().unwrap() {
        if event["kind"] == "ToolResult" {
            assert_eq!(event["payload"]["tool"]["sandbox"], "strict", "{event}");
            assert_eq!(event["data"]["success"], true, "{event}");
        }
    }
    assert_eq!(
        std::fs::read_to_string(home.workspace().join("made")).unwrap(),
        "one\n"
    );

    // The same ids went back, with the results.
    let last = provider.last_request();
    let called: Vec<&str> = last.calls().iter().map(|call| call.id.as_str()).collect();
    let answered: Vec<&str> = last
        .results()
        .iter()
        .map(|result| result.call_id.as_str())
        .collect();
    assert_eq!(called, answered);
    assert!(
        last.results()[0].content.contains("one"),
        "{:?}",
        last.results()
    );
    provider.assert_clean();
    assert!(
        !gateway.stderr().contains("sk-canary"),
        "{}",
        gateway.stderr()
    );
}

#[tokio::test]
async fn a_turn_with_two_commands_over_rpc_and_the_anthropic_format() {
    over_rpc(WireFormat::Anthropic).await;
}

#[tokio::test]
async fn a_turn_with_two_commands_over_rpc_and_the_openai_format() {
    over_rpc(WireFormat::OpenAi).await;
}

#[tokio::test]
async fn a_turn_with_two_commands_over_rpc_and_the_format_of_openais_responses() {
    over_rpc(WireFormat::Responses).await;
}

#[tokio::test]
async fn a_turn_with_two_commands_over_rpc_and_azures_deployments() {
    over_rpc(WireFormat::Azure).await;
}

#[tokio::test]
async fn a_turn_with_two_commands_over_rpc_and_azures_responses() {
    over_rpc(WireFormat::AzureResponses).await;
}

#[tokio::test]
async fn a_turn_with_two_commands_over_rpc_and_the_gemini_format() {
    over_rpc(WireFormat::Google).await;
}

#[tokio::test]
async fn a_turn_with_two_commands_over_rpc_and_the_ollama_format() {
    over_rpc(WireFormat::Ollama).await;
}

/// What came unasked.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    output: String,
    facts: Vec<Event>,
}

impl Heard {
    fn hear(&mut self, notification: Notification) {
        match notification {
            Notification::SessionDelta(delta) if delta.channel == DeltaChannel::Text => {
                self.text.push_str(&delta.text);
            }
            Notification::SessionDelta(_) => {}
            Notification::ToolOutput(piece) => self.output.push_str(&piece.text),
            Notification::SessionEvent(fact) => self.facts.push(*fact.event),
            Notification::ApprovalRequested(asked) => panic!("{asked:?}"),
            Notification::StreamLagged(lagged) => panic!("{lagged:?}"),
        }
    }

    fn is_over(&self) -> bool {
        let last = self.facts.last().map(|fact| &fact.data);
        matches!(last, Some(EventData::AgentResponse { .. }))
    }
}

async fn over_websocket(wire: WireFormat) {
    let (home, provider) = (TestHome::new(), two_commands());
    home.use_provider(&provider, wire);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut client = gateway.client().await;

    let session_key = client
        .call::<SessionCreate>(&SessionCreateParams::default())
        .await
        .unwrap()
        .session_key;
    let mut heard = Heard::default();
    let params = SessionMessageParams {
        session_key: session_key.clone(),
        content: "run both".into(),
        attachments: vec![],
        idempotency_key: None,
        attended: Attended::Yes,
        queue: None,
        sender: None,
    };
    let reply = client
        .call_with::<SessionMessage>(&params, |notification| heard.hear(notification))
        .await
        .unwrap();
    assert_eq!(reply.content, "They said one and two.");
    // The answer may overtake the last pieces and the notice of the last fact.
    while !heard.is_over() {
        heard.hear(client.next_notification().await.unwrap());
    }
    assert_eq!(heard.text, "Both at once.They said one and two.");
    assert!(
        heard.output.contains("one\n") && heard.output.contains("two\n"),
        "{heard:?}"
    );
    let seqs: Vec<u64> = heard.facts.iter().map(|fact| fact.seq).collect();
    assert_eq!(seqs, (1..=7).collect::<Vec<_>>());
    assert!(
        heard
            .facts
            .iter()
            .all(|fact| fact.session_key == session_key)
    );
    provider.assert_clean();
}

#[tokio::test]
async fn deltas_tool_output_and_facts_come_over_the_websocket_in_the_anthropic_format() {
    over_websocket(WireFormat::Anthropic).await;
}

#[tokio::test]
async fn deltas_tool_output_and_facts_come_over_the_websocket_in_the_openai_format() {
    over_websocket(WireFormat::OpenAi).await;
}

#[tokio::test]
async fn messages_that_come_during_a_run_are_answered_in_order() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.otherwise(|seen| Reply::text(format!("re: {}", seen.last_user_text())));
    provider.expect_distinct_user_texts();
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let ask = |n: u32| {
        let params = json!({
            "sessionKey": "agent:main:main",
            "content": format!("message {n}"),
            "queue": "followup",
        });
        gateway.rpc("session.message", params)
    };
    let answers = futures_util::future::join_all((0..12).map(ask)).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(
            answer.as_ref().unwrap()["content"],
            format!("re: message {n}")
        );
    }
    provider.assert_clean();
}

#[tokio::test]
async fn a_tool_that_fails_is_answered_to_the_model_and_the_turn_goes_on() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    for call in [
        FakeCall::new("teleport", &json!({})),
        FakeCall::new("read", &json!({ "path": "/etc/shadow" })),
        FakeCall::new("read", &json!({ "path": "a", "colour": 1 })),
        FakeCall::raw("exec", "{\"command\": \"ec"),
        FakeCall::new("exec", &json!({ "command": "exit 3" })),
    ] {
        provider.reply(Reply::tool_calls([call]));
    }
    provider.reply(Reply::text("I give up."));
    provider.expect_key("sk-test");
    home.use_provider(&provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let params = json!({ "sessionKey": "agent:main:main", "content": "try things" });
    let reply = gateway.rpc("session.message", params).await.unwrap();
    assert_eq!(reply["content"], "I give up.");

    let last = provider.last_request();
    let said: Vec<&str> = last
        .results()
        .iter()
        .map(|result| result.content.as_str())
        .collect();
    assert_eq!(said.len(), 5);
    assert!(said[0].contains("no tool `teleport`"), "{said:?}");
    assert!(said[2].contains("colour"), "{said:?}");
    assert!(said[3].contains("no JSON object"), "{said:?}");
    assert!(said[4].contains("exitCode: 3"), "{said:?}");
    provider.assert_clean();
}

#[tokio::test]
async fn a_failed_turn_is_on_record_and_the_session_goes_on() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider
        .reply(Reply::text("half an answer").cut_after(3))
        .reply(Reply::text("whole"));
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let ask = |text: &str| {
        gateway.rpc(
            "session.message",
            json!({ "sessionKey": "agent:main:main", "content": text }),
        )
    };
    let error = ask("one").await.unwrap_err();
    assert_eq!(error["data"]["kind"], "unavailable", "{error}");
    assert_eq!(ask("two").await.unwrap()["content"], "whole");
    let history = gateway
        .rpc(
            "session.history",
            json!({ "sessionKey": "agent:main:main" }),
        )
        .await
        .unwrap();
    let kinds = kinds(&history);
    assert_eq!(
        kinds,
        [
            "SessionStarted",
            "MessageReceived",
            "StateChanged",
            "MessageReceived",
            "AgentResponse"
        ]
    );
    assert_eq!(history["events"][2]["data"]["key"], "run.failed");
    provider.assert_clean();
}

#[tokio::test]
async fn a_clients_own_call_takes_the_same_gate() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let params = json!({ "tool": "bash", "params": { "command": "id -u; cat /etc/shadow" } });
    let output = gateway.rpc("tools.execute", params).await.unwrap();
    assert_eq!(output["success"], false, "{output}");
    assert!(
        !output["result"]["stdout"]
            .as_str()
            .unwrap()
            .contains("root:"),
        "{output}"
    );
    let session = &output["sessionKey"];
    let history = gateway
        .rpc("session.history", json!({ "sessionKey": session }))
        .await
        .unwrap();
    assert_eq!(
        kinds(&history),
        ["SessionStarted", "ToolCalled", "ToolResult"]
    );
    assert_eq!(history["events"][2]["payload"]["tool"]["sandbox"], "strict");
}

#[tokio::test]
async fn a_call_goes_on_when_its_client_hangs_up() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut watcher = gateway.client().await;
    let client = gateway.rpc_client();
    let params = json!({ "tool": "exec", "params": { "command": "sleep 1; echo made > done" } });
    let calling = tokio::spawn(async move { client.call("tools.execute", params).await });
    let mut hung_up = false;
    loop {
        let Notification::SessionEvent(fact) = watcher.next_notification().await.unwrap() else {
            continue;
        };
        match fact.event.data {
            EventData::ToolCalled { .. } => {
                calling.abort();
                hung_up = true;
            }
            EventData::ToolResult { success, .. } => {
                assert!(success && hung_up);
                break;
            }
            _ => {}
        }
    }
    assert_eq!(
        std::fs::read_to_string(home.workspace().join("done")).unwrap(),
        "made\n"
    );
}

#[tokio::test]
async fn a_stop_signal_cancels_what_hangs_and_ends_within_two_seconds() {
    let (home, provider) = (TestHome::new(), FakeProvider::scripted([Reply::hang()]));
    provider.expect_key("sk-test");
    home.use_provider(&provider, WireFormat::Anthropic);
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let client = gateway.rpc_client();
    let hanging = tokio::spawn(async move {
        client
            .call(
                "session.message",
                json!({ "sessionKey": "agent:main:main", "content": "x" }),
            )
            .await
    });
    provider.wait_for_requests(1).await;
    let (code, took) = gateway.terminate().await;
    assert_eq!(code, Some(0), "{}", gateway.stderr());
    // Two seconds on a quiet machine; five times that on one that is not.
    assert!(took.as_secs() < 10, "{took:?}");
    let answer = hanging.await.unwrap().unwrap().unwrap_err();
    assert_eq!(answer["data"]["kind"], "cancelled", "{answer}");

    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let history = gateway
        .rpc(
            "session.history",
            json!({ "sessionKey": "agent:main:main" }),
        )
        .await
        .unwrap();
    assert_eq!(
        kinds(&history),
        ["SessionStarted", "MessageReceived", "StateChanged"]
    );
}

#[tokio::test]
async fn the_longest_message_passes_and_a_longer_one_does_not() {
    let (home, provider) = (
        TestHome::new(),
        FakeProvider::scripted([Reply::text("long")]),
    );
    provider.expect_key("sk-test");
    home.use_provider(&provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let key = SessionKey::parse("agent:main:main").unwrap();
    let ask = |size: usize| {
        let params = json!({ "sessionKey": key, "content": "x".repeat(size) });
        gateway.rpc("session.message", params)
    };
    let error = ask(MAX_MESSAGE_SIZE + 1).await.unwrap_err();
    assert_eq!(error["code"], -32602, "{error}");
    assert_eq!(ask(MAX_MESSAGE_SIZE).await.unwrap()["content"], "long");
}

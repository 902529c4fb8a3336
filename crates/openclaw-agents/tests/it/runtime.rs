//! `AgentRuntime::process_message` from end to end.

use openclaw_providers::StopReason;
use openclaw_testkit::{FakeCall, FakeProvider, Reply, Stop};
use serde_json::json;

use super::Fixture;

#[tokio::test]
async fn answers_with_the_help_of_tools_and_remembers_the_conversation() {
    let call = FakeCall::new("exec", &json!({ "command": "echo made > file" }));
    let mut fixture = Fixture::new(FakeProvider::scripted([
        Reply::tool_calls([call]),
        Reply::text("made it"),
        Reply::text("as I said"),
    ]));
    let runtime = fixture.runtime();
    let reply = runtime
        .process_message(&mut fixture.context, "make a file")
        .await
        .unwrap();
    assert_eq!((reply.content.as_str(), reply.steps), ("made it", 2));
    assert_eq!(
        std::fs::read_to_string(fixture.workspace().join("file")).unwrap(),
        "made\n"
    );

    runtime
        .process_message(&mut fixture.context, "did you?")
        .await
        .unwrap();
    let seen = fixture.provider.last_request();
    assert_eq!(seen.user_texts(), ["make a file", "did you?"]);
    assert_eq!((seen.calls().len(), seen.results().len()), (1, 1));
    assert_eq!(
        fixture.kinds().await,
        [
            "SessionStarted",
            "MessageReceived",
            "ToolCalled",
            "ToolResult",
            "AgentResponse",
            "MessageReceived",
            "AgentResponse"
        ]
    );
    fixture.provider.assert_clean();
}

#[tokio::test]
async fn an_answer_that_ends_for_a_reason_nobody_knows_is_an_answer_and_the_session_goes_on() {
    let mut fixture = Fixture::new(FakeProvider::scripted([
        Reply::text("so far").stop(Stop::Other("pause_turn")),
        Reply::text("and the rest"),
    ]));
    let runtime = fixture.runtime();
    let paused = runtime
        .process_message(&mut fixture.context, "tell me")
        .await
        .unwrap();
    assert_eq!(paused.content, "so far");
    assert_eq!(paused.stop, StopReason::Other("pause_turn".to_owned()));
    let rest = runtime
        .process_message(&mut fixture.context, "go on")
        .await
        .unwrap();
    assert_eq!(rest.content, "and the rest");
    let seen = fixture.provider.last_request();
    assert_eq!(seen.user_texts(), ["tell me", "go on"]);
    fixture.provider.assert_clean();
}

#[tokio::test]
async fn a_message_to_a_session_that_somebody_else_runs_is_refused_and_leaves_no_trace() {
    let mut fixture = Fixture::new(FakeProvider::scripted([Reply::text("one")]));
    let runtime = fixture.runtime();
    runtime
        .process_message(&mut fixture.context, "one")
        .await
        .unwrap();
    let lease = fixture
        .context
        .store()
        .lease(fixture.context.session())
        .await
        .unwrap();
    let err = runtime
        .process_message(&mut fixture.context, "two")
        .await
        .unwrap_err();
    assert_eq!(err.kind(), openclaw_core::Kind::Busy, "{err}");
    drop(lease);
    assert_eq!(
        fixture.kinds().await,
        ["SessionStarted", "MessageReceived", "AgentResponse"]
    );
}

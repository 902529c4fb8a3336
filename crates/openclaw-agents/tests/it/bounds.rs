//! Turns that would not end by themselves.

use std::time::Duration;

use openclaw_agents::{AgentError, Limits, Tool, ToolCx, ToolError, ToolOutput, ToolRegistry};
use openclaw_core::{SessionEventKind, validation::ValidationError};
use openclaw_testkit::{FakeCall, FakeProvider, Reply};
use serde_json::json;

use super::Fixture;

/// A tool with a defect.
struct Broken;

#[async_trait::async_trait]
impl Tool for Broken {
    const NAME: &'static str = "broken";
    const DESCRIPTION: &'static str = "Panics.";
    type Args = serde_json::Map<String, serde_json::Value>;

    async fn run(&self, _args: Self::Args, _cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        panic!("a defect")
    }
}

#[tokio::test]
async fn a_panic_ends_one_turn_and_not_the_session() {
    let call = FakeCall::new("broken", &json!({}));
    let provider = FakeProvider::scripted([Reply::tool_calls([call]), Reply::text("alive")]);
    let mut fixture = Fixture::new(provider);
    let mut tools = ToolRegistry::new();
    tools.register("broken", Broken).unwrap();
    let runtime = fixture.runtime().with_tools(tools);
    let err = runtime
        .process_message(&mut fixture.context, "break")
        .await
        .unwrap_err();
    assert!(matches!(err, AgentError::Defect), "{err}");
    let reply = runtime
        .process_message(&mut fixture.context, "still there?")
        .await
        .unwrap();
    assert_eq!(reply.content, "alive");
    let kinds = fixture.kinds().await;
    assert_eq!(
        kinds[2..5],
        ["ToolCalled", "StateChanged", "MessageReceived"]
    );
    fixture.provider.assert_clean();
}

fn limits(max_steps: u32, max_wall_time: Duration) -> Limits {
    Limits {
        max_steps,
        max_wall_time,
        max_calls_per_step: 2,
    }
}

#[tokio::test]
async fn a_model_that_asks_for_tools_without_end_is_stopped() {
    let provider = FakeProvider::start();
    provider.otherwise(|_| Reply::tool_calls([FakeCall::new("ls", &json!({}))]));
    let mut fixture = Fixture::new(provider);
    let runtime = fixture
        .runtime()
        .with_limits(limits(3, Duration::from_mins(1)));
    let err = runtime
        .process_message(&mut fixture.context, "loop")
        .await
        .unwrap_err();
    assert!(matches!(err, AgentError::TooManySteps(3)), "{err}");
    assert_eq!(fixture.provider.requests().len(), 3);
    assert_eq!(fixture.kinds().await.last(), Some(&"StateChanged"));
}

#[tokio::test]
async fn a_turn_that_takes_too_long_is_stopped_and_its_command_with_it() {
    let call = FakeCall::new("exec", &json!({ "command": "sleep 600; touch survived" }));
    let mut fixture = Fixture::new(FakeProvider::scripted([Reply::tool_calls([call])]));
    let runtime = fixture
        .runtime()
        .with_limits(limits(5, Duration::from_secs(1)));
    let err = runtime
        .process_message(&mut fixture.context, "wait")
        .await
        .unwrap_err();
    assert!(matches!(err, AgentError::TimedOut(_)), "{err}");
    let events = fixture.events().await;
    let SessionEventKind::ToolResult {
        success, result, ..
    } = &events[3].kind
    else {
        panic!("{:?}", events[3]);
    };
    assert!(
        !success && result.as_str().unwrap().contains("cancelled"),
        "{result}"
    );
    assert!(!fixture.workspace().join("survived").exists());
}

#[tokio::test]
async fn surplus_calls_of_one_step_are_refused_in_words_and_ids_made_unique() {
    let call = || FakeCall::new("ls", &json!({})).id("same");
    let provider = FakeProvider::scripted([
        Reply::tool_calls([call(), call(), call()]),
        Reply::text("enough"),
    ]);
    let mut fixture = Fixture::new(provider);
    let runtime = fixture
        .runtime()
        .with_limits(limits(5, Duration::from_mins(1)));
    runtime
        .process_message(&mut fixture.context, "go")
        .await
        .unwrap();
    let seen = fixture.provider.last_request();
    let results = seen.results();
    assert_eq!((seen.calls().len(), results.len()), (3, 3));
    assert!(results[2].content.contains("not run"), "{results:?}");
    assert!(!results[1].content.contains("not run"), "{results:?}");
    fixture.provider.assert_clean();
}

#[tokio::test]
async fn a_message_that_is_not_acceptable_leaves_no_trace() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let runtime = fixture.runtime();
    let err = runtime
        .process_message(&mut fixture.context, "a\0b")
        .await
        .unwrap_err();
    assert!(
        matches!(
            err,
            AgentError::Invalid(ValidationError::ControlCharacter { .. })
        ),
        "{err}"
    );
    assert_eq!(fixture.context.store().session_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_model_that_runs_a_command_that_fails_over_and_over_is_stopped_however_long_it_took() {
    // Each time it takes longer, so that no two results are equal to the letter.
    let script = "n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n; sleep 0.0$n; false";
    let provider = FakeProvider::start();
    provider.otherwise(move |_| {
        Reply::tool_calls([FakeCall::new("exec", &json!({ "command": script }))])
    });
    let mut fixture = Fixture::new(provider);
    let runtime = fixture.runtime();
    let turn = runtime.process_message(&mut fixture.context, "make it work");
    let err = turn.await.unwrap_err();
    assert!(
        matches!(&err, AgentError::Circles { tool, times: 8 } if tool == "exec"),
        "{err}"
    );
    let ran = std::fs::read_to_string(fixture.workspace().join("n")).unwrap();
    assert_eq!(
        (ran.as_str(), fixture.provider.requests().len()),
        ("8\n", 8)
    );
}

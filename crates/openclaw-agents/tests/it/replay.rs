//! A recorded turn again, with another provider and without tools.

use std::sync::Arc;

use openclaw_agents::replay::{Difference, End, Missing, Recording, Replay, ReplayStep};
use openclaw_agents::{Agent, AgentModel, Limits, Rules, SandboxConfig, ToolRegistry};
use openclaw_core::Usage;
use openclaw_providers::{OpenAIProvider, Route};
use openclaw_testkit::{FakeCall, FakeProvider, Reply, WireFormat};
use serde_json::json;

use super::Fixture;

fn exec(command: &str) -> FakeCall {
    FakeCall::new("exec", &json!({ "command": command }))
}

/// A turn that runs two commands at once, then a third, and answers.
async fn recorded() -> Fixture {
    let mut fixture = Fixture::new(FakeProvider::scripted([
        Reply::tool_calls([exec("echo one >> ran"), exec("echo two")]).with_text("Both."),
        Reply::tool_calls([exec("echo three")]),
        Reply::text("one two three"),
    ]));
    let runtime = fixture.runtime();
    runtime
        .process_message(&mut fixture.context, "count")
        .await
        .unwrap();
    fixture
}

/// Replays a fixture's turn from an event with a provider of its own.
async fn replay(fixture: &Fixture, at: u64, provider: &FakeProvider, limits: Limits) -> Replay {
    let session = fixture.context.session().clone();
    let recording = Recording::new(session, &fixture.events().await, Some(at)).unwrap();
    let provider = OpenAIProvider::without_key(provider.base_url(WireFormat::OpenAi));
    let agent = Agent {
        id: "main".into(),
        name: "main".to_owned(),
        model: Ok(AgentModel {
            route: Arc::new(Route::only(Arc::new(provider), "other")),
            images: None,
        }),
        workspace: fixture.workspace(),
        sandbox: SandboxConfig::default(),
        means: openclaw_agents::Means::default(),
        limits,
        rules: Rules::default(),
        skills: openclaw_agents::Skills::default(),
        context: openclaw_agents::ContextFiles::default(),
        time_zone: None,
    };
    Replay::new(recording.turn.unwrap(), &agent, &ToolRegistry::standard()).unwrap()
}

async fn all(replay: &mut Replay) -> Vec<ReplayStep> {
    let mut steps = Vec::new();
    while let Some(step) = replay.step().await.unwrap() {
        steps.push(step);
    }
    steps
}

fn ran(fixture: &Fixture) -> String {
    std::fs::read_to_string(fixture.workspace().join("ran")).unwrap()
}

#[tokio::test]
async fn the_calls_of_one_recorded_step_may_come_in_two() {
    let fixture = recorded().await;
    let provider = FakeProvider::scripted([
        Reply::tool_calls([exec("echo two")]),
        Reply::tool_calls([exec("echo one >> ran")]),
        Reply::tool_calls([exec("echo three")]),
        Reply::text("one two three"),
    ]);
    let mut replay = replay(&fixture, 2, &provider, Limits::default()).await;
    let steps = all(&mut replay).await;
    let compared: Vec<_> = steps
        .iter()
        .map(|step| {
            let recorded = step.recorded.as_ref().map(|recorded| recorded.step);
            (step.step, recorded, step.is_same())
        })
        .collect();
    assert_eq!(
        compared,
        [
            (1, Some(1), false),
            (2, Some(1), false),
            (3, Some(2), true),
            (4, Some(3), true),
        ]
    );
    assert_eq!(steps[0].differences, [Difference::Calls, Difference::Text]);
    assert_eq!(replay.end(), Some(&End::Answered));
    assert_eq!(replay.answer(), replay.recorded_answer());
    // The model got the results that are on record, and nothing ran.
    let results = provider.last_request();
    let results: Vec<bool> = results
        .results()
        .iter()
        .zip(["two", "", "three"])
        .map(|(result, output)| result.content.contains(output))
        .collect();
    assert_eq!(results, [true, true, true]);
    assert_eq!(ran(&fixture), "one\n");
}

#[tokio::test]
async fn a_call_beyond_the_recording_ends_the_replay_without_running() {
    let fixture = recorded().await;
    let before = fixture.events().await.len();
    let provider = FakeProvider::scripted([Reply::tool_calls([
        exec("echo one >> ran"),
        exec("echo one >> ran"),
    ])
    .usage(Usage {
        input: 3000,
        output: 7,
        ..Usage::default()
    })]);
    let mut replay = replay(&fixture, 2, &provider, Limits::default()).await;
    assert_eq!(all(&mut replay).await.len(), 1);
    let Some(End::Diverged(divergence)) = replay.end() else {
        panic!("{:?}", replay.end());
    };
    assert_eq!((divergence.step, divergence.missing), (1, Missing::Again));
    assert!(replay.step().await.unwrap().is_none());
    // Only the step that was compared counts on the recorded side.
    let totals = replay.totals();
    assert_eq!(
        (totals.recorded.total(), totals.replayed.total()),
        (2515, 3007)
    );
    assert_eq!(
        (ran(&fixture).as_str(), fixture.events().await.len()),
        ("one\n", before)
    );
}

#[tokio::test]
async fn an_early_answer_is_held_against_the_step_that_was_recorded_there() {
    let fixture = recorded().await;
    let provider = FakeProvider::scripted([Reply::text("I would rather not count")]);
    let mut replay = replay(&fixture, 6, &provider, Limits::default()).await;
    let steps = all(&mut replay).await;
    assert_eq!((steps[0].step, steps.len()), (2, 1));
    assert_eq!(
        steps[0].differences,
        [Difference::Calls, Difference::Text, Difference::Stop]
    );
    assert_eq!(replay.end(), Some(&End::Answered));
    assert_eq!(replay.recorded_answer(), Some("one two three"));
    assert_eq!(replay.totals().recorded.total(), 5030);
}

#[tokio::test]
async fn a_replay_takes_no_more_steps_than_a_turn_may() {
    let fixture = recorded().await;
    let provider = FakeProvider::scripted([
        Reply::tool_calls([exec("echo one >> ran"), exec("echo two")]),
        Reply::tool_calls([exec("echo three")]),
    ]);
    let limits = Limits {
        max_steps: 2,
        ..Limits::default()
    };
    let mut replay = replay(&fixture, 2, &provider, limits).await;
    assert_eq!(all(&mut replay).await.len(), 2);
    assert_eq!(replay.end(), Some(&End::TooManySteps(2)));
}

//! Tools of a program that sends messages: their calls end a run, and a later message brings what
//! came of them. Whatever the program does, the model sees a legal conversation.

use std::sync::Arc;

use openclaw_agents::lanes::QueueMode;
use openclaw_agents::terms::{ClientCall, ClientResult, Words};
use openclaw_agents::{AgentError, Limits, Reply as Told, Rules, TaskScope, Terms};
use openclaw_core::approvals::Answer as Decides;
use openclaw_core::tool_rules::Decision;
use openclaw_core::{CallId, Kind, SessionEventKind};
use openclaw_providers::ToolSpec;
use openclaw_testkit::{FakeCall, FakeProvider, Reply, SeenRequest};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Arena, deciding};

fn offering(results: Vec<ClientResult>) -> Terms {
    Terms {
        tools: vec![ToolSpec {
            name: "get_weather".to_owned(),
            description: "Tells the weather.".to_owned(),
            parameters: json!({ "type": "object" }).into(),
        }],
        words: if results.is_empty() {
            Words::Own
        } else {
            Words::Results
        },
        results,
        ..Terms::default()
    }
}

fn weather(city: &str) -> FakeCall {
    FakeCall::new("get_weather", &json!({ "city": city }))
}

fn result(call: &CallId, output: &str) -> ClientResult {
    ClientResult {
        call: call.clone(),
        output: output.to_owned(),
    }
}

impl Arena {
    fn submit_on(&self, text: &str, terms: Arc<Terms>) -> Answer {
        let turn = self.turn(Self::owner(), text, Some(QueueMode::Followup));
        let engine = self.engine.clone();
        let turn = async move { engine.submit_on(turn, Some(terms)).await };
        TaskScope::new().spawn("client", turn)
    }

    async fn ask(&self, text: &str) -> Told {
        let terms = Arc::new(offering(Vec::new()));
        self.submit_on(text, terms).await.unwrap().unwrap()
    }

    async fn bring(&self, text: &str, results: Vec<ClientResult>) -> Told {
        let terms = Arc::new(offering(results));
        self.submit_on(text, terms).await.unwrap().unwrap()
    }
}

/// Starts again on what is left.
fn restarted(left: TempDir, replies: impl IntoIterator<Item = Reply>) -> Arena {
    let provider = Arc::new(FakeProvider::scripted(replies));
    Arena::on(left, provider, Rules::default(), Limits::default())
}

fn told(seen: &SeenRequest) -> Vec<&str> {
    let results = seen.results().into_iter();
    results.map(|result| result.content.as_str()).collect()
}

fn only(told: &Told) -> &ClientCall {
    let [call] = told.calls.as_slice() else {
        panic!("{told:?}")
    };
    call
}

#[tokio::test]
async fn a_call_of_the_program_s_tool_ends_the_run_and_its_result_goes_on() {
    let arena = Arena::new([
        Reply::tool_calls([weather("Kiel")]).with_text("Let me see."),
        Reply::text("it rains"),
    ]);
    let asked = arena.ask("weather?").await;
    let call = only(&asked);
    assert_eq!(asked.content, "Let me see.");
    assert_eq!(
        (call.tool.as_str(), call.arguments.as_str()),
        ("get_weather", r#"{"city":"Kiel"}"#)
    );
    let answer = arena
        .bring("Tool: rain", vec![result(&call.id, "rain")])
        .await;
    assert_eq!(
        (answer.content.as_str(), answer.calls.len()),
        ("it rains", 0)
    );
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["weather?"]);
    assert_eq!(told(&seen), ["rain"]);
    let kinds: Vec<&str> = arena
        .events()
        .await
        .iter()
        .map(|event| event.kind.name())
        .collect();
    assert_eq!(
        kinds,
        [
            "SessionStarted",
            "MessageReceived",
            "ToolCalled",
            "AgentResponse",
            "MessageReceived",
            "ToolResult",
            "AgentResponse",
        ]
    );
    arena.assert_clean();
}

#[tokio::test]
async fn calls_of_both_sides_in_one_step_have_one_answer_each_and_ids_of_their_own() {
    let calls = [
        weather("Kiel").id("same"),
        FakeCall::new("wait", &json!({})).id("same"),
        weather("Rome").id("same"),
    ];
    let arena = Arena::new([Reply::tool_calls(calls), Reply::text("done")]);
    arena.let_tool_go();
    let asked = arena.ask("both").await;
    let [kiel, rome] = asked.calls.as_slice() else {
        panic!("{asked:?}")
    };
    assert_ne!(kiel.id, rome.id);
    let results = vec![result(&rome.id, "sun"), result(&kiel.id, "rain")];
    arena.bring("Tools", results).await;
    let seen = arena.provider.last_request();
    assert_eq!(told(&seen), ["rain", "waited", "sun"]);
    assert_eq!(seen.user_texts(), ["both"]);
    arena.assert_clean();
}

#[tokio::test]
async fn of_two_calls_the_one_that_is_left_out_is_closed_for_good() {
    let arena = Arena::new([
        Reply::tool_calls([weather("Kiel"), weather("Rome")]),
        Reply::text("one"),
        Reply::text("late"),
    ]);
    let asked = arena.ask("both").await;
    let (kiel, rome) = (&asked.calls[0].id, &asked.calls[1].id);
    arena.bring("Tool: rain", vec![result(kiel, "rain")]).await;
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["both"]);
    let [first, second] = told(&seen)[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(first, "rain");
    assert!(second.contains("not answered"), "{second}");

    arena.bring("Tool: sun", vec![result(rome, "sun")]).await;
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["both", "Tool: sun"]);
    assert_eq!(told(&seen).len(), 2);
    arena.assert_clean();
}

#[tokio::test]
async fn a_call_that_was_answered_keeps_its_answer() {
    let arena = Arena::new([
        Reply::tool_calls([weather("Kiel")]),
        Reply::text("it rains"),
        Reply::text("so I heard"),
    ]);
    let asked = arena.ask("weather?").await;
    let call = &only(&asked).id;
    arena.bring("Tool: rain", vec![result(call, "rain")]).await;
    arena.bring("Tool: sun", vec![result(call, "sun")]).await;
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["weather?", "Tool: sun"]);
    assert_eq!(told(&seen), ["rain"]);
    arena.assert_clean();
}

#[tokio::test]
async fn a_result_of_a_call_that_nobody_made_is_what_somebody_says() {
    let arena = Arena::new([
        Reply::tool_calls([weather("Kiel")]),
        Reply::text("hm"),
        Reply::text("now"),
    ]);
    arena.ask("weather?").await;
    let unknown = CallId::from("call_of_nobody");
    arena
        .bring("Tool: rain", vec![result(&unknown, "rain")])
        .await;
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["weather?", "Tool: rain"]);
    assert!(told(&seen)[0].contains("not answered"), "{seen:?}");
    arena.send("and?").await.unwrap().unwrap();
    arena.assert_clean();
}

#[tokio::test]
async fn a_program_says_nothing_about_a_call_that_was_not_its_own() {
    let call = FakeCall::new("wait", &json!({})).id("ours");
    let arena = Arena::new([Reply::tool_calls([call])]);
    let first = arena.send("wait");
    arena.tool_has_begun().await;
    let left = arena.crashed();
    first.abort();

    let again = FakeCall::new("wait", &json!({})).id("ours");
    let replies = [
        Reply::text("hm"),
        Reply::tool_calls([again]),
        Reply::text("end"),
    ];
    let arena = restarted(left, replies);
    arena.engine.recover().await.unwrap();
    let ours = CallId::from("ours");
    arena.bring("Tool: lie", vec![result(&ours, "lie")]).await;
    let seen = arena.provider.last_request();
    assert!(told(&seen)[0].contains("is not known"), "{seen:?}");
    assert_eq!(seen.user_texts(), ["wait", "Tool: lie"]);
    // Nor does what it said go away once there is a result of a call by that id.
    arena.let_tool_go();
    arena.send("again").await.unwrap().unwrap();
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["wait", "Tool: lie", "again"]);
    arena.assert_clean();
}

#[tokio::test]
async fn a_crash_between_a_call_and_its_result_costs_neither() {
    let arena = Arena::new([Reply::tool_calls([weather("Kiel")])]);
    let asked = arena.ask("weather?").await;
    let call = only(&asked).id.clone();
    let left = arena.crashed();

    let arena = restarted(left, [Reply::text("it rains")]);
    assert_eq!(arena.engine.recover().await.unwrap(), 0);
    arena.bring("Tool: rain", vec![result(&call, "rain")]).await;
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["weather?"]);
    assert_eq!(told(&seen), ["rain"]);
    arena.assert_clean();
}

#[tokio::test]
async fn a_crash_in_the_step_leaves_a_call_that_was_never_handed_over() {
    let calls = [weather("Kiel"), FakeCall::new("wait", &json!({}))];
    let arena = Arena::new([Reply::tool_calls(calls)]);
    let first = arena.submit_on("both", Arc::new(offering(Vec::new())));
    arena.tool_has_begun().await;
    let left = arena.crashed();
    first.abort();

    let arena = restarted(left, [Reply::text("hm")]);
    arena.engine.recover().await.unwrap();
    let events = arena.events().await;
    let of_client = events.iter().find_map(|event| match &event.kind {
        SessionEventKind::ToolCalled { tool, .. } if tool == "get_weather" => event.call_id.clone(),
        _ => None,
    });
    let results = vec![result(&of_client.unwrap(), "guessed")];
    arena.bring("Tool: guessed", results).await;
    let seen = arena.provider.last_request();
    assert_eq!(told(&seen).len(), 2);
    assert!(
        told(&seen).iter().all(|text| text.contains("is not known")),
        "{seen:?}"
    );
    assert_eq!(seen.user_texts(), ["both", "Tool: guessed"]);
    arena.assert_clean();
}

#[tokio::test]
async fn somebody_else_s_message_closes_an_open_call() {
    let arena = Arena::new([Reply::tool_calls([weather("Kiel")]), Reply::text("hello")]);
    arena.ask("weather?").await;
    arena.send("hi").await.unwrap().unwrap();
    let seen = arena.provider.last_request();
    assert_eq!(seen.user_texts(), ["weather?", "hi"]);
    assert!(told(&seen)[0].contains("not answered"), "{seen:?}");
    assert!(!seen.tools().contains(&"get_weather"), "{seen:?}");
    arena.assert_clean();
}

#[tokio::test]
async fn a_call_as_large_as_a_book_comes_whole_and_its_result_goes_on() {
    let book = "word \"and\" ".repeat(100_000);
    let call = FakeCall::new("get_weather", &json!({ "city": book }));
    let arena = Arena::new([Reply::tool_calls([call])]);
    // It is longer than the model's view may be, so it leaves that, and its result is told.
    arena.provider.otherwise(|seen| {
        let system = seen.system.as_deref().unwrap_or_default();
        if system.starts_with("You keep the record of a conversation") {
            return Reply::text("## Asked for\nTo read a book.");
        }
        assert_eq!(seen.calls().len(), seen.results().len());
        Reply::text(format!("told: {}", seen.last_user_text()))
    });
    let asked = arena.ask("read").await;
    let call = only(&asked);
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
    assert_eq!(arguments["city"], book);
    let answer = arena.bring("Tool: ok", vec![result(&call.id, "ok")]).await;
    assert!(answer.content.ends_with("Tool: ok"), "{answer:?}");
    let before = arena.provider.last_request().user_texts().join("\n");
    arena.send("and?").await.unwrap().unwrap();
    let after = arena.provider.last_request().user_texts().join("\n");
    assert!(after.starts_with(&before), "{before}\n---\n{after}");
    arena.provider.assert_clean();
}

#[tokio::test]
async fn arguments_that_are_no_json_are_the_program_s_to_judge() {
    let call = FakeCall::raw("get_weather", "{\"city\": ");
    let arena = Arena::new([Reply::tool_calls([call]), Reply::text("sorry")]);
    let asked = arena.ask("weather?").await;
    let call = only(&asked);
    assert_eq!(call.arguments, "{\"city\": ");
    arena.bring("Tool: no", vec![result(&call.id, "no")]).await;
    assert_eq!(told(&arena.provider.last_request()), ["no"]);
    arena.assert_clean();
}

#[tokio::test]
async fn a_question_about_the_gateway_s_own_call_comes_before_the_program_s() {
    let write = || FakeCall::new("write", &json!({ "path": "a", "content": "b" }));
    for decides in [Decides::AllowOnce, Decides::Deny] {
        let replies = [
            Reply::tool_calls([weather("Kiel"), write()]),
            Reply::text("done"),
        ];
        let rules = deciding("write", None, Decision::Ask);
        let arena = Arena::with(replies, rules, Limits::default());
        let asked = arena.submit_on("both", Arc::new(offering(Vec::new())));
        let question = arena.question().await;
        assert!(!asked.is_finished());
        let decided = arena.store.decide(&question.id, decides, "owner");
        decided.await.unwrap();
        let asked = asked.await.unwrap().unwrap();
        let call = &only(&asked).id;
        let made = arena.dir.path().join("workspace/a").exists();
        assert_eq!(made, decides == Decides::AllowOnce);
        arena.bring("Tool: rain", vec![result(call, "rain")]).await;
        let seen = arena.provider.last_request();
        assert_eq!(told(&seen)[0], "rain");
        assert_eq!(told(&seen).len(), 2);
        arena.assert_clean();
    }
}

#[tokio::test]
async fn whoever_hangs_up_ends_the_run_and_its_question() {
    let write = FakeCall::new("write", &json!({ "path": "a", "content": "b" }));
    let replies = [
        Reply::tool_calls([weather("Kiel"), write]),
        Reply::text("hello"),
    ];
    let rules = deciding("write", None, Decision::Ask);
    let arena = Arena::with(replies, rules, Limits::default());
    let terms = Arc::new(offering(Vec::new()));
    let asked = arena.submit_on("both", Arc::clone(&terms));
    arena.question().await;
    terms.line.hang_up();
    let err = asked.await.unwrap().unwrap_err();
    assert_eq!(err.kind(), Kind::Cancelled, "{err}");
    let open = arena.store.pending_approvals(jiff::Timestamp::now()).await;
    assert_eq!(open.unwrap(), []);
    assert!(!arena.dir.path().join("workspace/a").exists());
    arena.send("hi").await.unwrap().unwrap();
    assert_eq!(arena.provider.last_request().results().len(), 2);
    arena.assert_clean();
}

#[tokio::test]
async fn whoever_hung_up_before_the_turn_asks_no_model() {
    let arena = Arena::new([Reply::text("never"), Reply::text("hello")]);
    let terms = Arc::new(offering(Vec::new()));
    terms.line.hang_up();
    let asked = arena.submit_on("weather?", terms).await.unwrap();
    assert!(matches!(asked, Err(AgentError::Cancelled)), "{asked:?}");
    arena.send("hi").await.unwrap().unwrap();
    assert_eq!(arena.provider.last_request().user_texts(), ["hi"]);
}

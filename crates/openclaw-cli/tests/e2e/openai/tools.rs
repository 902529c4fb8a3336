//! Tools of the client's own: offered beside the gateway's, run by the client, answered in its next
//! request, and each call answered exactly once.

use openclaw_testkit::{FakeCall, FakeProvider, Reply};
use serde_json::{Value, json};

use super::{World, data, ok, user};

pub(super) fn weather() -> Value {
    json!([{ "type": "function", "function": {
        "name": "get_weather", "description": "Tells the weather.",
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } } },
    } }])
}

/// A model that asks for the weather once, and then says what it was told.
fn asks_for_weather(provider: &FakeProvider) {
    provider.otherwise(|seen| {
        if seen.ends_with_results() {
            let told: Vec<&str> = seen
                .results()
                .iter()
                .map(|result| result.content.as_str())
                .collect();
            Reply::text(format!("told: {}", told.join("|")))
        } else if seen.last_user_text().ends_with("weather?") {
            let call = FakeCall::new("get_weather", &json!({ "city": "Kiel" })).id("call_1");
            Reply::tool_calls([call]).with_text("Let me see.")
        } else {
            Reply::text(format!("heard: {}", seen.last_user_text()))
        }
    });
}

pub(super) fn follow_up(call: &Value, output: &str) -> Value {
    json!({ "messages": [
        { "role": "user", "content": "weather?" },
        { "role": "assistant", "content": "Let me see.", "tool_calls": [call] },
        { "role": "tool", "tool_call_id": call["id"], "content": output },
    ], "tools": weather() })
}

#[tokio::test]
async fn a_call_of_the_client_s_tool_ends_the_run_and_its_result_goes_on() {
    let world = World::new().await;
    asks_for_weather(&world.provider);
    let body = json!({ "messages": user("weather?"), "tools": weather() });
    let answer = ok(&world.chat(&body).await);
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], "Let me see.");
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["type"], "function");
    assert_eq!(call["function"]["name"], "get_weather");
    assert_eq!(call["function"]["arguments"], r#"{"city":"Kiel"}"#);
    let seen = world.provider.last_request();
    let offered = seen.tools();
    assert!(
        offered.contains(&"get_weather") && offered.contains(&"exec"),
        "{offered:?}"
    );

    let answer = ok(&world.chat(&follow_up(call, "rain")).await);
    assert_eq!(answer["choices"][0]["message"]["content"], "told: rain");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    // The model sees its call and what came of it, and nothing twice.
    let seen = world.provider.last_request();
    assert_eq!(seen.user_texts(), ["weather?"]);
    assert_eq!(seen.calls().len(), 1);
    assert_eq!(world.sessions(":openai:").await.len(), 1);
    world.provider.assert_clean();

    let session = world.sessions(":openai:").await.remove(0);
    let kinds: Vec<Value> = world
        .events(&session)
        .await
        .iter()
        .map(|event| event["kind"].clone())
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
}

#[tokio::test]
async fn a_streamed_call_comes_in_pieces() {
    let world = World::new().await;
    asks_for_weather(&world.provider);
    let body = json!({ "messages": user("weather?"), "tools": weather(), "stream": true });
    let chunks = data(&world.chat(&body).await);
    let deltas: Vec<&Value> = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"])
        .collect();
    let text: String = deltas
        .iter()
        .filter_map(|delta| delta["content"].as_str())
        .collect();
    assert_eq!(text, "Let me see.");
    let calls: Vec<&Value> = deltas.iter().map(|delta| &delta["tool_calls"][0]).collect();
    let name = calls
        .iter()
        .find_map(|call| call["function"]["name"].as_str());
    assert_eq!(name, Some("get_weather"));
    let arguments: String = calls
        .iter()
        .filter_map(|call| call["function"]["arguments"].as_str())
        .collect();
    assert_eq!(arguments, r#"{"city":"Kiel"}"#);
    let end = chunks.last().unwrap();
    assert_eq!(end["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn a_call_that_the_client_goes_on_without_is_closed() {
    let world = World::new().await;
    asks_for_weather(&world.provider);
    let body = |text: &str| json!({ "messages": user(text), "tools": weather(), "user": "u1" });
    ok(&world.chat(&body("weather?")).await);
    let answer = ok(&world.chat(&body("never mind")).await);
    let said = &answer["choices"][0]["message"]["content"];
    assert_eq!(said, "heard: never mind");
    let seen = world.provider.last_request();
    let results = seen.results();
    assert_eq!(results.len(), 1);
    assert!(results[0].content.contains("not answered"), "{results:?}");
    world.provider.assert_clean();
}

#[tokio::test]
async fn results_whose_call_nobody_remembers_are_told_as_text() {
    let world = World::new().await;
    asks_for_weather(&world.provider);
    let body = json!({ "messages": user("weather?"), "tools": weather() });
    let answer = ok(&world.chat(&body).await);
    let call = answer["choices"][0]["message"]["tool_calls"][0].clone();
    // What is remembered of a stateless client ends with the process.
    let world = world.again().await;
    let answer = ok(&world.chat(&follow_up(&call, "rain")).await);
    let said = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said.starts_with("heard: [Chat messages"), "{said}");
    assert!(said.ends_with(": rain"), "{said}");
}

#[tokio::test]
async fn a_named_session_takes_its_results_after_a_restart_too() {
    let world = World::new().await;
    asks_for_weather(&world.provider);
    let mut body = json!({ "messages": user("weather?"), "tools": weather(), "user": "u1" });
    let answer = ok(&world.chat(&body).await);
    let call = answer["choices"][0]["message"]["tool_calls"][0].clone();
    let world = world.again().await;
    body = follow_up(&call, "rain");
    body["user"] = "u1".into();
    let answer = ok(&world.chat(&body).await);
    assert_eq!(answer["choices"][0]["message"]["content"], "told: rain");
    assert_eq!(world.provider.last_request().user_texts(), ["weather?"]);
    world.provider.assert_clean();
}

#[tokio::test]
async fn calls_of_both_kinds_in_one_step_are_answered_by_whom_they_are_for() {
    let world = World::new().await;
    world.provider.otherwise(|seen| {
        if seen.ends_with_results() {
            return Reply::text("done");
        }
        Reply::tool_calls([
            FakeCall::new("get_weather", &json!({ "city": "Kiel" })),
            FakeCall::new("exec", &json!({ "command": "echo crab > made" })),
        ])
    });
    let body = json!({ "messages": user("both"), "tools": weather() });
    let answer = ok(&world.chat(&body).await);
    let calls = answer["choices"][0]["message"]["tool_calls"]
        .as_array()
        .unwrap();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(world.home.workspace().join("made").exists());
    let answer = ok(&world.chat(&follow_up(&calls[0], "")).await);
    assert_eq!(answer["choices"][0]["message"]["content"], "done");
    assert_eq!(world.provider.last_request().results().len(), 2);
    world.provider.assert_clean();
}

#[tokio::test]
async fn a_call_that_has_to_come_and_does_not_is_an_error() {
    let world = World::new().await;
    world
        .provider
        .otherwise(|_| Reply::text("I would rather talk"));
    let choices = [
        json!("required"),
        json!({ "type": "function", "function": { "name": "get_weather" } }),
    ];
    for choice in choices {
        let mut body = json!({ "messages": user("hi"), "tools": weather(), "tool_choice": choice });
        let refused = world.chat(&body).await;
        assert_eq!(refused.status, 502, "{}", refused.text());
        assert_eq!(refused.json()["error"]["type"], "api_error");
        let system = world.provider.last_request().system.clone().unwrap();
        assert!(system.contains("You must call"), "{system}");
        body["stream"] = true.into();
        let streamed = world.chat(&body).await;
        assert!(!streamed.text().contains("rather"), "{}", streamed.text());
    }
    let body = json!({ "messages": user("hi"), "tools": weather(), "tool_choice": "none" });
    ok(&world.chat(&body).await);
    assert!(
        !world
            .provider
            .last_request()
            .tools()
            .contains(&"get_weather")
    );
}

//! `POST /v1/responses`.

use openclaw_testkit::{FakeCall, Reply};
use serde_json::{Value, json};

use super::{World, data, ok};

#[tokio::test]
async fn a_response_has_the_form_that_openclaw_gives_it() {
    let world = World::new().await;
    world.provider.reply(Reply::text("hello there"));
    let body = json!({ "model": "openclaw", "input": "hi", "instructions": "Be brief." });
    let mut answer = ok(&world.responses(&body).await);
    let taken = |value: &mut Value| value.take().as_str().unwrap().to_owned();
    assert!(taken(&mut answer["id"]).starts_with("resp_"));
    assert!(taken(&mut answer["output"][0]["id"]).starts_with("msg_"));
    assert!(answer["created_at"].take().is_i64());
    assert!(answer["usage"].take()["input_tokens_details"]["cached_tokens"].is_u64());
    let expected = json!({
        "id": null, "object": "response", "created_at": null, "status": "completed",
        "model": "openclaw",
        "output": [{
            "type": "message", "id": null, "role": "assistant",
            "content": [{ "type": "output_text", "text": "hello there" }],
            "phase": "final_answer", "status": "completed",
        }],
        "usage": null,
    });
    assert_eq!(answer, expected);
    let system = world.provider.last_request().system.clone().unwrap();
    assert!(system.ends_with("Be brief."), "{system}");
}

fn names(answer: &str) -> Vec<&str> {
    let mut names: Vec<&str> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    names.dedup();
    names
}

#[tokio::test]
async fn a_streamed_response_has_the_events_that_openclaw_sends() {
    let world = World::new().await;
    world.provider.reply(Reply::text("one two three four"));
    let answer = world
        .responses(&json!({ "input": "count", "stream": true }))
        .await;
    let text = answer.text();
    assert_eq!(
        names(&text),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let events = data(&answer);
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at, "{event}");
    }
    let said: String = events
        .iter()
        .filter_map(|event| event["delta"].as_str())
        .collect();
    assert_eq!(said, "one two three four");
    let whole = &events.last().unwrap()["response"];
    assert_eq!(whole["output"][0]["content"][0]["text"], said);
}

fn weather() -> Value {
    json!([{ "type": "function", "name": "get_weather", "parameters": {
        "type": "object", "properties": { "city": { "type": "string" } },
    } }])
}

#[tokio::test]
async fn a_call_of_the_client_s_tool_is_answered_by_the_response_that_goes_on() {
    for stream in [false, true] {
        let world = World::new().await;
        world
            .provider
            .otherwise(|seen| match seen.results().last() {
                Some(result) if seen.ends_with_results() => {
                    Reply::text(format!("told: {}", result.content))
                }
                _ => Reply::tool_calls([FakeCall::new("get_weather", &json!({ "city": "Kiel" }))]),
            });
        let body = json!({ "input": "weather?", "tools": weather(), "stream": stream });
        let answer = world.responses(&body).await;
        let response = if stream {
            let events = data(&answer);
            let names = names(&answer.text()).join(" ");
            assert!(
                names.contains("function_call_arguments.delta response.function_call_arguments"),
                "{names}"
            );
            events.last().unwrap()["response"].clone()
        } else {
            ok(&answer)
        };
        let call = &response["output"][0];
        assert_eq!(call["type"], "function_call", "{response}");
        assert_eq!(call["name"], "get_weather");
        assert_eq!(call["arguments"], r#"{"city":"Kiel"}"#);
        let body = json!({
            "previous_response_id": response["id"], "tools": weather(), "stream": stream,
            "input": [{
                "type": "function_call_output", "call_id": call["call_id"], "output": "rain",
            }],
        });
        let answer = world.responses(&body).await;
        let response = if stream {
            data(&answer).last().unwrap()["response"].clone()
        } else {
            ok(&answer)
        };
        let said = &response["output"][0]["content"][0]["text"];
        assert_eq!(said, "told: rain", "{response}");
        assert_eq!(world.provider.last_request().user_texts(), ["weather?"]);
        assert_eq!(world.sessions("openresponses").await.len(), 1);
        world.provider.assert_clean();
    }
}

#[tokio::test]
async fn a_response_goes_on_from_another_one() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("yes"));
    let first = ok(&world.responses(&json!({ "input": "one" })).await);
    let body = json!({ "input": "two", "previous_response_id": first["id"] });
    let second = ok(&world.responses(&body).await);
    assert_eq!(second["previous_response_id"], first["id"]);
    assert_eq!(world.provider.last_request().user_texts(), ["one", "two"]);
    let body = json!({ "input": "three", "previous_response_id": "resp_unknown" });
    let refused = world.responses(&body).await;
    assert_eq!(refused.status, 400);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "previous_response_not_found", "{error}");
    assert_eq!(error["param"], "previous_response_id");
}

#[tokio::test]
async fn an_answer_that_may_not_be_longer_is_incomplete() {
    let world = World::new().await;
    let cut = || Reply::text("one two").stop(openclaw_testkit::Stop::MaxTokens);
    world.provider.otherwise(move |_| cut());
    let body = json!({ "input": "count", "max_output_tokens": 2 });
    let response = ok(&world.responses(&body).await);
    assert_eq!(response["status"], "incomplete");
    assert_eq!(
        response["incomplete_details"]["reason"],
        "max_output_tokens"
    );
    let body = json!({ "input": "count", "max_output_tokens": 2, "stream": true });
    let events = data(&world.responses(&body).await);
    assert_eq!(events.last().unwrap()["type"], "response.incomplete");
}

#[tokio::test]
async fn a_response_that_breaks_off_has_failed() {
    let world = World::new().await;
    world.provider.otherwise(|_| {
        Reply::text("one two three four").error_event(2, "server_error", "it broke")
    });
    let events = data(
        &world
            .responses(&json!({ "input": "count", "stream": true }))
            .await,
    );
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed", "{last}");
    assert_eq!(last["response"]["error"]["code"], "api_error");
}

//! Clients that vanish, answer what nobody asked, answer twice or come back later, and steps in
//! which the gateway has something to do or to ask itself.

use std::time::Duration;

use openclaw_ipc::Client;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, SeenRequest, TestHome};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::tools::{follow_up, weather};
use super::{World, both, config, data, ok, user};
use crate::OPENCLAW;

const SESSION: &str = "agent:main:openai-user:u1";

/// A world whose owner is asked before a command runs.
async fn asking() -> World {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let rule = json!({ "tool": "exec", "decision": "ask", "because": "commands are asked for" });
    let own = json!({
        "policy": { "rules": [rule] },
        "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
    });
    home.write_own(&own.to_string());
    home.write_config(&config(&provider, &both()).to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    World {
        gateway,
        provider,
        home,
    }
}

/// A model that calls for the weather in these cities beside a command, and ends with what it is
/// told.
fn both_sides(provider: &FakeProvider, cities: &'static [&'static str], command: &'static str) {
    provider.otherwise(move |seen| {
        if seen.ends_with_results() {
            return Reply::text("done");
        }
        let of_city = |city: &&str| FakeCall::new("get_weather", &json!({ "city": city }));
        let exec = FakeCall::new("exec", &json!({ "command": command }));
        let mut calls: Vec<FakeCall> = cities.iter().map(of_city).collect();
        calls.insert(1, exec);
        Reply::tool_calls(calls).with_text("Both.")
    });
}

fn told(seen: &SeenRequest) -> Vec<&str> {
    let results = seen.results().into_iter();
    results.map(|result| result.content.as_str()).collect()
}

fn named(mut body: Value) -> Value {
    body["user"] = "u1".into();
    body
}

fn asks(text: &str) -> Value {
    named(json!({ "messages": user(text), "tools": weather() }))
}

fn streamed(text: &str) -> Value {
    let mut body = asks(text);
    body["stream"] = true.into();
    body
}

/// Returns the tool calls of an answer, in one piece or not.
fn calls_in(answer: &Value) -> Vec<Value> {
    let calls = &answer["choices"][0]["message"]["tool_calls"];
    calls
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .clone()
}

/// Puts the calls of a stream together.
fn streamed_calls(chunks: &[Value]) -> Vec<Value> {
    let mut calls: Vec<Value> = Vec::new();
    let deltas = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array());
    for delta in deltas.flatten() {
        let index = usize::try_from(delta["index"].as_u64().unwrap()).unwrap();
        if index == calls.len() {
            calls.push(delta.clone());
            calls[index].as_object_mut().unwrap().remove("index");
        } else {
            let so_far = calls[index]["function"]["arguments"].as_str().unwrap();
            let more = delta["function"]["arguments"].as_str().unwrap();
            calls[index]["function"]["arguments"] = format!("{so_far}{more}").into();
        }
    }
    calls
}

/// Sends a request for a stream, and reads until a text has come.
async fn begin(world: &World, body: &Value, until: &str) -> TcpStream {
    let body = body.to_string();
    let token = world.gateway.token().expose_secret();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\
         \r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut client = TcpStream::connect(world.gateway.addr()).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(until) {
        let mut some = [0; 4096];
        let n = client.read(&mut some).await.unwrap();
        assert!(n > 0, "{}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&some[..n]);
    }
    client
}

async fn question(client: &mut Client) -> Value {
    loop {
        let heard = client.next_notification().await.unwrap();
        let heard = serde_json::to_value(&heard).unwrap();
        if heard["method"] == "approval.requested" {
            return heard["params"]["approval"].clone();
        }
    }
}

/// Waits until the session has failed runs, that many.
async fn failures(world: &World, count: usize) {
    loop {
        let events = world.events(SESSION).await;
        let failed = events
            .iter()
            .filter(|event| event["data"]["key"] == "run.failed");
        if failed.count() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_client_that_vanishes_in_midstream_leaves_a_session_that_goes_on() {
    let world = World::new().await;
    let call = FakeCall::new("get_weather", &json!({ "city": "Kiel ".repeat(200) }));
    let reply = Reply::tool_calls([call]).with_text("Let me see. Just a moment, please.");
    world.provider.reply(reply.hold_after(3));
    let client = begin(&world, &streamed("weather?"), "\"content\":").await;
    world.provider.wait_for_holds(1).await;
    drop(client);
    world.provider.wait_for_hang_ups(1).await;
    failures(&world, 1).await;
    // Nothing was handed over, so nothing is open.
    world.provider.otherwise(|_| Reply::text("yes"));
    let answer = ok(&world.chat(&asks("still there?")).await);
    assert_eq!(answer["choices"][0]["message"]["content"], "yes");
    assert!(world.provider.last_request().calls().is_empty());
    world.provider.assert_clean();
}

#[tokio::test]
async fn a_client_that_vanishes_with_a_question_open_takes_it_along() {
    let world = asking().await;
    both_sides(&world.provider, &["Kiel"], "touch made");
    let mut owner = world.gateway.client().await;
    let client = begin(&world, &streamed("both"), "Both.").await;
    question(&mut owner).await;
    drop(client);
    failures(&world, 1).await;
    let list = world
        .gateway
        .rpc("approvals.list", json!({}))
        .await
        .unwrap();
    assert_eq!(list["approvals"], json!([]), "{list}");
    assert!(!world.home.workspace().join("made").exists());
    world.provider.otherwise(|_| Reply::text("yes"));
    ok(&world.chat(&asks("still there?")).await);
    let seen = world.provider.last_request();
    assert_eq!(seen.calls().len(), seen.results().len());
    world.provider.assert_clean();
}

#[tokio::test]
async fn a_question_of_the_gateway_s_own_call_is_answered_before_the_client_has_its_call() {
    for (decision, made) in [("allow-once", true), ("deny", false)] {
        let world = asking().await;
        both_sides(&world.provider, &["Kiel"], "touch made");
        let mut owner = world.gateway.client().await;
        let body = streamed("both").to_string();
        let request = world
            .authorized(HttpRequest::post("/v1/chat/completions", body))
            .header("content-type", "application/json");
        let addr = world.gateway.addr();
        let answer = tokio::spawn(async move { request.send(addr).await.unwrap() });
        let id = question(&mut owner).await["id"].clone();
        assert!(!answer.is_finished());
        let params = json!({ "id": id, "decision": decision });
        let decided = world.gateway.rpc("approvals.resolve", params).await;
        decided.unwrap();
        let chunks = data(&answer.await.unwrap());
        let calls = streamed_calls(&chunks);
        assert_eq!(calls.len(), 1, "{calls:?}");
        assert_eq!(world.home.workspace().join("made").exists(), made);
        let answer = ok(&world.chat(&named(follow_up(&calls[0], "rain"))).await);
        assert_eq!(answer["choices"][0]["message"]["content"], "done");
        let seen = world.provider.last_request();
        assert_eq!(told(&seen)[0], "rain");
        assert_eq!(told(&seen).len(), 2);
        world.provider.assert_clean();
    }
}

#[tokio::test]
async fn parallel_calls_beside_the_gateway_s_own_are_all_the_client_s() {
    for stream in [false, true] {
        let world = World::new().await;
        both_sides(&world.provider, &["Kiel", "Rome"], "echo crab > made");
        let calls = if stream {
            streamed_calls(&data(&world.chat(&streamed("both")).await))
        } else {
            calls_in(&ok(&world.chat(&asks("both")).await))
        };
        assert_eq!(calls.len(), 2, "{calls:?}");
        let cities = ["{\"city\":\"Kiel\"}", "{\"city\":\"Rome\"}"];
        for (call, city) in calls.iter().zip(cities) {
            assert_eq!(call["function"]["name"], "get_weather");
            assert_eq!(call["function"]["arguments"], city);
        }
        assert!(world.home.workspace().join("made").exists());
        // In whatever order they come.
        let body = named(json!({ "tools": weather(), "messages": [
            { "role": "user", "content": "both" },
            { "role": "assistant", "content": "Both.", "tool_calls": calls },
            { "role": "tool", "tool_call_id": calls[1]["id"], "content": "sun" },
            { "role": "tool", "tool_call_id": calls[0]["id"], "content": "rain" },
        ] }));
        ok(&world.chat(&body).await);
        let seen = world.provider.last_request();
        assert_eq!(seen.user_texts(), ["both"]);
        let [rain, _, sun] = told(&seen)[..] else {
            panic!("{seen:?}")
        };
        assert_eq!((rain, sun), ("rain", "sun"));
        world.provider.assert_clean();
    }
}

#[tokio::test]
async fn arguments_of_a_megabyte_come_whole() {
    let book = "word \"and\" ".repeat(100_000);
    for stream in [false, true] {
        let (home, provider) = (TestHome::new(), FakeProvider::start());
        let mut config = config(&provider, &both());
        // It has to fit into what the model can see.
        for settings in config["models"]["providers"]
            .as_object_mut()
            .unwrap()
            .values_mut()
        {
            settings["models"][0]["contextWindow"] = 2_000_000.into();
        }
        home.lift_limits();
        home.write_config(&config.to_string());
        let gateway = GatewayProcess::start(&home, OPENCLAW).await;
        let world = World {
            gateway,
            provider,
            home,
        };
        let call = FakeCall::new("get_weather", &json!({ "city": book }));
        let reply = Reply::tool_calls([call]);
        world.provider.reply(reply).reply(Reply::text("read"));
        let calls = if stream {
            streamed_calls(&data(&world.chat(&streamed("read")).await))
        } else {
            calls_in(&ok(&world.chat(&asks("read")).await))
        };
        let arguments = calls[0]["function"]["arguments"].as_str().unwrap();
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        assert_eq!(arguments["city"].as_str().map(str::len), Some(book.len()));
        assert_eq!(arguments["city"], *book);
        let answer = ok(&world.chat(&named(follow_up(&calls[0], "ok"))).await);
        assert_eq!(answer["choices"][0]["message"]["content"], "read");
        let seen = world.provider.last_request();
        assert_eq!(seen.calls()[0].arguments["city"], *book);
        assert_eq!(told(&seen), ["ok"]);
        world.provider.assert_clean();
    }
}

#[tokio::test]
async fn a_result_of_a_call_that_nobody_made_is_read_as_words() {
    let world = World::new().await;
    let call = || Reply::tool_calls([FakeCall::new("get_weather", &json!({ "city": "Kiel" }))]);
    world.provider.reply(call()).reply(Reply::text("hm"));
    let answer = ok(&world.chat(&asks("weather?")).await);
    let mut unknown = calls_in(&answer).remove(0);
    unknown["id"] = "call_of_nobody".into();
    ok(&world.chat(&named(follow_up(&unknown, "rain"))).await);
    let seen = world.provider.last_request();
    assert!(seen.last_user_text().contains("rain"), "{seen:?}");
    assert!(told(&seen)[0].contains("not answered"), "{seen:?}");
    world.provider.assert_clean();
}

#[tokio::test]
async fn a_call_is_answered_once() {
    let world = World::new().await;
    let call = || Reply::tool_calls([FakeCall::new("get_weather", &json!({ "city": "Kiel" }))]);
    world.provider.reply(call()).reply(Reply::text("one"));
    let answer = ok(&world.chat(&asks("weather?")).await);
    let call = calls_in(&answer).remove(0);
    // Two answers in one request: nobody knows which is meant, and the call stays open.
    let mut twice = named(follow_up(&call, "rain"));
    let more = json!({ "role": "tool", "tool_call_id": call["id"], "content": "sun" });
    twice["messages"].as_array_mut().unwrap().push(more);
    let refused = world.chat(&twice).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.json()["error"]["param"], "messages");
    let input = json!({ "input": [
        { "type": "function_call_output", "call_id": call["id"], "output": "rain" },
        { "type": "function_call_output", "call_id": call["id"], "output": "sun" },
    ] });
    let refused = world.responses(&input).await;
    assert_eq!(refused.status, 400, "{}", refused.text());

    ok(&world.chat(&named(follow_up(&call, "rain"))).await);
    let seen = world.provider.last_request();
    assert_eq!(
        (seen.user_texts(), told(&seen)),
        (vec!["weather?"], vec!["rain"])
    );
    // Sent again, it changes nothing of what is on record.
    world.provider.reply(Reply::text("two"));
    ok(&world.chat(&named(follow_up(&call, "sun"))).await);
    let seen = world.provider.last_request();
    assert_eq!(told(&seen), ["rain"]);
    assert!(seen.last_user_text().ends_with("sun"), "{seen:?}");
    world.provider.assert_clean();
}

#[tokio::test]
async fn a_killed_gateway_takes_the_result_of_a_call_that_it_made_before() {
    let mut world = World::new().await;
    let call = Reply::tool_calls([FakeCall::new("get_weather", &json!({ "city": "Kiel" }))]);
    world.provider.reply(call).reply(Reply::text("it rains"));
    let chunks = data(&world.chat(&streamed("weather?")).await);
    let call = streamed_calls(&chunks).remove(0);
    world.gateway.kill9().await;
    world.gateway = GatewayProcess::start(&world.home, OPENCLAW).await;
    let answer = ok(&world.chat(&named(follow_up(&call, "rain"))).await);
    assert_eq!(answer["choices"][0]["message"]["content"], "it rains");
    let seen = world.provider.last_request();
    assert_eq!(
        (seen.user_texts(), told(&seen)),
        (vec!["weather?"], vec!["rain"])
    );
    world.provider.assert_clean();
}

#[tokio::test]
async fn a_call_that_is_open_while_the_session_is_compacted_gets_its_result() {
    let world = World::new().await;
    world.provider.otherwise(|seen| {
        let system = seen.system.as_deref().unwrap_or_default();
        if system.starts_with("You keep the record of a conversation") {
            Reply::text("## Asked for\nThis and that.")
        } else if seen.ends_with_results() {
            Reply::text("it rains")
        } else if seen.last_user_text() == "weather?" {
            Reply::tool_calls([FakeCall::new("get_weather", &json!({ "city": "Kiel" }))])
        } else {
            Reply::text("yes ".repeat(2000))
        }
    });
    for n in 0..12 {
        let text = format!("Message {n}: {}", "and so on ".repeat(1000));
        ok(&world.chat(&asks(&text)).await);
    }
    let answer = ok(&world.chat(&asks("weather?")).await);
    let call = calls_in(&answer).remove(0);
    let params = json!({ "sessionKey": SESSION });
    world.gateway.rpc("session.compact", params).await.unwrap();
    let events = world.events(SESSION).await;
    let is_compacted = |event: &Value| event["data"]["key"] == "context.compacted";
    assert!(events.iter().any(is_compacted), "{events:?}");
    let answer = ok(&world.chat(&named(follow_up(&call, "rain"))).await);
    assert_eq!(answer["choices"][0]["message"]["content"], "it rains");
    assert_eq!(told(&world.provider.last_request()), ["rain"]);
    world.provider.assert_clean();
}

#[tokio::test]
async fn every_call_is_counted_once_however_it_ends() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("yes"));
    for stream in [false, true] {
        let body = json!({ "messages": user("hi"), "stream": stream });
        assert_eq!(world.chat(&body).await.status, 200);
        let body = json!({ "input": "hi", "stream": stream });
        assert_eq!(world.responses(&body).await.status, 200);
    }
    assert_eq!(world.get("/v1/models").await.status, 200);
    assert_eq!(world.chat(&json!({})).await.status, 400);
    assert_eq!(world.get("/v1/models/gpt-5").await.status, 404);
    world
        .provider
        .reply(Reply::text("one two three").hold_after(1));
    let body = json!({ "messages": user("wait"), "stream": true });
    let client = begin(&world, &body, "\"role\"").await;
    world.provider.wait_for_holds(1).await;
    drop(client);
    world.provider.wait_for_hang_ups(1).await;
    let counted = async |outcome: &str| {
        let text = world.get("/metrics").await.text();
        let series = format!(
            "openclaw_gateway_rpc_requests_total{{dialect=\"openai\",outcome=\"{outcome}\"}} "
        );
        let value = text.lines().find_map(|line| line.strip_prefix(&series));
        value.map(str::to_owned)
    };
    while counted("cancelled").await.as_deref() != Some("1") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (outcome, count) in [("ok", "5"), ("invalid", "1"), ("notfound", "1")] {
        assert_eq!(counted(outcome).await.as_deref(), Some(count), "{outcome}");
    }
}

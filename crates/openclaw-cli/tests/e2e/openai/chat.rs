//! `POST /v1/chat/completions` and the list of models.

use std::time::Duration;

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeCall, Reply};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{World, data, ok, user};

#[tokio::test]
async fn a_chat_has_the_form_that_openclaw_gives_it() {
    let world = World::new().await;
    world.provider.reply(Reply::text("hello there"));
    let answer = world
        .chat(&json!({ "model": "openclaw/main", "messages": user("hi") }))
        .await;
    let mut answer = ok(&answer);
    let id = answer["id"].take();
    assert!(id.as_str().unwrap().starts_with("chatcmpl_"), "{id}");
    assert!(answer["created"].take().is_i64());
    assert!(answer["usage"].take()["total_tokens"].is_u64());
    let expected = json!({
        "id": null, "object": "chat.completion", "created": null, "model": "openclaw/main",
        "choices": [{
            "index": 0, "message": { "role": "assistant", "content": "hello there" },
            "finish_reason": "stop",
        }],
        "usage": null,
    });
    assert_eq!(answer, expected);
    assert_eq!(world.provider.last_request().user_texts(), ["hi"]);
    world.provider.assert_clean();
}

#[tokio::test]
async fn a_stream_has_the_chunks_that_openclaw_sends() {
    let world = World::new().await;
    world.provider.reply(Reply::text("one two three four"));
    let body = json!({
        "messages": user("count"), "stream": true, "stream_options": { "include_usage": true },
    });
    let answer = world.chat(&body).await;
    let chunks = data(&answer);
    let ids: Vec<&Value> = chunks.iter().map(|chunk| &chunk["id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let first = &chunks[0];
    assert_eq!(first["object"], "chat.completion.chunk");
    assert_eq!(first["model"], "openclaw");
    let role = json!([{ "index": 0, "delta": { "role": "assistant" }, "finish_reason": null }]);
    assert_eq!(first["choices"], role);
    let said: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(said, "one two three four");
    let (usage, finish) = (&chunks[chunks.len() - 1], &chunks[chunks.len() - 2]);
    let stop = json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]);
    assert_eq!(finish["choices"], stop);
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["prompt_tokens"].is_u64(), "{usage}");
}

#[tokio::test]
async fn the_gateway_s_own_tools_run_and_are_not_shown() {
    let world = World::new().await;
    let command = json!({ "command": "echo crab > made" });
    let call = || Reply::tool_calls([FakeCall::new("exec", &command)]).with_text("Looking.");
    for stream in [false, true] {
        world
            .provider
            .reply(call())
            .reply(Reply::text("It is made."));
        let body = json!({ "messages": user("make it"), "stream": stream });
        let answer = world.chat(&body).await;
        let said = if stream {
            let chunks = data(&answer);
            assert!(!answer.text().contains("tool_calls"), "{}", answer.text());
            let deltas = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]);
            deltas
                .filter_map(|delta| delta["content"].as_str())
                .collect()
        } else {
            let answer = ok(&answer);
            let message = &answer["choices"][0]["message"];
            assert_eq!(message.get("tool_calls"), None);
            message["content"].as_str().unwrap().to_owned()
        };
        assert_eq!(said, "Looking.\n\nIt is made.", "stream: {stream}");
    }
    assert!(world.home.workspace().join("made").exists());
}

#[tokio::test]
async fn a_user_has_a_session_and_nobody_has_a_new_one_each_time() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("yes"));
    for n in 0..2 {
        let body = json!({ "messages": user(&format!("message {n}")), "user": "u1" });
        ok(&world.chat(&body).await);
    }
    assert_eq!(
        world.provider.last_request().user_texts(),
        ["message 0", "message 1"]
    );
    for n in 2..4 {
        ok(&world
            .chat(&json!({ "messages": user(&format!("message {n}")) }))
            .await);
        let seen = world.provider.last_request();
        assert_eq!(seen.user_texts(), [format!("message {n}")]);
    }
    assert_eq!(
        world.sessions("openai-user").await,
        ["agent:main:openai-user:u1"]
    );
    assert_eq!(world.sessions(":openai:").await.len(), 2);
}

#[tokio::test]
async fn the_earlier_messages_are_context_and_instructions_stand_in_the_prompt() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("yes"));
    let body = json!({ "messages": [
        { "role": "system", "content": "Speak like a crab." },
        { "role": "user", "content": "hi" },
        { "role": "assistant", "content": "hello" },
        { "role": "user", "content": [{ "type": "text", "text": "and now?" }] },
    ] });
    ok(&world.chat(&body).await);
    let seen = world.provider.last_request();
    assert_eq!(
        seen.user_texts(),
        [
            "[Chat messages since your last reply - for context]\nUser: hi\nAssistant: hello\n\n\
          [Current message - respond to this]\nUser: and now?"
        ]
    );
    let system = seen.system.clone().unwrap();
    assert!(system.ends_with("Speak like a crab."), "{system}");
}

#[tokio::test]
async fn what_the_model_may_write_and_how_freely_goes_to_its_provider() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("{}"));
    let body = json!({
        "messages": user("hi"), "max_tokens": 77, "temperature": 0.25,
        "response_format": { "type": "json_object" },
    });
    ok(&world.chat(&body).await);
    let seen = world.provider.last_request();
    assert_eq!(seen.body["temperature"], 0.25, "{}", seen.body);
    let most = ["max_tokens", "max_completion_tokens"]
        .iter()
        .find_map(|name| seen.body[*name].as_u64());
    assert_eq!(most, Some(77), "{}", seen.body);
    let system = seen.system.clone().unwrap();
    assert!(system.contains("one JSON object"), "{system}");
}

#[tokio::test]
async fn the_headers_say_which_session_and_model_are_meant() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("yes"));
    let path = "/v1/chat/completions";
    let body = json!({ "messages": user("hi") });
    let with = [("x-openclaw-session-key", "thread-1")];
    ok(&world.post_with(path, &body, &with).await);
    let with = [("x-openclaw-session-key", "agent:main:thread-1")];
    ok(&world.post_with(path, &body, &with).await);
    assert_eq!(world.sessions("thread").await, ["agent:main:thread-1"]);

    let with = [("x-openclaw-model", "another-model")];
    ok(&world.post_with(path, &body, &with).await);
    assert_eq!(world.provider.last_request().model(), "another-model");

    let with = [("x-openclaw-agent-id", "nobody")];
    let refused = world.post_with(path, &body, &with).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    for reserved in ["subagent:1", "agent:main:cron:x", "acp:y"] {
        let with = [("x-openclaw-session-key", reserved)];
        let refused = world.post_with(path, &body, &with).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn the_agents_are_the_models() {
    let world = World::new().await;
    let list = ok(&world.get("/v1/models").await);
    let of = |id: &str| {
        json!({
            "id": id, "object": "model", "created": 0, "owned_by": "openclaw", "permission": [],
        })
    };
    let models = ["openclaw", "openclaw/default", "openclaw/main"].map(of);
    assert_eq!(list, json!({ "object": "list", "data": models }));
    for path in [
        "/v1/models/openclaw%2Fdefault",
        "/v1/models/openclaw/default",
    ] {
        assert_eq!(ok(&world.get(path).await), of("openclaw/default"));
    }
    let unknown = world.get("/v1/models/gpt-5").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json()["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_never_a_short_answer() {
    let world = World::new().await;
    world.provider.otherwise(|_| {
        Reply::text("one two three four").error_event(2, "server_error", "it broke")
    });
    let body = json!({ "messages": user("count") });
    let refused = world.chat(&body).await;
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert_eq!(refused.json()["error"]["type"], "api_error");
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    let body = json!({ "messages": user("count"), "stream": true });
    let chunks = data(&world.chat(&body).await);
    let last = chunks.last().unwrap();
    assert_eq!(last["error"]["type"], "api_error", "{last}");
}

#[tokio::test]
async fn whoever_goes_away_ends_the_run() {
    let world = World::new().await;
    for (n, stream) in [false, true].into_iter().enumerate() {
        world.provider.reply(Reply::text("one two").hold_after(1));
        let body = json!({ "messages": user("wait"), "stream": stream }).to_string();
        let token = world.gateway.token().expose_secret();
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\
             \r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut client = TcpStream::connect(world.gateway.addr()).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        if stream {
            // The beginning of the stream.
            let mut some = [0; 32];
            client.read_exact(&mut some).await.unwrap();
        }
        world.provider.wait_for_holds(n + 1).await;
        drop(client);
        world.provider.wait_for_hang_ups(n + 1).await;
    }
    let failed = |events: &[Value]| {
        events
            .iter()
            .any(|event| event["data"]["key"] == "run.failed")
    };
    for session in world.sessions(":openai:").await {
        while !failed(&world.events(&session).await) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_stream_that_nothing_comes_in_has_a_beginning_all_the_same() {
    let world = World::new().await;
    world.provider.reply(Reply::text("one two").hold_headers());
    let body = json!({ "messages": user("wait"), "stream": true }).to_string();
    let request = world
        .authorized(HttpRequest::post("/v1/chat/completions", body))
        .header("content-type", "application/json");
    let addr = world.gateway.addr();
    let answer = tokio::spawn(async move { request.send(addr).await.unwrap() });
    world.provider.wait_for_holds(1).await;
    world.provider.release();
    let said: String = data(&answer.await.unwrap())
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(said, "one two");
}

//! Requests that are wrong, and routes that are off.

use openclaw_core::access::Scope;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{World, user};
use crate::OPENCLAW;

const ROUTES: [(&str, &str); 4] = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/responses"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/openclaw"),
];

#[tokio::test]
async fn a_route_that_is_off_is_an_unknown_address() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.lift_limits();
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let world = World {
        gateway,
        provider,
        home,
    };
    let without_id = |text: String| {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value["error"]["data"]["id"].take();
        value
    };
    let unknown = world.get("/no/such/place").await;
    for (method, path) in ROUTES {
        for method in [method, "DELETE"] {
            let off = world.send(HttpRequest::new(method, path)).await;
            assert_eq!(off.status, 404, "{method} {path}");
            assert_eq!(without_id(off.text()), without_id(unknown.text()));
        }
    }
    let one = World::with(&json!({ "responses": { "enabled": true } })).await;
    let body = json!({ "messages": user("hi") });
    assert_eq!(one.chat(&body).await.status, 404);
    assert_eq!(one.get("/v1/models").await.status, 200);
}

#[tokio::test]
async fn a_route_turns_on_and_off_with_the_config() {
    let world = World::with(&json!({})).await;
    let is_on = async |status: u16| {
        while world.get("/v1/models").await.status != status {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    is_on(404).await;
    let config = super::config(&world.provider, &super::both());
    world.home.write_config(&config.to_string());
    is_on(200).await;
}

#[tokio::test]
async fn strangers_are_refused_in_openai_s_words() {
    let world = World::new().await;
    for (method, path) in ROUTES {
        for authorization in [None, Some("Bearer wrong-0123456789")] {
            let mut request = HttpRequest::new(method, path);
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            let refused = request.send(world.gateway.addr()).await.unwrap();
            assert_eq!(refused.status, 401, "{path}");
            assert!(refused.header("www-authenticate").is_some());
            let error = &refused.json()["error"];
            assert_eq!(error["code"], "invalid_api_key", "{error}");
            assert_eq!(error["type"], "invalid_request_error");
        }
    }
}

#[tokio::test]
async fn a_token_may_do_what_its_scopes_say() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("yes"));
    let token = async |scope: Scope| {
        let params = json!({ "name": "test", "scopes": [scope] });
        let made = world.gateway.rpc("tokens.create", params).await.unwrap();
        made["accessToken"].as_str().unwrap().to_owned()
    };
    let (reader, writer) = (token(Scope::Read).await, token(Scope::Write).await);
    let ask = async |token: &str, headers: &[(&str, &str)]| {
        let body = json!({ "messages": user("hi") }).to_string();
        let mut request = HttpRequest::post("/v1/chat/completions", body)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send(world.gateway.addr()).await.unwrap()
    };
    let refused = ask(&reader, &[]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["error"]["type"], "forbidden");
    assert_eq!(ask(&writer, &[]).await.status, 200);
    let refused = ask(&writer, &[("x-openclaw-model", "other")]).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

#[tokio::test]
async fn a_method_that_a_route_does_not_take_is_named() {
    let world = World::new().await;
    for (takes, path) in ROUTES {
        let other = if takes == "GET" { "POST" } else { "GET" };
        let refused = world.send(HttpRequest::new(other, path)).await;
        assert_eq!(refused.status, 405, "{path}");
        assert_eq!(refused.header("allow"), Some(takes));
        assert_eq!(refused.json()["error"]["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let world = World::new().await;
    let nested = format!("{}{}", "[".repeat(40), "]".repeat(40));
    let nested: Value = serde_json::from_str(&nested).unwrap();
    let hi = || user("hi");
    for (body, param) in [
        (json!({}), Some("messages")),
        (json!({ "messages": [] }), Some("messages")),
        (json!({ "messages": "hi" }), Some("messages")),
        (json!({ "messages": user("  ") }), Some("messages")),
        (
            json!({ "messages": [{ "content": "hi" }] }),
            Some("messages[0]"),
        ),
        (
            json!({ "messages": [{ "role": "king", "content": "hi" }] }),
            Some("messages[0].role"),
        ),
        (
            json!({ "messages": [{ "role": "user", "content": 5 }] }),
            Some("messages[0].content"),
        ),
        (json!({ "messages": hi(), "model": "gpt-5" }), Some("model")),
        (
            json!({ "messages": hi(), "model": "openclaw/nobody" }),
            Some("model"),
        ),
        (json!({ "messages": hi(), "model": 5 }), Some("model")),
        (json!({ "messages": hi(), "n": 2 }), Some("n")),
        (
            json!({ "messages": hi(), "temperature": 3 }),
            Some("temperature"),
        ),
        (
            json!({ "messages": hi(), "max_tokens": -1 }),
            Some("max_tokens"),
        ),
        (json!({ "messages": hi(), "stream": "yes" }), Some("stream")),
        (
            json!({ "messages": hi(), "tools": [{ "type": "web_search" }] }),
            Some("tools[0]"),
        ),
        (
            json!({ "messages": hi(), "tools": [{ "type": "function", "function": { "name": "exec" } }] }),
            Some("tools[0]"),
        ),
        (json!({ "messages": hi(), "metadata": nested }), None),
    ] {
        let refused = world.chat(&body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
        let error = &refused.json()["error"];
        assert_eq!(error["type"], "invalid_request_error", "{body}");
        assert_eq!(error["param"].as_str(), param, "{body}: {error}");
    }
    for (body, param) in [
        (json!({}), "input"),
        (json!({ "input": [] }), "messages"),
        (json!({ "input": 5 }), "input"),
        (json!({ "input": "hi", "background": true }), "background"),
        (
            json!({ "input": "hi", "tools": [{ "type": "web_search" }] }),
            "tools[0]",
        ),
        (
            json!({ "input": [{ "type": "computer_call" }] }),
            "input[0].type",
        ),
    ] {
        let refused = world.responses(&body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text());
        let param = if param == "messages" { "input" } else { param };
        assert_eq!(refused.json()["error"]["param"], param, "{body}");
    }
    assert!(world.provider.requests().is_empty());
}

#[tokio::test]
async fn a_body_that_is_none_is_refused() {
    let world = World::new().await;
    let post = async |body: Vec<u8>, kind: &str| {
        let request = HttpRequest::post("/v1/chat/completions", body).header("content-type", kind);
        world.send(request).await
    };
    for body in ["", "{", "hi", "[]", "\"hi\"", "null"] {
        let refused = post(body.into(), "application/json").await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.json()["error"]["type"], "invalid_request_error");
    }
    let body = json!({ "messages": user("hi") }).to_string();
    let refused = post(body.into(), "text/plain").await;
    assert_eq!(refused.status, 415);
    assert!(refused.json()["error"]["message"].is_string());
    // One that is too large is refused before a byte of it is there.
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 30000000\r\n\r\n",
        world.gateway.token().expose_secret(),
    );
    let mut stream = TcpStream::connect(world.gateway.addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut refused = String::new();
    while !refused.ends_with("}}") {
        refused.push(char::from(stream.read_u8().await.unwrap()));
    }
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    assert!(
        refused.contains("\"code\":\"request_too_large\""),
        "{refused}"
    );
    let long = json!({ "messages": user(&"x".repeat(200_000)) });
    let refused = world.chat(&long).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(world.provider.requests().is_empty());
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.otherwise(|_| Reply::text("yes"));
    home.write_own(&json!({ "rateLimit": { "requestsPerMinute": 2 } }).to_string());
    home.write_config(&super::config(&provider, &super::both()).to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let world = World {
        gateway,
        provider,
        home,
    };
    let body = json!({ "messages": user("hi") });
    let mut last = world.chat(&body).await;
    for _ in 0..5 {
        last = world.chat(&body).await;
    }
    assert_eq!(last.status, 429, "{}", last.text());
    assert!(last.header("retry-after").is_some());
    assert_eq!(last.json()["error"]["type"], "rate_limit_error");
}

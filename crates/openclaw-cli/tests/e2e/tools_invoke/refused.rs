//! Requests of which nothing comes, and what is told of them.

use openclaw_core::access::Scope;
use openclaw_testkit::GatewayProcess;
use openclaw_testkit::TestHome;
use openclaw_testkit::http::HttpRequest;
use serde_json::json;

use super::{World, refusal};
use crate::OPENCLAW;

#[tokio::test]
async fn what_cannot_be_meant_is_refused_in_openclaw_s_form() {
    let world = World::new().await;
    for (body, status, sort) in [
        (json!({}), 400, "invalid_request"),
        (json!({ "tool": "  " }), 400, "invalid_request"),
        (json!({ "tool": 5 }), 400, "invalid_request"),
        (json!([]), 400, "invalid_request"),
        (json!({ "tool": "ls", "args": [] }), 400, "invalid_request"),
        (
            json!({ "tool": "ls", "agentId": "nobody" }),
            400,
            "invalid_request",
        ),
        (
            json!({ "tool": "ls", "sessionKey": "a b" }),
            400,
            "invalid_request",
        ),
        (
            json!({ "tool": "ls", "sessionKey": "agent:_system:audit" }),
            400,
            "invalid_request",
        ),
        (json!({ "tool": "no_such_tool" }), 404, "not_found"),
        (json!({ "tool": "read", "args": {} }), 400, "tool_error"),
        (
            json!({ "tool": "read", "args": { "path": "a", "other": 1 } }),
            400,
            "tool_error",
        ),
        (
            json!({ "tool": "read", "args": { "path": "not-there.txt" } }),
            500,
            "tool_error",
        ),
    ] {
        let answer = world.invoke(body.clone()).await;
        let (is, named, message) = refusal(&answer);
        assert_eq!((is, named.as_str()), (status, sort), "{body}: {message}");
        assert!(!message.is_empty(), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_request_for_a_tool_is_refused_too() {
    let world = World::new().await;
    let token = world.gateway.token().expose_secret();
    let authorized = |request: HttpRequest| {
        let bearer = format!("Bearer {token}");
        request.header("authorization", bearer)
    };
    let get = world
        .send(authorized(HttpRequest::get("/tools/invoke")))
        .await;
    assert_eq!(refusal(&get).0, 405);
    assert_eq!(get.header("allow"), Some("POST"));

    let body = r#"{"tool": "ls"}"#;
    let untyped = authorized(HttpRequest::post("/tools/invoke", body));
    assert_eq!(refusal(&world.send(untyped).await).0, 415);
    let json = |body: Vec<u8>| {
        HttpRequest::post("/tools/invoke", body).header("content-type", "application/json")
    };
    let broken = authorized(json(b"{\"tool\": ".to_vec()));
    assert_eq!(refusal(&world.send(broken).await).0, 400);
    let large = authorized(json(vec![b' '; 2 * 1024 * 1024 + 1]));
    assert_eq!(refusal(&world.send(large).await).0, 413);
    let deep = format!("{{\"args\": {}{}}}", "[".repeat(64), "]".repeat(64));
    let deep = authorized(json(deep.into_bytes()));
    assert_eq!(refusal(&world.send(deep).await).0, 400);

    let stranger = world.send(json(body.into())).await;
    assert_eq!(refusal(&stranger).0, 401);
    assert!(stranger.header("www-authenticate").is_some());
    let wrong = json(body.into()).header("authorization", "Bearer wrong-0123456789-wrong");
    assert_eq!(refusal(&world.send(wrong).await).0, 401);
    let reader = world.token(Scope::Read).await;
    let answer = world.invoke_as(&reader, &json!({ "tool": "ls" })).await;
    assert_eq!(refusal(&answer).0, 403);
}

#[tokio::test]
async fn calls_are_limited_like_all_others() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let call = HttpRequest::post("/tools/invoke", r#"{"tool": "no_such_tool"}"#)
        .header("content-type", "application/json")
        .header(
            "authorization",
            format!("Bearer {}", gateway.token().expose_secret()),
        );
    let mut last = None;
    for _ in 0..=60 {
        last = Some(call.send(gateway.addr()).await.unwrap());
    }
    let last = last.unwrap();
    let (status, sort, _) = refusal(&last);
    assert_eq!((status, sort.as_str()), (429, "rate_limited"));
    assert!(last.header("retry-after").is_some());
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_call() {
    let world = World::with(
        json!({ "gateway": { "tools": { "allow": ["exec"] } } }),
        json!({}),
    )
    .await;
    // Nothing but the end of the command would end the call.
    let body =
        json!({ "tool": "exec", "args": { "command": "touch begun; sleep 600; touch made" } });
    let call = {
        let body = body.clone();
        let (addr, token) = (
            world.gateway.addr(),
            world.gateway.token().expose_secret().to_owned(),
        );
        tokio::spawn(async move {
            let request = HttpRequest::post("/tools/invoke", body.to_string())
                .header("content-type", "application/json")
                .header("authorization", format!("Bearer {token}"));
            drop(request.send(addr).await);
        })
    };
    while !world.has("begun") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    call.abort();
    loop {
        let events = world.events(super::MAIN).await;
        if let Some(result) = events.iter().find(|event| event["kind"] == "ToolResult") {
            assert_eq!(result["data"]["success"], false, "{result}");
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!world.has("made"));
}

//! Vectors of texts: made by a provider that has such models, counted like every call, and refused
//! in OpenAI's form where nobody can make them.

use openclaw_core::access::Scope;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeProvider, GatewayProcess, TestHome, WebPage, WebServer, WireFormat};
use serde_json::{Value, json};

use super::{World, both, ok};
use crate::OPENCLAW;

const PATH: &str = "/v1/embeddings";

/// A gateway beside a server that makes two vectors, whatever it is asked for.
async fn world(search: Value) -> (World, WebServer) {
    let (home, provider, server) = (TestHome::new(), FakeProvider::start(), WebServer::start());
    let vectors = json!({
        "object": "list",
        "data": [
            { "object": "embedding", "index": 1, "embedding": [2.0, -2.5] },
            { "object": "embedding", "index": 0, "embedding": [1.0, 0.5] },
        ],
        "usage": { "prompt_tokens": 1000, "total_tokens": 1000 },
    });
    server.page("/v1/embeddings", WebPage::json(&vectors));
    let mut config = super::config(&provider, &both());
    config["models"]["providers"]["vectors"] = json!({
        "baseUrl": server.url("/v1"), "api": "openai-completions", "apiKey": "key-of-the-vectors-0123",
        "models": [{
            "id": "small", "name": "small", "cost": { "input": 2.0, "output": 0, "cacheRead": 0, "cacheWrite": 0 },
        }],
    });
    config["memory"]["search"] = search;
    home.lift_limits();
    home.write_config(&config.to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let world = World {
        gateway,
        provider,
        home,
    };
    (world, server)
}

fn two() -> Value {
    json!({ "model": "openclaw", "input": ["alpha", "beta"] })
}

#[tokio::test]
async fn vectors_come_in_the_order_of_their_texts_and_are_counted() {
    let (world, _server) = world(json!({ "provider": "vectors", "model": "small" })).await;
    let answer = ok(&world.post(PATH, &two()).await);
    let expected = json!({
        "object": "list", "model": "openclaw",
        "data": [
            { "object": "embedding", "index": 0, "embedding": [1.0, 0.5] },
            { "object": "embedding", "index": 1, "embedding": [2.0, -2.5] },
        ],
        "usage": { "prompt_tokens": 1000, "total_tokens": 1000 },
    });
    assert_eq!(answer, expected);
    let mut body = two();
    body["encoding_format"] = "base64".into();
    let answer = ok(&world.post(PATH, &body).await);
    assert_eq!(answer["data"][0]["embedding"], "AACAPwAAAD8=");

    // Neither texts nor vectors are on record, and what they took is.
    let events = world.events("agent:main:embeddings").await;
    assert_eq!(events.len(), 5, "{events:?}");
    let call = &events[2]["payload"]["calls"][0];
    assert_eq!(call["usage"]["input"], 1000);
    assert_eq!(call["cost"], 2_000_000);
    assert!(!format!("{events:?}").contains("alpha"));
    let usage = world.home.command(OPENCLAW).args(["usage", "--json"]);
    let usage = usage.run().await.assert_code(0).stdout;
    assert!(usage.contains("small"), "{usage}");
}

#[tokio::test]
async fn another_model_is_named_by_the_header_by_whoever_may_do_everything() {
    let (world, _server) = world(json!({})).await;
    let by_header = [("x-openclaw-model", "vectors/small")];
    ok(&world.post_with(PATH, &two(), &by_header).await);
    let params = json!({ "name": "test", "scopes": [Scope::Write] });
    let made = world.gateway.rpc("tokens.create", params).await.unwrap();
    let token = made["accessToken"].as_str().unwrap();
    let request = HttpRequest::post(PATH, two().to_string())
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .header("x-openclaw-model", "vectors/small");
    let refused = request.send(world.gateway.addr()).await.unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
}

#[tokio::test]
async fn where_nobody_makes_vectors_that_is_said_in_openai_s_form() {
    let (world, _server) = world(json!({ "provider": "vectors" })).await;
    for (headers, code) in [
        // Nothing says which model.
        (&[][..], "embeddings_unavailable"),
        (
            &[("x-openclaw-model", "nobody/none")],
            "embeddings_unavailable",
        ),
    ] {
        let answer = world.post_with(PATH, &two(), headers).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        let error = &answer.json()["error"];
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["code"], code, "{error}");
    }
    for body in [
        json!({ "input": "a" }),
        json!({ "model": "gpt-5", "input": "a" }),
        json!({ "model": "openclaw" }),
        json!({ "model": "openclaw", "input": [1, 2] }),
        json!({ "model": "openclaw", "input": [] }),
        json!({ "model": "openclaw", "input": "x".repeat(8193) }),
        json!({ "model": "openclaw", "input": "a", "encoding_format": "hex" }),
        json!({ "model": "openclaw", "input": "a", "dimensions": 0 }),
    ] {
        let answer = world.post(PATH, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_provider_that_speaks_another_api_makes_none() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let mut config = TestHome::config_for(&provider, WireFormat::Anthropic);
    config["gateway"]["http"]["endpoints"] = both();
    config["memory"]["search"] = json!({ "provider": "fake", "model": "fake-model" });
    home.write_config(&config.to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let world = World {
        gateway,
        provider,
        home,
    };
    let answer = world.post(PATH, &two()).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "embeddings_unavailable");
}

#[tokio::test]
async fn a_cap_goes_for_vectors_too() {
    let (world, server) = world(json!({ "provider": "vectors", "model": "small" })).await;
    let own = json!({
        "budget": { "day": { "usd": 0.000_001 } },
        "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
    });
    world.home.write_own(&own.to_string());
    let world = world.again().await;
    let answer = world.post(PATH, &two()).await;
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_address_is_an_unknown_one_until_a_route_is_on() {
    let world = World::with(&json!({})).await;
    assert_eq!(world.post(PATH, &two()).await.status, 404);
}

//! The lists of models of Google and Ollama, and what only their requests have.

use std::sync::Arc;

use openclaw_core::ApiKey;
use openclaw_http::Timeouts;
use openclaw_providers::{
    Effort, Message, Provider, ProviderConfig, ProviderError, Reason, Request, UserBlock, build,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::Server;

fn provider(api: &str, base_url: String) -> Arc<dyn Provider> {
    let config = ProviderConfig {
        base_url: Some(base_url),
        api_key: Some(Arc::new(ApiKey::new("sk-listed".into()))),
        timeouts: Timeouts::default(),
        params: json!({"keep_alive": "10m"}).as_object().cloned().unwrap(),
        ..ProviderConfig::new("mine")
    };
    build(api, config).unwrap()
}

fn question() -> Request {
    Request {
        model: "some-model".into(),
        messages: vec![Message::User(vec![UserBlock::Text("Hi.".into())])],
        effort: Some(Effort::High),
        ..Request::default()
    }
}

#[tokio::test]
async fn every_page_of_google_is_asked_for_with_the_key_in_a_header() {
    let server = Server::start([
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
         {\"models\": [{\"name\": \"models/gemini-a\", \"inputTokenLimit\": 10}], \"nextPageToken\": \"b+c\"}",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
         {\"models\": [{\"name\": \"models/gemini-b\", \"outputTokenLimit\": 5}]}",
    ]);
    let provider = provider("google-generative-ai", server.url("/v1beta"));
    let models = provider.models(CancellationToken::new()).await.unwrap();
    let told = models
        .iter()
        .map(|model| (model.id.as_str(), model.context_window, model.max_tokens));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [("gemini-a", Some(10), None), ("gemini-b", None, Some(5))]
    );
    let requests = server.requests();
    for (request, line) in requests.iter().zip([
        "GET /v1beta/models?pageSize=1000 HTTP/1.1",
        "GET /v1beta/models?pageSize=1000&pageToken=b%2Bc HTTP/1.1",
    ]) {
        assert_eq!(request.lines().next(), Some(line));
        assert!(request.contains("x-goog-api-key: sk-listed"), "{request}");
    }
}

#[tokio::test]
async fn pages_that_go_round_in_a_circle_are_left() {
    for (api, page) in [
        (
            "anthropic-messages",
            "{\"data\": [{\"id\": \"a\", \"max_tokens\": -1}], \"has_more\": true, \"last_id\": \"a\"}",
        ),
        (
            "google-generative-ai",
            "{\"models\": [{\"name\": \"models/a\", \"inputTokenLimit\": -1}], \"nextPageToken\": \"a\"}",
        ),
    ] {
        let answer: &str = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{page}").leak();
        let server = Server::start([answer, answer, answer]);
        let provider = provider(api, server.url("/v1"));
        let models = provider.models(CancellationToken::new()).await.unwrap();
        assert_eq!(models[0].context_window, None);
        assert_eq!(server.requests().len(), 2, "{api}");
    }
}

#[tokio::test]
async fn ollama_is_asked_about_each_of_its_models() {
    let server = Server::start([
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"models\": [{\"model\": \"a\"}]}",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
         {\"capabilities\": [\"completion\", \"tools\"], \"model_info\": {\"x.context_length\": 4096}}",
    ]);
    let provider = provider("ollama", server.url("/v1"));
    let models = provider.models(CancellationToken::new()).await.unwrap();
    let told = models
        .iter()
        .map(|model| (model.id.as_str(), model.context_window, model.tools));
    assert_eq!(told.collect::<Vec<_>>(), [("a", Some(4096), Some(true))]);
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /api/tags "), "{requests:?}");
    assert!(requests[1].starts_with("POST /api/show "), "{requests:?}");
}

#[tokio::test]
async fn a_model_that_ollama_tells_nothing_about_is_listed_all_the_same() {
    let server = Server::start([
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"models\": [{\"name\": \"a\"}]}",
        "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n404 page not found",
    ]);
    let provider = provider("ollama", server.url(""));
    let models = provider.models(CancellationToken::new()).await.unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!(models[0].context_window, None);
}

#[tokio::test]
async fn a_model_that_cannot_be_told_to_think_is_asked_again_without() {
    let server = Server::start([
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n\
         {\"error\": \"\\\"some-model\\\" does not support thinking\"}",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
         {\"message\": {\"content\": \"Hi.\"}, \"done\": true, \"done_reason\": \"stop\"}\n",
    ]);
    let provider = provider("ollama", server.url(""));
    let answer = provider.complete(question(), CancellationToken::new());
    answer.await.unwrap();
    let requests = server.requests();
    assert!(requests[0].contains("\"think\":\"high\""), "{requests:?}");
    assert!(!requests[1].contains("\"think\""), "{requests:?}");
    for request in requests {
        assert!(request.contains("\"keep_alive\":\"10m\""), "{request}");
        assert!(
            request.contains("authorization: Bearer sk-listed"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_model_that_cannot_call_tools_is_told_with_what_to_do() {
    let server = Server::start(["HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n\
         {\"error\": \"registry.ollama.ai/library/gemma:2b does not support tools\"}"]);
    let provider = provider("ollama", server.url(""));
    let asked = provider.stream(question(), CancellationToken::new()).await;
    let error = asked.err().unwrap();
    assert_eq!(error.hint().unwrap(), "choose a model that can call tools");
    let ProviderError::Status { reason, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(reason, Reason::NoTools);
}

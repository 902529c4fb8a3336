//! The lists of models of Google and Ollama, and what only their requests have.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use openclaw_core::{ApiKey, Kind};
use openclaw_http::Timeouts;
use openclaw_providers::{
    Effort, Message, Provider, ProviderConfig, ProviderError, Reason, Request, UserBlock, build,
};
use parking_lot::Mutex;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

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

#[tokio::test]
async fn an_entry_that_makes_no_sense_does_not_take_the_others_with_it() {
    let odd = "{\"id\": 5, \"name\": 5, \"model\": 5}, null, \"a\", []";
    for (api, page) in [
        (
            "anthropic-messages",
            format!("{{\"data\": [{odd}, {{\"id\": \"b\"}}]}}"),
        ),
        (
            "openai-completions",
            format!("{{\"data\": [{odd}, {{\"id\": \"b\"}}]}}"),
        ),
        ("openai-completions", format!("[{{\"id\": \"b\"}}, {odd}]")),
        (
            "google-generative-ai",
            format!("{{\"models\": [{odd}, {{\"name\": \"models/b\"}}]}}"),
        ),
        (
            "ollama",
            format!("{{\"models\": [{odd}, {{\"name\": \"b\"}}]}}"),
        ),
    ] {
        let answer: &str = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{page}").leak();
        let server = Server::start([answer, answer]);
        let provider = provider(api, server.url("/v1"));
        let models = provider.models(CancellationToken::new()).await.unwrap();
        let ids = models.iter().map(|model| model.id.as_str());
        assert_eq!(ids.collect::<Vec<_>>(), ["b"], "{api}: {page}");
    }
}

#[tokio::test]
async fn a_models_name_that_leads_out_of_its_path_is_neither_listed_nor_asked_for() {
    let listed = "{\"models\": [{\"name\": \"models/../../admin\"}, {\"name\": \"/etc\"}, \
                  {\"name\": \"models/./a\"}, {\"name\": \"models/b\"}]}";
    let answer: &str = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{listed}").leak();
    let server = Server::start([answer]);
    let google = provider("google-generative-ai", server.url("/v1beta"));
    let models = google.models(CancellationToken::new()).await.unwrap();
    let ids = models.iter().map(|model| model.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["b"]);
    let azure = "/openai/deployments?api-version=2025-04-01-preview";
    for (api, path, model) in [
        ("google-generative-ai", "/v1beta", "../../admin"),
        ("google-generative-ai", "/v1beta", "models/../admin"),
        ("google-generative-ai", "/v1beta", "/admin"),
        ("azure-openai-completions", azure, ".."),
        ("azure-openai-responses", azure, "."),
    ] {
        let provider = provider(api, server.url(path));
        let request = Request {
            model: model.into(),
            ..question()
        };
        let asked = provider.stream(request, CancellationToken::new()).await;
        let error = asked.err().unwrap();
        assert!(
            matches!(&error, ProviderError::ModelName { model: named, .. } if named == model),
            "{error:?}"
        );
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.hint().unwrap().contains("openclaw models scan"));
    }
    assert_eq!(server.requests().len(), 1);
}

/// Writes down what is told of the warnings of this thread.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<String>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock();
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| {
            write!(text, "{field}={value:?} ").unwrap();
        });
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[tokio::test]
async fn what_is_left_out_of_a_list_and_where_it_is_cut_is_told() {
    for (api, entries) in [
        ("anthropic-messages", "data"),
        ("google-generative-ai", "models"),
    ] {
        let warnings = Warnings::default();
        let _told = tracing::subscriber::set_default(warnings.clone());
        let pages: [&'static str; 25] = std::array::from_fn(|n| -> &'static str {
            format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{{\"{entries}\": [5, null], \
                 \"has_more\": true, \"last_id\": \"{n}\", \"nextPageToken\": \"{n}\"}}"
            )
            .leak()
        });
        let server = Server::start(pages);
        let provider = provider(api, server.url("/v1"));
        assert_eq!(provider.models(CancellationToken::new()).await.unwrap(), []);
        assert_eq!(server.requests().len(), 20);
        let told = warnings.0.lock().clone();
        assert!(told.contains("left_out=2"), "{told}");
        assert!(told.contains("asked=20"), "{told}");
    }
}

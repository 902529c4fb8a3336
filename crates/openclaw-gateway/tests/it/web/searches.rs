//! `web_search`: what engines are asked, and what becomes of their answers.

use std::sync::Arc;

use openclaw_core::ApiKey;
use openclaw_core::provenance::Source;
use openclaw_gateway::agents::tools::{SearchEngine, Searching, WebSearchTool};
use openclaw_testkit::{WebPage, WebServer};
use serde_json::json;

use super::Site;

const KEY: &str = "brave-hunter2-key";

fn brave(server: &WebServer) -> SearchEngine {
    SearchEngine::Brave {
        key: Arc::new(ApiKey::new(KEY.to_owned())),
        base: Some(server.url("").parse().unwrap()),
    }
}

fn searxng(server: &WebServer) -> SearchEngine {
    SearchEngine::Searxng {
        base: server.url("/searx/").parse().unwrap(),
        categories: None,
        language: Some("de".to_owned()),
    }
}

fn site(engines: Vec<SearchEngine>) -> Site {
    Site::with(WebSearchTool::new(engines, Searching::default()))
}

#[tokio::test]
async fn brave_gets_its_key_in_the_header_and_its_results_are_marked() {
    let server = WebServer::start();
    let hits = [
        ("One", "https://a.example/1", "first <strong>text</strong>"),
        ("Bad", "javascript:alert(1)", "no"),
        ("Two", "https://b.example/2", "second &amp; last"),
    ];
    server.page("/res/v1/web/search", WebPage::brave(&hits));
    let site = site(vec![brave(&server)]);
    let params = json!({ "query": "what & why", "count": 3, "country": "DE", "freshness": "week" });
    let output = site.call("web_search", params.clone()).await;
    let result = output.result.to_string();
    assert!(output.success, "{result}");
    for part in [
        "1. One",
        "2. Two",
        "first text",
        "second & last",
        "2026-05-01T10:00:00",
    ] {
        assert!(result.contains(part), "{part}: {result}");
    }
    assert!(
        !result.contains("javascript") && !result.contains(KEY),
        "{result}"
    );
    let request = &server.requests()[0];
    assert!(
        request.starts_with(
            "GET /res/v1/web/search?q=what+%26+why&count=3&text_decorations=false&country=DE&freshness=pw "
        ),
        "{request}"
    );
    assert!(
        request.contains(&format!("x-subscription-token: {KEY}")),
        "{request}"
    );
    let marks = site.recorded(&output).await.payload.unwrap().marks;
    let hosts: Vec<Source> = marks.into_iter().map(|mark| mark.source).collect();
    let host = |host: &str| Source::Web {
        host: host.to_owned(),
    };
    assert_eq!(hosts, [host("a.example"), host("b.example")]);

    site.call("web_search", params).await;
    assert_eq!(
        server.requests().len(),
        1,
        "the same search is kept for a while"
    );
}

#[tokio::test]
async fn an_engine_that_fails_is_followed_by_the_next_and_no_error_has_the_key() {
    let server = WebServer::start();
    let quoting = WebPage::json(&json!({ "error": format!("bad key {KEY}") })).status(401);
    server.page("/res/v1/web/search", quoting);
    let only = site(vec![brave(&server)]);
    let output = only.call("web_search", json!({ "query": "tides" })).await;
    let said = output.result.as_str().unwrap();
    assert!(
        !output.success && said.contains("401") && !said.contains(KEY),
        "{said}"
    );

    let hit = ("Tides", "https://a.example/", "text");
    server.page("/searx/search", WebPage::searxng(&[hit]));
    let both = site(vec![brave(&server), searxng(&server)]);
    let output = both
        .call(
            "web_search",
            json!({ "query": "tides", "freshness": "day" }),
        )
        .await;
    assert_eq!(output.result["provider"], json!("searxng"));
    let last = server.requests().pop().unwrap();
    let asked =
        "GET /searx/search?q=tides&format=json&categories=general&language=de&time_range=day ";
    assert!(last.starts_with(asked), "{last}");
}

#[tokio::test]
async fn what_is_no_search_or_no_answer_is_said_so() {
    let server = WebServer::start();
    let site = site(vec![searxng(&server)]);
    server.page("/searx/search", WebPage::html("a page instead"));
    for (params, part) in [
        (
            json!({ "query": "tides" }),
            "did not answer as its API is documented",
        ),
        (json!({ "query": "  " }), "1 to 400 characters"),
        (json!({ "query": "a", "country": "D E&x=y" }), "short code"),
        (
            json!({ "query": "a", "date_after": "2026-01-01" }),
            "or neither",
        ),
        (
            json!({ "query": "a", "date_after": "1", "date_before": "2" }),
            "YYYY-MM-DD",
        ),
    ] {
        let output = site.call("web_search", params).await;
        let said = output.result.to_string();
        assert!(!output.success && said.contains(part), "{said}");
    }
}

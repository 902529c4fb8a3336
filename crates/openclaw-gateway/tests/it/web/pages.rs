//! `web_fetch`: pages, bad pages, and what is on record of them.

use std::time::Duration;

use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_gateway::agents::tools::{Reading, WebFetchTool};
use openclaw_http::fetch::{Bounds, Fetcher, Lists, Names, Policy};
use openclaw_testkit::{WebPage, WebServer};
use serde_json::{Value, json};

use super::Site;

fn site(server: &WebServer, bounds: Bounds) -> Site {
    let private = [server.addr().to_string()];
    let lists = Lists {
        private: &private,
        ..Lists::default()
    };
    let policy = Policy::parse_named(&lists, Names::WEB).unwrap();
    let fetcher = Fetcher::new(policy).with_bounds(bounds);
    Site::with(WebFetchTool::new(fetcher, Reading::default()))
}

/// Returns the words between the two lines that say whose they are.
fn words(result: &Value) -> String {
    let text = result["text"].as_str().unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(
        first.starts_with("<<<EXTERNAL_UNTRUSTED_CONTENT "),
        "{text}"
    );
    let (words, _) = rest.trim_end().rsplit_once('\n').unwrap();
    words.to_owned()
}

#[tokio::test]
async fn a_page_is_read_part_by_part_and_marked() {
    let server = WebServer::start();
    let body = format!(
        "<title>T</title><main><p>{}</p></main>",
        "abcdefghi ".repeat(1000)
    );
    server.page("/", WebPage::redirect("/page"));
    server.page("/page", WebPage::html(body));
    let site = site(&server, Bounds::default());
    let url = server.url("/");
    let first = site.fetch(json!({ "url": url, "maxChars": 4000 })).await;
    assert!(first.success);
    let result = &first.result;
    assert_eq!(result["finalUrl"], json!(server.url("/page")));
    assert_eq!(
        (
            &result["title"],
            &result["truncated"],
            &result["nextOffset"],
            &result["rawLength"]
        ),
        (&json!("T"), &json!(true), &json!(4000), &json!(9999))
    );
    let mut whole = words(result);
    let mut next = result["nextOffset"].as_u64();
    while let Some(offset) = next {
        let part = site
            .fetch(json!({ "url": url, "maxChars": 4000, "offset": offset }))
            .await;
        assert_eq!(part.result["cached"], json!(true));
        whole.push_str(&words(&part.result));
        next = part.result["nextOffset"].as_u64();
    }
    assert_eq!(whole, "abcdefghi ".repeat(1000).trim_end());
    assert_eq!(
        server.requests().len(),
        2,
        "the parts come from what was kept"
    );

    let marks = site.recorded(&first).await.payload.unwrap().marks;
    let source = Source::Web {
        host: "127.0.0.1".to_owned(),
    };
    let trust = Trust::Untrusted;
    assert_eq!(marks, [Mark { source, trust }]);
}

#[tokio::test]
async fn addresses_that_lead_inside_are_refused_in_words_for_the_model() {
    let server = WebServer::start();
    server.page(
        "/in",
        WebPage::redirect("http://169.254.169.254/latest/meta-data/?hunter2"),
    );
    let site = site(&server, Bounds::default());
    for url in [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:1/",
        "http://user:hunter2@example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_hunter2",
        server.url("/in").as_str(),
    ] {
        let output = site.fetch(json!({ "url": url })).await;
        assert!(!output.success, "{url}");
        let said = output.result.as_str().unwrap();
        assert!(
            !said.is_empty() && !said.contains("hunter2"),
            "{url}: {said}"
        );
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn no_page_is_too_bad_to_be_told_about() {
    let server = WebServer::start();
    let nested = format!("{}{}", "<div>".repeat(100_000), "words ".repeat(1_700_000));
    server.page("/nested", WebPage::html(nested));
    server.page(
        "/bomb",
        WebPage::html(vec![b' '; 64 * 1024 * 1024]).gzipped(),
    );
    server.page("/endless", WebPage::endless("words ".repeat(1000)));
    server.page(
        "/latin",
        WebPage::of("text/html; charset=iso-8859-1", b"Gr\xfc\xdfe".to_vec()),
    );
    server.page("/pdf", WebPage::of("application/pdf", b"%PDF-1.7".to_vec()));
    server.page("/gone", WebPage::html("it is gone").status(410));
    let bounds = Bounds {
        bytes: 10_000_000,
        ..Bounds::default()
    };
    let site = site(&server, bounds);
    for (path, success, part) in [
        ("/nested", true, "words words"),
        ("/bomb", true, "EXTERNAL"),
        ("/endless", true, "words words"),
        ("/latin", true, "Grüße"),
        ("/pdf", true, "application/pdf, 8 bytes"),
        ("/gone", false, "it is gone"),
    ] {
        let output = site.fetch(json!({ "url": server.url(path) })).await;
        let text = output.result["text"].as_str().unwrap();
        assert_eq!(output.success, success, "{path}: {text}");
        assert!(text.contains(part), "{path}: {text}");
        assert!(text.len() < 21_000, "{path}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let server = WebServer::start();
    server.page("/", WebPage::silent());
    let bounds = Bounds {
        time: Duration::from_millis(300),
        ..Bounds::default()
    };
    let output = site(&server, bounds)
        .fetch(json!({ "url": server.url("/?hunter2") }))
        .await;
    let said = output.result.as_str().unwrap();
    assert!(
        said.contains("did not finish within 300ms") && !said.contains("hunter2"),
        "{said}"
    );
}

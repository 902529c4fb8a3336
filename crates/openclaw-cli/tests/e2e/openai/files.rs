//! Pictures and files of requests.

use openclaw_testkit::{Reply, WebPage, WebServer};
use serde_json::{Value, json};

use super::{World, both, ok};

/// A picture of one point.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test]
async fn a_picture_and_a_file_go_to_the_model() {
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("seen"));
    let picture = format!("data:image/png;base64,{PNG}");
    let body = json!({ "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "look" },
        { "type": "image_url", "image_url": { "url": picture } },
    ] }] });
    ok(&world.chat(&body).await);
    let session = world.sessions(":openai:").await.remove(0);
    let events = world.events(&session).await;
    let attached = &events[1]["data"]["attachments"][0];
    assert_eq!(attached["mime"], "image/png", "{attached}");

    let body = json!({ "input": [{ "role": "user", "content": [
        { "type": "input_text", "text": "read" },
        { "type": "input_file", "source": {
            "type": "base64", "media_type": "application/json", "data": "eyJhIjoxfQ==",
            "filename": "a.json",
        } },
    ] }] });
    ok(&world.responses(&body).await);
    let seen = world.provider.last_request();
    let said = seen.body.to_string();
    assert!(
        said.contains(r#"[attached file a.json]\n{\"a\":1}"#),
        "{said}"
    );
}

#[tokio::test]
async fn an_address_is_asked_only_where_it_may_be() {
    let site = WebServer::start();
    site.page(
        "/a.txt",
        WebPage::of("text/plain; charset=utf-8", "from the web"),
    );
    let url = site.url("/a.txt");
    let file = |url: &str| {
        json!({ "input": [{ "role": "user", "content": [
            { "type": "input_file", "source": { "type": "url", "url": url } },
        ] }] })
    };
    // This machine is nothing that a stranger's address leads to.
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("read"));
    let refused = world.responses(&file(&url)).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.json()["error"]["param"], "input[0].content[0]");
    let body = json!({ "messages": [{ "role": "user", "content": [
        { "type": "image_url", "image_url": "https://example.com/a.png" },
    ] }] });
    let refused = world.chat(&body).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("base64"), "{}", refused.text());
    let nine: Vec<Value> = (0..9)
        .map(|_| json!({ "type": "input_image", "image_url": "https://example.com/a.png" }))
        .collect();
    let body = json!({ "input": [{ "role": "user", "content": nine }] });
    let refused = world.responses(&body).await;
    assert!(
        refused.text().contains("Too many URL"),
        "{}",
        refused.text()
    );

    let mut shut = both();
    shut["responses"]["files"] = json!({ "allowUrl": false });
    let world = World::with(&shut).await;
    let refused = world.responses(&file(&url)).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("base64"), "{}", refused.text());
}

#[tokio::test]
async fn a_file_that_is_none_is_refused() {
    let world = World::new().await;
    for content in [
        json!({ "type": "image_url", "image_url": "data:image/png;base64,%%%" }),
        json!({ "type": "image_url", "image_url": "data:image/png;base64," }),
        json!({ "type": "image_url", "image_url": "data:image/bmp;base64,AAAA" }),
        json!({ "type": "image_url", "image_url": format!("data:image/gif;base64,{PNG}") }),
        json!({ "type": "image_url" }),
        json!({ "type": "input_audio", "input_audio": { "data": "AA", "format": "wav" } }),
        json!({ "type": "file", "file": { "file_id": "file-1" } }),
    ] {
        let body = json!({ "messages": [{ "role": "user", "content": [content] }] });
        let refused = world.chat(&body).await;
        assert_eq!(refused.status, 400, "{content}: {}", refused.text());
    }
    assert!(world.provider.requests().is_empty());
}

#[tokio::test]
async fn an_address_that_the_owner_lets_in_is_read() {
    let site = WebServer::start();
    site.page(
        "/a.txt",
        WebPage::of("text/plain; charset=utf-8", "from the web"),
    );
    site.page("/moved", WebPage::redirect("/a.txt"));
    site.page("/page", WebPage::of("application/zip", "PK"));
    let world = World::new().await;
    world.provider.otherwise(|_| Reply::text("read"));
    let host = site.url("").trim_start_matches("http://").to_owned();
    let own = json!({
        "web": { "private": [host] },
        "rateLimit": { "requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000 },
    });
    world.home.write_own(&own.to_string());
    let world = world.again().await;
    let file = |path: &str| {
        json!({ "input": [{ "role": "user", "content": [
            { "type": "input_file", "file_url": site.url(path), "filename": "a.txt" },
        ] }] })
    };
    for path in ["/a.txt", "/moved"] {
        ok(&world.responses(&file(path)).await);
        let said = world.provider.last_request().body.to_string();
        assert!(
            said.contains(r"[attached file a.txt]\nfrom the web"),
            "{said}"
        );
    }
    for path in ["/page", "/nothing"] {
        let refused = world.responses(&file(path)).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
}

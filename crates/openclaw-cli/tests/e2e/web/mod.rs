//! The web as an agent meets it: a page, a search and another session, through the binary.

mod doors;

use openclaw_testkit::fake_provider::FakeCall;
use openclaw_testkit::{FakeProvider, Reply, TestHome, WebPage, WebServer, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// A home whose agent may read this server, and search by it.
fn home(provider: &FakeProvider, server: &WebServer) -> TestHome {
    let home = TestHome::new();
    let mut config = TestHome::config_for(provider, WireFormat::Anthropic);
    config["plugins"] = json!({ "entries": { "searxng": {
        "config": { "webSearch": { "baseUrl": server.url("") } },
    } } });
    home.write_config(&config.to_string());
    let own = json!({ "web": { "private": [server.addr().to_string()] } });
    home.write_own(&own.to_string());
    home
}

async fn say(home: &TestHome, message: &str) -> String {
    let ran = home.command(OPENCLAW).args(["agent", "--message", message]);
    ran.run().await.assert_code(0).stdout
}

/// Returns what the model got for its last call.
fn result(provider: &FakeProvider) -> String {
    let request = provider.last_request();
    request.results().last().unwrap().content.clone()
}

#[tokio::test]
async fn an_agent_searches_and_reads_and_what_it_reads_is_marked_as_strangers_words() {
    let (provider, server) = (FakeProvider::start(), WebServer::start());
    let home = home(&provider, &server);
    let page = "<title>Tides</title><main><p>The tide comes at noon.</p></main>";
    server.page("/tides", WebPage::html(page));
    server.page(
        "/search",
        WebPage::searxng(&[(
            "Tides &amp; times",
            &server.url("/tides"),
            "When <b>tides</b> come",
        )]),
    );

    provider.reply(Reply::tool_calls([FakeCall::new(
        "web_search",
        &json!({ "query": "tides" }),
    )]));
    provider.reply(Reply::text("found"));
    say(&home, "when is the tide?").await;
    let found = result(&provider);
    for part in [
        "provider: searxng",
        "1. Tides & times",
        "/tides",
        "When tides come",
        "UNTRUSTED",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    let asked = &server.requests()[0];
    assert!(
        asked.starts_with("GET /search?q=tides&format=json&categories=general "),
        "{asked}"
    );

    let url = server.url("/tides");
    provider.reply(Reply::tool_calls([FakeCall::new(
        "web_fetch",
        &json!({ "url": url }),
    )]));
    provider.reply(Reply::text("at noon"));
    say(&home, &format!("read {url}")).await;
    let read = result(&provider);
    for part in [
        "title: Tides",
        "status: 200",
        "The tide comes at noon.",
        "UNTRUSTED",
    ] {
        assert!(read.contains(part), "{part}: {read}");
    }

    // Nothing else on this machine is within reach.
    let other = WebServer::start();
    provider.reply(Reply::tool_calls([FakeCall::new(
        "web_fetch",
        &json!({ "url": other.url("/") }),
    )]));
    provider.reply(Reply::text("no"));
    say(&home, &format!("read {}", other.url("/"))).await;
    let refused = result(&provider);
    assert!(
        refused.contains("127.0.0.1 is") && refused.contains("web.private"),
        "{refused}"
    );
    assert!(other.requests().is_empty());

    // The log knows whose words they are.
    let args = ["sessions", "export", "agent:main:main"];
    let log = home.command(OPENCLAW).args(args).run().await;
    let log = log.assert_code(0).json_lines();
    let text = |line: &&Value| line["data"]["result"].to_string();
    for words in ["When tides come", "The tide comes at noon."] {
        let result = log.iter().find(|line| text(line).contains(words)).unwrap();
        let web = json!([{ "from": "web", "host": "127.0.0.1", "trust": "untrusted" }]);
        assert_eq!(result["payload"]["marks"], web, "{result}");
    }
    provider.assert_clean();
}

#[tokio::test]
async fn an_agent_finds_its_sessions_and_sends_nothing_where_there_is_no_channel() {
    let (provider, server) = (FakeProvider::start(), WebServer::start());
    let home = home(&provider, &server);
    provider.reply(Reply::tool_calls([
        FakeCall::new("sessions_list", &json!({})),
        FakeCall::new("sessions_history", &json!({ "sessionKey": "current" })),
        FakeCall::new(
            "sessions_history",
            &json!({ "sessionKey": "agent:other:main" }),
        ),
        FakeCall::new(
            "sessions_send",
            &json!({ "sessionKey": "main", "message": "hello" }),
        ),
        FakeCall::new(
            "message",
            &json!({ "action": "send", "channel": "telegram", "to": "4711", "text": "hi" }),
        ),
    ]));
    provider.reply(Reply::text("done"));
    say(&home, "remember the tide").await;
    let request = provider.last_request();
    let results: Vec<&str> = request
        .results()
        .iter()
        .map(|result| result.content.as_str())
        .collect();
    assert!(results[0].contains("agent:main:main"), "{results:?}");
    assert!(results[1].contains("remember the tide"), "{results:?}");
    assert!(
        results[2].contains("there is no session `agent:other:main`"),
        "{results:?}"
    );
    assert!(results[3].contains("this very conversation"), "{results:?}");
    assert!(results[4].contains("no channel `telegram`"), "{results:?}");
    provider.assert_clean();
}

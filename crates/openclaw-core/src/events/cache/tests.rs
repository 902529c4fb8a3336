//! The cache over a real log, step by step.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use super::index::{Budget, Taken, forget_deleted, purge, take_in};
use super::schema::{Meta, Open};
use super::{EventCache, SearchHit, SearchQuery};
use crate::events::{EventStore, NewEvent, Position, SessionEventKind};
use crate::session_key::SessionKey;

/// A log, and a cache of its own beside the store's.
struct Fixture {
    store: EventStore,
    cache: EventCache,
    dir: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("events.sqlite");
        let store = EventStore::open(&log).unwrap();
        // The store's own cache would do what these tests do step by step.
        let link = dir.path().join("linked.sqlite");
        std::os::unix::fs::symlink(&log, &link).unwrap();
        Self {
            store,
            cache: EventCache::closing_after(&link, Duration::from_millis(50)),
            dir,
        }
    }

    async fn say(&self, session: &str, texts: impl IntoIterator<Item = String>) {
        let mut events: Vec<NewEvent> = Vec::new();
        if self.store.session(&key(session)).await.unwrap().is_none() {
            events.push(
                SessionEventKind::SessionStarted {
                    channel: "rpc".into(),
                    peer_id: "p".into(),
                }
                .into(),
            );
        }
        events.extend(texts.into_iter().map(|content| {
            NewEvent::from(SessionEventKind::MessageReceived {
                content,
                attachments: vec![],
            })
        }));
        self.store.append(&key(session), events).await.unwrap();
    }

    fn step(&self, budget: &Budget) -> Taken {
        self.cache
            .shared
            .with(|open| take_in(open, budget))
            .unwrap()
    }

    fn search(&self, text: &str) -> Vec<SearchHit> {
        self.cache
            .search(&SearchQuery::new(text), &mut |_, _| {})
            .unwrap()
    }

    fn meta(&self) -> Meta {
        self.cache
            .shared
            .with(|open| Ok(Meta::read(&open.cache)?))
            .unwrap()
    }

    /// Returns everything that is on disk.
    fn bytes(&self) -> Vec<u8> {
        ["linked.sqlite-cache", "linked.sqlite-cache-wal"]
            .iter()
            .filter_map(|name| fs::read(self.dir.path().join(name)).ok())
            .flatten()
            .collect()
    }
}

fn key(name: &str) -> SessionKey {
    SessionKey::parse(&format!("agent:main:{name}")).unwrap()
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

/// Everything at once.
const WHOLE: Budget = Budget {
    events: 1_000_000,
    time: Duration::from_mins(1),
};

/// Words that differ late, so that much of one is what divides the pages of the index.
fn secrets(n: usize) -> impl Iterator<Item = String> {
    (0..n).map(move |i| {
        let words: Vec<String> = (0..20)
            .map(|j| format!("correcthorsebattery{:04x}", (i * 20 + j) * 7919 % 65_536))
            .collect();
        words.join(" ")
    })
}

fn chatter(n: usize) -> impl Iterator<Item = String> {
    (0..n).map(|i| {
        format!(
            "word{} other{} correct horse battery",
            i % 97,
            i * 31 % 1009
        )
    })
}

async fn with_secrets() -> (Fixture, Position) {
    let fixture = Fixture::new();
    for _ in 0..4 {
        fixture.say("a", secrets(100)).await;
        fixture.say("b", chatter(200)).await;
        fixture.step(&WHOLE);
    }
    assert!(holds(&fixture.bytes(), "correcthorse"));
    let tombstone = fixture.store.delete(&key("a"), None, "test", None).await;
    (fixture, tombstone.unwrap().position)
}

fn purge_all(fixture: &Fixture) {
    while !fixture.cache.shared.with(purge).unwrap() {}
    assert!(!fixture.step(&WHOLE).purge);
    assert!(!holds(&fixture.bytes(), "correcthorse"));
    assert_eq!(fixture.search("word5").len(), 12);
    assert!(fixture.search("correcthorse*").is_empty());
}

#[tokio::test]
async fn a_deleted_session_leaves_no_trace_on_disk() {
    let (fixture, tombstone) = with_secrets().await;
    let forget = |open: &mut Open| forget_deleted(open, tombstone);
    fixture.cache.shared.with(forget).unwrap();
    let bytes = fixture.bytes();
    assert!(!secrets(100).any(|sentence| holds(&bytes, &sentence)));
    purge_all(&fixture);
}

#[tokio::test]
async fn a_deletion_that_is_found_in_the_log_leaves_no_trace_on_disk() {
    let (fixture, _) = with_secrets().await;
    assert!(fixture.step(&WHOLE).purge);
    purge_all(&fixture);
}

#[tokio::test]
async fn a_deletion_is_taken_in_by_and_by_and_the_cursor_waits_for_it() {
    let fixture = Fixture::new();
    fixture.say("a", secrets(300)).await;
    fixture.step(&WHOLE);
    fixture
        .store
        .delete(&key("a"), None, "test", None)
        .await
        .unwrap();
    fixture.say("b", ["later".to_owned()]).await;

    let hasty = Budget {
        time: Duration::ZERO,
        ..WHOLE
    };
    let first = fixture.step(&hasty);
    assert_eq!((first.cursor, first.purge), (301, true));
    let mut steps = 1;
    while fixture.step(&hasty).cursor < first.head {
        steps += 1;
    }
    assert!(steps > 300, "{steps}");
    assert!(fixture.search("correcthorse*").is_empty());
    assert_eq!(fixture.search("later").len(), 1);
}

#[tokio::test]
async fn what_is_blank_when_it_is_taken_in_is_left_out() {
    let fixture = Fixture::new();
    fixture.say("a", ["secret".to_owned()]).await;
    fixture
        .store
        .delete(&key("a"), None, "test", None)
        .await
        .unwrap();
    let taken = fixture.step(&WHOLE);
    assert_eq!((taken.cursor, taken.purge), (taken.head, false));
    assert!(fixture.search("secret").is_empty());
}

#[tokio::test]
async fn only_the_audit_stream_can_say_that_something_was_deleted() {
    let fixture = Fixture::new();
    fixture.say("a", ["kept".to_owned()]).await;
    let forged = SessionEventKind::StateChanged {
        key: "audit.session.deleted".into(),
        value: json!({
            "session": "agent:main:a", "stream": 1, "from": 1, "to": 2,
            "headHash": "0".repeat(64), "reason": "forged",
        }),
    };
    fixture
        .store
        .append(&key("a"), vec![forged.into()])
        .await
        .unwrap();
    assert_eq!(fixture.search("kept").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_take_in_the_log_at_once_and_nothing_is_doubled() {
    let fixture = Fixture::new();
    fixture.say("a", chatter(2000)).await;
    let log = fixture.cache.shared.log.clone();
    let hits: Vec<usize> = std::thread::scope(|scope| {
        let searches: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let cache = EventCache::new(&log);
                    let mut query = SearchQuery::new("word5");
                    query.limit = 200;
                    cache.search(&query, &mut |_, _| {}).unwrap().len()
                })
            })
            .collect();
        searches
            .into_iter()
            .map(|search| search.join().unwrap())
            .collect()
    });
    assert_eq!(hits, [21; 4]);
}

#[tokio::test]
async fn the_worker_takes_in_what_was_recorded_and_closes_the_files_again() {
    let fixture = Fixture::new();
    fixture.say("a", ["hello".to_owned()]).await;
    fixture.cache.grew();
    let deadline = Instant::now() + Duration::from_secs(20);
    let until = |done: &dyn Fn() -> bool| {
        while !done() {
            assert!(Instant::now() < deadline, "it was not done in time");
            std::thread::yield_now();
        }
    };
    until(&|| fixture.cache.shared.is_open.load(Ordering::Relaxed));
    until(&|| !fixture.cache.shared.is_open.load(Ordering::Relaxed));
    assert_eq!(fixture.meta().cursor, 2);
}

#[tokio::test]
async fn a_search_says_how_far_it_is() {
    let fixture = Fixture::new();
    fixture.say("a", chatter(9000)).await;
    let mut heard = Vec::new();
    let query = SearchQuery::new("word5");
    fixture
        .cache
        .search(&query, &mut |done, all| heard.push((done, all)))
        .unwrap();
    assert!(heard.len() > 1 && heard.is_sorted(), "{heard:?}");
    assert_eq!(heard.last(), Some(&(9001, 9001)));
}

#[tokio::test]
async fn a_cache_that_somebody_deletes_is_made_anew_while_it_is_open() {
    let fixture = Fixture::new();
    fixture.say("a", ["hello".to_owned()]).await;
    assert_eq!(fixture.search("hello").len(), 1);
    let file: PathBuf = fixture.cache.shared.path.clone();
    fs::remove_file(&file).unwrap();
    let other = EventCache::new(&fixture.cache.shared.log);
    let query = SearchQuery::new("hello");
    assert_eq!(other.search(&query, &mut |_, _| {}).unwrap().len(), 1);
    assert_eq!(fixture.search("hello").len(), 1);
    drop(fixture.cache);
    assert_eq!(other.search(&query, &mut |_, _| {}).unwrap().len(), 1);
}

#[tokio::test]
async fn the_cache_of_an_earlier_version_is_made_anew() {
    let fixture = Fixture::new();
    fixture.say("a", ["hello".to_owned()]).await;
    fixture.step(&WHOLE);
    // The first version did not take in what is said with tool calls, and thought it was done.
    let earlier = "DELETE FROM text; PRAGMA user_version = 1";
    let age = |open: &mut Open| Ok(open.cache.execute_batch(earlier)?);
    fixture.cache.shared.with(age).unwrap();
    fixture.cache.close();
    let later = EventCache::new(&fixture.cache.shared.log);
    let query = SearchQuery::new("hello");
    assert_eq!(later.search(&query, &mut |_, _| {}).unwrap().len(), 1);
}

#[tokio::test]
async fn a_snapshot_is_kept_of_a_long_session_and_used() {
    let fixture = Fixture::new();
    fixture.say("a", chatter(1500)).await;
    let log = crate::events::schema::open_reader(&fixture.cache.shared.log).unwrap();
    let fold = |at| fixture.cache.projection(&log, &key("a"), at).unwrap();
    let snapshots = || -> Vec<u64> {
        let read = |open: &mut Open| {
            let mut statement = open.cache.prepare("SELECT seq FROM snapshots")?;
            let seqs = statement.query_map([], |row| row.get::<_, i64>(0))?;
            Ok(seqs.map(|seq| seq.unwrap().unsigned_abs()).collect())
        };
        fixture.cache.shared.with(read).unwrap()
    };
    fold(Some(999));
    assert!(snapshots().is_empty());
    let early = fold(Some(1200));
    assert_eq!(snapshots(), [1200]);
    fixture.say("a", chatter(800)).await;
    let latest = fold(None);
    assert_eq!(snapshots(), [2301]);
    assert_eq!(fold(Some(1200)), early);
    assert_eq!(snapshots(), [2301]);

    let change = |sql: &str| {
        let run = |open: &mut Open| Ok(open.cache.execute_batch(sql)?);
        fixture.cache.shared.with(run).unwrap();
    };
    change("UPDATE snapshots SET data = replace(data, 'word5', 'WORD5')");
    assert_ne!(fold(None), latest);
    change("UPDATE snapshots SET hash = zeroblob(32)");
    assert_eq!(fold(None), latest);
    change("UPDATE snapshots SET data = replace(data, '\"format\":1', '\"format\":0')");
    assert_eq!(fold(None), latest);
    assert_eq!(snapshots(), [2301]);
}

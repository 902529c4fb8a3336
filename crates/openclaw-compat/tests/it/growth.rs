//! Taking again: what was added, what went on on both sides, what was deleted.

use std::fs;

use openclaw_compat::Action;
use openclaw_core::events::{Change, NewEvent};
use openclaw_core::{RunId, SessionEventKind, SessionKey};
use serde_json::Value;

use crate::fixture::{Log, Written};
use crate::versions::{V2, V3};

const STORE: &str = r#"{"agent:main:main": {"sessionId": "s"}}"#;

fn more(id: &str, parent: &str) -> String {
    format!(
        "{{\"type\":\"message\",\"id\":\"{id}\",\"parentId\":\"{parent}\",\"timestamp\":\"2026-07-01T00:00:00.000Z\",\"message\":{{\"role\":\"user\",\"content\":\"{id}\"}}}}\n"
    )
}

fn key() -> SessionKey {
    SessionKey::parse("agent:main:main").unwrap()
}

async fn go_on(log: &Log) {
    let message = SessionEventKind::MessageReceived {
        content: "said here".into(),
        attachments: vec![],
    };
    log.store
        .append(&key(), vec![message.into()])
        .await
        .unwrap();
}

fn actions(report: &openclaw_compat::SessionsReport) -> Vec<(String, Action, u64)> {
    report
        .sessions
        .iter()
        .map(|taken| {
            (
                taken.session_key.to_string(),
                taken.action,
                taken.counts.entries,
            )
        })
        .collect()
}

#[tokio::test]
async fn what_was_added_there_is_appended_here() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    log.take(home.path()).await;
    let grown = format!(
        "{V2}{}{{\"type\":\"compaction\",\"id\":\"k\",\"parentId\":\"n1\",\"timestamp\":\"2026-07-01T00:00:01.000Z\",\"summary\":\"short\",\"firstKeptEntryId\":\"a5\",\"tokensBefore\":9}}\n",
        more("n1", "b2")
    );
    home.session("s.jsonl", &grown);
    let report = log.take(home.path()).await;
    assert_eq!(
        actions(&report),
        [("agent:main:main".into(), Action::Grown, 2)]
    );
    let raws = log.raws("agent:main:main").await;
    assert_eq!(raws.join("\n") + "\n", grown);
    let events = log.events("agent:main:main").await;
    let compacted = events
        .iter()
        .find_map(|event| match Change::of(event) {
            Some(Change::ContextCompacted { first_kept, .. }) => Some(first_kept),
            _ => None,
        })
        .unwrap();
    let kept = events.iter().find(|event| event.seq == compacted).unwrap();
    assert!(kept.raw.as_ref().unwrap().get().contains("\"id\":\"a5\""));
    assert_eq!(log.take(home.path()).await.changed(), 0);
    // And once more, on top of what was appended.
    home.session("s.jsonl", format!("{grown}{}", more("n2", "k")));
    assert_eq!(
        actions(&log.take(home.path()).await),
        [("agent:main:main".into(), Action::Grown, 1)]
    );
    assert_eq!(log.take(home.path()).await.changed(), 0);
}

#[tokio::test]
async fn what_went_on_on_both_sides_is_taken_under_a_key_of_its_own() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    log.take(home.path()).await;
    go_on(&log).await;
    assert_eq!(log.take(home.path()).await.changed(), 0);
    home.session("s.jsonl", format!("{V2}{}", more("n1", "b2")));
    let report = log.take(home.path()).await;
    let entries = u64::try_from(V2.lines().count()).unwrap() + 1;
    assert_eq!(
        actions(&report),
        [(
            "agent:main:main:openclaw:s".into(),
            Action::Diverged,
            entries
        )]
    );
    assert_eq!(log.take(home.path()).await.changed(), 0);
    // The copy has not gone on here, so it grows.
    home.session(
        "s.jsonl",
        format!("{V2}{}{}", more("n1", "b2"), more("n2", "n1")),
    );
    assert_eq!(
        actions(&log.take(home.path()).await),
        [("agent:main:main:openclaw:s".into(), Action::Grown, 1)]
    );
}

#[tokio::test]
async fn a_conversation_that_goes_back_before_what_is_here_is_another() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    log.take(home.path()).await;
    home.session("s.jsonl", format!("{V2}{}", more("n1", "a1")));
    let report = log.take(home.path()).await;
    assert_eq!(report.sessions[0].action, Action::Diverged);
}

#[tokio::test]
async fn a_session_that_began_here_keeps_its_key() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    let start = SessionEventKind::SessionStarted {
        channel: "cli".into(),
        peer_id: "local".into(),
    };
    log.store.append(&key(), vec![start.into()]).await.unwrap();
    let report = log.take(home.path()).await;
    assert_eq!(
        report.sessions[0].session_key.as_str(),
        "agent:main:main:openclaw:s"
    );
    assert_eq!(log.take(home.path()).await.changed(), 0);
}

#[tokio::test]
async fn after_a_reset_there_the_session_moves_on_and_the_old_file_is_known() {
    let home = Written::new();
    let old = home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    log.take(home.path()).await;
    let aside = format!("{}.reset.2026-07-01T00-00-00.000Z", old.display());
    fs::rename(&old, aside).unwrap();
    home.session("t.jsonl", V3);
    home.session(
        "sessions.json",
        r#"{"agent:main:main": {"sessionId": "t"}}"#,
    );
    let report = log.take(home.path()).await;
    let entries = u64::try_from(V3.lines().count()).unwrap();
    let mut found = actions(&report);
    found.sort_by_key(|(_, action, _)| *action == Action::Same);
    assert_eq!(
        found[0],
        ("agent:main:main".into(), Action::Followed, entries)
    );
    assert_eq!(found[1].1, Action::Same);
    assert_eq!(log.take(home.path()).await.changed(), 0);
    let out = log.beside("out");
    openclaw_compat::export::write(&log.store, &[key()], &out)
        .await
        .unwrap();
    let written = |name: &str| fs::read_to_string(out.join("agents/main/sessions").join(name));
    assert_eq!(written("s.jsonl").unwrap(), V2);
    assert_eq!(written("t.jsonl").unwrap(), V3);
}

#[tokio::test]
async fn what_was_deleted_here_does_not_come_back() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    log.take(home.path()).await;
    log.store.delete(&key(), None, "test", None).await.unwrap();
    let report = log.take(home.path()).await;
    assert_eq!(report.sessions, []);
    assert!(
        report.left[0].why.contains("deleted here"),
        "{:?}",
        report.left
    );
}

/// A turn of our own in a session.
async fn turn(log: &Log, key: &SessionKey) {
    let run = RunId::from("r");
    let answer = SessionEventKind::AgentResponse {
        content: "said here too".into(),
        model: "m-1".into(),
        tokens: 3,
    };
    let message = SessionEventKind::MessageReceived {
        content: "said here".into(),
        attachments: vec![],
    };
    let events = [message, answer].map(|kind| NewEvent::from(kind).in_run(&run, None));
    log.store.append(key, events.to_vec()).await.unwrap();
}

#[tokio::test]
async fn what_went_back_out_and_went_on_there_comes_in_again() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    log.take(home.path()).await;
    let own = SessionKey::parse("agent:main:telegram:direct:42").unwrap();
    let start = SessionEventKind::SessionStarted {
        channel: "telegram".into(),
        peer_id: "42".into(),
    };
    log.store.append(&own, vec![start.into()]).await.unwrap();
    for key in [&key(), &own] {
        turn(&log, key).await;
    }
    let out = log.beside("out");
    let keys = [key(), own.clone()];
    openclaw_compat::export::write(&log.store, &keys, &out)
        .await
        .unwrap();
    let report = log.take(&out).await;
    assert_eq!((report.changed(), report.sessions.len()), (0, 2));

    let mut grown = Vec::new();
    for taken in &report.sessions {
        let file = out.join(&taken.file);
        let text = fs::read_to_string(&file).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let text = format!("{text}{}", more("n1", last["id"].as_str().unwrap()));
        fs::write(&file, &text).unwrap();
        grown.push((file, text));
    }
    let report = log.take(&out).await;
    for taken in &report.sessions {
        assert_eq!((taken.action, taken.counts.entries), (Action::Grown, 1));
    }
    assert_eq!(log.take(&out).await.changed(), 0);
    // And out once more: the same files, with what was added there.
    fs::remove_dir_all(&out).unwrap();
    openclaw_compat::export::write(&log.store, &keys, &out)
        .await
        .unwrap();
    for (file, text) in grown {
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }
}

#[tokio::test]
async fn takings_at_the_same_time_take_each_session_once() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("t.jsonl", V3);
    home.session("sessions.json", STORE);
    let log = Log::new();
    let others = [1, 2].map(|_| openclaw_core::EventStore::open(log.store.path()).unwrap());
    let found = openclaw_compat::Home::open(home.path());
    let take = |store| openclaw_compat::migrate(&found, store, openclaw_compat::Mode::Take);
    let (a, b, c) = tokio::join!(
        take(Some(&log.store)),
        take(others.first()),
        take(others.last())
    );
    let reports = [a.unwrap(), b.unwrap(), c.unwrap()];
    let changed: usize = reports
        .iter()
        .map(openclaw_compat::SessionsReport::changed)
        .sum();
    assert_eq!(changed, 2);
    assert!(reports.iter().all(|report| report.left.is_empty()));
    assert_eq!(
        log.keys().await,
        ["agent:main:main", "agent:main:recovered:t"]
    );
}

#[tokio::test]
async fn a_session_that_is_taken_in_meanwhile_keeps_its_key() {
    let home = Written::new();
    for n in 0..12 {
        home.session(
            &format!("s{n}.jsonl"),
            V2.replace("\"id\":\"s\"", &format!("\"id\":\"s{n}\"")),
        );
    }
    let log = Log::new();
    let gateway = openclaw_core::EventStore::open(log.store.path()).unwrap();
    let found = openclaw_compat::Home::open(home.path());
    let adopt = async {
        for one in found.found().iter().rev() {
            let read = found.read(one);
            openclaw_compat::take_one(&gateway, &found, one, &read)
                .await
                .unwrap();
        }
    };
    let all = openclaw_compat::migrate(&found, Some(&log.store), openclaw_compat::Mode::Take);
    let (report, ()) = tokio::join!(all, adopt);
    assert_eq!(report.unwrap().left, []);
    let keys = log.keys().await;
    assert_eq!(keys.len(), 12, "{keys:?}");
}

#[tokio::test]
async fn another_key_than_its_own_is_told() {
    let home = Written::new();
    home.session("s.jsonl", V2);
    home.session("sessions.json", STORE);
    let log = Log::new();
    let start = SessionEventKind::SessionStarted {
        channel: "cli".into(),
        peer_id: "local".into(),
    };
    log.store.append(&key(), vec![start.into()]).await.unwrap();
    for _ in 0..2 {
        let report = log.take(home.path()).await;
        assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
        assert!(
            report.notes[0]
                .why
                .ends_with("`agent:main:main`: taken under `agent:main:main:openclaw:s`"),
            "{:?}",
            report.notes
        );
    }
}

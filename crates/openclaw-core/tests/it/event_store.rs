//! The event store over real files: order, durability, leases, and files that are not ours.

use openclaw_core::events::{NewEvent, Payload, RawJson, StoreError, ToolPayload};
use openclaw_core::{CallId, EventStore, RunId, SessionEventKind};
use serde_json::json;
use tokio::task::JoinSet;

use crate::fixture::{Fixture, key, message, seqs, started};

#[tokio::test]
async fn an_event_comes_back_as_it_was_recorded_after_a_restart() {
    let fixture = Fixture::new();
    let run = RunId::from("run-1");
    let call = CallId::from("call-1");
    let mut event = NewEvent::from(SessionEventKind::ToolResult {
        tool: "exec".into(),
        result: json!({"b": 1, "a": "é\n\u{1f980}"}),
        success: true,
    })
    .in_run(&run, Some(1))
    .at_step(2)
    .about_call(&call)
    .with_payload(Payload {
        tool: Some(ToolPayload {
            refused: None,
            duration_ms: 3,
            sandbox: Some("strict".into()),
            exit_code: Some(0),
            ..ToolPayload::default()
        }),
        ..Payload::default()
    });
    event.raw = Some(RawJson::new("{ \"kept\" :1.50 }".into()).unwrap());
    let recorded = fixture
        .store
        .append(&key("a"), vec![started(), event])
        .await
        .unwrap();
    assert_eq!(recorded[1].time.to_string(), "2026-01-02T03:04:05.678Z");

    let fixture = fixture.reopened();
    assert_eq!(
        fixture.store.read(&key("a"), 1..=10).await.unwrap(),
        recorded
    );
    assert_eq!(
        fixture.store.read(&key("a"), 2..=2).await.unwrap(),
        recorded[1..]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequence_numbers_have_no_gap_when_many_append_at_once() {
    let fixture = Fixture::new();
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let store = fixture.store.clone();
        let session = key(&format!("s{}", writer % 4));
        writers.spawn(async move {
            for n in 0..50 {
                match store.append(&session, vec![started()]).await {
                    Ok(_) | Err(StoreError::SessionExists(_)) => {}
                    Err(err) => panic!("{err}"),
                }
                store
                    .append(&session, vec![message(&format!("{writer}-{n}"))])
                    .await
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
    for n in 0..4 {
        let events = fixture
            .store
            .read(&key(&format!("s{n}")), 1..=u64::MAX)
            .await
            .unwrap();
        assert_eq!(seqs(&events), (1..=201).collect::<Vec<_>>());
    }
    let positions: Vec<u64> = fixture
        .store
        .read_after(0, 10_000)
        .await
        .unwrap()
        .iter()
        .map(|event| event.position)
        .collect();
    assert!(positions.is_sorted_by(|a, b| a < b) && positions.len() == 804);
}

#[tokio::test]
async fn a_refused_append_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let unknown = store.append(&key("a"), vec![message("x"), started()]).await;
    assert!(matches!(unknown, Err(StoreError::NoSession(_))));
    assert!(store.session(&key("a")).await.unwrap().is_none());

    store.append(&key("a"), vec![started()]).await.unwrap();
    let twice = store.append(&key("a"), vec![message("x"), started()]).await;
    assert!(matches!(twice, Err(StoreError::SessionExists(_))));
    assert_eq!(seqs(&store.read(&key("a"), 1..=9).await.unwrap()), [1]);

    let end = SessionEventKind::SessionEnded {
        reason: openclaw_core::events::EndReason::Requested,
    };
    store.append(&key("a"), vec![end.into()]).await.unwrap();
    let late = store.append(&key("a"), vec![message("x")]).await;
    assert!(matches!(late, Err(StoreError::SessionEnded(_))));
    let again = store
        .append(&key("a"), vec![started(), message("x")])
        .await
        .unwrap();
    assert_eq!(seqs(&again), [3, 4]);
}

#[tokio::test]
async fn a_session_has_one_runner_over_all_handles() {
    let fixture = Fixture::new();
    let other = EventStore::open(&fixture.path()).unwrap();
    fixture
        .store
        .append(&key("a"), vec![started()])
        .await
        .unwrap();

    let lease = fixture.store.lease(&key("a")).await.unwrap();
    assert!(matches!(
        fixture.store.lease(&key("a")).await,
        Err(StoreError::Leased(_))
    ));
    assert!(matches!(
        other.lease(&key("a")).await,
        Err(StoreError::Leased(_))
    ));
    assert_eq!(seqs(&lease.append(vec![message("x")]).await.unwrap()), [2]);
    drop(lease);

    // The other handle's writer sees the release once the first one's has committed it.
    fixture
        .store
        .append(&key("a"), vec![message("y")])
        .await
        .unwrap();
    let lease = other.lease(&key("a")).await.unwrap();
    assert_eq!(seqs(&lease.append(vec![message("z")]).await.unwrap()), [4]);
}

#[tokio::test]
async fn the_lease_of_a_dead_owner_is_taken_over_and_its_late_appends_are_refused() {
    let fixture = Fixture::new();
    fixture
        .store
        .append(&key("a"), vec![started()])
        .await
        .unwrap();
    let lease = fixture.store.lease(&key("a")).await.unwrap();
    // To a second process, an owner whose lock file is gone is dead.
    std::fs::remove_dir_all(fixture.folder().join("owners")).unwrap();

    let other = EventStore::open(&fixture.path()).unwrap();
    let taken = other.lease(&key("a")).await.unwrap();
    assert!(matches!(
        lease.append(vec![message("late")]).await,
        Err(StoreError::LeaseLost(_))
    ));
    assert_eq!(seqs(&taken.append(vec![message("x")]).await.unwrap()), [2]);
}

#[tokio::test]
async fn a_subscription_replays_and_then_follows_even_another_handles_appends() {
    let fixture = Fixture::new();
    let other = EventStore::open(&fixture.path()).unwrap();
    fixture
        .store
        .append(&key("a"), vec![started(), message("1")])
        .await
        .unwrap();
    let mut subscription = fixture.store.subscribe(0);
    let mut seen = vec![
        subscription.next().await.unwrap().seq,
        subscription.next().await.unwrap().seq,
    ];
    fixture
        .store
        .append(&key("a"), vec![message("2")])
        .await
        .unwrap();
    seen.push(subscription.next().await.unwrap().seq);
    other.append(&key("a"), vec![message("3")]).await.unwrap();
    seen.push(subscription.next().await.unwrap().seq);
    assert_eq!(seen, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_session_ends_once_however_many_ask_for_it() {
    let fixture = Fixture::new();
    fixture
        .store
        .append(&key("a"), vec![started()])
        .await
        .unwrap();
    let session = key("a");
    let end = || {
        let reason = openclaw_core::events::EndReason::Requested;
        fixture.store.append(
            &session,
            vec![SessionEventKind::SessionEnded { reason }.into()],
        )
    };
    let ends = tokio::join!(end(), end(), end());
    let ended = [ends.0.is_ok(), ends.1.is_ok(), ends.2.is_ok()];
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn every_file_of_the_log_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = Fixture::new();
    fixture
        .store
        .append(&key("a"), vec![started()])
        .await
        .unwrap();
    for name in ["events.sqlite", "events.sqlite-wal", "events.sqlite-shm"] {
        let file = std::fs::metadata(fixture.folder().join(name)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn lists_sessions_latest_first() {
    let fixture = Fixture::new();
    for name in ["a", "b", "c"] {
        fixture
            .store
            .append(&key(name), vec![started()])
            .await
            .unwrap();
    }
    let page = fixture.store.sessions(1, 2).await.unwrap();
    assert_eq!(
        page.iter().map(|session| &session.key).collect::<Vec<_>>(),
        [&key("b"), &key("a")]
    );
    assert_eq!(fixture.store.session_count().await.unwrap(), 3);
}

#[test]
fn refuses_files_of_other_programs_and_of_later_versions() {
    let dir = tempfile::tempdir().unwrap();
    let foreign = dir.path().join("foreign.sqlite");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(connection);
    let before = std::fs::read(&foreign).unwrap();
    assert!(matches!(
        EventStore::open(&foreign),
        Err(StoreError::Foreign { .. })
    ));
    assert_eq!(std::fs::read(&foreign).unwrap(), before);

    let newer = dir.path().join("newer.sqlite");
    drop(EventStore::open(&newer).unwrap());
    rusqlite::Connection::open(&newer)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(
        EventStore::open(&newer),
        Err(StoreError::Newer { found: 99, .. })
    ));

    let garbage = dir.path().join("garbage.sqlite");
    std::fs::write(
        &garbage,
        b"this is no database at all, but long enough to be looked at",
    )
    .unwrap();
    assert!(matches!(
        EventStore::open(&garbage),
        Err(StoreError::Corrupt { .. })
    ));
}

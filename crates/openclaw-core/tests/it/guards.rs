//! Appends on a condition: the expected head, and once per key.

use openclaw_core::events::{MAX_EVENT_SIZE, StoreError};
use openclaw_core::{EventStore, SessionKey};
use tokio::task::JoinSet;

use crate::fixture::{Fixture, key, message, seqs, started};

#[tokio::test]
async fn of_many_who_expect_the_same_head_one_appends() {
    let fixture = Fixture::new();
    let session = key("s");
    fixture
        .store
        .append(&session, vec![started()])
        .await
        .unwrap();
    let mut racers = JoinSet::new();
    for n in 0..16 {
        let (store, session) = (fixture.store.clone(), session.clone());
        racers.spawn(async move {
            store
                .append_expecting(&session, 1, vec![message(&n.to_string())])
                .await
        });
    }
    let outcomes = racers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for lost in outcomes.into_iter().filter_map(Result::err) {
        assert!(
            matches!(
                lost,
                StoreError::HeadMoved {
                    expected: 1,
                    found: 2,
                    ..
                }
            ),
            "{lost}"
        );
    }
}

#[tokio::test]
async fn the_same_key_records_once_and_answers_the_same_even_after_a_restart() {
    let fixture = Fixture::new();
    let session = key("s");
    fixture
        .store
        .append(&session, vec![started()])
        .await
        .unwrap();
    let mut racers = JoinSet::new();
    for _ in 0..16 {
        let (store, session) = (fixture.store.clone(), session.clone());
        racers.spawn(async move {
            store
                .append_once(&session, "k", vec![message("once")])
                .await
        });
    }
    let outcomes: Vec<_> = racers
        .join_all()
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(outcomes.iter().all(|events| *events == outcomes[0]));
    let fixture = fixture.reopened();
    let again = fixture
        .store
        .append_once(&session, "k", vec![message("once")])
        .await
        .unwrap();
    assert_eq!(again, outcomes[0]);
    assert_eq!(head(&fixture.store, &session).await, 2);
    let other = fixture
        .store
        .append_once(&session, "k", vec![message("twice")])
        .await;
    assert!(
        matches!(other, Err(StoreError::KeyReused { .. })),
        "{other:?}"
    );
    let next = fixture
        .store
        .append_once(&session, "k2", vec![message("twice")])
        .await
        .unwrap();
    assert_eq!(seqs(&next), [3]);
}

async fn head(store: &EventStore, session: &SessionKey) -> u64 {
    store.session(session).await.unwrap().unwrap().head
}

#[tokio::test]
async fn an_event_over_the_limit_is_refused_and_leaves_nothing() {
    let fixture = Fixture::new();
    let session = key("s");
    fixture
        .store
        .append(&session, vec![started()])
        .await
        .unwrap();
    let large = message(&"x".repeat(MAX_EVENT_SIZE));
    let err = fixture
        .store
        .append(&session, vec![message("a"), large])
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::EventTooLarge { .. }), "{err}");
    assert_eq!(head(&fixture.store, &session).await, 1);
    assert!(fixture.store.verify(|_, _| {}).await.unwrap().intact);
}

#[tokio::test]
async fn nobody_writes_to_the_logs_own_sessions() {
    let fixture = Fixture::new();
    let err = fixture
        .store
        .append(&SessionKey::audit(), vec![started()])
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::Reserved(_)), "{err}");
}

#[tokio::test]
async fn a_cursor_that_the_log_has_not_reached_is_an_error() {
    let fixture = Fixture::new();
    fixture
        .store
        .append(&key("s"), vec![started()])
        .await
        .unwrap();
    let err = fixture.store.subscribe(2).next().await.unwrap_err();
    assert!(
        matches!(err, StoreError::NoPosition { cursor: 2, last: 1 }),
        "{err}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_log_that_was_moved_away_is_not_written_on_unseen() {
    let fixture = Fixture::new();
    let session = key("s");
    fixture
        .store
        .append(&session, vec![started()])
        .await
        .unwrap();
    let elsewhere = fixture.folder().join("elsewhere.sqlite");
    std::fs::rename(fixture.path(), &elsewhere).unwrap();
    let err = fixture
        .store
        .append(&session, vec![message("lost?")])
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::Gone { .. }), "{err}");
    std::fs::rename(&elsewhere, fixture.path()).unwrap();
    let seq = seqs(
        &fixture
            .store
            .append(&session, vec![message("on")])
            .await
            .unwrap(),
    );
    assert_eq!(seq, [2]);
}

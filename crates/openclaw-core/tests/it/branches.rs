//! Branches of sessions, and what is left of deleted ones.

use openclaw_core::events::{AuditEntry, Change, StoreError};
use openclaw_core::{SessionEvent, SessionKey};
use proptest::prelude::*;

use crate::fixture::{Fixture, answer, key, message, seqs, started};

async fn conversation(fixture: &Fixture, name: &str, events: u64) -> SessionKey {
    let session = key(name);
    let mut facts = vec![started()];
    facts.extend((2..=events).map(|n| message(&format!("secret-{name}-{n}"))));
    fixture.store.append(&session, facts).await.unwrap();
    session
}

async fn all(fixture: &Fixture, session: &SessionKey) -> Vec<SessionEvent> {
    fixture.store.read(session, 1..=u64::MAX).await.unwrap()
}

/// What an event says, wherever it is read.
fn said(events: &[SessionEvent]) -> Vec<(u64, String, u64)> {
    events
        .iter()
        .map(|event| {
            (
                event.seq,
                format!("{:?} {}", event.kind, event.hash),
                event.position,
            )
        })
        .collect()
}

#[tokio::test]
async fn a_branch_shares_the_first_events_and_goes_its_own_way() {
    let fixture = Fixture::new();
    let main = conversation(&fixture, "main", 6).await;
    let branch = key("branch");
    let made = fixture.store.fork(&main, 4, &branch).await.unwrap();
    assert_eq!(
        (made.seq, Change::of(&made)),
        (
            5,
            Some(Change::SessionForked {
                from: main.clone(),
                at: 4
            })
        )
    );
    fixture
        .store
        .append(&branch, vec![answer("b")])
        .await
        .unwrap();
    fixture
        .store
        .append(&main, vec![answer("m")])
        .await
        .unwrap();
    let (trunk, branched) = (all(&fixture, &main).await, all(&fixture, &branch).await);
    assert_eq!(seqs(&branched), [1, 2, 3, 4, 5, 6]);
    assert_eq!(said(&trunk[..4]), said(&branched[..4]));
    assert_eq!(seqs(&trunk), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(
        fixture.store.lineage(&branch).await.unwrap(),
        [(main.clone(), 4)]
    );
    let summary = fixture.store.session(&branch).await.unwrap().unwrap();
    assert_eq!((summary.head, summary.parent), (6, Some((main, 4))));
    assert!(fixture.store.verify(|_, _| {}).await.unwrap().intact);
}

#[tokio::test]
async fn a_branch_begins_at_an_event_that_exists_and_under_a_key_that_is_free() {
    let fixture = Fixture::new();
    let main = conversation(&fixture, "main", 3).await;
    for at in [0, 4] {
        let err = fixture.store.fork(&main, at, &key("x")).await.unwrap_err();
        assert!(matches!(err, StoreError::NoEvent { head: 3, .. }), "{err}");
    }
    let err = fixture.store.fork(&main, 1, &main).await.unwrap_err();
    assert!(matches!(err, StoreError::SessionExists(_)), "{err}");
    let err = fixture
        .store
        .fork(&key("no"), 1, &key("x"))
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::NoSession(_)), "{err}");
    let err = fixture
        .store
        .fork(&main, 1, &SessionKey::audit())
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::Reserved(_)), "{err}");
}

#[tokio::test]
async fn a_deleted_session_is_gone_with_its_words_but_its_branch_keeps_what_it_shares() {
    let fixture = Fixture::new();
    let main = conversation(&fixture, "main", 6).await;
    let branch = key("branch");
    fixture.store.fork(&main, 4, &branch).await.unwrap();
    let before = said(&all(&fixture, &branch).await);
    let tombstone = fixture
        .store
        .delete(&main, Some(6), "asked", None)
        .await
        .unwrap();
    let Some(AuditEntry::SessionDeleted {
        session,
        from,
        to,
        reason,
        ..
    }) = AuditEntry::of(&tombstone)
    else {
        panic!("{tombstone:?}");
    };
    assert_eq!(
        (session, from, to, reason.as_str()),
        (main.clone(), 5, 6, "asked")
    );
    assert!(fixture.store.session(&main).await.unwrap().is_none());
    assert_eq!(said(&all(&fixture, &branch).await), before);
    assert!(!on_disk(&fixture, "secret-main-5") && !on_disk(&fixture, "secret-main-6"));
    assert!(on_disk(&fixture, "secret-main-4"));
    // The key is free again, and the new session has nothing of the old one.
    conversation(&fixture, "main", 2).await;
    assert_eq!(seqs(&all(&fixture, &main).await), [1, 2]);
    // With the last branch goes what was kept for it.
    fixture
        .store
        .delete(&branch, None, "asked", None)
        .await
        .unwrap();
    assert!(!on_disk(&fixture, "secret-main-3"));
    assert!(on_disk(&fixture, "secret-main-2"));
    let report = fixture.store.verify(|_, _| {}).await.unwrap();
    assert!(report.intact, "{report:?}");
}

fn on_disk(fixture: &Fixture, text: &str) -> bool {
    ["events.sqlite", "events.sqlite-wal"].iter().any(|file| {
        let bytes = std::fs::read(fixture.folder().join(file)).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_session_that_runs_or_has_grown_is_not_deleted() {
    let fixture = Fixture::new();
    let main = conversation(&fixture, "main", 3).await;
    let err = fixture
        .store
        .delete(&main, Some(2), "", None)
        .await
        .unwrap_err();
    assert!(
        matches!(err, StoreError::HeadMoved { found: 3, .. }),
        "{err}"
    );
    let lease = fixture.store.lease(&main).await.unwrap();
    let err = fixture
        .store
        .delete(&main, None, "", None)
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::Leased(_)), "{err}");
    drop(lease);
    fixture.store.delete(&main, None, "", None).await.unwrap();
    let err = fixture
        .store
        .delete(&SessionKey::audit(), None, "", None)
        .await
        .unwrap_err();
    assert!(matches!(err, StoreError::Reserved(_)), "{err}");
}

/// A step in the life of a family of sessions.
#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Fork(usize, prop::sample::Index),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..6).prop_map(Step::Append),
        3 => (0_usize..6, any::<prop::sample::Index>()).prop_map(|(s, at)| Step::Fork(s, at)),
        2 => (0_usize..6).prop_map(Step::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn living_sessions_keep_their_events_whatever_happens_to_their_relatives(
        steps in proptest::collection::vec(step(), 1..24)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::new();
            let first = conversation(&fixture, "s0", 3).await;
            let mut family = vec![(first.clone(), said(&all(&fixture, &first).await))];
            for (n, step) in steps.into_iter().enumerate() {
                let count = family.len();
                if count == 0 {
                    break;
                }
                let pick = |of: usize| of % count;
                match step {
                    Step::Append(of) => {
                        let (session, known) = &mut family[of % count];
                        let made = fixture.store.append(session, vec![answer("x")]).await.unwrap();
                        known.extend(said(&made));
                    }
                    Step::Fork(of, at) => {
                        let (session, known) = family[pick(of)].clone();
                        let at = at.index(known.len()) + 1;
                        let branch = key(&format!("s{}", n + 1));
                        let made = fixture
                            .store
                            .fork(&session, u64::try_from(at).unwrap(), &branch)
                            .await
                            .unwrap();
                        let mut events = known[..at].to_vec();
                        events.extend(said(&[made]));
                        family.push((branch, events));
                    }
                    Step::Delete(of) => {
                        let (session, _) = family.remove(pick(of));
                        fixture.store.delete(&session, None, "", None).await.unwrap();
                    }
                }
                for (session, known) in &family {
                    assert_eq!(&said(&all(&fixture, session).await), known);
                }
            }
            let report = fixture.store.verify(|_, _| {}).await.unwrap();
            assert!(report.intact, "{report:?}");
        });
    }
}

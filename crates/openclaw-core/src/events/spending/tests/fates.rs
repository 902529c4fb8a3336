//! Whatever becomes of sessions, the sums are those of the calls on record.

use proptest::prelude::*;
use rusqlite::Connection;

use super::{Log, call, failed, key, open};
use crate::events::spending::{Limit, Scope};
use crate::events::{CallOutcome, CallPayload, EventStore, ImportFile};
use crate::session_key::SessionKey;
use crate::usage::UsageSum;

/// What may happen to sessions.
#[derive(Clone, Debug)]
enum Step {
    Record {
        session: usize,
        calls: Vec<CallPayload>,
    },
    Fork {
        from: usize,
        to: usize,
    },
    Copy {
        from: usize,
        to: usize,
    },
    Delete {
        session: usize,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let session = || 0_usize..4;
    let some = prop_oneof![
        (0_u64..9).prop_map(|tokens| call(tokens, Some(tokens))),
        (0_u64..9).prop_map(|tokens| call(tokens, None)),
        (0_u64..9).prop_map(failed),
    ];
    let calls = proptest::collection::vec(some, 1..4);
    let step = prop_oneof![
        4 => (session(), calls).prop_map(|(session, calls)| Step::Record { session, calls }),
        2 => (session(), session()).prop_map(|(from, to)| Step::Fork { from, to }),
        2 => (session(), session()).prop_map(|(from, to)| Step::Copy { from, to }),
        2 => session().prop_map(|session| Step::Delete { session }),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..30)
}

fn named(number: usize) -> SessionKey {
    key(&format!("agent:main:explicit:s{number}"))
}

/// Sums up the calls of the events that the log has, whoever their sessions are.
async fn on_record(store: &EventStore) -> UsageSum {
    let mut sum = UsageSum::default();
    let events = store.read_after(0, u32::MAX).await.unwrap();
    for call in events
        .into_iter()
        .filter_map(|event| event.payload)
        .flat_map(|payload| payload.calls)
    {
        sum.calls += 1;
        sum.failed += u64::from(call.outcome != CallOutcome::Ok);
        sum.unpriced += u64::from(call.cost.is_none() && call.usage.total() > 0);
        sum.usage += call.usage;
        sum.cost += call.cost.unwrap_or_default();
        sum.latency.add(call.latency_ms);
        if let Some(ms) = call.first_token_ms {
            sum.first_token.add(ms);
        }
    }
    sum
}

async fn copy(store: &EventStore, from: &SessionKey, to: &SessionKey) {
    let header = store.export_header(from).await.unwrap();
    let mut file = ImportFile::begin(&serde_json::to_string(&header).unwrap()).unwrap();
    let lines = store.export_lines(from, 1, header.events).await.unwrap();
    for line in lines {
        file.push(&line).unwrap();
    }
    store.import(file, to).await.unwrap();
}

async fn fork(store: &EventStore, from: &SessionKey, to: &SessionKey) {
    let whole = store.export_header(from).await.unwrap().events;
    store.fork(from, whole, to).await.unwrap();
}

/// Takes one step; returns what was on record before and after a deletion.
async fn take(log: &mut Log, step: Step) -> Option<(UsageSum, UsageSum)> {
    let lives = async |number| log.store.session(&named(number)).await.unwrap().is_some();
    match step {
        Step::Record { session, calls } => {
            if !lives(session).await {
                log.begin(named(session).as_str()).await;
            }
            log.record(named(session).as_str(), "r", calls).await;
        }
        Step::Fork { from, to } if lives(from).await && !lives(to).await => {
            fork(&log.store, &named(from), &named(to)).await;
        }
        Step::Copy { from, to } if lives(from).await && !lives(to).await => {
            copy(&log.store, &named(from), &named(to)).await;
        }
        Step::Delete { session } if lives(session).await => {
            let (before, key) = (on_record(&log.store).await, named(session));
            log.store.delete(&key, None, "done", None).await.unwrap();
            return Some((before, on_record(&log.store).await));
        }
        Step::Restart => log.store = open(log.dir.path(), &log.clock),
        Step::Fork { .. } | Step::Copy { .. } | Step::Delete { .. } => {}
    }
    None
}

/// Takes the steps, then compares what the log and its sums say.
async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut log = Log::new().await;
    let mut deletions = Vec::new();
    for step in steps {
        deletions.extend(take(&mut log, step).await);
    }
    let (mut left, mut right) = (log.total().await, on_record(&log.store).await);
    // What deletions took from the log stays in the sums.
    for (before, after) in &deletions {
        left += after;
        right += before;
    }
    prop_assert_eq!(left, right);
    Ok(())
}

#[tokio::test]
async fn what_limits_are_about_comes_from_the_sums_of_an_earlier_version() {
    let log = Log::new().await;
    log.record(
        "agent:main:main",
        "r",
        vec![call(3, Some(3)), call(4, None)],
    )
    .await;
    copy(&log.store, &key("agent:main:main"), &named(0)).await;
    let of_session = Limit {
        scope: Scope::Session(key("agent:main:main")),
        ..Log::day()
    };
    let limits = [Log::day(), of_session];
    let before = log.store.standings(limits.to_vec()).await.unwrap();
    assert_eq!(before[0].spent.tokens, 7);
    let Log { dir, clock, store } = log;
    drop(store);
    Connection::open(dir.path().join("events.sqlite"))
        .and_then(|log| {
            log.execute_batch(
                "DROP TABLE spent; DROP TABLE spent_in_session; DROP TABLE approvals;
                 DROP TABLE grants; DROP TABLE written; DROP TABLE watches;
                 PRAGMA user_version = 3;",
            )
        })
        .unwrap();
    let store = open(dir.path(), &clock);
    assert_eq!(store.standings(limits.to_vec()).await.unwrap(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_sums_are_those_of_the_log_whatever_becomes_of_sessions(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(steps))?;
    }
}

//! Calls in any order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::{Log, call, key, open as open_log, planned, spender, standing};
use crate::events::spending::{Raise, Reservation, Verdict};
use crate::events::{CallPayload, Change, Payload};

/// What may happen to the calls of runs.
#[derive(Clone, Debug)]
enum Step {
    Reserve { run: usize, most: u64 },
    Settle { run: usize, part: u64 },
    Drop { run: usize },
    Record { run: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let run = || 0_usize..4;
    let step = prop_oneof![
        (run(), 1_u64..6).prop_map(|(run, most)| Step::Reserve { run, most }),
        (run(), 0_u64..4).prop_map(|(run, part)| Step::Settle { run, part }),
        run().prop_map(|run| Step::Drop { run }),
        run().prop_map(|run| Step::Record { run }),
    ];
    proptest::collection::vec(step, 1..40)
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let log = Log::new().await;
    // Runs work in two processes.
    let stores = [log.store.clone(), open_log(log.dir.path(), &log.clock)];
    let mut open: BTreeMap<usize, Reservation> = BTreeMap::new();
    let mut settled: BTreeMap<usize, Vec<CallPayload>> = BTreeMap::new();
    let mut spent = 0;
    for step in steps {
        match step {
            Step::Reserve { run, most } if !open.contains_key(&run) => {
                let (spender, call) = (spender(&run.to_string()), planned(1, most));
                let asked = stores[run % 2]
                    .reserve(&spender, &call, &[Log::day()])
                    .await;
                if let Verdict::Granted(reservation) = asked.unwrap() {
                    open.insert(run, reservation);
                }
            }
            Step::Settle { run, part } => {
                if let Some(reservation) = open.remove(&run) {
                    let tokens = reservation.most().tokens.saturating_sub(part);
                    let took = call(tokens, Some(tokens));
                    reservation.settle(&took.usage, took.cost);
                    settled.entry(run).or_default().push(took);
                    spent += tokens;
                }
            }
            Step::Drop { run } => drop(open.remove(&run)),
            Step::Record { run } if !open.contains_key(&run) => {
                if let Some(calls) = settled.remove(&run) {
                    // A run records in its own process, after what it settled there.
                    let event = Change::CallsLost {
                        run_id: run.to_string().into(),
                        calls: 1,
                    };
                    let event = event
                        .to_event()
                        .unwrap()
                        .in_run(&run.to_string().into(), None)
                        .with_payload(Payload {
                            calls,
                            ..Payload::default()
                        });
                    let session = key("agent:main:main");
                    stores[run % 2].append(&session, vec![event]).await.unwrap();
                }
            }
            Step::Reserve { .. } | Step::Record { .. } => {}
        }
        let reserved: u64 = open.values().map(|open| open.most().tokens).sum();
        prop_assert!(spent + reserved <= 10, "{spent} spent, {reserved} reserved");
    }
    open.clear();
    for store in &stores {
        // Whatever was given up is taken in before the next thing that is asked.
        drop(
            store
                .raise(Raise {
                    cap: "none".into(),
                    subject: String::new(),
                    period: Timestamp::UNIX_EPOCH,
                    usd: None,
                    tokens: None,
                    by: String::new(),
                })
                .await,
        );
    }
    let at = standing(&log.store, &Log::day()).await;
    prop_assert_eq!(at.spent.tokens + at.reserved.tokens, spent);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_order_of_calls_exceeds_a_limit_or_forgets_a_cent(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(steps))?;
    }
}

//! Following the log: from one append to everybody who listens.

use divan::Bencher;
use divan::counter::ItemsCount;
use openclaw_core::events::Subscription;
use tokio::task::JoinSet;

use crate::runtime;
use crate::stores::{folder, open};
use crate::workload::{Workload, session};

/// How many events one append brings.
const EVENTS: u64 = 100;

/// From the append, which is durable first, until every subscriber has every event.
#[divan::bench(args = [1, 100], sample_count = 50, sample_size = 1)]
fn fan_out_of_100_events_to_subscribers(bencher: Bencher<'_, '_>, subscribers: u64) {
    let runtime = runtime();
    let folder = folder();
    let store = open(folder.path());
    let mut workload = Workload::new(0);
    let opening = workload.events(0, 1, 1);
    runtime
        .block_on(store.append(&session(0), opening))
        .unwrap();
    let mut following: Vec<Subscription> = (0..subscribers)
        .map(|_| store.subscribe(store.position()))
        .collect();
    let mut seq = 2;
    bencher
        .counter(ItemsCount::new(EVENTS * subscribers))
        .with_inputs(|| {
            let first = seq;
            seq += EVENTS;
            (seq - 1, workload.events(0, first, EVENTS))
        })
        .bench_local_values(|(last, events)| {
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for subscription in following.drain(..) {
                    drop(tasks.spawn(take(subscription, last)));
                }
                store.append(&session(0), events).await.unwrap();
                following = tasks.join_all().await;
            });
        });
}

/// Takes events up to the one at `last`; what else the log records beside them comes in between.
async fn take(mut subscription: Subscription, last: u64) -> Subscription {
    loop {
        let event = subscription.next().await.unwrap();
        if event.seq == last && event.session == session(0) {
            return subscription;
        }
    }
}

//! Durable appends, by one writer and by many at the same time.

use divan::Bencher;
use divan::counter::ItemsCount;
use openclaw_core::EventStore;
use openclaw_core::events::NewEvent;
use tokio::task::JoinSet;

use crate::runtime;
use crate::stores::{folder, open};
use crate::workload::{Workload, session};

/// How many events each writer appends in one iteration, one after the other.
const APPENDS: u64 = 16;

/// Each writer waits until its event is on disk before it appends the next.
#[divan::bench(args = [1, 16, 64], sample_count = 60, sample_size = 1)]
fn durable_append_by_writers(bencher: Bencher<'_, '_>, writers: u64) {
    let runtime = runtime();
    let folder = folder();
    let store = open(folder.path());
    let mut workload = Workload::new(writers);
    runtime.block_on(async {
        for writer in 0..writers {
            let opening = workload.events(writer, 1, 1);
            store.append(&session(writer), opening).await.unwrap();
        }
    });
    let mut seq = 2;
    bencher
        .counter(ItemsCount::new(writers * APPENDS))
        .with_inputs(|| {
            let first = seq;
            seq += APPENDS;
            (0..writers)
                .map(|writer| workload.events(writer, first, APPENDS))
                .collect()
        })
        .bench_local_values(|events: Vec<Vec<NewEvent>>| {
            runtime.block_on(append(&store, events));
        });
}

async fn append(store: &EventStore, events: Vec<Vec<NewEvent>>) {
    let mut writers = JoinSet::new();
    for (writer, events) in (0..).zip(events) {
        let store = store.clone();
        drop(writers.spawn(async move {
            for event in events {
                store.append(&session(writer), vec![event]).await.unwrap();
            }
        }));
    }
    writers.join_all().await;
}

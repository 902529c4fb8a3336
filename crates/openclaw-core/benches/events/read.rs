//! Opening the log, reading pages of it, and folding a session.

use std::path::PathBuf;

use divan::Bencher;
use divan::counter::ItemsCount;
use openclaw_core::{EventStore, SessionProjection};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::stores::{EVENTS, folder, log, million, open};
use crate::workload::{Workload, session};
use crate::{measured, runtime};

/// How many events the small store has, all in one session.
const SMALL: u64 = 10_000;
/// How many events are in a page.
const PAGE: u32 = 256;
/// How many events one append takes while the small store is made.
const PER_APPEND: u64 = 500;

/// A page anywhere in a large log should cost what one of a small log costs.
#[divan::bench(args = [SMALL, EVENTS])]
fn page_of_256_at_a_cursor_of_events(bencher: Bencher<'_, '_>, events: u64) {
    let runtime = runtime();
    let Some(log) = Log::with(&runtime, events) else {
        return;
    };
    let store = log.open();
    let mut workload = Workload::new(events);
    bencher
        .counter(ItemsCount::new(PAGE))
        .with_inputs(|| workload.below(events - u64::from(PAGE)))
        .bench_local_values(|cursor| {
            let page = runtime.block_on(store.read_after(cursor, PAGE)).unwrap();
            assert_eq!(page.len(), 256, "the log goes on");
            page
        });
}

/// Closing it again is not counted.
#[divan::bench(args = [SMALL, EVENTS], sample_count = 50, sample_size = 1)]
fn open_with_events(bencher: Bencher<'_, '_>, events: u64) {
    let runtime = runtime();
    let Some(log) = Log::with(&runtime, events) else {
        return;
    };
    bencher.bench_local(|| log.open());
}

/// The fold alone, of events in memory.
#[divan::bench(sample_count = 50)]
fn projection_of_10000_events(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let Some(log) = Log::with(&runtime, SMALL) else {
        return;
    };
    let store = log.open();
    let events = runtime
        .block_on(store.read(&session(0), 1..=SMALL))
        .unwrap();
    bencher
        .counter(ItemsCount::new(SMALL))
        .bench_local(|| SessionProjection::project(&events));
}

/// The way from the disk to the state of a session.
#[divan::bench(sample_count = 20)]
fn read_and_projection_of_10000_events(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let Some(log) = Log::with(&runtime, SMALL) else {
        return;
    };
    let store = log.open();
    bencher.counter(ItemsCount::new(SMALL)).bench_local(|| {
        let events = runtime
            .block_on(store.read(&session(0), 1..=SMALL))
            .unwrap();
        SessionProjection::project(&events)
    });
}

/// A log on disk that nobody has open.
struct Log {
    path: PathBuf,
    _folder: Option<TempDir>,
}

impl Log {
    /// Returns the log with this many events; the large one only for a measurement.
    fn with(runtime: &Runtime, events: u64) -> Option<Self> {
        if events == EVENTS {
            return measured().then(|| Self {
                path: log(&runtime.block_on(million())),
                _folder: None,
            });
        }
        let folder = folder();
        let store = open(folder.path());
        let mut workload = Workload::new(0);
        for first in (1..=events).step_by(usize::try_from(PER_APPEND).unwrap()) {
            let events = workload.events(0, first, PER_APPEND);
            runtime.block_on(store.append(&session(0), events)).unwrap();
        }
        Some(Self {
            path: log(folder.path()),
            _folder: Some(folder),
        })
    }

    fn open(&self) -> EventStore {
        EventStore::open(&self.path).unwrap()
    }
}

//! What is measured of each store, and the table of it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::WRITERS;
use crate::store::{Kind, Store};
use crate::workload::Workload;

/// How many events a session has when the size is taken, and how many of them one append brings.
const PER_SESSION: u64 = 100;
const PER_APPEND: u64 = 20;
/// How many appends are under way while a store is filled.
const FILLING: u64 = 16;
/// How often a store is opened; the median counts.
const OPENED: usize = 7;

/// What was measured of one store.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    /// For each number in [`WRITERS`], events per second in every round.
    rates: Vec<Vec<f64>>,
    disk_mb: f64,
    open: Duration,
}

impl Row {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            rates: vec![Vec::new(); WRITERS.len()],
            disk_mb: 0.0,
            open: Duration::ZERO,
        }
    }

    /// Measures durable events per second in a new store.
    pub(crate) async fn rate(&mut self, writers: u64, length: Duration) {
        let folder = folder();
        let store = Arc::new(self.kind.open(folder.path()));
        let began = Instant::now();
        let mut running = JoinSet::new();
        for writer in 0..writers {
            running.spawn(write(Arc::clone(&store), writer, began + length));
        }
        let events: u64 = running.join_all().await.into_iter().sum();
        let rate = events as f64 / began.elapsed().as_secs_f64();
        let at = WRITERS.iter().position(|known| *known == writers);
        self.rates[at.expect("a known number of writers")].push(rate);
        closed(store);
    }

    /// Fills a new store, closes it, and measures its size and how long it takes to open it.
    pub(crate) async fn fill(&mut self, events: u64) {
        let folder = folder();
        let store = Arc::new(self.kind.open(folder.path()));
        let sessions = events.div_ceil(PER_SESSION);
        for first in (1..=PER_SESSION).step_by(PER_APPEND as usize) {
            // Round by round, so that the sessions lie mixed, as they do in life.
            let next = Arc::new(AtomicU64::new(0));
            let mut running = JoinSet::new();
            for filler in 0..FILLING {
                let (store, next) = (Arc::clone(&store), Arc::clone(&next));
                running.spawn(async move {
                    let mut workload = Workload::new(first * FILLING + filler);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= sessions {
                            return;
                        }
                        let events = workload.events(number, first, PER_APPEND);
                        store.append(number, events).await;
                    }
                });
            }
            running.join_all().await;
        }
        closed(store);
        self.disk_mb = disk_bytes(folder.path()) as f64 / 1e6;
        let mut times = Vec::new();
        for time in 0..OPENED {
            let number = time as u64 % sessions;
            let began = Instant::now();
            let then = || times.push(began.elapsed());
            let head = self.kind.look(folder.path(), number, then).await;
            assert_eq!(head, PER_SESSION, "nothing is missing");
        }
        times.sort_unstable();
        self.open = times[OPENED / 2];
    }
}

/// Appends to one session, event by event, until the time is over; returns how many.
async fn write(store: Arc<Store>, writer: u64, until: Instant) -> u64 {
    let mut workload = Workload::new(writer);
    let mut seq = 0;
    while Instant::now() < until {
        seq += 1;
        store.append(writer, workload.events(writer, seq, 1)).await;
    }
    seq
}

fn closed(store: Arc<Store>) {
    Arc::into_inner(store).expect("nobody else has it").close();
}

/// A folder on the disk that this program was built on.
fn folder() -> TempDir {
    let program = std::env::current_exe().unwrap();
    tempfile::tempdir_in(program.parent().expect("a folder")).unwrap()
}

/// What a folder takes on the disk; a file may be longer than what was written of it.
fn disk_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let sizes = entries.map(|entry| {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            disk_bytes(&entry.path())
        } else {
            metadata.blocks() * 512
        }
    });
    sizes.sum()
}

/// Returns the table as Markdown.
pub(crate) fn table(rows: &[Row], events: u64) -> String {
    let rates = WRITERS.map(|writers| match writers {
        1 => "1 writer, events/s".to_owned(),
        _ => format!("{writers} writers, events/s"),
    });
    let mut lines = vec![
        format!(
            "| store | {} | {events} events on disk | open after a clean close |",
            rates.join(" | ")
        ),
        format!("|---|{}---|---|", "---|".repeat(WRITERS.len())),
    ];
    for row in rows {
        let rates: Vec<String> = row
            .rates
            .iter()
            .map(|rates| format!("{:.0}", median(rates.clone())))
            .collect();
        lines.push(format!(
            "| {} | {} | {:.0} MB | {:.1} ms |",
            row.kind.name(),
            rates.join(" | "),
            row.disk_mb,
            row.open.as_secs_f64() * 1e3
        ));
    }
    lines.join("\n") + "\n"
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

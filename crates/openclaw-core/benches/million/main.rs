//! One million events in ten thousand sessions: what opening, listing, appending and an idle
//! gateway cost then.
//!
//! ```text
//! cargo build --release -p openclaw-cli
//! cargo bench -p openclaw-core --bench million -- --binary PATH
//! ```
//!
//! The store is made at the first run and kept; what changes it works on a copy. Appends are
//! measured in rounds, in turn with an empty store, so that a slow moment of the disk hits both.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at the first surprise and prints what it finds"
)]

mod append;
mod copy;
mod process;
#[path = "../shared/stores.rs"]
mod stores;
#[path = "../shared/workload.rs"]
mod workload;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use append::Latencies;
use copy::million_copy;
use stores::{EVENTS, SESSIONS, folder, log, open};

/// How often each short thing is measured; the median counts.
const TIMES: usize = 15;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let binary = arguments
        .iter()
        .position(|argument| argument == "--binary")
        .and_then(|at| arguments.get(at + 1));
    let Some(binary) = binary.map(PathBuf::from) else {
        // `cargo test --benches` runs this without arguments.
        println!("benchmark of a million events: name the release binary with --binary PATH");
        return;
    };
    print!("{}", report(&binary).await);
}

async fn report(binary: &Path) -> String {
    let large = million_copy().await;
    let size = disk_mb(&log(large.path()));
    let opened = median(|| opening(large.path()));
    let opened_cold = median(|| {
        forget(&log(large.path()));
        opening(large.path())
    });
    let listed = median(|| process::list(binary, large.path(), SESSIONS));
    let listed_one = median(|| process::list(binary, large.path(), 1));
    let resident = process::idle_gateway_mb(binary, large.path()).await;
    // Last, because it changes the store.
    let empty = folder();
    let (small, full) = append::in_turn(&open(empty.path()), &open(large.path())).await;
    table(&[
        ("the log on disk", format!("{size:.0} MB"), ""),
        ("open", ms(opened), "< 50 ms"),
        ("open, nothing of the file in memory", ms(opened_cold), ""),
        (
            "`openclaw sessions list --json`, 10,000 sessions",
            ms(listed),
            "< 200 ms",
        ),
        ("the same with `--limit 1`", ms(listed_one), ""),
        ("append, p50", ms(full.p50), ""),
        ("append, p99", ms(full.p99), ""),
        ("append to an empty log, p50", ms(small.p50), ""),
        ("append to an empty log, p99", ms(small.p99), ""),
        ("ratio of the p99", ratio(&full, &small), "≤ 1.5"),
        (
            "resident memory of the gateway, 5 s after its start",
            format!("{resident:.2} MB"),
            "< 30 MB",
        ),
    ])
}

fn opening(state: &Path) -> Duration {
    let began = Instant::now();
    let store = open(state);
    let elapsed = began.elapsed();
    assert!(store.position() >= EVENTS, "the log is the large one");
    elapsed
}

/// Asks the system to drop the file from its page cache; macOS knows no such request.
fn forget(path: &Path) {
    let file = File::open(path).unwrap();
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    drop(file);
}

fn disk_mb(path: &Path) -> f64 {
    fs::metadata(path).unwrap().len() as f64 / 1e6
}

fn median(mut measure: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..TIMES).map(|_| measure()).collect();
    times.sort_unstable();
    times[TIMES / 2]
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

fn ratio(a: &Latencies, b: &Latencies) -> String {
    format!("{:.2}", a.p99.as_secs_f64() / b.p99.as_secs_f64())
}

fn table(rows: &[(&str, String, &str)]) -> String {
    let mut lines = vec![
        "| figure, with 1,000,000 events in 10,000 sessions | measured | target |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    for (name, measured, target) in rows {
        lines.push(format!("| {name} | {measured} | {target} |"));
    }
    lines.join("\n") + "\n"
}

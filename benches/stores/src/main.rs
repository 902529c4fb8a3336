//! Our event store beside redb, fjall and sled, on the same workload.
//!
//! ```text
//! cargo run --release --manifest-path benches/stores/Cargo.toml -- [--events N] [--seconds S]
//! ```
//!
//! Every store gets the same events from the same number of writers, each of which waits until its
//! event is durable. One task commits what has queued up, and the head of a session changes in the
//! same commit as its events. The table goes to standard output as Markdown.

mod engine;
mod measure;
mod store;
#[path = "../../../crates/openclaw-core/benches/shared/workload.rs"]
mod workload;

use std::time::Duration;

use crate::measure::Row;
use crate::store::Kind;

/// How many events the stores hold when their size is taken, unless asked otherwise.
const EVENTS: u64 = 100_000;
/// How long each rate is measured in each round, unless asked otherwise.
const SECONDS: u64 = 2;
/// The numbers of writers that append at the same time.
const WRITERS: [u64; 3] = [1, 16, 64];
/// How often the stores take turns; the median counts.
const ROUNDS: usize = 3;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str, otherwise: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(otherwise, |at| arguments[at + 1].parse().expect("a number"))
    };
    let events = value("--events", EVENTS);
    let length = Duration::from_secs(value("--seconds", SECONDS));
    let mut rows: Vec<Row> = Kind::ALL.into_iter().map(Row::new).collect();
    for round in 1..=ROUNDS {
        // All in turn, so that a slow moment of the disk hits every one of them.
        for row in &mut rows {
            eprintln!("round {round} of {ROUNDS}: {}", row.kind.name());
            for writers in WRITERS {
                row.rate(writers, length).await;
            }
        }
    }
    for row in &mut rows {
        eprintln!("{events} events: {}", row.kind.name());
        row.fill(events).await;
    }
    print!("{}", measure::table(&rows, events));
}

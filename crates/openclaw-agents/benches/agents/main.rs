//! What the agent loop costs: per step, and as turns a second of many sessions at once.
//!
//! ```text
//! cargo bench -p openclaw-agents --bench agents
//! ```
//!
//! The provider is in the process and answers at once, and so does the tool; what is left is the
//! loop. Beside it stands a bare loop that appends the same events to the same kind of log, in the
//! same batches.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at the first surprise and prints what it finds"
)]

mod bare;
mod instant;
mod stage;

use std::time::{Duration, Instant};

use stage::Stage;

/// How many turns of one session are measured one after the other.
const TURNS: usize = 1_000;

/// After how many turns a session makes room for the next.
const IN_ONE_SESSION: usize = 25;

/// How many turns all sessions together take when they are side by side.
const TOGETHER: usize = 2_048;

/// How many sessions are side by side.
const SESSIONS: [usize; 3] = [1, 16, 64];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // `cargo test --benches` runs this without the argument that `cargo bench` adds.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("agents benchmark: run it with cargo bench");
        return;
    }
    steps().await;
    println!();
    together().await;
}

/// Each turn has two steps: one that calls a tool, one that answers.
async fn steps() {
    let stage = Stage::new();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..TURNS {
        let name = format!("s{}", n / IN_ONE_SESSION);
        let bare = format!("b{}", n / IN_ONE_SESSION);
        if n % IN_ONE_SESSION == 0 {
            stage.open(&name).await;
            stage.open(&bare).await;
        }
        ours.push(timed(stage.turn(&name)).await / 2);
        let events = stage.recorded(&name).await;
        theirs.push(timed(bare::append(&stage.store, &bare, events)).await / 2);
    }
    println!("| one step, without provider and tool | p50 | p99 |");
    println!("|---|---|---|");
    let (ours, theirs) = (percentiles(ours), percentiles(theirs));
    println!("| the loop | {} | {} |", shown(ours.0), shown(ours.1));
    println!(
        "| appending the same events | {} | {} |",
        shown(theirs.0),
        shown(theirs.1)
    );
    println!(
        "| ratio | {:.2} | {:.2} |",
        ratio(ours.0, theirs.0),
        ratio(ours.1, theirs.1)
    );
}

async fn together() {
    println!("| sessions side by side | turns a second | appending the same events | ratio |");
    println!("|---|---|---|---|");
    for sessions in SESSIONS {
        let stage = Stage::new();
        let turns = TOGETHER / sessions;
        let took = timed(stage.side_by_side(sessions, turns)).await;
        let ours = TOGETHER as f64 / took.as_secs_f64();
        let took = timed(bare::side_by_side(&stage, sessions, turns)).await;
        let theirs = TOGETHER as f64 / took.as_secs_f64();
        println!(
            "| {sessions} | {ours:.0} | {theirs:.0} | {:.2} |",
            theirs / ours
        );
    }
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    work.await;
    began.elapsed()
}

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(index).copied().expect("there are times")
    };
    (at(50), at(99))
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}

fn shown(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}

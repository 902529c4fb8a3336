//! What the gateway costs: size, start, memory, and turns beside a bare forwarder.
//!
//! ```text
//! cargo build --release -p openclaw-cli
//! cargo bench -p openclaw-gateway --bench gateway -- --binary PATH [--json]
//! ```
//!
//! The forwarder is the least that a durable gateway can be: it parses a request, appends the
//! events that a turn without tools appends, in the same groups and with one sync each, asks the
//! same model, and answers. How many events in which groups is counted in the gateway's own log
//! first. Gateway, forwarder and model run in processes of their own, the first two on the same
//! disk.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first surprise, prints what it finds, and ends with its tasks"
)]

mod client;
mod forwarder;
mod process;
mod provider;
mod shape;
mod table;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use client::{Asked, Load, first_words, measure, part};
use process::{MODEL, Server, start_forwarder, start_gateway, start_provider};

/// How often the start is measured; the median counts.
const STARTS: usize = 15;
/// How many clients ask at the same time, and how many turns each asks for.
const LOADS: [(usize, usize); 3] = [(1, 500), (16, 100), (64, 50)];
/// How often a load is measured on each side; the median counts.
const ROUNDS: usize = 3;
/// How many turns one session takes before a client goes on in the next.
const TURNS_PER_SESSION: usize = 20;
/// How many streamed answers are asked for.
const STREAMS: usize = 500;
/// How long entries of the log that nobody waits for may take to be written.
const LATE_ENTRIES: Duration = Duration::from_millis(500);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at.saturating_add(1)).cloned()
    };
    if arguments.iter().any(|argument| argument == "--provider") {
        return provider::serve().await;
    }
    if let Some(folder) = value("--forwarder") {
        let asks = value("--asks").expect("an address");
        return forwarder::serve(PathBuf::from(folder), asks).await;
    }
    let Some(binary) = value("--binary").map(PathBuf::from) else {
        // `cargo test --benches` runs this without arguments.
        println!("gateway benchmark: name the release binary with --binary PATH");
        return;
    };
    let report = report(&binary).await;
    if arguments.iter().any(|argument| argument == "--json") {
        println!("{report:#}");
    } else {
        print!("{}", table::table(&report));
    }
}

async fn report(binary: &Path) -> Value {
    let size = std::fs::metadata(binary).expect("the binary").len();
    let mut provider = start_provider();
    let asks = format!("http://127.0.0.1:{}/v1", provider.port());
    let gateway = || start_gateway(binary, &asks);
    let forwarder = || start_forwarder(&asks);
    assert_eq!(
        commits(gateway()).await,
        forwarder::COMMITS,
        "the forwarder does not append what a turn does"
    );
    let ready = starts(gateway).await;
    let bare_ready = starts(forwarder).await;
    let idle = idle(gateway()).await;
    let bare_idle = self::idle(forwarder()).await;
    let mut loads = Vec::new();
    for (clients, turns) in LOADS {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        // Both are measured in turn, so that a slow moment of the disk hits both.
        for _ in 0..ROUNDS {
            let per_session = Some(TURNS_PER_SESSION);
            let asked = Asked {
                clients,
                turns,
                per_session,
            };
            ours.push(load(gateway(), asked).await);
            let per_session = None;
            bare.push(
                load(
                    forwarder(),
                    Asked {
                        per_session,
                        ..asked
                    },
                )
                .await,
            );
        }
        let (ours, bare) = (median_load(ours), median_load(bare));
        loads.push(json!({
            "clients": clients,
            "gateway": figures(&ours),
            "forwarder": figures(&bare),
            "p50Ratio": ratio(ours.p50.as_secs_f64(), bare.p50.as_secs_f64()),
            "p99Ratio": ratio(ours.p99.as_secs_f64(), bare.p99.as_secs_f64()),
            "turnsRatio": ratio(ours.per_second, bare.per_second),
        }));
    }
    json!({
        "binaryMb": round(size as f64 / 1e6),
        "readyMs": { "gateway": ms(ready), "forwarder": ms(bare_ready) },
        "idleMb": { "gateway": round(idle), "forwarder": round(bare_idle) },
        "turns": loads,
        "firstWordMs": streams(gateway(), &provider).await,
    })
}

/// Returns how many events each commit of a turn has recorded.
async fn commits(mut server: Server) -> Vec<u64> {
    client::first_health(&mut server).await;
    let log = server.log();
    let mut before = 0;
    client::two_turns(&server, || {
        std::thread::sleep(LATE_ENTRIES);
        before = shape::last_position(&log);
    })
    .await;
    tokio::time::sleep(LATE_ENTRIES).await;
    shape::commits_after(&log, before)
}

/// Measures how long the first word of a streamed answer takes, through the gateway and without it.
async fn streams(mut server: Server, provider: &Server) -> Value {
    client::first_health(&mut server).await;
    let (port, token) = (server.known_port(), server.token());
    // The first answers are for warming up.
    drop(first_words(port, token.clone(), "openclaw", STREAMS / 10).await);
    let ours = first_words(port, token, "openclaw", STREAMS).await;
    let direct = first_words(provider.known_port(), String::new(), MODEL, STREAMS).await;
    let (p50, p99) = (part(&ours, 50), part(&ours, 99));
    json!({
        "gateway": { "p50": ms(p50), "p99": ms(p99) },
        "direct": { "p50": ms(part(&direct, 50)), "p99": ms(part(&direct, 99)) },
        "addedP50": ms(p50.saturating_sub(part(&direct, 50))),
        "addedP99": ms(p99.saturating_sub(part(&direct, 99))),
    })
}

/// Median time from spawning the process to its first healthy answer.
async fn starts(start: impl Fn() -> Server) -> Duration {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let mut server = start();
        client::first_health(&mut server).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times.get(STARTS / 2).copied().unwrap_or_default()
}

/// Resident memory in MB, five seconds after the start.
async fn idle(mut server: Server) -> f64 {
    client::first_health(&mut server).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    server.resident_mb()
}

async fn load(mut server: Server, asked: Asked) -> Load {
    client::first_health(&mut server).await;
    measure(&server, asked).await
}

fn median_load(mut loads: Vec<Load>) -> Load {
    loads.sort_by_key(|load| load.p50);
    loads.swap_remove(loads.len() / 2)
}

fn figures(load: &Load) -> Value {
    json!({
        "p50Ms": ms(load.p50),
        "p99Ms": ms(load.p99),
        "turnsPerSecond": load.per_second.round(),
        "cpuMs": ms(load.cpu),
    })
}

fn ms(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1e3)
}

fn ratio(a: f64, b: f64) -> f64 {
    round(a / b)
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

//! What the gateway costs: size, start, memory, and turns beside a bare forwarder.
//!
//! ```text
//! cargo build --release -p openclaw-cli
//! cargo bench -p openclaw-gateway --bench gateway -- --binary PATH [--json]
//! ```
//!
//! The forwarder is the least that a durable gateway can be: it parses a request, appends the
//! events that a turn without tools appends, in the same two groups and with one sync each, and
//! answers. It runs in a process of its own, as the gateway does, on the same disk.
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

mod client;
mod forwarder;
mod process;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use client::{Load, measure};
use process::{Server, start_forwarder, start_gateway};

/// How often the start is measured; the median counts.
const STARTS: usize = 15;
/// How many turns each client asks for.
const TURNS: usize = 300;
/// How many turns one session takes before a client opens the next.
const TURNS_PER_SESSION: usize = 20;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at.saturating_add(1)).cloned()
    };
    if let Some(folder) = value("--forwarder") {
        return forwarder::serve(PathBuf::from(folder)).await;
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
        print!("{}", table(&report));
    }
}

async fn report(binary: &std::path::Path) -> Value {
    let size = std::fs::metadata(binary).expect("the binary").len();
    let ready = starts(|| start_gateway(binary)).await;
    let bare_ready = starts(start_forwarder).await;
    let idle = idle(start_gateway(binary)).await;
    let bare_idle = self::idle(start_forwarder()).await;
    let mut loads = Vec::new();
    for clients in [1, 16] {
        // Both are measured in turn, three times, so that a slow moment of the disk hits both.
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            ours.push(load(start_gateway(binary), clients, Some(TURNS_PER_SESSION)).await);
            bare.push(load(start_forwarder(), clients, None).await);
        }
        let (ours, bare) = (median_load(ours), median_load(bare));
        loads.push(json!({
            "clients": clients,
            "gateway": { "p50Ms": ms(ours.p50), "p99Ms": ms(ours.p99), "turnsPerSecond": ours.per_second.round() },
            "forwarder": { "p50Ms": ms(bare.p50), "p99Ms": ms(bare.p99), "turnsPerSecond": bare.per_second.round() },
            "p50Ratio": ratio(ours.p50, bare.p50),
        }));
    }
    json!({
        "binaryMb": round(size as f64 / 1e6),
        "readyMs": { "gateway": ms(ready), "forwarder": ms(bare_ready) },
        "idleMb": { "gateway": round(idle), "forwarder": round(bare_idle) },
        "turns": loads,
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

async fn load(mut server: Server, clients: usize, per_session: Option<usize>) -> Load {
    client::first_health(&mut server).await;
    measure(&server, clients, TURNS, per_session).await
}

fn median_load(mut loads: Vec<Load>) -> Load {
    loads.sort_by_key(|load| load.p50);
    loads.swap_remove(loads.len() / 2)
}

fn ms(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1e3)
}

fn ratio(a: Duration, b: Duration) -> f64 {
    round(a.as_secs_f64() / b.as_secs_f64())
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn table(report: &Value) -> String {
    let mut lines = vec![
        "| figure | openclaw | forwarder beside it |".to_owned(),
        "|---|---|---|".to_owned(),
        format!("| binary size | {} MB | |", report["binaryMb"]),
        row(
            "time from spawn to first healthy answer (median)",
            &report["readyMs"],
            "ms",
        ),
        row("resident memory after 5 s idle", &report["idleMb"], "MB"),
    ];
    for load in report["turns"].as_array().into_iter().flatten() {
        let clients = &load["clients"];
        for (name, key, unit) in [
            ("p50 of a turn", "p50Ms", "ms"),
            ("p99 of a turn", "p99Ms", "ms"),
            ("turns per second", "turnsPerSecond", ""),
        ] {
            lines.push(format!(
                "| {name}, {clients} clients | {} {unit} | {} {unit} |",
                load["gateway"][key], load["forwarder"][key]
            ));
        }
        lines.push(format!(
            "| ratio of the p50, {clients} clients | {} | 1 |",
            load["p50Ratio"]
        ));
    }
    lines.join("\n") + "\n"
}

fn row(name: &str, figures: &Value, unit: &str) -> String {
    format!(
        "| {name} | {} {unit} | {} {unit} |",
        figures["gateway"], figures["forwarder"]
    )
}

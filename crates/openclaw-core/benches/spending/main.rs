//! Half a million calls of models among a million events: what sums, caps and reservations cost then.
//!
//! ```text
//! cargo build --release -p openclaw-cli
//! cargo bench -p openclaw-core --bench spending -- --binary PATH
//! ```
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise and prints what it finds"
)]

mod making;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use openclaw_core::events::{Call, Limit, Scope, Spender, Verdict};
use openclaw_core::usage::Attended;
use openclaw_core::{Cost, EventStore, Price};
use rusqlite::Connection;

use making::{CALLS, DAYS, EVENTS, SESSIONS, begin_of_today, folder, log, session};

/// How often each command is run; the median counts.
const TIMES: usize = 7;
/// How many calls are reserved; the median counts.
const RESERVED: usize = 1000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let binary = arguments
        .iter()
        .position(|argument| argument == "--binary")
        .and_then(|at| arguments.get(at + 1));
    let Some(binary) = binary.map(PathBuf::from) else {
        // `cargo test --benches` runs this without arguments.
        println!("benchmark of usage and caps: name the release binary with --binary PATH");
        return;
    };
    print!("{}", report(&binary).await);
}

async fn report(binary: &Path) -> String {
    let place = folder();
    let state = place.path();
    making::make(state).await;
    let caps = "{ budget: { session: { usd: 1e5 }, agent: { usd: 1e5 }, day: { usd: 1e5 } } }";
    fs::write(state.join("openclaw-rs.json5"), caps).unwrap();
    let rows = rows(state);
    let command = |arguments: &[&str]| median(|| run(binary, state, arguments));
    let (all, by_day) = (command(&["usage"]), command(&["usage", "--by", "day"]));
    let (by_session, caps) = (
        command(&["usage", "--by", "session", "--json"]),
        command(&["usage", "caps"]),
    );
    let full = reserving(&EventStore::open(&log(state)).unwrap()).await;
    let empty = folder();
    making::begin(&EventStore::open(&log(empty.path())).unwrap(), 1).await;
    let bare = reserving(&EventStore::open(&log(empty.path())).unwrap()).await;
    let migrated = migrating(state);
    let rows = [
        ("rows of sums", rows.to_string(), ""),
        ("`openclaw usage`", ms(all), "< 1 s"),
        ("`openclaw usage --by day`", ms(by_day), "< 1 s"),
        (
            "`openclaw usage --by session --json`",
            ms(by_session),
            "< 1 s",
        ),
        ("`openclaw usage caps`", ms(caps), "< 1 s"),
        (
            "setting aside a call under all caps, p50",
            ms(full),
            "< 2 ms",
        ),
        ("the same in an empty log, p50", ms(bare), ""),
        (
            "summing up all calls of a log without sums, once",
            ms(migrated),
            "",
        ),
    ];
    let head = format!(
        "| figure, with {CALLS} calls among {EVENTS} events, {SESSIONS} sessions, {DAYS} days | measured | target |"
    );
    let lines = rows.map(|(name, measured, target)| format!("| {name} | {measured} | {target} |"));
    format!("{head}\n|---|---|---|\n{}\n", lines.join("\n"))
}

fn rows(state: &Path) -> i64 {
    let connection = Connection::open(log(state)).unwrap();
    let sql = "SELECT count(*) FROM usage";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Reserves calls one after the other, and gives each back.
async fn reserving(store: &EventStore) -> Duration {
    let today = begin_of_today();
    let spender = Spender {
        agent: "main".into(),
        session: session(0),
        run: "bench-run".into(),
        channel: "bench".into(),
        attended: Attended::No,
    };
    let limit = |cap, period, scope| Limit {
        cap,
        subject: String::new(),
        period,
        scope,
        usd: Some(Cost::from_nanos(u64::MAX / 4)),
        tokens: None,
    };
    let limits = [
        limit("unattended_day", today, Scope::UnattendedSince(today)),
        limit("session", Timestamp::UNIX_EPOCH, Scope::Session(session(0))),
        limit("agent", today, Scope::AgentSince("main".into(), today)),
        limit("day", today, Scope::AllSince(today)),
    ];
    let call = Call {
        provider: "openai".into(),
        model: "gpt-5.5".into(),
        price: Some(Price {
            input: 5.0,
            output: 30.0,
            ..Price::FREE
        }),
        input: 20_000,
        least_output: 1024,
        most_output: 128_000,
    };
    let mut times = Vec::with_capacity(RESERVED);
    for _ in 0..RESERVED {
        let began = Instant::now();
        let verdict = store.reserve(&spender, &call, &limits).await.unwrap();
        times.push(began.elapsed());
        match verdict {
            Verdict::Granted(reservation) => drop(reservation),
            Verdict::Short(shortage) => panic!("{shortage:?}"),
        }
    }
    middle(times)
}

/// Opens the log as one of the version before there were sums.
fn migrating(state: &Path) -> Duration {
    let connection = Connection::open(log(state)).unwrap();
    connection
        .execute_batch(
            "DROP TABLE spent; DROP TABLE spent_in_session; DROP TABLE usage;
             DROP TABLE reservations; DROP TABLE raises; DROP TABLE approvals;
             DROP TABLE grants; DROP TABLE written; PRAGMA user_version = 2;",
        )
        .unwrap();
    drop(connection);
    let began = Instant::now();
    drop(EventStore::open(&log(state)).unwrap());
    began.elapsed()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts what it measures"
)]
fn run(binary: &Path, state: &Path, arguments: &[&str]) -> Duration {
    let mut command = Command::new(binary);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("OPENCLAW_STATE_DIR", state)
        .stdin(Stdio::null());
    let began = Instant::now();
    let output = command.output().unwrap();
    let elapsed = began.elapsed();
    assert!(output.status.success(), "{output:?}");
    elapsed
}

fn median(mut measure: impl FnMut() -> Duration) -> Duration {
    middle((0..TIMES).map(|_| measure()).collect())
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let middle = times.len() / 2;
    times.into_iter().nth(middle).unwrap_or_default()
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

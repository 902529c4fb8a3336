//! What a sandbox costs before the command in it begins: `true` at level Strict, beside the least
//! that bubblewrap does and beside a bare process.
//!
//! ```text
//! cargo bench -p openclaw-sandbox --bench sandbox
//! ```
//!
//! The three are started in turn, so that whatever else the machine does falls on all of them
//! alike; then as many of each as agents run at once.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first surprise, prints what it finds, and starts processes \
              without the crate to compare with it"
)]

use std::{
    process::{Command as Process, Stdio},
    time::{Duration, Instant},
};

use openclaw_sandbox::{Command, Sandbox, SandboxConfig};
use tokio::task::JoinSet;

/// How many of each are started one after the other, and how many before that are not counted.
const ROUNDS: usize = 300;
const WARMING: usize = 20;

/// How many of each are started at once, and how often.
const AT_ONCE: usize = 16;
const BATCHES: usize = 30;

/// What is started.
#[derive(Clone, Copy, Debug)]
enum Start {
    Bare,
    Plain,
    Strict,
}

const STARTS: [Start; 3] = [Start::Bare, Start::Plain, Start::Strict];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // `cargo test --benches` runs this without the argument that `cargo bench` adds.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("sandbox benchmark: run it with cargo bench");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig {
        allowed_paths: vec![folder.path().canonicalize().unwrap()],
        ..SandboxConfig::default()
    };
    let sandbox =
        Sandbox::from_environment().with_init(env!("CARGO_BIN_EXE_openclaw-sandbox-init"));

    let mut alone = STARTS.map(|_| Vec::new());
    for round in 0..WARMING + ROUNDS {
        for (start, times) in STARTS.into_iter().zip(&mut alone) {
            let time = start.run(&sandbox, &config).await;
            if round >= WARMING {
                times.push(time);
            }
        }
    }
    let mut together = STARTS.map(|_| Vec::new());
    for _ in 0..BATCHES {
        for (start, times) in STARTS.into_iter().zip(&mut together) {
            times.push(batch(start, &sandbox, &config).await);
        }
    }
    println!("| from the start to the end of `true` | median | p90 | beside plain bubblewrap |");
    println!("|---|---|---|---|");
    rows("", alone);
    rows(
        &format!(", {AT_ONCE} at once, until the last has ended"),
        together,
    );
}

impl Start {
    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "a bare process",
            Self::Plain => "`bwrap --ro-bind / / true`",
            Self::Strict => "level Strict",
        }
    }

    async fn run(self, sandbox: &Sandbox, config: &SandboxConfig) -> Duration {
        let began = Instant::now();
        match self {
            Self::Bare => process(Process::new("true")).await,
            Self::Plain => {
                let mut bwrap = Process::new("bwrap");
                bwrap.args(["--ro-bind", "/", "/", "true"]);
                process(bwrap).await;
            }
            Self::Strict => {
                let output = sandbox.execute(config, &Command::new("true")).await;
                assert!(output.unwrap().status.success(), "`true` is true");
            }
        }
        began.elapsed()
    }
}

/// Starts a process as the crate does, its output read, and waits for its end.
async fn process(mut process: Process) {
    process
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = tokio::process::Command::from(process).output().await;
    assert!(output.unwrap().status.success(), "it cannot be started");
}

async fn batch(start: Start, sandbox: &Sandbox, config: &SandboxConfig) -> Duration {
    let began = Instant::now();
    let mut runs = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (sandbox, config) = (sandbox.clone(), config.clone());
        drop(runs.spawn(async move { start.run(&sandbox, &config).await }));
    }
    drop(runs.join_all().await);
    began.elapsed()
}

fn rows(how: &str, times: [Vec<Duration>; 3]) {
    let times = times.map(|mut times| {
        times.sort_unstable();
        let at = |percent: usize| {
            let place = times.len() * percent / 100;
            times.get(place).copied().expect("something was measured")
        };
        (at(50), at(90))
    });
    let [_, (plain, _), _] = times;
    for (start, (median, p90)) in STARTS.into_iter().zip(times) {
        println!(
            "| {}{how} | {:.2} ms | {:.2} ms | {:.2} |",
            start.name(),
            median.as_secs_f64() * 1e3,
            p90.as_secs_f64() * 1e3,
            median.as_secs_f64() / plain.as_secs_f64(),
        );
    }
}

//! How long properties are tried: briefly with every test run, and for as long as is asked.
//!
//! `cargo xtask soak` asks for the long form, by `OPENCLAW_SOAK_SECONDS`: each property is tried
//! for that long.

use std::fmt::Debug;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

use openclaw_core::env::Env;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

/// Asks for the long form: how many seconds each property is tried.
const SECONDS: &str = "OPENCLAW_SOAK_SECONDS";
/// The file that figures are appended to.
const FIGURES: &str = "OPENCLAW_SOAK_FIGURES";
/// How many cases the short form tries, and the long form between two looks at the clock.
const CASES: u32 = 512;

/// The most memory that a test process may come to hold, in MB: a case takes a few of them, and
/// what is kept from one to the next adds up over the millions of the long form.
const MEMORY: u64 = 1_000;

/// Tries a property with many cases, and fails with the smallest that does not have it.
///
/// It fails too when the process, which may try other properties beside this one, comes to hold
/// more memory than it can need.
#[expect(
    clippy::print_stderr,
    reason = "the figures are what the long form is for"
)]
pub fn fuzz<S: Strategy>(subject: &str, cases: &S, property: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Debug,
{
    let env = Env::from_process();
    let seconds = env
        .get(SECONDS)
        .map(|seconds| seconds.parse().expect("a number of seconds"));
    let long = seconds.map(Duration::from_secs);
    let started = Instant::now();
    let mut tried = 0_u64;
    loop {
        let mut runner = TestRunner::new(Config {
            cases: CASES,
            failure_persistence: None,
            ..Config::default()
        });
        if let Err(err) = runner.run(cases, &property) {
            panic!("{subject}, after {tried} cases: {err}");
        }
        tried += u64::from(CASES);
        let peak = peak().unwrap_or(0);
        assert!(peak < MEMORY, "{subject}, after {tried} cases: {peak} MB");
        if long.is_none_or(|long| started.elapsed() >= long) {
            break;
        }
    }
    if long.is_none() {
        return;
    }
    let seconds = started.elapsed().as_secs();
    let peak = peak().map_or(String::new(), |peak| format!(", process at most {peak} MB"));
    let line = format!("{subject}: {tried} cases in {seconds} s{peak}");
    eprintln!("{line}");
    if let Some(file) = env.get_os(FIGURES) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .expect("the file of figures");
        writeln!(file, "{line}").expect("the file of figures");
    }
}

/// Returns the most memory that this process has held, in MB; none where the system does not tell.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes.div_ceil(1_000))
}

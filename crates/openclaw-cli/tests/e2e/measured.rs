//! What the long forms of tests measure, and where they write it down; `cargo xtask soak` asks for
//! them and says which binary they are about.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use openclaw_core::env::Env;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::OPENCLAW;

/// Tells whether the long form was asked for.
pub(crate) fn is_long() -> bool {
    Env::from_process().get("OPENCLAW_SOAK_ROUNDS").is_some()
}

/// Returns the binary that is measured: the one that was asked for, and else the one under test.
pub(crate) fn binary() -> PathBuf {
    let env = Env::from_process();
    let named = env.get_os("OPENCLAW_SOAK_BINARY");
    named.map_or_else(|| OPENCLAW.into(), PathBuf::from)
}

/// Tells whether the binary under test is as fast as the one that people run.
pub(crate) fn is_release() -> bool {
    Env::from_process().get_os("OPENCLAW_SOAK_BINARY").is_some() || !cfg!(debug_assertions)
}

/// Writes figures down where they were asked for.
#[expect(
    clippy::print_stderr,
    reason = "the figures are what the long form is for"
)]
pub(crate) fn figures(line: &str) {
    eprintln!("{line}");
    if let Some(file) = Env::from_process().get_os("OPENCLAW_SOAK_FIGURES") {
        let mut file = fs::File::options()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

/// Returns how much memory a process holds, in kilobytes.
pub(crate) fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Lets this process open as many sockets as it may, and returns how many that is.
pub(crate) fn sockets() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(1 << 20);
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    most
}

//! The release binary, run on the large log.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the gateway is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// Lists sessions as JSON and returns how long the command took from start to end.
pub(crate) fn list(binary: &Path, state: &Path, limit: u64) -> Duration {
    let mut command = command(binary, state);
    command
        .args(["sessions", "list", "--json", "--limit"])
        .arg(limit.to_string());
    let began = Instant::now();
    let output = command.output().unwrap();
    let elapsed = began.elapsed();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.matches("\"agent:main:bench:").count();
    assert_eq!(
        u64::try_from(rows).unwrap(),
        limit,
        "every session is listed"
    );
    elapsed
}

/// Starts the gateway and returns its resident memory in MB (`VmRSS` of proc(5)).
pub(crate) async fn idle_gateway_mb(binary: &Path, state: &Path) -> f64 {
    let config = r#"{ agents: { defaults: { model: { primary: "scripted/offline-1" } } } }"#;
    fs::write(state.join("openclaw.json"), config).unwrap();
    let mut command = command(binary, state);
    command.args(["gateway", "run", "--port", "0"]);
    let mut gateway = Gateway(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let stdout = gateway.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert!(line.starts_with("ready "), "the gateway says `{line}`");
    tokio::time::sleep(IDLE).await;
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.0.id())).unwrap();
    let kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .expect("a line VmRSS")
        .parse()
        .unwrap();
    kib * 1024.0 / 1e6
}

/// A gateway that ends with this.
struct Gateway(Child);

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts what it measures"
)]
fn command(binary: &Path, state: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent")
        .env("OPENCLAW_STATE_DIR", state)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

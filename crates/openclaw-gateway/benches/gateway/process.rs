//! The processes that are measured.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

/// The model that the gateway asks.
pub(crate) const MODEL: &str = "instant";

/// How many of the processor's ticks, as `/proc` counts them, make a second (`USER_HZ`).
const TICKS: u64 = 100;

/// A server in a process and a folder of its own; both end with this.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    port: Option<u16>,
}

/// Starts the release binary; what it asks is at this address.
pub(crate) fn start_gateway(binary: &Path, provider: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    let config = json!({
        "agents": { "defaults": { "model": { "primary": format!("bench/{MODEL}") } } },
        "models": { "providers": { "bench": {
            "baseUrl": provider, "api": "openai-completions", "apiKey": "of-the-benchmark",
            "models": [{ "id": MODEL, "name": MODEL, "maxTokens": 4096 }],
        } } },
        "gateway": { "http": { "endpoints": { "chatCompletions": { "enabled": true } } } },
    });
    fs::write(state.join("openclaw.json"), config.to_string()).unwrap();
    // The limits are for strangers and mistakes; here everything that it can do is asked for.
    let limits = json!({ "rateLimit": {
        "requestsPerMinute": 10_000_000, "messagesPerMinute": 10_000_000,
    } });
    fs::write(state.join("openclaw-rs.json5"), limits.to_string()).unwrap();
    let child = command(binary)
        .args(["gateway", "run", "--port", "0"])
        .env("OPENCLAW_STATE_DIR", &state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Server {
        child,
        folder,
        port: None,
    }
}

/// Starts this program again, as the forwarder.
pub(crate) fn start_forwarder(provider: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    start_self(
        folder,
        &[
            Path::new("--forwarder"),
            &path,
            Path::new("--asks"),
            Path::new(provider),
        ],
    )
}

/// Starts this program again, as the model API.
pub(crate) fn start_provider() -> Server {
    start_self(tempfile::tempdir().unwrap(), &[Path::new("--provider")])
}

fn start_self(folder: TempDir, arguments: &[&Path]) -> Server {
    let child = command(&std::env::current_exe().unwrap())
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    Server {
        child,
        folder,
        port: None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark starts what it measures"
)]
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/nonexistent");
    command
}

impl Server {
    /// Returns the port, reading it from the line `ready http://127.0.0.1:PORT …` if need be.
    pub(crate) fn port(&mut self) -> u16 {
        if self.port.is_none() {
            let mut line = String::new();
            let stdout = self.child.stdout.take().unwrap();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            let address = line.split_whitespace().nth(1).expect("a ready line");
            self.port = address
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok());
        }
        self.port.expect("a port")
    }

    /// Returns the port that [`Server::port`] has read before.
    pub(crate) fn known_port(&self) -> u16 {
        self.port.expect("a port")
    }

    /// Returns the bearer token; the forwarder has none.
    pub(crate) fn token(&self) -> String {
        let file = self.folder.path().join("state/openclaw-rs/gateway.token");
        fs::read_to_string(file).unwrap_or_default()
    }

    /// Returns the gateway's event log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("state/openclaw-rs/events.sqlite")
    }

    /// Returns the resident memory in MB (`VmRSS` of proc(5)).
    pub(crate) fn resident_mb(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024.0 / 1e6
    }

    /// Returns the processor's time that the process has taken so far, the system's for it too
    /// (`utime` and `stime` of proc(5)).
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name of the program, which comes before, may have anything in it.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / TICKS)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

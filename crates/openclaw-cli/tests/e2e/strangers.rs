//! Thousands of connections that mean nothing good, and the clients beside them.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use openclaw_core::env::Env;
use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{GatewayProcess, TestHome};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use crate::OPENCLAW;

/// How many strangers come; `cargo xtask soak` sends more.
const STRANGERS: usize = 2000;
const STRANGERS_OF_THE_LONG_FORM: usize = 10_000;

/// What a client may wait for `/health` on a quiet machine.
const PROMPT: Duration = Duration::from_millis(100);
/// What the process may take, in kilobytes.
const MEMORY: u64 = 100 * 1024;
/// How much more both may be on a machine that does something else, in a debug build.
const BUSY: u32 = 5;

/// What a stranger does.
#[derive(Clone, Copy, Debug)]
enum Stranger {
    /// Nothing.
    Silent,
    /// It sends a byte a second of a request that never ends.
    Slow,
    /// It sends what is no request.
    Garbage,
}

impl Stranger {
    const ALL: [Self; 3] = [Self::Silent, Self::Slow, Self::Garbage];

    /// Bothers the gateway until `stop`; whoever is thrown out comes back.
    async fn bother(self, addr: SocketAddr, stop: watch::Receiver<()>) {
        while stop.has_changed().is_ok() {
            if let Ok(mut stream) = TcpStream::connect(addr).await {
                self.stay(&mut stream, stop.clone()).await;
            }
            time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn stay(self, stream: &mut TcpStream, mut stop: watch::Receiver<()>) {
        let mut answer = [0; 512];
        let start: &[u8] = match self {
            Self::Silent => b"",
            Self::Slow => b"GET /health HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
            Self::Garbage => &[0xff, 0x00, 0x16, 0x03, 0x01, 0x0a, 0x0a, 0x20],
        };
        if stream.write_all(start).await.is_err() {
            return;
        }
        let mut second = time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                read = stream.read(&mut answer) => if !matches!(read, Ok(1..)) { return },
                _ = second.tick(), if !matches!(self, Self::Silent) => {
                    if stream.write_all(b"a").await.is_err() { return }
                }
            }
        }
    }
}

/// Lets this process open as many sockets as it may, and returns how many that is.
fn sockets() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(1 << 20);
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    most
}

/// Returns how much memory a process holds, in kilobytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[expect(
    clippy::print_stderr,
    reason = "the figures are what the long form is for"
)]
fn figures(line: &str) {
    use std::io::Write as _;
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

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn thousands_of_strangers_keep_nobody_out() {
    let asked_for = match Env::from_process().get("OPENCLAW_SOAK_ROUNDS") {
        Some(_) => STRANGERS_OF_THE_LONG_FORM,
        None => STRANGERS,
    };
    let strangers = asked_for.min(usize::try_from(sockets() * 3 / 4).unwrap());
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let before = resident(gateway.pid());

    let (stop, stopped) = watch::channel(());
    let mut crowd = JoinSet::new();
    for kind in Stranger::ALL.into_iter().cycle().take(strangers) {
        crowd.spawn(kind.bother(gateway.addr(), stopped.clone()));
    }
    let mut waits = Vec::new();
    let mut most = 0;
    for _ in 0..100 {
        let start = Instant::now();
        let health = HttpRequest::get("/health").send(gateway.addr()).await;
        waits.push(start.elapsed());
        assert_eq!(health.unwrap().status, 200);
        most = most.max(resident(gateway.pid()));
        time::sleep(Duration::from_millis(50)).await;
    }
    drop(stop);
    while crowd.join_next().await.is_some() {}
    waits.sort();
    let (middle, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    figures(&format!(
        "strangers {strangers}: /health median {middle:?}, worst {worst:?}; memory {before} kB before, {most} kB at most"
    ));
    assert!(worst < PROMPT * BUSY, "{worst:?}");
    assert!(most < MEMORY * u64::from(BUSY) / 2, "{most} kB");
    let log = gateway.stderr();
    assert!(
        !log.contains("WARN"),
        "a connection is nothing to warn of: {log}"
    );
}

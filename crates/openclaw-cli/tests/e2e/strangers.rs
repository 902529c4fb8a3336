//! Thousands of connections that mean nothing good, and the clients beside them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{GatewayProcess, TestHome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use crate::OPENCLAW;
use crate::measured::{figures, is_long, resident, sockets};

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

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn thousands_of_strangers_keep_nobody_out() {
    let asked_for = if is_long() {
        STRANGERS_OF_THE_LONG_FORM
    } else {
        STRANGERS
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

//! The egress proxy over real connections on the loopback interface.

mod load;
mod refusals;
mod requests;
mod tunnels;

use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use openclaw_http::egress::{Connection, Limits, Lists, Policy, Proxy, Stage, Watch};
use openclaw_http::guard::Resolver;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Long enough for a busy machine, and short enough to see that something hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a proxy for a test is set up.
#[derive(Default)]
struct Setup {
    allow: Vec<String>,
    deny: Vec<String>,
    private: Vec<String>,
    own_ports: Vec<u16>,
    limits: Limits,
    resolver: Option<Resolver>,
}

/// A proxy that serves, and what it has told.
struct Running {
    address: SocketAddr,
    told: watch::Receiver<Vec<String>>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

impl Setup {
    fn private(hosts: &[&SocketAddr]) -> Self {
        Self {
            private: hosts.iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }

    fn start(self) -> Running {
        let lists = Lists {
            allow: &self.allow,
            deny: &self.deny,
            private: &self.private,
        };
        let policy = Policy::parse(&lists).unwrap();
        let policy = policy.with_own_ports(self.own_ports);
        let (tell, told) = watch::channel(Vec::new());
        let watch: Watch = Arc::new(move |connection: &Connection<'_>| {
            tell.send_modify(|told| told.push(line(connection)));
        });
        let resolver = self.resolver.unwrap_or_else(nobody);
        let proxy = Proxy::new(policy, resolver, self.limits, watch);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let token = stop.clone();
        Running {
            address,
            told,
            stop,
            served: tokio::task::spawn(async move { proxy.serve(listener, token).await }),
        }
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and returns everything that comes back until the proxy closes.
    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    /// Opens a tunnel.
    async fn tunnel(&self, to: &SocketAddr) -> TcpStream {
        let mut stream = self.connect().await;
        let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut opened = [0; 39];
        stream.read_exact(&mut opened).await.unwrap();
        assert_eq!(&opened, b"HTTP/1.1 200 Connection established\r\n\r\n");
        stream
    }

    /// Waits until so much has been told.
    async fn told(&self, n: usize) -> Vec<String> {
        let mut told = self.told.clone();
        let enough = told.wait_for(|told| told.len() >= n);
        timeout(PATIENCE, enough).await.unwrap().unwrap().clone()
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.served).await.unwrap().unwrap();
    }
}

/// One line for what is told, without what differs from run to run.
fn line(connection: &Connection<'_>) -> String {
    let Connection {
        number,
        target,
        way,
        stage,
    } = connection;
    let mut line = format!("{number} {way} {target} ");
    match stage {
        Stage::Refused(refusal) => write!(line, "refused: {refusal}"),
        Stage::Open { address, rule } => write!(line, "open: {address} by {rule}"),
        Stage::Closed { sent, received, .. } => write!(line, "closed: {sent} up {received} down"),
    }
    .unwrap();
    line
}

fn nobody() -> Resolver {
    Resolver::new(|name| async move { panic!("{name} is looked up") })
}

/// A resolver that gives these answers one after the other, and the last one for ever.
fn answers(answers: &'static [&'static str]) -> Resolver {
    let (count, _) = watch::channel(0);
    Resolver::new(move |_name| {
        let n = *count.borrow();
        count.send_replace(n + 1);
        let answer: &str = answers[n.min(answers.len() - 1)];
        let found = answer.parse::<IpAddr>().map_err(io::Error::other);
        async move { found.map(|address| vec![address]) }
    })
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is an end, too.
    drop(
        timeout(PATIENCE, stream.read_to_end(&mut bytes))
            .await
            .unwrap(),
    );
    String::from_utf8(bytes).unwrap()
}

/// A host that accepts connections and gives each to a function.
async fn host<F, Fut>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn(serve(stream));
        }
    });
    address
}

/// A web server that gives each request the same answer, and remembers what it was sent.
async fn web(answer: &'static str) -> (SocketAddr, watch::Receiver<Vec<String>>) {
    let (seen, requests) = watch::channel(Vec::new());
    let address = host(move |mut stream| {
        let seen = seen.clone();
        async move {
            let request = request(&mut stream).await;
            seen.send_modify(|seen| seen.push(request));
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    (address, requests)
}

/// Reads a request whose body has a length or comes in chunks.
async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let n = stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert_ne!(n, 0, "the request ended early");
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let chunked = head.contains("transfer-encoding: chunked");
        if n == 0 || (chunked && body.ends_with("0\r\n\r\n")) || (!chunked && body.len() >= length)
        {
            return text;
        }
    }
}

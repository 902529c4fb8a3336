//! Listening, and stopping in good order.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use openclaw_config::GatewayRefusal;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::crowd::Crowd;
use super::framing::Verdict;
use super::guard::Arrival;
use super::refused::Budget;
use super::room::Room;
use super::routes::router;
use super::wire::{Line, Wire};
use crate::builder::Gateway;
use crate::error::GatewayError;
use crate::home::{GatewayFile, Home, Running};
use crate::port;
use crate::reload::Follower;

/// How many connections may wait to be accepted, as far as the system agrees.
const BACKLOG: u32 = 4096;

/// How long a client may take to send the head of a request, and how long a connection may lie idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 32_768;

/// How long requests that are under way may go on once the gateway is told to stop.
const DRAIN_GRACE: Duration = Duration::from_millis(1200);

/// How long cancelled runs may take to get their end on record.
pub(crate) const STOP_GRACE: Duration = Duration::from_millis(500);

/// How long the last entries of the audit stream may take to be written.
pub(crate) const LAST_ENTRIES: Duration = Duration::from_millis(150);

/// How long the answers to cancelled requests may take to be sent.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// How long to wait after the system refused a connection, for want of file handles for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a config change that is found at the start of a gateway is said to be noticed by.
const AT_START: &str = "gateway start";

/// A gateway that has its address and is about to answer.
#[derive(Debug)]
pub struct Listening {
    gateway: Gateway,
    listener: TcpListener,
    addr: SocketAddr,
    follower: Option<Follower>,
    /// Held until the gateway has stopped.
    _file: Option<GatewayFile>,
}

impl Listening {
    pub(crate) async fn bind(
        gateway: Gateway,
        home: Option<&Home>,
        addr: SocketAddr,
    ) -> Result<Self, GatewayError> {
        may_listen(&gateway, home, addr.ip())?;
        let mut file = match home {
            Some(home) => Some(GatewayFile::claim(&home.state).await?),
            None => None,
        };
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => GatewayError::PortInUse {
                addr,
                holder: port::holder(addr),
            },
            _ => GatewayError::Listen {
                addr: addr.to_string(),
                source,
            },
        };
        let listener = listen(addr).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        gateway.shared.rpc.exits.keep_from(addr.port());
        if let Some(file) = &mut file {
            let host = if addr.ip().is_unspecified() {
                "127.0.0.1".to_owned()
            } else {
                addr.ip().to_string()
            };
            file.announce(&Running {
                pid: std::process::id(),
                host,
                port: addr.port(),
                started: gateway.shared.started,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            })?;
        }
        if let Some(home) = home {
            let audit = &gateway.shared.rpc.audit;
            audit.look_at_config(home.config.files.clone(), AT_START);
        }
        Ok(Self {
            gateway,
            listener,
            addr,
            follower: home.cloned().map(|home| Follower::new(home, addr.ip())),
            _file: file,
        })
    }

    /// Returns the address, with the port that the system chose if port 0 was asked for.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until `stop` ends, then finishes what it can: within two seconds everything is
    /// answered or cancelled, and on record.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), GatewayError> {
        self.gateway.shared.start_audit();
        self.gateway.shared.recover().await;
        self.gateway.shared.rpc.tell_serving(self.addr.port()).await;
        if let Some(follower) = self.follower {
            let work = follower.run(self.gateway.clone());
            drop(self.gateway.shared.connections.spawn("config", work));
        }
        let app = router(self.gateway.clone());
        let places = Places::new(Room::make());
        let connections = self.gateway.shared.connections.clone();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = stop.as_mut() => break,
                accepted = places.accept(&self.listener) => accepted,
            };
            if let Some(connection) = accepted {
                let work = connection.serve(app.clone(), connections.stop().clone());
                drop(connections.spawn("connection", work));
            }
        }
        drop(self.listener);
        tracing::info!("the gateway stops");
        let told = self.gateway.shared.rpc.tell_stopping();
        if time::timeout(DRAIN_GRACE, told).await.is_err() {
            tracing::warn!("who is called when the gateway stops did not come to an end in time");
        }
        if connections.close(DRAIN_GRACE).await > 0 {
            tracing::warn!("requests that were under way are cancelled");
        }
        self.gateway.clone().close().await;
        // What was cancelled is answered so, if the client is still there.
        connections.close(LAST_ANSWERS).await;
        Ok(())
    }
}

/// Refuses an address where everybody would be let in, and a config that contradicts itself.
fn may_listen(gateway: &Gateway, home: Option<&Home>, at: IpAddr) -> Result<(), GatewayRefusal> {
    let by_config = home.and_then(|home| home.config.gateway.refusal(at));
    let open = gateway.shared.edge.settings().open;
    let refusal = by_config.or_else(|| GatewayRefusal::of_open(at).filter(|_| open));
    refusal.map_or(Ok(()), Err)
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // On Windows this would let another program take the same address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Where connections are let in, as long as there is room.
struct Places {
    all: Arc<Semaphore>,
    /// Those at which nothing is under way: they go when there is no room.
    waiting: Arc<Crowd>,
    /// How often it is told that the system gives no connection.
    failures: Budget,
}

impl Places {
    fn new(room: Room) -> Self {
        Self {
            all: Arc::new(Semaphore::new(room.connections)),
            waiting: Arc::new(Crowd::new(room.waiting)),
            failures: Budget::default(),
        }
    }

    /// Waits for a connection, and for room for it.
    ///
    /// # Cancel safety
    /// A connection that has been accepted and has no room yet is closed when the future is dropped.
    async fn accept(&self, listener: &TcpListener) -> Option<Connection> {
        let (stream, addr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(err) => {
                if self.failures.spend() {
                    tracing::warn!(%err, "a connection could not be accepted");
                }
                time::sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let place = self.place().await?;
        // Answers are small and latency counts; a failure only costs a delay.
        drop(stream.set_nodelay(true));
        let remote = addr.ip().to_canonical();
        // A connection that is gone already says nothing about itself any more.
        let local = stream.local_addr().ok()?.ip().to_canonical();
        let line = Line::new(&self.waiting);
        let arrival = Arrival {
            remote,
            local,
            head: Verdict::Unseen,
            line: Arc::clone(&line),
        };
        Some(Connection {
            wire: Wire::new(stream, line, place),
            arrival,
        })
    }

    /// Finds room: when there is none, whoever has waited longest goes.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let all = Arc::clone(&self.all);
        if let Ok(place) = Arc::clone(&all).try_acquire_owned() {
            return Some(place);
        }
        self.waiting.push_out();
        all.acquire_owned().await.ok()
    }
}

/// A connection that has room.
struct Connection {
    wire: Wire,
    arrival: Arrival,
}

/// A request that came before the one ahead of it was answered.
#[derive(Debug, thiserror::Error)]
#[error("a request came before the last one was answered")]
struct TooEarly;

impl Connection {
    /// Answers requests until either side has had enough.
    async fn serve(self, app: Router, stop: CancellationToken) {
        let Self { wire, arrival } = self;
        let line = Arc::clone(&arrival.line);
        let app = TowerToHyperService::new(app);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let under_way = UnderWay(Arc::clone(&arrival.line));
            let head = arrival.line.begin();
            request.extensions_mut().insert(Arrival {
                head,
                ..arrival.clone()
            });
            let answer = (head != Verdict::Unseen).then(|| app.call(request));
            async move {
                let Some(answer) = answer else {
                    return Err(TooEarly);
                };
                let Ok(answer) = answer.await;
                drop(under_way);
                Ok(answer)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_header_size(MAX_HEAD)
            .max_buf_size(2 * MAX_HEAD)
            .serve_connection(TokioIo::new(wire), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = line.pushed_out() => return,
            () = stop.cancelled() => {
                // A request that is under way is still answered.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(err) = ended {
            // A broken connection is the client's affair.
            tracing::debug!(%err, "a connection broke");
        }
    }
}

/// A request for as long as it is under way.
struct UnderWay(Arc<Line>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Ends when the process is told to stop.
pub(crate) async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        ) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            }
            (Err(err), _) | (_, Err(err)) => {
                tracing::error!(%err, "signals cannot be received");
                std::future::pending::<()>().await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        if let Err(err) = tokio::signal::ctrl_c().await {
            tracing::error!(%err, "signals cannot be received");
            std::future::pending::<()>().await;
        }
    }
}

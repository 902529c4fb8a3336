//! Listening, and stopping in good order.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time;

use super::routes::router;
use crate::builder::Gateway;
use crate::error::GatewayError;
use crate::home::{GatewayFile, Home, Running};
use crate::port;
use crate::reload::Follower;

/// How many connections are open at the same time; further ones wait to be accepted.
const CONNECTIONS: usize = 4096;

/// How long a client may take to send a request's header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

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

/// The address that a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

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
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
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
            audit.look_at_config(home.state.config_file().to_owned(), AT_START);
        }
        Ok(Self {
            gateway,
            listener,
            addr,
            follower: home.cloned().map(Follower::new),
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
        if let Some(follower) = self.follower {
            let work = follower.run(self.gateway.clone());
            drop(self.gateway.shared.connections.spawn("config", work));
        }
        let app = router(self.gateway.clone());
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let connections = self.gateway.shared.connections.clone();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = stop.as_mut() => break,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let Some((stream, peer, place)) = accepted else {
                continue;
            };
            let app = TowerToHyperService::new(app.clone());
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                app.call(request)
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            let stop = connections.stop().clone();
            drop(connections.spawn("connection", async move {
                let mut connection = std::pin::pin!(connection);
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
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
                drop(place);
            }));
        }
        drop(self.listener);
        tracing::info!("the gateway stops");
        if connections.close(DRAIN_GRACE).await > 0 {
            tracing::warn!("requests that were under way are cancelled");
        }
        self.gateway.clone().close().await;
        // What was cancelled is answered so, if the client is still there.
        connections.close(LAST_ANSWERS).await;
        Ok(())
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, Peer, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, addr)) => {
            // Answers are small and latency counts; a failure only costs a delay.
            drop(stream.set_nodelay(true));
            Some((stream, Peer(addr.ip().to_canonical()), place))
        }
        Err(err) => {
            tracing::warn!(%err, "a connection could not be accepted");
            time::sleep(ACCEPT_PAUSE).await;
            None
        }
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

//! Listening, and stopping in good order.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use openclaw_config::GatewayRefusal;
use tokio::time::{self, Instant};

use super::entrance::Entrance;
use super::listeners::{Listeners, Place, Places};
use super::room::Room;
use super::routes::router;
use super::stopping::DRAIN;
use super::tls::Tls;
use crate::builder::Gateway;
use crate::error::GatewayError;
use crate::home::{GatewayFile, Home, Running};
use crate::reload::Follower;
use crate::systemd::ServiceManager;

/// How long cancelled runs may take to get their end on record.
pub(crate) const STOP_GRACE: Duration = Duration::from_millis(500);

/// How long the last entries of the audit stream may take to be written.
pub(crate) const LAST_ENTRIES: Duration = Duration::from_millis(150);

/// How long the answers to cancelled requests may take to be sent.
const LAST_ANSWERS: Duration = Duration::from_millis(100);

/// How often it is looked whether runs that nobody waits for have come to their end.
const LOOK: Duration = Duration::from_millis(20);

/// How often the files of the certificate are looked at.
const LOOK_AT_FILES: Duration = Duration::from_millis(250);

/// What a config change that is found at the start of a gateway is said to be noticed by.
const AT_START: &str = "gateway start";

/// A gateway that has its addresses and is about to answer.
#[derive(Debug)]
pub struct Listening {
    gateway: Gateway,
    listeners: Listeners,
    tls: Option<Arc<Tls>>,
    follower: Option<Follower>,
    drain: Duration,
    manager: ServiceManager,
    /// Held until the gateway has stopped.
    file: Option<GatewayFile>,
}

impl Listening {
    pub(crate) async fn bind(
        gateway: Gateway,
        home: Option<&Home>,
        places: Places,
    ) -> Result<Self, GatewayError> {
        let mut file = match home {
            Some(home) => Some(GatewayFile::claim(&home.state).await?),
            None => None,
        };
        if let Some(addr) = places.own_addr() {
            may_listen(&gateway, home, addr.ip())?;
        }
        let settings = home.and_then(|home| home.config.gateway.tls.as_ref());
        let tls = settings.map(Tls::open).transpose()?.map(Arc::new);
        let listeners = Listeners::open(places).await?;
        // Those that were opened by somebody else have to be judged, too.
        for addr in listeners.addrs() {
            may_listen(&gateway, home, addr.ip())?;
            gateway.shared.rpc.exits.keep_from(addr.port());
        }
        gateway.shared.ready.watch(tls.as_ref());
        if let Some(file) = &mut file {
            let unix = listeners
                .places()
                .into_iter()
                .find_map(|place| match place {
                    Place::Unix(path) => path,
                    Place::Tcp(_) => None,
                });
            file.announce(Running {
                pid: std::process::id(),
                host: host(listeners.addrs().next()),
                port: listeners.addrs().next().map_or(0, |addr| addr.port()),
                started: gateway.shared.started,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                unix,
                fingerprint: tls.as_ref().map(|tls| tls.fingerprint()),
            })?;
        }
        if let Some(home) = home {
            let audit = &gateway.shared.rpc.audit;
            audit.look_at_config(home.config.files.clone(), AT_START);
        }
        // A changed config is judged by the address that most can reach.
        let at = listeners
            .addrs()
            .map(|addr| addr.ip().to_canonical())
            .find(|ip| !ip.is_loopback())
            .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let own = home.map(|home| &home.config.own.gateway);
        Ok(Self {
            gateway,
            listeners,
            tls,
            follower: home.cloned().map(|home| Follower::new(home, at)),
            drain: own.and_then(|own| own.drain).unwrap_or(DRAIN),
            manager: ServiceManager::default(),
            file,
        })
    }

    /// Returns the first address, with the port that the system chose if port 0 was asked for; a
    /// gateway that listens on unix sockets only has port 0.
    pub fn addr(&self) -> SocketAddr {
        let none = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.listeners.addrs().next().unwrap_or(none)
    }

    /// Returns everywhere that it listens.
    pub fn places(&self) -> Vec<Place> {
        self.listeners.places()
    }

    /// Returns what an address to reach it at begins with.
    pub const fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Lets requests and runs go on for so long once it is told to stop.
    #[must_use]
    pub const fn draining_within(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Tells a service manager how things stand.
    #[must_use]
    pub fn telling(mut self, manager: ServiceManager) -> Self {
        self.manager = manager;
        self
    }

    /// Answers until `stop` ends, then finishes what it can.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), GatewayError> {
        // Once it has ended, it never does again.
        let told = stream::once(stop).chain(stream::pending());
        self.run_told(told).await
    }

    /// Answers until it is `told` to stop: then it lets nobody in any more, and finishes what it
    /// can within its time. Told once more, it stops at once.
    ///
    /// Either way, what is cancelled is on record.
    pub async fn run_told(self, told: impl Stream<Item = ()>) -> Result<(), GatewayError> {
        let mut told = std::pin::pin!(told.fuse());
        let Self {
            gateway,
            listeners,
            tls,
            follower,
            drain,
            manager,
            file,
        } = self;
        let shared = Arc::clone(&gateway.shared);
        shared.start_audit();
        shared.telemetry.start_export(&shared);
        let port = listeners.addrs().next().map_or(0, |addr| addr.port());
        start(&gateway, follower, port, manager.clone());
        let entrance = Entrance::new(Room::make(), tls.as_ref().map(Arc::clone));
        let app = router(gateway.clone());
        let connections = shared.connections.clone();
        let mut upkeep = std::pin::pin!(upkeep(manager.clone(), tls, file));
        loop {
            let accepted = tokio::select! {
                _ = told.next() => break,
                () = upkeep.as_mut() => continue,
                accepted = entrance.accept(&listeners) => accepted,
            };
            if let Some(connection) = accepted {
                let work = connection.serve(app.clone(), gateway.clone());
                drop(connections.spawn("connection", work));
            }
        }
        shared.ready.drain();
        manager.stopping(drain);
        drop(listeners);
        tracing::info!(within = ?drain, "the gateway stops");
        tokio::select! {
            () = drained(&gateway, drain) => {}
            Some(()) = told.next() => tracing::warn!("told once more: the gateway stops at once"),
            () = upkeep => {}
        }
        gateway.close().await;
        // What was cancelled is answered so, if the client is still there.
        connections.close(LAST_ANSWERS).await;
        Ok(())
    }
}

/// Does, beside the first clients, what belongs to a start.
fn start(gateway: &Gateway, follower: Option<Follower>, port: u16, manager: ServiceManager) {
    let connections = &gateway.shared.connections;
    let shared = Arc::clone(&gateway.shared);
    let recover = async move {
        manager.status("closing what a crash cut off");
        shared.recover().await;
        shared.rpc.tell_serving(port).await;
        manager.ready("answering");
    };
    drop(connections.spawn("start", recover));
    if let Some(follower) = follower {
        drop(connections.spawn("config", follower.run(gateway.clone())));
    }
}

/// Follows the certificate's files and lets the service manager know that all is well, for ever.
async fn upkeep(manager: ServiceManager, tls: Option<Arc<Tls>>, mut file: Option<GatewayFile>) {
    let alive = async {
        match manager.pulse() {
            Some(pulse) => loop {
                manager.alive();
                time::sleep(pulse).await;
            },
            None => std::future::pending().await,
        }
    };
    let renewed = async {
        let Some(tls) = tls else {
            // The file is held as long as the gateway works on its state directory.
            return std::future::pending().await;
        };
        loop {
            time::sleep(LOOK_AT_FILES).await;
            let look = Arc::clone(&tls);
            let other = tokio::task::spawn_blocking(move || look.look()).await;
            if let (Ok(true), Some(file)) = (other, &mut file)
                && let Err(err) = file.announce_fingerprint(tls.fingerprint())
            {
                tracing::error!(%err, "programs on this machine do not know the new certificate");
            }
        }
    };
    tokio::join!(alive, renewed);
}

/// Waits, at most for so long, until nothing is under way any more.
async fn drained(gateway: &Gateway, within: Duration) {
    let shared = &gateway.shared;
    let deadline = Instant::now() + within;
    if time::timeout_at(deadline, shared.rpc.tell_stopping())
        .await
        .is_err()
    {
        tracing::warn!("who is called when the gateway stops did not come to an end in time");
    }
    let left = deadline.saturating_duration_since(Instant::now());
    if shared.connections.close(left).await > 0 {
        tracing::warn!("requests that were under way are cancelled");
    }
    // Runs go on whose clients have left.
    while !shared.rpc.engine.active().is_empty() && Instant::now() < deadline {
        time::sleep(LOOK).await;
    }
    let cancelled = shared.rpc.engine.active().len();
    if cancelled > 0 {
        tracing::warn!(cancelled, "runs that were under way are cancelled");
    }
}

/// Refuses an address where everybody would be let in, and a config that contradicts itself.
fn may_listen(gateway: &Gateway, home: Option<&Home>, at: IpAddr) -> Result<(), GatewayRefusal> {
    let by_config = home.and_then(|home| home.config.gateway.refusal(at));
    let open = gateway.shared.edge.settings().open;
    let refusal = by_config.or_else(|| GatewayRefusal::of_open(at).filter(|_| open));
    refusal.map_or(Ok(()), Err)
}

/// Returns the host by which a program on this machine reaches an address.
fn host(addr: Option<SocketAddr>) -> String {
    match addr {
        Some(addr) if !addr.ip().is_unspecified() => addr.ip().to_string(),
        _ => Ipv4Addr::LOCALHOST.to_string(),
    }
}

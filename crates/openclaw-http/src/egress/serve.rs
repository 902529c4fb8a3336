//! Serving a listener: how many at a time, how long, and the end of it all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::carry::carry;
use super::connection::Watch;
use super::policy::Policy;
use crate::guard::{Guard, Resolver};

/// How many clients all proxies of this process serve at a time. Each takes two file handles, of which a
/// process often has 1024.
static ROOM: Semaphore = Semaphore::const_new(256);

/// How long to wait after the system refused a connection, for want of file handles for example.
const PAUSE: Duration = Duration::from_millis(50);

/// How much a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Clients of one listener that are served at a time; the others wait to be accepted.
    pub clients: usize,
    /// How long the head of a request may take to arrive.
    pub head: Duration,
    /// How long a name may take to be looked up, and its addresses to be connected to.
    pub connect: Duration,
    /// How long a connection may be silent in both directions.
    pub idle: Duration,
}

impl Default for Limits {
    /// 128 clients, 10 seconds for a head, 10 for a connection, and 5 minutes of silence.
    fn default() -> Self {
        Self {
            clients: 128,
            head: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(5),
        }
    }
}

/// The egress proxy; clones are the same.
#[derive(Clone)]
pub struct Proxy {
    office: Arc<Office>,
}

/// What every connection needs.
pub(super) struct Office {
    pub(super) policy: Policy,
    pub(super) guard: Guard,
    pub(super) limits: Limits,
    pub(super) watch: Watch,
    numbers: AtomicU64,
}

impl Office {
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

impl Proxy {
    /// Makes a proxy; it costs nothing until it serves.
    pub fn new(policy: Policy, resolver: Resolver, limits: Limits, watch: Watch) -> Self {
        let guard = Guard::new(resolver)
            .with_private(policy.private().to_vec())
            .with_own_ports(policy.own_ports().to_vec());
        Self {
            office: Arc::new(Office {
                policy,
                guard,
                limits,
                watch,
                numbers: AtomicU64::new(1),
            }),
        }
    }

    /// Serves everybody who connects until `stop` is cancelled; then nothing of it is left.
    ///
    /// # Cancel safety
    /// Dropping the future ends every connection, too.
    pub async fn serve(&self, listener: std::net::TcpListener, stop: CancellationToken) {
        let listener = listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener));
        match listener {
            Ok(listener) => {
                let mut clients = JoinSet::new();
                stop.run_until_cancelled(self.accept(&listener, &mut clients))
                    .await;
                clients.shutdown().await;
            }
            Err(err) => tracing::warn!(%err, "the egress proxy has nothing to listen on"),
        }
    }

    async fn accept(&self, listener: &TcpListener, clients: &mut JoinSet<()>) {
        let room = Arc::new(Semaphore::new(self.office.limits.clients));
        loop {
            // Neither of them is ever closed.
            let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            let client = next(listener, clients).await;
            let Ok(general) = ROOM.acquire().await else {
                return;
            };
            let office = Arc::clone(&self.office);
            clients.spawn(async move {
                carry(client, office).await;
                drop((place, general));
            });
        }
    }
}

/// Waits for a client, and clears away those who are done.
async fn next(listener: &TcpListener, clients: &mut JoinSet<()>) -> TcpStream {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => return client,
                Err(err) => {
                    tracing::debug!(%err, "the egress proxy cannot accept a connection");
                    sleep(PAUSE).await;
                }
            },
            Some(ended) = clients.join_next() => if let Err(err) = ended {
                tracing::error!(%err, "a connection of the egress proxy ended badly");
            },
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("policy", &self.office.policy)
            .field("limits", &self.office.limits)
            .finish_non_exhaustive()
    }
}

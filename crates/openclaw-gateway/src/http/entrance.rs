//! Letting connections in, as long as there is room, and telling where they come from.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time;

use super::connection::Connection;
use super::crowd::Crowd;
use super::framing::Verdict;
use super::guard::Arrival;
use super::host::Scheme;
use super::listeners::{Caller, Listeners};
use super::refused::Budget;
use super::room::Room;
use super::tls::Tls;
use super::wire::Line;

/// How long to wait after the system refused a connection, for want of file handles for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where connections are let in, as long as there is room.
pub(super) struct Entrance {
    all: Arc<Semaphore>,
    /// Those at which nothing is under way: they go when there is no room.
    waiting: Arc<Crowd>,
    /// How often it is told that the system gives no connection.
    failures: Budget,
    tls: Option<Arc<Tls>>,
}

impl Entrance {
    pub(super) fn new(room: Room, tls: Option<Arc<Tls>>) -> Self {
        Self {
            all: Arc::new(Semaphore::new(room.connections)),
            waiting: Arc::new(Crowd::new(room.waiting)),
            failures: Budget::default(),
            tls,
        }
    }

    /// Waits for a connection, and for room for it.
    ///
    /// # Cancel safety
    /// A connection that has been accepted and has no room yet is closed when the future is dropped.
    pub(super) async fn accept(&self, listeners: &Listeners) -> Option<Connection> {
        let caller = match listeners.accept().await {
            Ok(caller) => caller,
            Err(err) => {
                if self.failures.spend() {
                    tracing::warn!(%err, "a connection could not be accepted");
                }
                time::sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        let (remote, local) = self.ends(&caller)?;
        let tls = match caller {
            Caller::Tcp(..) => self.tls.as_ref().map(Arc::clone),
            // Nobody can listen in on a unix socket.
            Caller::Unix(_) => None,
        };
        let place = self.place().await?;
        let line = Line::new(&self.waiting);
        let arrival = Arrival {
            remote,
            local,
            scheme: tls.as_ref().map_or(Scheme::Http, |_| Scheme::Https),
            head: Verdict::Unseen,
            line,
        };
        Some(Connection {
            caller,
            place,
            tls,
            arrival,
        })
    }

    /// Returns the client's address and the one that it came to.
    ///
    /// # Security
    /// Whoever is at the other end of a unix socket is on this machine, as somebody who comes over
    /// loopback is, and counts as that. Only the gateway's own user and root are: the mode of a
    /// socket that systemd has made may let in others.
    fn ends(&self, caller: &Caller) -> Option<(IpAddr, IpAddr)> {
        match caller {
            Caller::Tcp(stream, addr) => {
                // Answers are small and latency counts; a failure only costs a delay.
                drop(stream.set_nodelay(true));
                // A connection that is gone already says nothing about itself any more.
                let local = stream.local_addr().ok()?.ip().to_canonical();
                Some((addr.ip().to_canonical(), local))
            }
            Caller::Unix(stream) => {
                let user = stream.peer_cred().ok()?.uid();
                if user != 0 && user != rustix::process::geteuid().as_raw() {
                    if self.failures.spend() {
                        tracing::warn!(user, "somebody else is refused at the unix socket");
                    }
                    return None;
                }
                let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
                Some((here, here))
            }
        }
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

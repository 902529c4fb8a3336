//! Addresses that were judged, and the way to them.

use std::io;
use std::iter;
use std::net::SocketAddr;
use std::time::Duration;

use openclaw_core::Kind;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::Refused;
use super::host::Target;

/// How many addresses of a host are tried.
const MAX_TRIES: usize = 8;

/// The addresses of a host, each of which may be spoken to.
///
/// There is no other way to make one than to have them judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    first: SocketAddr,
    others: Vec<SocketAddr>,
}

/// Why a host that may be reached was not.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// It refused, or there is no way to it.
    #[error("no connection to {address}")]
    Failed {
        /// The last address that was tried.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It said nothing.
    #[error("{address} did not accept the connection in time")]
    Slow {
        /// The last address that was tried.
        address: SocketAddr,
    },
}

impl ConnectError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Unavailable
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        "check that the host is up and that this machine reaches it"
    }

    /// Returns the last address that was tried.
    pub const fn address(&self) -> SocketAddr {
        match self {
            Self::Failed { address, .. } | Self::Slow { address } => *address,
        }
    }
}

impl Judged {
    /// What has no address is refused as if it could not be found.
    pub(super) fn of(target: &Target, addresses: Vec<SocketAddr>) -> Result<Self, Refused> {
        let mut addresses = addresses.into_iter();
        let Some(first) = addresses.next() else {
            return Err(Refused::Lookup {
                host: target.host.clone(),
                source: io::Error::new(io::ErrorKind::NotFound, "it has no address"),
            });
        };
        Ok(Self {
            first,
            others: addresses.collect(),
        })
    }

    /// Returns the addresses in the order in which they are tried.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        iter::once(self.first).chain(self.others.iter().copied())
    }

    /// Connects to the first address that answers; all together get this long.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn connect(&self, limit: Duration) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let others = self.others.iter().take(MAX_TRIES.saturating_sub(1));
        let tries = u32::try_from(others.len()).unwrap_or(0).saturating_add(1);
        let each = limit.checked_div(tries).unwrap_or(limit);
        let mut last = attempt(self.first, each).await;
        for address in others {
            if last.is_ok() {
                break;
            }
            last = attempt(*address, each).await;
        }
        last
    }
}

async fn attempt(
    address: SocketAddr,
    limit: Duration,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    match timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => {
            // Without this a connection is slower, and no worse.
            drop(stream.set_nodelay(true));
            Ok((stream, address))
        }
        Ok(Err(source)) => Err(ConnectError::Failed { address, source }),
        Err(_elapsed) => Err(ConnectError::Slow { address }),
    }
}

//! Where clients come in: an address, a unix socket, or sockets that systemd has opened for us.

mod handed;
mod unix;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

pub use self::handed::{Handed, HandedError};
use self::unix::SocketFile;
use crate::error::GatewayError;
use crate::port;

/// How many connections may wait to be accepted, as far as the system agrees.
const BACKLOG: u32 = 4096;

/// Where a gateway is asked to listen.
#[derive(Debug, Default)]
pub struct Places {
    /// An address of its own.
    pub addr: Option<SocketAddr>,
    /// A unix socket of its own.
    pub unix: Option<PathBuf>,
    /// The sockets that were opened for it; with any, it opens no address of its own.
    pub handed: Handed,
}

impl Places {
    /// Returns the address that is opened.
    pub(crate) const fn own_addr(&self) -> Option<SocketAddr> {
        if self.handed.is_empty() {
            self.addr
        } else {
            None
        }
    }
}

impl From<SocketAddr> for Places {
    fn from(addr: SocketAddr) -> Self {
        Self {
            addr: Some(addr),
            ..Self::default()
        }
    }
}

/// Where a gateway listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address.
    Tcp(SocketAddr),
    /// A unix socket; it has no path where systemd gave it a name that is none.
    Unix(Option<PathBuf>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "{addr}"),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => write!(f, "unix:"),
        }
    }
}

/// The sockets of a gateway.
#[derive(Debug)]
pub(crate) struct Listeners {
    all: Vec<Listener>,
    /// Which of them is asked first the next time, so that none keeps the others waiting.
    first: AtomicUsize,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Taken away at the end, where it is ours.
        file: Option<SocketFile>,
    },
}

/// A connection that has come in.
#[derive(Debug)]
pub(crate) enum Caller {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listeners {
    /// Opens everything that is asked for.
    pub(crate) async fn open(places: Places) -> Result<Self, GatewayError> {
        let own = places.own_addr();
        let mut all = places
            .handed
            .into_listeners()
            .map_err(|source| GatewayError::Listen {
                addr: "the sockets that were handed over".to_owned(),
                source,
            })?;
        if let Some(addr) = own {
            all.push(Listener::Tcp(bind(addr)?));
        }
        if let Some(path) = places.unix {
            let (listener, file) = unix::bind(&path).await?;
            all.push(Listener::Unix {
                listener,
                file: Some(file),
            });
        }
        Ok(Self {
            all,
            first: AtomicUsize::new(0),
        })
    }

    /// Returns where they listen, in the order in which they were asked for.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.all.iter().filter_map(Listener::place).collect()
    }

    /// Returns the addresses among them.
    pub(crate) fn addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.all
            .iter()
            .filter_map(|listener| match listener.place() {
                Some(Place::Tcp(addr)) => Some(addr),
                Some(Place::Unix(_)) | None => None,
            })
    }

    /// Waits for a connection at any of them.
    ///
    /// # Cancel safety
    /// Cancel-safe: nothing is accepted that is not returned.
    pub(crate) async fn accept(&self) -> io::Result<Caller> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Caller>> {
        let first = self.first.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let (before, from) = self.all.split_at(first);
        for listener in from.iter().chain(before) {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}

impl Listener {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(Place::Tcp),
            // The system knows it by the name that it was made under.
            Self::Unix {
                file: Some(file), ..
            } => Some(Place::Unix(Some(file.path().to_owned()))),
            Self::Unix { listener, .. } => {
                let addr = listener.local_addr().ok()?;
                Some(Place::Unix(addr.as_pathname().map(ToOwned::to_owned)))
            }
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Caller>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, addr)| Caller::Tcp(stream, addr)),
            Self::Unix { listener, .. } => listener
                .poll_accept(cx)
                .map_ok(|(stream, _)| Caller::Unix(stream)),
        }
    }

    /// Takes a socket that somebody else has opened.
    fn of_unix(listener: StdUnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self::Unix {
            listener: UnixListener::from_std(listener)?,
            file: None,
        })
    }

    /// Takes a socket that somebody else has opened.
    fn of_tcp(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self::Tcp(TcpListener::from_std(listener)?))
    }
}

fn bind(addr: SocketAddr) -> Result<TcpListener, GatewayError> {
    let bind = || -> io::Result<TcpListener> {
        let socket = match addr {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // On Windows this would let another program take the same address.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    bind().map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => GatewayError::PortInUse {
            addr,
            holder: port::holder(addr),
        },
        _ => GatewayError::Listen {
            addr: addr.to_string(),
            source,
        },
    })
}

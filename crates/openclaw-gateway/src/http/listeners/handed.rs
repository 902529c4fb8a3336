//! Sockets that systemd, or who starts programs as it does, has opened for us (`sd_listen_fds(3)`).

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;

use listenfd::ListenFd;
use openclaw_core::Kind;
use openclaw_core::env::{Env, LISTEN_FDS, LISTEN_PID};
use rustix::net::sockopt::socket_acceptconn;

use super::Listener;

/// The most sockets that are taken.
const MOST: usize = 64;
/// The number of the first one.
const FIRST: usize = 3;

/// The sockets that were opened for this process.
#[derive(Debug, Default)]
pub struct Handed(Vec<Socket>);

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Why the sockets that were opened for this process cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HandedError {
    /// A variable does not say what it should.
    #[error("`{name}` is `{value}`, which is not {wanted}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What it should say.
        wanted: &'static str,
    },
    /// What was handed over is no socket that listens.
    #[error("the file descriptor {number} that was handed over is no listening TCP or unix socket")]
    NoListener {
        /// Its number.
        number: usize,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl HandedError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }

    /// Returns what the operator can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Variable { .. } => "leave LISTEN_FDS and LISTEN_PID to systemd",
            Self::NoListener { .. } => "let the socket unit have ListenStream= and no Accept=yes",
        }
    }
}

impl Handed {
    /// Takes the sockets that were opened for this process; those of another one are not ours.
    ///
    /// It comes before anything else is opened: whatever has the numbers of the sockets then is
    /// taken for them.
    pub fn take(env: &Env) -> Result<Self, HandedError> {
        let Some(count) = env.get(LISTEN_FDS.name) else {
            return Ok(Self::default());
        };
        let wrong = |name, value: &str, wanted| HandedError::Variable {
            name,
            value: value.to_owned(),
            wanted,
        };
        let pid = env.get(LISTEN_PID.name).unwrap_or_default();
        match pid.parse::<u32>() {
            Ok(pid) if pid == std::process::id() => {}
            Ok(_) => return Ok(Self::default()),
            Err(_) => return Err(wrong(LISTEN_PID.name, pid, "the id of a process")),
        }
        let all = count.parse().ok().filter(|count| *count <= MOST);
        let all = all.ok_or_else(|| wrong(LISTEN_FDS.name, count, "a number from 0 to 64"))?;
        if all == 0 {
            return Ok(Self::default());
        }
        let mut fds = ListenFd::from_env();
        let take = |index| {
            take(&mut fds, index).map_err(|source| HandedError::NoListener {
                number: FIRST.saturating_add(index),
                source,
            })
        };
        (0..all).map(take).collect::<Result<_, _>>().map(Self)
    }

    /// Tells whether there are any.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_listeners(self) -> io::Result<Vec<Listener>> {
        let listener = |socket| match socket {
            Socket::Tcp(listener) => Listener::of_tcp(listener),
            Socket::Unix(listener) => Listener::of_unix(listener),
        };
        self.0.into_iter().map(listener).collect()
    }
}

fn take(fds: &mut ListenFd, index: usize) -> io::Result<Socket> {
    // What is of the one kind is not of the other, and is still there then.
    if let Ok(Some(listener)) = fds.take_unix_listener(index) {
        return listens(&listener).map(|()| Socket::Unix(listener));
    }
    let listener = fds.take_tcp_listener(index)?;
    let listener = listener.ok_or(io::ErrorKind::NotFound)?;
    listens(&listener).map(|()| Socket::Tcp(listener))
}

fn listens(socket: &impl AsFd) -> io::Result<()> {
    if socket_acceptconn(socket)? {
        return Ok(());
    }
    Err(io::ErrorKind::NotConnected.into())
}

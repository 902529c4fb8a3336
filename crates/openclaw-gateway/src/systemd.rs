//! Telling systemd how things stand (`sd_notify(3)`): one datagram for each change.
//!
//! Where no service manager listens, nothing is sent.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::env::{Env, NOTIFY_SOCKET, WATCHDOG_PID, WATCHDOG_USEC};

/// The service manager that has started this process, if one has.
#[derive(Clone, Debug, Default)]
pub struct ServiceManager {
    socket: Option<Arc<(UnixDatagram, SocketAddr)>>,
    /// How often it wants to hear that the process is alive.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Finds the service manager that the environment names.
    pub fn of(env: &Env) -> Self {
        let Some(name) = env.get(NOTIFY_SOCKET.name) else {
            return Self::default();
        };
        match socket(name) {
            Ok(socket) => Self {
                socket: Some(Arc::new(socket)),
                watchdog: watchdog(env),
            },
            Err(err) => {
                tracing::warn!(%err, "the service manager cannot be told anything");
                Self::default()
            }
        }
    }

    /// Tells that the gateway answers.
    pub(crate) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", line(status)));
    }

    /// Tells that the gateway stops, and takes at most so long.
    pub(crate) fn stopping(&self, within: Duration) {
        let longest = within.saturating_add(Duration::from_secs(5)).as_micros();
        self.tell(&format!(
            "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC={longest}"
        ));
    }

    /// Tells in a few words how things stand.
    pub(crate) fn status(&self, status: &str) {
        self.tell(&format!("STATUS={}", line(status)));
    }

    /// Tells that the process is alive.
    pub(crate) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// Returns how often it is told that the process is alive, if it wants to know.
    pub(crate) const fn pulse(&self) -> Option<Duration> {
        self.watchdog
    }

    fn tell(&self, text: &str) {
        let Some(socket) = &self.socket else { return };
        let (socket, addr) = &**socket;
        // A manager that does not listen is no reason to stop.
        if let Err(err) = socket.send_to_addr(text.as_bytes(), addr) {
            tracing::debug!(%err, "the service manager was not told");
        }
    }
}

fn socket(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let addr = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read must not hold us up.
    socket.set_nonblocking(true)?;
    Ok((socket, addr))
}

/// Half of what the manager waits for before it takes the process for hung.
fn watchdog(env: &Env) -> Option<Duration> {
    let micros = env.get(WATCHDOG_USEC.name)?.parse().ok()?;
    let own = std::process::id().to_string();
    let meant = env.get(WATCHDOG_PID.name).is_none_or(|pid| pid == own);
    let pulse = Duration::from_micros(micros) / 2;
    (meant && !pulse.is_zero()).then_some(pulse)
}

/// A message has a line for each variable.
fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

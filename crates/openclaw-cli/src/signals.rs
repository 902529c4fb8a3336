//! The ways to ask this process to stop.

use std::io;

use futures_util::{Stream, stream};

/// Listens for SIGINT, SIGTERM and SIGHUP (a terminal that was closed) from the moment of its making.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts to listen; from here on, no such signal ends the process by itself.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Starts to listen.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Yields each time that any of the signals comes.
    pub(crate) fn stops(self) -> impl Stream<Item = ()> {
        stream::unfold(self, async |mut signals| {
            signals.stop().await;
            Some(((), signals))
        })
    }

    /// Waits for any of the signals.
    ///
    /// # Cancel safety
    /// Cancel-safe: a signal that arrives between two calls ends the next one.
    #[cfg(unix)]
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    /// Waits for Ctrl-C.
    #[cfg(not(unix))]
    pub(crate) async fn stop(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

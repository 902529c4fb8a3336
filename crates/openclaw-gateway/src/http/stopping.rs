//! Being told to stop: once to stop in good order, a second time to stop at once.

use std::time::Duration;

use futures_util::{Stream, stream};

/// How long requests and runs that are under way may go on, unless somebody says so.
pub(super) const DRAIN: Duration = Duration::from_millis(1200);

/// The signals by which a process is told to stop.
#[derive(Debug)]
pub(crate) struct StopSignals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
}

impl StopSignals {
    /// Listens from now on.
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind)
                .inspect_err(|err| tracing::error!(%err, "signals cannot be received"))
                .ok()
        };
        Self {
            terminate: listen(SignalKind::terminate()),
            interrupt: listen(SignalKind::interrupt()),
        }
    }

    /// Listens from now on.
    #[cfg(not(unix))]
    pub(crate) const fn listen() -> Self {
        Self {}
    }

    /// Yields each time that the process is told to stop.
    pub(crate) fn told(self) -> impl Stream<Item = ()> {
        stream::unfold(self, async |mut signals| {
            signals.next().await;
            Some(((), signals))
        })
    }

    /// Ends when the process is told to stop.
    ///
    /// # Cancel safety
    /// Cancel-safe: a signal that comes between two calls ends the next one.
    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            Some(()) = next(&mut self.terminate) => {}
            Some(()) = next(&mut self.interrupt) => {}
            else => std::future::pending().await,
        }
    }

    /// Ends when the process is told to stop.
    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn next(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => None,
    }
}

//! How far the network of a command reaches.

use std::{fmt, future::Future, net::TcpListener, pin::Pin, sync::Arc};

use tokio_util::sync::CancellationToken;

/// What a command at level Relaxed gets when it may use the network.
#[derive(Clone, Debug, Default)]
pub enum Reach {
    /// Nothing is set up: a command that is to use the network is refused.
    #[default]
    Nowhere,
    /// An HTTP proxy on the loopback device of the command's own network, and nothing else.
    Proxy(Egress),
    /// The network of this machine, with everything that listens on it.
    Host,
}

/// What serves the proxy: called once a run with the listener that the command sees on its
/// loopback device, until the token is cancelled.
#[derive(Clone)]
pub struct Egress(Arc<Serve>);

type Serve = dyn Fn(TcpListener, CancellationToken) -> Served + Send + Sync;
type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Egress {
    /// Makes it from a function.
    pub fn new<F, Fut>(serve: F) -> Self
    where
        F: Fn(TcpListener, CancellationToken) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |listener, stop| {
            Box::pin(serve(listener, stop))
        }))
    }

    /// Serves one run, whose listener comes over `socket`, until `ended`.
    ///
    /// A run that fails before it has a listener closes the socket without sending one.
    #[cfg(target_os = "linux")]
    pub(crate) async fn serve_from(
        &self,
        socket: std::os::unix::net::UnixStream,
        ended: CancellationToken,
    ) {
        let received = ended.run_until_cancelled(listener(socket)).await;
        match received {
            Some(Ok(Some(listener))) => (self.0)(listener, ended).await,
            Some(Ok(None)) | None => {}
            Some(Err(err)) => tracing::warn!(%err, "a command has no way to its proxy"),
        }
    }

    /// Serves one run.
    #[cfg(target_os = "macos")]
    pub(crate) async fn serve(&self, listener: TcpListener, ended: CancellationToken) {
        (self.0)(listener, ended).await;
    }
}

/// Receives the listener that the first program inside opened in the command's network.
#[cfg(target_os = "linux")]
async fn listener(socket: std::os::unix::net::UnixStream) -> std::io::Result<Option<TcpListener>> {
    use std::os::fd::AsFd as _;

    use tokio::io::Interest;

    use crate::init::handover;

    socket.set_nonblocking(true)?;
    let socket = tokio::net::UnixStream::from_std(socket)?;
    let received = socket
        .async_io(Interest::READABLE, || handover::receive(socket.as_fd()))
        .await?;
    let Some(listener) = received.into_iter().next().map(TcpListener::from) else {
        return Ok(None);
    };
    listener.set_nonblocking(true)?;
    Ok(Some(listener))
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Egress")
    }
}

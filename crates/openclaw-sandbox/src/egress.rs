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

    /// Serves one run.
    pub(crate) async fn serve(&self, listener: TcpListener, stop: CancellationToken) {
        (self.0)(listener, stop).await;
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Egress")
    }
}

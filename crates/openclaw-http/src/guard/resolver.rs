//! How names become addresses.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many look-ups the system does at a time. Each holds a thread, for as long as name servers
/// are silent, even when nobody waits for it any more; the others wait for their turn.
static LOOK_UPS: Semaphore = Semaphore::const_new(16);

/// What finds the addresses of a name; clones are the same.
#[derive(Clone)]
pub struct Resolver(Arc<LookUp>);

type LookUp = dyn Fn(String) -> Found + Send + Sync;
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

impl Resolver {
    /// Makes the one that asks the system, as every program on this machine does.
    pub fn system() -> Self {
        Self::new(ask_the_system)
    }

    /// Makes one from a function of the name.
    pub fn new<F, Fut>(look_up: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Vec<IpAddr>>> + Send + 'static,
    {
        Self(Arc::new(move |name| Box::pin(look_up(name))))
    }

    pub(super) async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        (self.0)(name.to_owned()).await
    }
}

async fn ask_the_system(name: String) -> io::Result<Vec<IpAddr>> {
    let turn = LOOK_UPS.acquire().await.map_err(io::Error::other)?;
    let asked = spawn_blocking(move || {
        let _turn = turn;
        let found = (name.as_str(), 0).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    });
    asked.await.map_err(io::Error::other)?
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

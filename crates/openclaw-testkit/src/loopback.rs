//! A server on loopback: one thread with a runtime of its own, so that any kind of test can use it.

use std::future::Future;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::thread::{self, JoinHandle};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Loopback {
    addr: SocketAddr,
    /// Both are there until the server is stopped.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Loopback {
    /// Starts to listen; `talk` has a conversation with one client.
    pub(crate) fn start<F, T>(name: &str, talk: F) -> Self
    where
        F: Fn(TcpStream) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let listener = StdListener::bind("127.0.0.1:0").expect("a free loopback port");
        listener
            .set_nonblocking(true)
            .expect("a non-blocking listener");
        let addr = listener.local_addr().expect("the listener's address");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime for the server");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, talk) => {}
                        _ = stopped => {}
                    }
                });
            })
            .expect("a thread for the server");
        Self {
            addr,
            running: Some((stop, thread)),
        }
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A panic of that thread has been printed; a second one here would hide it.
            drop(thread.join());
        }
    }
}

async fn serve<F, T>(listener: StdListener, talk: F)
where
    F: Fn(TcpStream) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::from_std(listener).expect("a listener of this runtime");
    // Dropping the set ends every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(talk(stream));
                }
            }
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

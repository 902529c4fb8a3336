//! The HTTP server: one thread with a runtime of its own, so that any kind of test can use it.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::answer;
use super::body::ReplyBody;
use super::script::Script;

#[derive(Debug)]
pub(super) struct Server {
    addr: SocketAddr,
    /// Both are there until the server is stopped.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    pub(super) fn start(script: Arc<Script>) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").expect("a free loopback port");
        listener
            .set_nonblocking(true)
            .expect("a non-blocking listener");
        let addr = listener.local_addr().expect("the listener's address");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime for the fake provider");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("fake-provider".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, script) => {}
                        _ = stopped => {}
                    }
                });
            })
            .expect("a thread for the fake provider");
        Self {
            addr,
            running: Some((stop, thread)),
        }
    }

    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // A panic of that thread has been printed; a second one here would hide it.
            drop(thread.join());
        }
    }
}

async fn serve(listener: StdListener, script: Arc<Script>) {
    let listener = TcpListener::from_std(listener).expect("a listener of this runtime");
    // Dropping the set ends every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&script)));
                }
            }
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, script: Arc<Script>) -> Result<(), hyper::Error> {
    // Without this the system would glue small pieces together.
    stream.set_nodelay(true).ok();
    let service = service_fn(|request| respond(request, Arc::clone(&script)));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn respond(
    request: Request<Incoming>,
    script: Arc<Script>,
) -> Result<Response<ReplyBody>, io::Error> {
    let (head, body) = request.into_parts();
    let body = answer::collect(body).await.map_err(io::Error::other)?;
    Ok(answer::answer(&head, &body, &script).await)
}

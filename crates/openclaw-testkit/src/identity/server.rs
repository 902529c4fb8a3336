//! The sockets: one thread with a runtime of its own, so that any kind of test can use it.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use url::form_urlencoded;

use super::book::{Book, Form, Said};
use super::{Endpoint, Fault};

#[derive(Debug)]
pub(super) struct Server {
    addr: SocketAddr,
    /// Both are there until the server is stopped.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    pub(super) fn start(book: Arc<Mutex<Book>>) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").expect("a free loopback port");
        listener
            .set_nonblocking(true)
            .expect("a non-blocking listener");
        let addr = listener.local_addr().expect("the listener's address");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime for the identity server");
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("identity-server".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, book) => {}
                        _ = stopped => {}
                    }
                });
            })
            .expect("a thread for the identity server");
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

async fn serve(listener: StdListener, book: Arc<Mutex<Book>>) {
    let listener = TcpListener::from_std(listener).expect("a listener of this runtime");
    // Dropping the set ends every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&book)));
                }
            }
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// One request for each connection.
async fn connection(mut stream: TcpStream, book: Arc<Mutex<Book>>) -> io::Result<()> {
    let request = read(&mut stream).await?;
    let (endpoint, form) = match understood(&request) {
        Ok(understood) => understood,
        Err(status) => return reply(&mut stream, status, "text/plain", "").await,
    };
    let fault = book.lock().note(endpoint, &form);
    let quoting = format!("you sent: {request}");
    match fault {
        Some(Fault::Error(code)) => refuse(&mut stream, 400, code, &quoting).await,
        Some(Fault::ErrorWithSuccess(code)) => refuse(&mut stream, 200, code, &quoting).await,
        Some(Fault::Status(status)) => reply(&mut stream, status, "text/html", &quoting).await,
        Some(Fault::Body(body)) => reply(&mut stream, 200, "application/json", &body).await,
        Some(Fault::Silence) => {
            // It ends when the client hangs up.
            stream.read(&mut [0]).await.map(drop)
        }
        Some(Fault::HangUp) => {
            book.lock().answer(endpoint, &form);
            Ok(())
        }
        None => {
            let said = book.lock().answer(endpoint, &form);
            match said {
                Said::Json(status, body) => {
                    reply(&mut stream, status, "application/json", &body.to_string()).await
                }
                Said::Redirect(to) => {
                    let head = format!(
                        "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    stream.write_all(head.as_bytes()).await
                }
            }
        }
    }
}

async fn refuse(
    stream: &mut TcpStream,
    status: u16,
    code: &str,
    description: &str,
) -> io::Result<()> {
    let body = json!({ "error": code, "error_description": description });
    reply(stream, status, "application/json", &body.to_string()).await
}

async fn reply(
    stream: &mut TcpStream,
    status: u16,
    content_type: &str,
    body: &str,
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Returns the endpoint and what it is asked, or the status of a request that is neither.
fn understood(request: &str) -> Result<(Endpoint, Form), u16> {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
    let mut start = head.split(' ');
    let method = start.next().unwrap_or_default();
    let target = start.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (endpoint, wanted) = match path {
        "/.well-known/oauth-authorization-server" => (Endpoint::Metadata, "GET"),
        "/authorize" => (Endpoint::Authorize, "GET"),
        "/device" => (Endpoint::Device, "POST"),
        "/token" => (Endpoint::Token, "POST"),
        "/revoke" => (Endpoint::Revoke, "POST"),
        _ => return Err(404),
    };
    if method != wanted {
        return Err(405);
    }
    let posted = wanted == "POST";
    let is_form = head
        .to_ascii_lowercase()
        .contains("\r\ncontent-type: application/x-www-form-urlencoded");
    if posted && (!is_form || !query.is_empty()) {
        return Err(400);
    }
    let pairs = form_urlencoded::parse(if posted { body } else { query }.as_bytes());
    Ok((endpoint, pairs.into_owned().collect()))
}

async fn read(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let n = stream.read(&mut piece).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend(piece.iter().take(n));
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, length)| length.trim().parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Ok(text.into_owned());
            }
        }
    }
}

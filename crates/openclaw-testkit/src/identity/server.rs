//! The HTTP server.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::form_urlencoded;

use super::book::{Book, Form, Said};
use super::{Endpoint, Fault};
use crate::loopback::Loopback;

/// Answers each request as the book says.
pub(super) fn start(book: Arc<Mutex<Book>>) -> Loopback {
    Loopback::start("identity-server", move |stream| {
        let book = Arc::clone(&book);
        async move {
            // A client that hangs up in the middle is one of the things that are tested.
            drop(connection(stream, book).await);
        }
    })
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

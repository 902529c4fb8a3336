//! A tiny HTTP/1.1 client that shows an answer as it came, for tests of the bytes on the wire.
//!
//! One request for each connection; no TLS, no redirects, no compression.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct HttpRequest {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body without its transfer coding.
    pub body: Vec<u8>,
    /// The HTTP chunks that the body came in; empty when it came with a length.
    pub chunks: Vec<Vec<u8>>,
    /// Whether the body came to its end, rather than the connection.
    pub complete: bool,
}

impl HttpRequest {
    /// Makes a request without a body.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// Makes a request with a body.
    pub fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new("POST", target);
        request.body = body.into();
        request
    }

    /// Makes a request with any method.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends the request and reads the answer, at most for a minute.
    pub async fn send(&self, addr: SocketAddr) -> io::Result<HttpAnswer> {
        timeout(PATIENCE, self.exchange(addr))
            .await
            .unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn exchange(&self, addr: SocketAddr) -> io::Result<HttpAnswer> {
        let mut stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&self.bytes(addr)).await?;
        let mut received = Vec::new();
        let end = stream.read_to_end(&mut received).await;
        // A reset ends a body early too; what came before it is still to be seen.
        match (HttpAnswer::read(&received), end) {
            (Some(answer), _) => Ok(answer),
            (None, Err(err)) => Err(err),
            (None, Ok(_)) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn bytes(&self, addr: SocketAddr) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.method,
            self.target,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

impl HttpAnswer {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// When it is anything else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|err| panic!("no JSON ({err}): {}", self.text()))
    }

    fn read(received: &[u8]) -> Option<Self> {
        let (head, rest) = split_at(received, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self {
            status,
            headers,
            body: rest.to_vec(),
            chunks: Vec::new(),
            complete: true,
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            (answer.chunks, answer.complete) = chunks(rest);
            answer.body = answer.chunks.concat();
        } else if let Some(length) = answer.header("content-length") {
            answer.complete = length.parse() == Ok(rest.len());
        }
        Some(answer)
    }
}

/// Returns the chunks of a body and whether the last one, which is empty, was there.
fn chunks(mut rest: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut chunks = Vec::new();
    while let Some((size, after)) = split_at(rest, b"\r\n") {
        let size = std::str::from_utf8(size)
            .ok()
            .and_then(|size| usize::from_str_radix(size, 16).ok());
        match size {
            Some(0) => return (chunks, true),
            Some(size) if after.len() >= size + 2 => {
                let (chunk, after) = after.split_at(size);
                chunks.push(chunk.to_vec());
                rest = after.get(2..).unwrap_or_default();
            }
            _ => break,
        }
    }
    (chunks, false)
}

fn split_at<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}

//! A WebSocket written out byte by byte (RFC 6455), for what no client library would send.

use std::net::SocketAddr;
use std::time::Duration;

use openclaw_testkit::GatewayProcess;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a frame may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A frame from the gateway; pings are left out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    /// With its code.
    Close(u16),
}

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
}

/// Returns the head of a request for a socket.
fn handshake(addr: SocketAddr, connection: &str, headers: &[(&str, &str)]) -> String {
    handshake_at("/ws", addr, connection, headers)
}

fn handshake_at(
    path: &str,
    addr: SocketAddr,
    connection: &str,
    headers: &[(&str, &str)],
) -> String {
    let mut head = format!(
        "GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: {connection}\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head + "\r\n"
}

/// Sends the head of a request as it is, and returns all of the answer.
pub(crate) async fn exchange(addr: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    answer
}

/// Asks for a socket with these headers and returns the answer that refuses it.
pub(crate) async fn refused(addr: SocketAddr, headers: &[(&str, &str)]) -> String {
    exchange(addr, &handshake(addr, "upgrade, close", headers)).await
}

impl Socket {
    /// Opens a socket with the gateway's token.
    pub(crate) async fn open(gateway: &GatewayProcess) -> Self {
        Self::open_bearer(gateway.addr(), gateway.token().expose_secret()).await
    }

    /// Opens a socket with a bearer token.
    pub(crate) async fn open_bearer(addr: SocketAddr, token: &str) -> Self {
        let bearer = format!("Bearer {token}");
        Self::open_with(addr, &[("authorization", &bearer)]).await
    }

    /// Opens a socket with these headers.
    pub(crate) async fn open_with(addr: SocketAddr, headers: &[(&str, &str)]) -> Self {
        Self::open_at("/ws", addr, headers).await
    }

    /// As [`Socket::open_with`], at another path.
    pub(crate) async fn open_at(path: &str, addr: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let head = handshake_at(path, addr, "upgrade", headers);
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        Self { stream }
    }

    /// Returns what the socket goes over; nothing of a frame has been read yet.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(1, text.as_bytes()).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.send(2, bytes).await;
    }

    /// Returns the next answer; notifications are left out.
    pub(crate) async fn next_answer(&mut self) -> Value {
        loop {
            let Frame::Text(text) = self.next_frame().await else {
                panic!("the gateway closed the socket");
            };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message.get("id").is_some() {
                return message;
            }
        }
    }

    pub(crate) async fn next_frame(&mut self) -> Frame {
        timeout(PATIENCE, self.receive()).await.unwrap()
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends one frame; clients have to mask, and a mask of zeros changes nothing.
    async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).unwrap();
        // The last frame of its message; masked, with a length of two bytes.
        let mut frame = vec![0x80 | opcode, 0x80 | 0x7e];
        frame.extend(length.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(payload);
        self.stream.write_all(&frame).await.unwrap();
    }

    async fn receive(&mut self) -> Frame {
        loop {
            let opcode = self.stream.read_u8().await.unwrap() & 0x0f;
            let length = match self.stream.read_u8().await.unwrap() {
                126 => usize::from(self.stream.read_u16().await.unwrap()),
                127 => usize::try_from(self.stream.read_u64().await.unwrap()).unwrap(),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).await.unwrap();
            match opcode {
                1 => return Frame::Text(String::from_utf8(payload).unwrap()),
                8 => return Frame::Close(u16::from_be_bytes([payload[0], payload[1]])),
                9 | 10 => {}
                other => panic!("a frame of type {other}"),
            }
        }
    }
}

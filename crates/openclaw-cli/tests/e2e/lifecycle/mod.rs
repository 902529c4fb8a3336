//! How a gateway starts, where it listens, whether it is ready, and how it stops.

mod frames;
mod handed;
mod ready;
mod stopping;
mod tls;
mod unix;

use openclaw_testkit::GatewayProcess;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Asks for something over a connection that is open, and returns the status and the body.
async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, Value) {
    let mut request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// The header by which somebody shows the gateway's token.
fn bearer(gateway: &GatewayProcess) -> String {
    format!("Bearer {}", gateway.token().expose_secret())
}

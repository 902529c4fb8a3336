//! A server on a thread of its own, and the two ways to read from it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use openclaw_core::ApiKey;
use openclaw_providers::{
    EventStream, Message, Provider, ProviderConfig, Request, UserBlock, build,
};
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// Answers so many connections, one after the other, with what `answer` writes.
pub(crate) fn serve(
    connections: usize,
    answer: impl Fn(&mut TcpStream) + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            read_request(&mut stream);
            stream.write_all(HEAD.as_bytes()).unwrap();
            answer(&mut stream);
        }
    });
    address
}

fn read_request(stream: &mut TcpStream) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).unwrap();
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return;
        }
    }
}

pub(crate) fn provider(api: &str, address: SocketAddr) -> Arc<dyn Provider> {
    let config = ProviderConfig {
        base_url: Some(format!("http://{address}")),
        api_key: Some(Arc::new(ApiKey::new("sk-none".into()))),
        ..ProviderConfig::new("bench")
    };
    build(api, config).expect("a provider")
}

/// Asks for an answer through the provider layer.
pub(crate) async fn ask(provider: &Arc<dyn Provider>) -> EventStream {
    let request = Request {
        model: "model-1".into(),
        messages: vec![Message::User(vec![UserBlock::Text("hello".into())])],
        ..Request::default()
    };
    let asked = provider.stream(request, CancellationToken::new());
    asked.await.expect("an answer")
}

/// Asks for an answer over a plain socket.
pub(crate) async fn connect(address: SocketAddr) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    stream
}

//! A web server with the pages of all cases, which remembers who asked for what.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The server; it stops with the test's runtime.
#[derive(Clone, Debug)]
pub(super) struct Site {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    pages: Mutex<BTreeMap<String, String>>,
    asked: Mutex<Vec<String>>,
}

impl Site {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&serving)));
            }
        });
        Self { addr, shared }
    }

    pub(super) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn put(&self, path: String, page: String) {
        self.shared.pages.lock().insert(path, page);
    }

    /// Tells whether anybody asked for something below a path.
    pub(super) fn was_asked(&self, path: &str) -> bool {
        let asked = self.shared.asked.lock();
        asked.iter().any(|asked| asked.starts_with(path))
    }
}

async fn answer(mut stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    let first = lines.next_line().await.ok()??;
    while lines
        .next_line()
        .await
        .ok()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = first.split(' ').nth(1)?.to_owned();
    // A search is told by what is searched for, a page by what stands before the question mark.
    let end = if path.starts_with("/search?") {
        '&'
    } else {
        '?'
    };
    let plain = path.split(end).next().unwrap_or_default();
    let page = shared.pages.lock().get(plain).cloned();
    shared.asked.lock().push(path.clone());
    let (status, page) = match page {
        Some(page) => ("200 OK", page),
        None => ("404 Not Found", "nothing here".to_owned()),
    };
    let kind = if page.trim_start().starts_with('{') {
        "application/json"
    } else if page.trim_start().starts_with('<') {
        "text/html"
    } else {
        "text/plain"
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        page.len()
    );
    writer.write_all(head.as_bytes()).await.ok()?;
    writer.write_all(page.as_bytes()).await.ok()
}

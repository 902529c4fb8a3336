//! A web server on loopback: pages by their paths, good ones and bad ones, and what was asked for.
//!
//! [`WebPage::searxng`] and [`WebPage::brave`] answer as those search engines document it.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::loopback::Loopback;

/// A web server; it stops when this is dropped.
#[derive(Debug)]
pub struct WebServer {
    server: Loopback,
    site: Arc<Site>,
}

#[derive(Debug, Default)]
struct Site {
    pages: Mutex<HashMap<String, WebPage>>,
    requests: Mutex<Vec<String>>,
}

/// What stands at a path.
#[derive(Clone, Debug)]
pub struct WebPage {
    status: u16,
    headers: Vec<(String, String)>,
    body: Arc<Vec<u8>>,
    end: End,
}

/// What comes after the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The connection ends.
    Close,
    /// The body again, for ever.
    Repeat,
    /// Nothing, and no end.
    Silence,
    /// Not even a head.
    Nothing,
}

impl WebServer {
    /// Starts a server without any page.
    pub fn start() -> Self {
        let site = Arc::new(Site::default());
        let served = Arc::clone(&site);
        let server = Loopback::start("web", move |stream| {
            let site = Arc::clone(&served);
            // A client may leave at any time.
            async move { drop(serve(stream, &site).await) }
        });
        Self { server, site }
    }

    /// Puts a page at a path, which may have a query; one without stands for all queries.
    pub fn page(&self, path: &str, page: WebPage) -> &Self {
        self.site.pages.lock().insert(path.to_owned(), page);
        self
    }

    /// Returns the server's address.
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr())
    }

    /// Returns the heads of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.site.requests.lock().clone()
    }
}

impl WebPage {
    /// A page of this media type.
    pub fn of(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: Arc::new(body.into()),
            end: End::Close,
        }
    }

    /// A page of HTML.
    pub fn html(body: impl Into<Vec<u8>>) -> Self {
        Self::of("text/html; charset=utf-8", body)
    }

    /// A document of JSON.
    pub fn json(body: &Value) -> Self {
        Self::of("application/json", body.to_string())
    }

    /// A page that stands somewhere else.
    pub fn redirect(to: &str) -> Self {
        Self::html("moved").status(302).header("location", to)
    }

    /// A page that never ends: the body comes again and again.
    pub fn endless(body: impl Into<Vec<u8>>) -> Self {
        Self {
            end: End::Repeat,
            ..Self::html(body)
        }
    }

    /// A page whose end never comes.
    pub fn stalling(body: impl Into<Vec<u8>>) -> Self {
        Self {
            end: End::Silence,
            ..Self::html(body)
        }
    }

    /// No answer at all, over a connection that stays open.
    pub fn silent() -> Self {
        Self {
            end: End::Nothing,
            ..Self::html("")
        }
    }

    /// What SearXNG answers to a search (`format=json`).
    pub fn searxng(hits: &[(&str, &str, &str)]) -> Self {
        let results = hits.iter().map(|(title, url, text)| {
            json!({
                "title": title, "url": url, "content": text, "engine": "fake", "score": 1.0,
                "category": "general", "publishedDate": null,
            })
        });
        Self::json(&json!({
            "query": "", "number_of_results": 0, "results": results.collect::<Vec<_>>(),
            "answers": [], "infoboxes": [], "suggestions": [], "unresponsive_engines": [],
        }))
    }

    /// What Brave's search API answers.
    pub fn brave(hits: &[(&str, &str, &str)]) -> Self {
        let results = hits.iter().map(|(title, url, text)| {
            json!({
                "type": "search_result", "title": title, "url": url, "description": text,
                "page_age": "2026-05-01T10:00:00", "profile": { "name": "Fake" },
            })
        });
        let results: Vec<Value> = results.collect();
        Self::json(&json!({ "type": "search", "web": { "type": "search", "results": results } }))
    }

    /// Replaces the status.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Packs the body with gzip.
    #[must_use]
    pub fn gzipped(mut self) -> Self {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&self.body).expect("memory to pack in");
        self.body = Arc::new(packer.finish().expect("memory to pack in"));
        self.header("content-encoding", "gzip")
    }

    async fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        if self.end == End::Nothing {
            return silence(stream).await;
        }
        let mut head = format!("HTTP/1.1 {} OK\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if self.end == End::Close {
            head.extend(["content-length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head.push_str("connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&self.body).await?;
        match self.end {
            End::Repeat => loop {
                stream.write_all(&self.body).await?;
            },
            End::Silence => silence(stream).await,
            End::Close | End::Nothing => stream.shutdown().await,
        }
    }
}

/// Says nothing until the client leaves.
async fn silence(stream: &mut TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}

async fn serve(mut stream: TcpStream, site: &Site) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await?;
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    // A body that nobody reads would reset the connection under the answer.
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).await?;
    site.requests.lock().push(head);
    let path = target.split('?').next().unwrap_or_default();
    let page = {
        let pages = site.pages.lock();
        pages.get(&target).or_else(|| pages.get(path)).cloned()
    };
    let page = page.unwrap_or_else(|| WebPage::html("there is no such page").status(404));
    page.send(&mut stream).await
}

//! Where the browser comes back to: a listener on this machine for one redirect (RFC 8252, 7.3).
//!
//! It is no web server: it reads the head of a request, compares the state, and gives the same
//! page to everybody that it takes something from. Whatever else comes (a favicon, a second tab, a
//! guess) gets another fixed page and changes nothing.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openclaw_core::ApiKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::form_urlencoded;

use super::error::ErrorCode;
use super::proof::State;

/// The path of the redirect.
const PATH: &str = "/callback";
/// The longest head of a request: codes may have some thousand characters.
const MAX_HEAD: usize = 32 * 1024;
/// How long a request may take to arrive, and its answer to leave. Browsers open connections ahead
/// of need and say nothing on them.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections are looked at side by side; the others wait.
const MAX_VISITS: usize = 16;

const HEADERS: &str = "content-type: text/html; charset=utf-8\r\ncache-control: no-store\r\n\
    referrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
    content-security-policy: default-src 'none'; frame-ancestors 'none'\r\nconnection: close\r\n";
const TAKEN: &str = "<!doctype html><title>OpenClaw</title>\
    <p>You can close this page. The terminal says whether you are signed in.\n";
const NOTHING: &str = "<!doctype html><title>OpenClaw</title><p>There is nothing here.\n";

/// The listener, open from its making.
#[derive(Debug)]
pub(super) struct Landing {
    listener: TcpListener,
    host: String,
    url: String,
}

/// What the redirect with the right state brought.
#[derive(Debug, Default)]
pub(super) struct Landed {
    pub(super) code: Option<ApiKey>,
    pub(super) error: Option<ErrorCode>,
    pub(super) issuer: Option<String>,
}

impl Landing {
    /// Listens on a free port of 127.0.0.1.
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let host = listener.local_addr()?.to_string();
        Ok(Self {
            url: format!("http://{host}{PATH}"),
            host,
            listener,
        })
    }

    /// Returns the redirect URI.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the one request with this state, however many others come.
    pub(super) async fn receive(self, state: &State) -> io::Result<Landed> {
        let Self { listener, host, .. } = self;
        let mut visits = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = listener.accept(), if visits.len() < MAX_VISITS => match accepted {
                    Ok((stream, _)) => visits.push(visit(stream, &host, state)),
                    // The visitor left before it was received.
                    Err(err) if err.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(err) => return Err(err),
                },
                visited = visits.next(), if !visits.is_empty() => {
                    if let Some(Some(landed)) = visited {
                        return Ok(landed);
                    }
                }
            }
        }
    }
}

/// Answers one connection; returns what it brought if its state is the right one.
async fn visit(mut stream: TcpStream, host: &str, state: &State) -> Option<Landed> {
    let Ok(Ok(Some(head))) = timeout(PATIENCE, head(&mut stream)).await else {
        return None;
    };
    let landed = read(&head, host, state);
    let answer = match landed {
        Some(_) => page("200 OK", TAKEN),
        None => page("404 Not Found", NOTHING),
    };
    // A browser that does not wait for the page has brought the code all the same.
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    drop(timeout(PATIENCE, told).await);
    landed
}

fn page(status: &str, text: &str) -> String {
    let length = text.len();
    format!("HTTP/1.1 {status}\r\n{HEADERS}content-length: {length}\r\n\r\n{text}")
}

/// Reads up to the empty line; nothing if the request ends before it, or is too long.
async fn head(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while bytes.len() <= MAX_HEAD {
        let n = stream.read(&mut piece).await?;
        if n == 0 {
            return Ok(None);
        }
        bytes.extend(piece.iter().take(n));
        if let Some(end) = bytes.windows(4).position(|mark| mark == b"\r\n\r\n") {
            bytes.truncate(end);
            return Ok(String::from_utf8(bytes).ok());
        }
    }
    Ok(None)
}

/// Reads a request's head; nothing unless it is the redirect with this state.
fn read(head: &str, host: &str, state: &State) -> Option<Landed> {
    let mut lines = head.split("\r\n");
    let mut start = lines.next()?.split(' ');
    let (method, target, version) = (start.next()?, start.next()?, start.next()?);
    let is_http = matches!(version, "HTTP/1.1" | "HTTP/1.0") && start.next().is_none();
    if method != "GET" || !is_http || !names(lines, host) {
        return None;
    }
    let (path, query) = target.split_once('?')?;
    if path != PATH {
        return None;
    }
    let once = |name: &str| {
        let mut values = form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        (values.next(), values.next().is_some())
    };
    let (given, repeated) = once("state");
    if repeated || !state.is(&given?) {
        return None;
    }
    let ((code, codes), (error, errors), (issuer, issuers)) =
        (once("code"), once("error"), once("iss"));
    if codes || errors || issuers {
        // No parameter may come twice (RFC 6749, 3.1); which one counts would be a guess.
        return Some(Landed {
            issuer: issuer.filter(|_| !issuers),
            ..Landed::default()
        });
    }
    Some(Landed {
        code: code.filter(|code| !code.is_empty()).map(ApiKey::new),
        error: error.map(|error| ErrorCode::read(&error)),
        issuer,
    })
}

/// Tells whether the request is for this listener and no other name that leads here.
fn names<'a>(headers: impl Iterator<Item = &'a str>, host: &str) -> bool {
    let mut named = headers
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim());
    named.next() == Some(host) && named.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1:4000";

    fn land(query: &str, state: &State) -> Option<Landed> {
        let given = state.as_str();
        let query = query.replace("STATE", given);
        read(
            &format!("GET /callback?{query} HTTP/1.1\r\nhost: {HOST}"),
            HOST,
            state,
        )
    }

    #[test]
    fn only_the_redirect_with_the_state_is_taken() {
        let state = State::random().unwrap();
        let taken = land(
            "code=a%2Bb&state=STATE&iss=https%3A%2F%2Fid.example",
            &state,
        )
        .unwrap();
        assert_eq!(taken.code.unwrap().expose_secret(), "a+b");
        assert_eq!(taken.issuer.as_deref(), Some("https://id.example"));
        for query in [
            "code=a",
            "code=a&state=",
            "code=a&state=guess",
            "code=a&state=STATEx",
            "code=a&state=STATE&state=STATE",
            "code=a&State=STATE",
            "state=guess&code=a&error=access_denied",
        ] {
            assert!(land(query, &state).is_none(), "{query}");
        }
    }

    #[test]
    fn whatever_is_no_such_request_is_not_taken() {
        let state = State::random().unwrap();
        let query = format!("?code=a&state={}", state.as_str());
        for head in [
            format!("POST /callback{query} HTTP/1.1\r\nhost: {HOST}"),
            format!("HEAD /callback{query} HTTP/1.1\r\nhost: {HOST}"),
            format!("GET /other{query} HTTP/1.1\r\nhost: {HOST}"),
            format!("GET /callback/{query} HTTP/1.1\r\nhost: {HOST}"),
            format!("GET http://{HOST}/callback{query} HTTP/1.1\r\nhost: {HOST}"),
            format!("GET /callback{query} HTTP/1.1"),
            format!("GET /callback{query} HTTP/1.1\r\nhost: evil.example:4000"),
            format!("GET /callback{query} HTTP/1.1\r\nhost: localhost:4000"),
            format!("GET /callback{query} HTTP/1.1\r\nhost: {HOST}\r\nhost: {HOST}"),
            format!("GET /callback{query} SMTP/1.1\r\nhost: {HOST}"),
            format!("GET /callback{query} HTTP/1.1 x\r\nhost: {HOST}"),
            format!("GET /callback\r\nhost: {HOST}"),
            String::new(),
        ] {
            assert!(read(&head, HOST, &state).is_none(), "{head}");
        }
    }

    #[test]
    fn a_parameter_that_comes_twice_is_none() {
        let state = State::random().unwrap();
        for query in [
            "state=STATE&code=a&code=b",
            "state=STATE&code=a&iss=x&iss=y",
            "state=STATE&error=a&error=b",
            "state=STATE&code=",
            "state=STATE",
        ] {
            let taken = land(query, &state).unwrap();
            assert!(taken.code.is_none() && taken.error.is_none(), "{query}");
        }
    }
}

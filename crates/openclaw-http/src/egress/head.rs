//! What a client asks for: the head of its request, read before the HTTP library sees it.
//!
//! The library forgives what makes it possible that two programs find different requests in the same
//! bytes: a line that ends with LF alone, two lengths, a length beside a transfer coding. Here that
//! is refused, and so is a head that is too long or takes its time.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use self::BadHead::Malformed;
use super::connection::Way;
use crate::guard::{HostError, Target};

/// The longest head of a request.
pub(super) const MAX_HEAD: usize = 16 * 1024;
/// What is read at a time.
const PIECE: usize = 4096;
/// The port of an `http://` URL that has none.
const HTTP: u16 = 80;

/// A request of which the head is there.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) way: Way,
    pub(super) target: Target,
    /// The head and what came with it.
    bytes: BytesMut,
    end: usize,
}

/// Why a request is not one that this proxy takes.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadHead {
    /// The client left, or never said anything.
    #[error("there is no request")]
    Gone,
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    #[error("the head of the request is longer than 16 KiB")]
    TooLong,
    #[error("this is not HTTP/1.1 as a proxy takes it: {0}")]
    Malformed(&'static str),
    #[error("the host that is asked for is none: {0}")]
    Host(#[from] HostError),
}

impl Head {
    /// Reads up to the empty line.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Self, BadHead> {
        let mut bytes = BytesMut::with_capacity(PIECE);
        let mut scan = Scan::default();
        loop {
            let seen = bytes.len();
            bytes.reserve(PIECE);
            let n = stream.read_buf(&mut bytes).await.map_err(BadHead::Broken)?;
            if n == 0 {
                return Err(BadHead::Gone);
            }
            let new = bytes.get(seen..).unwrap_or_default();
            if let Some(end) = scan.look_at(new)? {
                let end = seen.saturating_add(end);
                let (way, target) = parse(bytes.get(..end).unwrap_or_default())?;
                return Ok(Self {
                    way,
                    target,
                    bytes,
                    end,
                });
            }
        }
    }

    /// Returns what came after the head.
    pub(super) fn rest(mut self) -> BytesMut {
        self.bytes.advance(self.end);
        self.bytes
    }

    /// Returns everything that was read.
    pub(super) fn whole(self) -> BytesMut {
        self.bytes
    }
}

/// Looks for the end of the head, byte by byte as it comes.
#[derive(Debug, Default)]
struct Scan {
    seen: usize,
    /// How much there is in the current line.
    line: usize,
    after_return: bool,
}

impl Scan {
    /// Returns where in these bytes the head ends, if it does.
    fn look_at(&mut self, bytes: &[u8]) -> Result<Option<usize>, BadHead> {
        for (at, byte) in bytes.iter().enumerate() {
            self.seen = self.seen.saturating_add(1);
            if self.seen > MAX_HEAD {
                return Err(BadHead::TooLong);
            }
            match (byte, self.after_return) {
                (b'\n', true) if self.line == 0 => return Ok(Some(at.saturating_add(1))),
                (b'\n', true) => (self.line, self.after_return) = (0, false),
                (b'\n', false) => return Err(Malformed("a line ends with LF alone")),
                (_, true) => return Err(Malformed("a CR is without its LF")),
                (b'\r', false) => self.after_return = true,
                (b'\t' | b' '..=b'~' | 0x80.., false) => self.line = self.line.saturating_add(1),
                (_, false) => return Err(Malformed("there is a control character in its head")),
            }
        }
        Ok(None)
    }
}

/// What the headers say that decides where the request ends and whom it is for.
#[derive(Debug, Default)]
struct Framing<'a> {
    host: Option<&'a str>,
    length: Option<&'a str>,
    coding: Option<&'a str>,
}

fn parse(head: &[u8]) -> Result<(Way, Target), BadHead> {
    // What is not ASCII in a header's value is kept by the library, and of no interest here.
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split_terminator("\r\n");
    let mut start = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(asked), Some(version), None) =
        (start.next(), start.next(), start.next(), start.next())
    else {
        return Err(Malformed(
            "its first line is not a method, a target and a version",
        ));
    };
    if !is_token(method) || !asked.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Malformed("its first line has other than plain letters"));
    }
    let framing = framing(lines.filter(|line| !line.is_empty()))?;
    match (version, framing.host, framing.coding) {
        ("HTTP/1.1", None, _) => return Err(Malformed("it has no host header")),
        ("HTTP/1.1", ..) | ("HTTP/1.0", _, None) => {}
        ("HTTP/1.0", ..) => return Err(Malformed("HTTP/1.0 has no transfer coding")),
        _ => return Err(Malformed("its version is neither HTTP/1.1 nor HTTP/1.0")),
    }
    if method == "CONNECT" {
        if framing.coding.is_some() || framing.length.is_some_and(|length| length != "0") {
            return Err(Malformed("CONNECT has no body"));
        }
        return Ok((Way::Tunnel, asked.parse()?));
    }
    let target = of_url(asked)?;
    match framing.host.map(|host| Target::parse(host, Some(HTTP))) {
        None => {}
        Some(Ok(host)) if host == target => {}
        Some(_) => return Err(Malformed("its host header is not the host of its URL")),
    }
    Ok((Way::Request, target))
}

fn framing<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Framing<'a>, BadHead> {
    let mut framing = Framing::default();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            return Err(Malformed("a header goes on in the next line"));
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(Malformed("a header has no colon"));
        };
        if !is_token(name) {
            return Err(Malformed("a header has a name that is none"));
        }
        let value = value.trim_matches([' ', '\t']);
        let place = match name.to_ascii_lowercase().as_str() {
            "host" => &mut framing.host,
            "content-length" => &mut framing.length,
            "transfer-encoding" => &mut framing.coding,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(Malformed(
                "it has two hosts, two lengths or two transfer codings",
            ));
        }
    }
    match (framing.length, framing.coding) {
        (Some(_), Some(_)) => Err(Malformed("it has both a length and a transfer coding")),
        (None, Some(coding)) if !coding.eq_ignore_ascii_case("chunked") => {
            Err(Malformed("its transfer coding is not chunked"))
        }
        (Some(length), None) if !is_length(length) => Err(Malformed("its length is not a number")),
        _ => Ok(framing),
    }
}

/// Returns the host of an `http://` URL.
fn of_url(asked: &str) -> Result<Target, BadHead> {
    const OTHER: &str = "it is neither CONNECT nor a request for an http:// URL; \
                         what is not plain http goes through CONNECT";
    let Some((scheme, rest)) = asked.split_once("://") else {
        return Err(Malformed(OTHER));
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(Malformed(OTHER));
    }
    if rest.contains('#') {
        return Err(Malformed("its URL has a fragment"));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    Ok(Target::parse(authority, Some(HTTP))?)
}

/// A length that has leading zeros or more digits than a length needs is read differently, too.
fn is_length(text: &str) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (1..=18).contains(&text.len()) && (text == "0" || !text.starts_with('0'))
}

/// Tells whether a text is a token (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(letter)
}

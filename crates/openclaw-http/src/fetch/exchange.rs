//! One request over one connection.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Cut;
use super::body::{Taken, Unpacking};
use super::bounds::Bounds;
use super::error::FetchError;
use crate::connect::is_untrusted;
use crate::encoding::encoding;
use crate::error::{Cause, Endpoint};

/// The longest head of an answer, and the most headers in it.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 128;

/// What is read best comes first; everything else is taken as well.
const ACCEPT: HeaderValue = HeaderValue::from_static(
    "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, application/json;q=0.8, text/plain;q=0.8, */*;q=0.1",
);

/// What a host answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) cut: Cut,
}

/// A connection, with TLS or without.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Asks for a URL over a connection, and reads the answer as far as the bounds go.
pub(super) async fn get(
    url: &Url,
    stream: TcpStream,
    tls: Option<Arc<ClientConfig>>,
    agent: &str,
    bounds: &Bounds,
) -> Result<Answer, FetchError> {
    let broken = |source: Cause| FetchError::Broken {
        endpoint: Endpoint::of(url),
        source,
    };
    let wire: Box<dyn Wire> = match tls {
        Some(config) => Box::new(secured(url, stream, config).await?),
        None => Box::new(stream),
    };
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .handshake::<_, Empty>(TokioIo::new(wire))
        .await
        .map_err(|err| broken(err.into()))?;
    let request = request(url, agent).map_err(|err| broken(err.into()))?;
    // Both are driven by this one future, so that nothing is left when it is dropped.
    let mut exchange = pin!(answer(url, sender, request, bounds.bytes));
    tokio::select! {
        answer = &mut exchange => return answer,
        // Why it ended is told by the answer, or by its body.
        _ended = connection => {}
    }
    exchange.await
}

async fn secured(
    url: &Url,
    stream: TcpStream,
    config: Arc<ClientConfig>,
) -> Result<impl Wire, FetchError> {
    let endpoint = Endpoint::of(url);
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = match ServerName::try_from(bare.to_owned()) {
        Ok(name) => name,
        Err(source) => {
            return Err(FetchError::Broken {
                endpoint,
                source: source.into(),
            });
        }
    };
    match TlsConnector::from(config).connect(name, stream).await {
        Ok(stream) => Ok(stream),
        Err(source) if untrusted(&source) => Err(FetchError::Certificate {
            endpoint,
            source: source.into(),
        }),
        Err(source) => Err(FetchError::Broken {
            endpoint,
            source: source.into(),
        }),
    }
}

fn untrusted(source: &(dyn Error + 'static)) -> bool {
    is_untrusted(source)
}

/// Writes the request; nothing in it tells who asks.
fn request(url: &Url, agent: &str) -> Result<Request<Empty>, http::Error> {
    let mut path = url.path().to_owned();
    if let Some(query) = url.query() {
        path.extend(["?", query]);
    }
    let mut host = url.host_str().unwrap_or_default().to_owned();
    if let Some(port) = url.port() {
        host.extend([":", &port.to_string()]);
    }
    Request::builder()
        .method(Method::GET)
        .uri(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, agent)
        .header(header::ACCEPT, ACCEPT)
        .header(header::ACCEPT_LANGUAGE, "en, *;q=0.5")
        .header(header::ACCEPT_ENCODING, "gzip")
        .header(header::CONNECTION, "close")
        .body(Empty)
}

async fn answer(
    url: &Url,
    mut sender: SendRequest<Empty>,
    request: Request<Empty>,
    limit: usize,
) -> Result<Answer, FetchError> {
    let broken = |source: Cause| FetchError::Broken {
        endpoint: Endpoint::of(url),
        source,
    };
    let answer = sender.send_request(request).await;
    let (parts, body) = answer.map_err(|err| broken(err.into()))?.into_parts();
    let status = parts.status.as_u16();
    let mut answer = Answer {
        status,
        headers: parts.headers,
        body: Bytes::new(),
        cut: Cut::Whole,
    };
    if parts.status.is_redirection() && answer.headers.contains_key(header::LOCATION) {
        return Ok(answer);
    }
    let unpacking = match packed(&answer.headers) {
        Packed::Plain => Unpacking::plain(limit),
        Packed::Gzip => Unpacking::gzip(limit),
        Packed::Otherwise(encoding) => {
            return Err(FetchError::Encoding {
                endpoint: Endpoint::of(url),
                encoding,
            });
        }
    };
    (answer.body, answer.cut) = whole(body, unpacking, limit).await.map_err(broken)?;
    Ok(answer)
}

/// Reads a body as far as there is room.
async fn whole(
    body: Incoming,
    mut unpacking: Unpacking,
    limit: usize,
) -> Result<(Bytes, Cut), Cause> {
    let mut body = pin!(body);
    let mut received = 0_usize;
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        let left = limit.saturating_sub(received);
        received = received.saturating_add(piece.len());
        let fitting = piece.get(..left.min(piece.len())).unwrap_or_default();
        let full = unpacking.push(fitting)? == Taken::Full;
        if full || received > limit {
            return Ok(unpacking.finish(Cut::TooLong)?);
        }
    }
    Ok(unpacking.finish(Cut::Whole)?)
}

enum Packed {
    Plain,
    Gzip,
    Otherwise(String),
}

fn packed(headers: &HeaderMap) -> Packed {
    let mut named = headers.get_all(header::CONTENT_ENCODING).iter();
    let only = match (named.next(), named.next()) {
        (Some(only), None) => only
            .to_str()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
        _ => String::new(),
    };
    match (only.as_str(), encoding(headers)) {
        ("gzip" | "x-gzip", _) => Packed::Gzip,
        (_, Some(encoding)) => Packed::Otherwise(encoding),
        (_, None) => Packed::Plain,
    }
}

/// No body.
#[derive(Clone, Copy, Debug)]
struct Empty;

impl hyper::body::Body for Empty {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        hyper::body::SizeHint::with_exact(0)
    }
}

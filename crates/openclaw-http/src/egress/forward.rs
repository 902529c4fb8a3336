//! A request for an `http://` URL, passed on to its host over a connection of its own.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{self as client, SendRequest};
use hyper::header::{
    CONNECTION, EXPECT, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use hyper::http::uri::Scheme;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, join};
use tokio::net::TcpStream;

use super::answer::Answer;
use super::connection::Open;
use super::head::{Head, MAX_HEAD};
use super::meter::Metered;
use crate::guard::Target;

/// What is kept of a message at a time, and the longest head of an answer.
const MAX_BUFFER: usize = 64 * 1024;

/// Headers that are about one connection and not about the message (RFC 9110, 7.6.1), besides those
/// that `connection` names. What the client expects of a server, this proxy has answered.
const OF_THE_CONNECTION: [HeaderName; 11] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The body of an answer.
#[derive(Debug)]
enum Payload {
    /// Of this proxy.
    Text(Option<Bytes>),
    /// Of the host.
    Passed(Incoming),
}

/// Passes one request on and its answer back; the host has to begin with it within `patience`.
///
/// Both connections are driven by this one future, so nothing is left when it is dropped.
pub(super) async fn forward(
    head: Head,
    client: TcpStream,
    host: Metered,
    open: &Open,
    patience: Duration,
) -> Result<(), hyper::Error> {
    let (sender, exchange) = client::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .handshake::<_, Incoming>(TokioIo::new(host))
        .await?;
    let sender = Mutex::new(Some(sender));
    let service = service_fn(|request| {
        let sender = sender.lock().take();
        async move {
            let answer = pass(request, open.target(), sender);
            Ok::<_, Infallible>(tokio::select! {
                answer = answer => answer,
                () = open.meter().silence(patience) => own(&Answer::to_no_answer()),
            })
        }
    });
    let head = head.whole().freeze();
    let (from_client, to_client) = client.into_split();
    let from_client = io::Cursor::new(head).chain(from_client);
    let answered = server::Builder::new()
        .keep_alive(false)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(join(from_client, to_client)), service);
    let mut answered = std::pin::pin!(answered);
    tokio::select! {
        result = &mut answered => return result,
        // Why the exchange ended is told by the answer, or by its body.
        _ended = exchange => {}
    }
    answered.await
}

async fn pass(
    request: Request<Incoming>,
    target: &Target,
    sender: Option<SendRequest<Incoming>>,
) -> Response<Payload> {
    let (Some(mut sender), Some(request)) = (sender, outgoing(request, target)) else {
        return own(&Answer::to_disagreement());
    };
    match sender.send_request(request).await {
        // Nobody asked to switch to another protocol, as what has it in the head does not get through.
        Ok(answer) if answer.status() != StatusCode::SWITCHING_PROTOCOLS => {
            let (mut parts, body) = answer.into_parts();
            strip(&mut parts.headers);
            parts.version = Version::HTTP_11;
            Response::from_parts(parts, Payload::Passed(body))
        }
        Ok(_) | Err(_) => own(&Answer::to_failure()),
    }
}

/// Returns the request as its host gets it; nothing if the library reads another host in it.
fn outgoing(request: Request<Incoming>, target: &Target) -> Option<Request<Incoming>> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority()?.as_str();
    if parts.uri.scheme() != Some(&Scheme::HTTP)
        || Target::parse(authority, Some(80)).ok().as_ref() != Some(target)
    {
        return None;
    }
    parts.uri = Uri::from(parts.uri.path_and_query()?.clone());
    parts.version = Version::HTTP_11;
    strip(&mut parts.headers);
    let host = match target.port {
        80 => target.host.to_string(),
        _ => target.to_string(),
    };
    parts
        .headers
        .insert(HOST, HeaderValue::try_from(host).ok()?);
    let close = HeaderValue::from_static("close");
    parts.headers.insert(CONNECTION, close);
    Some(Request::from_parts(parts, body))
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_THE_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
    headers.append(VIA, HeaderValue::from_static("1.1 openclaw"));
}

fn own(answer: &Answer) -> Response<Payload> {
    let text = Bytes::from(answer.text.clone());
    let mut response = Response::new(Payload::Text(Some(text)));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers();
    response
}

impl Body for Payload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Passed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.is_none(),
            Self::Passed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => {
                let length = text.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Passed(body) => body.size_hint(),
        }
    }
}

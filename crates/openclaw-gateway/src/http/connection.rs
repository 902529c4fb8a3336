//! One client's connection, from the moment at which it is let in to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::HOST;
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use hyper::Request;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use openclaw_agents::TaskScope;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time;

use super::framing::Verdict;
use super::guard::Arrival;
use super::listeners::Caller;
use super::tls::Tls;
use super::wire::{Duplex, Ending, Line, Speech, Wire};
use crate::builder::{Gateway, Shared};

/// How long a client may take to send the head of a request, and how long a connection may lie idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 32_768;
/// The same, as HTTP/2 tells it.
const MAX_HEAD_LIST: u32 = 32_768;

/// How many requests of one connection are under way at the same time over HTTP/2.
const STREAMS: u32 = 64;
/// How many requests may be taken back before we have looked at them.
const UNSEEN_RESETS: usize = 20;
/// How many streams we may have to end for a client's mistakes.
const MISTAKES: usize = 64;
/// How much of one request's body, and of all of them, is taken unread.
const STREAM_WINDOW: u32 = 64 << 10;
const WINDOW: u32 = 1 << 20;
/// How much of one answer waits to be read.
const SEND_BUFFER: usize = 64 << 10;
/// How long the last answers of an idle connection over HTTP/2 may take to be read.
const LAST_STREAMS: Duration = Duration::from_secs(30);

/// The paths that are answered before a start is complete.
const AT_ONCE: [&str; 2] = ["/health", "/ready"];

/// A connection that has room.
pub(super) struct Connection {
    pub(super) caller: Caller,
    pub(super) place: OwnedSemaphorePermit,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) arrival: Arrival,
}

/// A request that came before the one ahead of it was answered.
#[derive(Debug, thiserror::Error)]
#[error("a request came before the last one was answered")]
struct TooEarly;

impl Connection {
    /// Answers requests until either side has had enough.
    pub(super) async fn serve(self, app: Router, gateway: Gateway) {
        let Self {
            caller,
            place,
            tls,
            arrival,
        } = self;
        let line = Arc::clone(&arrival.line);
        let connections = gateway.shared.connections.clone();
        let begun = time::timeout(HEAD_TIMEOUT, begin(caller, tls, &line, place));
        let (wire, speech) = tokio::select! {
            begun = begun => match begun {
                Ok(Some(begun)) => begun,
                Ok(None) | Err(_) => return,
            },
            () = line.pushed_out() => return,
            // Nothing was asked yet.
            () = connections.stop().cancelled() => return,
        };
        let service = Answers {
            app: TowerToHyperService::new(app),
            shared: Arc::clone(&gateway.shared),
            arrival,
        };
        match speech {
            Speech::Text => service.in_text(wire, &line, &connections).await,
            Speech::Frames => service.in_frames(wire, &line, &connections).await,
        }
    }
}

/// Agrees with a client on TLS, where it is asked for, and finds out how it speaks.
async fn begin(
    caller: Caller,
    tls: Option<Arc<Tls>>,
    line: &Arc<Line>,
    place: OwnedSemaphorePermit,
) -> Option<(Wire, Speech)> {
    let (stream, agreed): (Box<dyn Duplex>, _) = match (caller, tls) {
        (Caller::Tcp(stream, _), Some(tls)) => {
            let stream = tls
                .accept(stream)
                .await
                .inspect_err(|err| tracing::debug!(%err, "a client does not agree on TLS"))
                .ok()?;
            let frames = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let agreed = if frames { Speech::Frames } else { Speech::Text };
            (Box::new(stream), Some(agreed))
        }
        (Caller::Tcp(stream, _), None) => (Box::new(stream), None),
        (Caller::Unix(stream), _) => (Box::new(stream), None),
    };
    let mut wire = Wire::new(stream, Arc::clone(line), place);
    let speech = wire.speech(agreed).await.ok()?;
    Some((wire, speech))
}

/// What answers the requests of one connection.
struct Answers {
    app: TowerToHyperService<Router>,
    shared: Arc<Shared>,
    arrival: Arrival,
}

impl Answers {
    async fn in_text(self, wire: Wire, line: &Line, connections: &TaskScope) {
        let service = service_fn(move |request| self.answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_header_size(MAX_HEAD)
            .max_buf_size(2 * MAX_HEAD)
            .serve_connection(TokioIo::new(wire), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = line.pushed_out() => return,
            () = connections.stop().cancelled() => {
                // A request that is under way is still answered.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        broke(ended);
    }

    async fn in_frames(self, wire: Wire, line: &Line, connections: &TaskScope) {
        let service = service_fn(move |request| self.answer(request));
        let connection = http2::Builder::new(Streams(connections.clone()))
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(MAX_HEAD_LIST)
            .max_pending_accept_reset_streams(UNSEEN_RESETS)
            .max_local_error_reset_streams(MISTAKES)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .serve_connection(TokioIo::new(wire), service);
        let mut connection = std::pin::pin!(connection);
        let idle = tokio::select! {
            ended = connection.as_mut() => return broke(ended),
            () = line.pushed_out() => return,
            () = line.idle(HEAD_TIMEOUT) => true,
            () = connections.stop().cancelled() => false,
        };
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection.as_mut() => broke(ended),
            () = line.pushed_out() => {}
            // The client has its answers and could have read them.
            () = time::sleep(LAST_STREAMS), if idle => {}
        }
    }

    /// Answers one request.
    fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Answer>, TooEarly>> + Send + use<> {
        let mut under_way = UnderWay::new(Arc::clone(&self.arrival.line));
        let head = self.arrival.line.begin();
        // Over HTTP/2 the host is no header; everybody below looks at the header.
        if request.version() == Version::HTTP_2
            && !request.headers().contains_key(HOST)
            && let Some(host) = request.uri().authority()
            && let Ok(host) = HeaderValue::from_str(host.as_str())
        {
            request.headers_mut().insert(HOST, host);
        }
        request.extensions_mut().insert(Arrival {
            head,
            ..self.arrival.clone()
        });
        let at_once = AT_ONCE.contains(&request.uri().path());
        let shared = (!at_once).then(|| Arc::clone(&self.shared));
        let answer = (head != Verdict::Unseen).then(|| self.app.call(request));
        async move {
            let Some(answer) = answer else {
                return Err(TooEarly);
            };
            if let Some(shared) = shared {
                // What a crash cut off is closed before anybody is told how things stand.
                shared.recover().await;
            }
            let Ok(answer) = answer.await;
            under_way.ending = Ending::Answered;
            Ok(answer.map(|body| {
                // A body that is all there goes out with its head.
                let comes_later = body.size_hint().exact().is_none();
                Answer {
                    body,
                    _under_way: comes_later.then_some(under_way),
                }
            }))
        }
    }
}

fn broke(ended: Result<(), hyper::Error>) {
    if let Err(err) = ended {
        // A broken connection is the client's affair.
        tracing::debug!(%err, "a connection broke");
    }
}

/// Where the requests of a connection over HTTP/2 are worked on.
#[derive(Clone)]
struct Streams(TaskScope);

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Streams
where
    F::Output: 'static,
{
    fn execute(&self, work: F) {
        drop(self.0.spawn("stream", work));
    }
}

/// A request for as long as it is under way.
struct UnderWay {
    line: Arc<Line>,
    ending: Ending,
}

impl UnderWay {
    const fn new(line: Arc<Line>) -> Self {
        Self {
            line,
            ending: Ending::TakenBack,
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.line.end(self.ending);
    }
}

/// What goes out; a request is under way until all of it has.
struct Answer {
    body: Body,
    _under_way: Option<UnderWay>,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

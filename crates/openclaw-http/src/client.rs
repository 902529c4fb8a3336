//! The client: one exchange, with its deadlines, its retries and its way to stop.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::Clock;
use reqwest::{Client, Response};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Deadlines};
use crate::connect::Route;
use crate::error::{Endpoint, HttpError, Phase};
use crate::request::{PostJson, Request};
use crate::retry::{self, Retry};

/// The most of an error's body that is kept.
const EXCERPT_BYTES: usize = 8 * 1024;

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening a connection, TLS included.
    pub connect: Duration,
    /// From sending a request to the head of the answer; a model may think before it begins.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// The whole exchange: every attempt, the waits between them and the body.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 10 seconds to connect, 5 minutes of silence, 30 minutes in all.
    ///
    /// Five minutes is what a large local model may need to load or to read a long prompt.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(5),
            idle: Duration::from_mins(5),
            total: Duration::from_mins(30),
        }
    }
}

/// The HTTP client; clones share its connections.
///
/// Making one costs nothing: certificates are read and connections pooled from the first request
/// on. The proxy is the one that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name at
/// that time; this machine itself is never spoken to through a proxy.
#[derive(Clone, Debug)]
pub struct HttpClient {
    timeouts: Timeouts,
    clock: Clock,
    clients: Arc<Clients>,
}

#[derive(Debug, Default)]
struct Clients {
    loopback: OnceCell<Client>,
    loopback_tls: OnceCell<Client>,
    outside: OnceCell<Client>,
}

impl HttpClient {
    /// Makes a client with these limits.
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            clock: Clock::system(),
            clients: Arc::default(),
        }
    }

    /// Replaces the clock that dates in `retry-after` are held against.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sends the request, again if need be, and returns the answer once its head is there.
    ///
    /// An answer with a status other than 2xx is [`HttpError::Status`], redirects included.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; so does `stop`, which also ends a wait between
    /// two attempts.
    pub async fn post_json(
        &self,
        request: PostJson,
        stop: &CancellationToken,
    ) -> Result<Body, HttpError> {
        self.send(request.0, stop).await
    }

    /// As [`HttpClient::post_json`], for a request of any kind.
    pub(crate) async fn send(
        &self,
        request: Request,
        stop: &CancellationToken,
    ) -> Result<Body, HttpError> {
        let exchange = Exchange {
            client: self.client(Route::to(&request.url)).await?,
            deadlines: Deadlines::starting_now(&self.timeouts),
            first_byte: self.timeouts.first_byte,
            connect: self.timeouts.connect,
            clock: &self.clock,
            request: &request,
            stop,
        };
        exchange.run(request.retry).await
    }

    async fn client(&self, route: Route) -> Result<&Client, HttpError> {
        let cell = match route {
            Route::Loopback => &self.clients.loopback,
            Route::LoopbackTls => &self.clients.loopback_tls,
            Route::Outside => &self.clients.outside,
        };
        let connect = self.timeouts.connect;
        cell.get_or_try_init(|| async move {
            match tokio::task::spawn_blocking(move || route.build(connect)).await {
                Ok(built) => built,
                // Building does not panic, so the task can only be gone with its runtime.
                Err(_gone) => Err(HttpError::Cancelled),
            }
        })
        .await
    }
}

/// One request with everything that its attempts share.
struct Exchange<'a> {
    client: &'a Client,
    deadlines: Deadlines,
    first_byte: Duration,
    connect: Duration,
    clock: &'a Clock,
    request: &'a Request,
    stop: &'a CancellationToken,
}

impl Exchange<'_> {
    async fn run(&self, retry: Retry) -> Result<Body, HttpError> {
        let mut attempt = 1;
        loop {
            let error = match self.attempt().await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let Some(wait) = retry.wait_after(&error, attempt, jitter()) else {
                return Err(error);
            };
            let Some(until) = self.deadlines.before_end(wait) else {
                return Err(error);
            };
            tracing::info!(attempt, ?wait, cause = %error, "the request is sent again after a wait");
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(HttpError::Cancelled),
                () = sleep_until(until) => {}
            }
            attempt += 1;
        }
    }

    async fn attempt(&self) -> Result<Body, HttpError> {
        let sent = self
            .client
            .request(self.request.method.clone(), self.request.url.clone())
            .headers(self.request.headers.clone())
            .body(self.request.body.clone())
            .send();
        let answered = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(HttpError::Cancelled),
            () = self.deadlines.end() => return Err(self.late(Phase::Total, self.deadlines.total)),
            answered = timeout(self.first_byte, sent) => answered,
        };
        match answered {
            Ok(Ok(response)) => self.answer(response).await,
            Ok(Err(error)) => Err(self.failure(error)),
            Err(_elapsed) => Err(self.late(Phase::FirstByte, self.first_byte)),
        }
    }

    async fn answer(&self, response: Response) -> Result<Body, HttpError> {
        let status = response.status();
        let retry_after = retry::retry_after(response.headers(), self.clock.now());
        let body = Body::new(response, self.endpoint(), self.deadlines, self.stop.clone());
        if status.is_success() {
            return Ok(body);
        }
        let excerpt = body.excerpt(EXCERPT_BYTES).await;
        if self.stop.is_cancelled() {
            return Err(HttpError::Cancelled);
        }
        Err(HttpError::Status {
            endpoint: self.endpoint(),
            status: status.as_u16(),
            retry_after,
            body_excerpt: excerpt,
        })
    }

    fn failure(&self, error: reqwest::Error) -> HttpError {
        let source = error.without_url();
        let endpoint = self.endpoint();
        match (source.is_connect(), source.is_timeout()) {
            (true, true) => self.late(Phase::Connect, self.connect),
            (true, false) => HttpError::Connect { endpoint, source },
            (false, _) => HttpError::Broken { endpoint, source },
        }
    }

    fn late(&self, phase: Phase, limit: Duration) -> HttpError {
        HttpError::Timeout {
            endpoint: self.endpoint(),
            phase,
            limit,
        }
    }

    fn endpoint(&self) -> Endpoint {
        self.request.endpoint.clone()
    }
}

/// Returns a random number; the largest one where the system has no randomness, which waits longest.
fn jitter() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

impl Deadlines {
    fn starting_now(timeouts: &Timeouts) -> Self {
        Self {
            idle: timeouts.idle,
            total: timeouts.total,
            // A limit beyond what the clock can count is no limit.
            end: Instant::now().checked_add(timeouts.total),
        }
    }

    /// Returns the end of a wait that starts now, if it lies before the end of the exchange.
    fn before_end(&self, wait: Duration) -> Option<Instant> {
        let until = Instant::now().checked_add(wait)?;
        self.end.is_none_or(|end| until < end).then_some(until)
    }
}

//! The client: one exchange, with its deadlines, its retries and its way to stop.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::Clock;
use openclaw_core::env::Env;
use reqwest::{Client, Response};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::body::{Body, Deadlines, Head, Source};
use crate::connect::{Route, is_untrusted};
use crate::encoding::encoding;
use crate::error::{Endpoint, HttpError, Phase};
use crate::limits;
use crate::network::Network;
use crate::proxy;
use crate::request::{GetJson, PostBytes, PostJson, Request};
use crate::retry::{Retry, jitter};
use crate::tape::{Deck, Tape};

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
/// on, as the [`Network`] settings say.
#[derive(Clone, Debug)]
pub struct HttpClient {
    timeouts: Timeouts,
    network: Arc<Network>,
    tape: Option<Tape>,
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
    /// Makes a client with these limits and the default network settings.
    pub fn new(timeouts: Timeouts) -> Self {
        Self::with_network(timeouts, Network::default())
    }

    /// Makes a client with these limits and network settings.
    pub fn with_network(timeouts: Timeouts, network: Network) -> Self {
        Self {
            timeouts,
            network: Arc::new(network),
            tape: None,
            clock: Clock::system(),
            clients: Arc::default(),
        }
    }

    /// Records every attempt on this tape, or answers from it without any network.
    #[must_use]
    pub fn with_tape(mut self, tape: Option<Tape>) -> Self {
        self.tape = tape;
        self
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

    /// Sends the request, again if need be, and returns the whole answer.
    ///
    /// One that has more than `limit` bytes is [`HttpError::TooLarge`]; no more of it is read.
    ///
    /// # Cancel safety
    /// As of [`HttpClient::post_json`].
    pub async fn get_json(
        &self,
        request: GetJson,
        limit: usize,
        stop: &CancellationToken,
    ) -> Result<Vec<u8>, HttpError> {
        let endpoint = request.0.endpoint.clone();
        let body = self.send(request.0, stop).await?;
        let whole = body.whole(limit).await?;
        whole.ok_or(HttpError::TooLarge { endpoint, limit })
    }

    /// Sends the request once and returns the whole answer, as [`HttpClient::get_json`] does.
    ///
    /// # Cancel safety
    /// As of [`HttpClient::post_json`].
    pub async fn post_bytes(
        &self,
        request: PostBytes,
        limit: usize,
        stop: &CancellationToken,
    ) -> Result<Vec<u8>, HttpError> {
        let endpoint = request.0.endpoint.clone();
        let whole = self.send(request.0, stop).await?.whole(limit).await?;
        whole.ok_or(HttpError::TooLarge { endpoint, limit })
    }

    /// As [`HttpClient::post_json`], for a request of any kind.
    pub(crate) async fn send(
        &self,
        request: Request,
        stop: &CancellationToken,
    ) -> Result<Body, HttpError> {
        let tape = self.tape.as_ref();
        let mut proxy = None;
        let exchange = Exchange {
            way: if let Some(deck) = tape.and_then(Tape::deck) {
                Way::Tape(deck)
            } else {
                let route = Route::to(&request.url);
                if route == Route::Outside {
                    let named = self
                        .network
                        .proxy
                        .on_the_way(&request.url, Env::from_process);
                    proxy = named?;
                }
                Way::Network(self.client(route).await?, tape)
            },
            proxy,
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
        let network = Arc::clone(&self.network);
        cell.get_or_try_init(|| async move {
            match tokio::task::spawn_blocking(move || route.build(&network, connect)).await {
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
    way: Way<'a>,
    /// The proxy that is gone through.
    proxy: Option<Endpoint>,
    deadlines: Deadlines,
    first_byte: Duration,
    connect: Duration,
    clock: &'a Clock,
    request: &'a Request,
    stop: &'a CancellationToken,
}

/// Who answers.
enum Way<'a> {
    /// The server, while a tape may record it.
    Network(&'a Client, Option<&'a Tape>),
    /// A tape in its place.
    Tape(Deck<'a>),
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
        let head = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(HttpError::Cancelled),
            head = self.head() => head?,
        };
        self.answer(head).await
    }

    /// Sends the request and returns the head of the answer.
    async fn head(&self) -> Result<Head, HttpError> {
        let (client, tape) = match &self.way {
            Way::Network(client, tape) => (client, tape),
            Way::Tape(deck) => {
                let mut played = Box::new(deck.answer(self.request)?);
                let (status, headers) = played.head(&self.request.endpoint).await?;
                return Ok(Head {
                    status,
                    headers,
                    source: Source::Tape(played),
                    recording: None,
                });
            }
        };
        let mut recording = tape
            .map(|tape| tape.begin(self.request))
            .unwrap_or_default();
        let mut response = match self.response(client).await {
            Ok(response) => Box::new(response),
            Err(error) => {
                if let Some(recording) = &mut recording {
                    recording.failed(&error);
                }
                return Err(error);
            }
        };
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        if let Some(recording) = &recording {
            recording.head(status, &headers);
        }
        Ok(Head {
            status,
            headers,
            source: Source::Network(response),
            recording,
        })
    }

    async fn response(&self, client: &Client) -> Result<Response, HttpError> {
        let sent = client
            .request(self.request.method.clone(), self.request.url.clone())
            .headers(self.request.headers.clone())
            .body(self.request.body.clone())
            .send();
        let answered = tokio::select! {
            biased;
            () = self.deadlines.end() => return Err(self.late(Phase::Total, self.deadlines.total)),
            answered = timeout(self.first_byte, sent) => answered,
        };
        match answered {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.failure(error)),
            Err(_elapsed) => Err(self.late(Phase::FirstByte, self.first_byte)),
        }
    }

    async fn answer(&self, head: Head) -> Result<Body, HttpError> {
        let status = head.status;
        let retry_after = limits::asked_wait(status, &head.headers, self.clock.now());
        let encoding = encoding(&head.headers);
        if status == proxy::WHO_ASKS
            && let Some(proxy) = self.proxy.clone()
        {
            let endpoint = self.endpoint();
            return Err(HttpError::ProxyAuthentication { endpoint, proxy });
        }
        let body = Body::new(head, self.endpoint(), self.deadlines, self.stop.clone());
        let is_success = (200..300).contains(&status);
        let body_excerpt = match (encoding, is_success) {
            (None, true) => return Ok(body),
            (Some(encoding), true) => {
                let endpoint = self.endpoint();
                return Err(HttpError::Encoded { endpoint, encoding });
            }
            (None, false) => body.excerpt(EXCERPT_BYTES).await,
            // Why it was refused cannot be read, but that it was can be told.
            (Some(_), false) => String::new(),
        };
        if self.stop.is_cancelled() {
            return Err(HttpError::Cancelled);
        }
        Err(HttpError::Status {
            endpoint: self.endpoint(),
            status,
            retry_after,
            body_excerpt,
        })
    }

    fn failure(&self, error: reqwest::Error) -> HttpError {
        let source = error.without_url();
        let endpoint = self.endpoint();
        let is_connect = source.is_connect();
        let is_untrusted = is_untrusted(&source);
        if is_connect
            && !is_untrusted
            && let Some(proxy) = &self.proxy
        {
            return proxy::failure(self.endpoint(), proxy.clone(), source);
        }
        if is_connect && source.is_timeout() {
            return self.late(Phase::Connect, self.connect);
        }
        let source = source.into();
        match (is_untrusted, is_connect) {
            (true, _) => HttpError::Certificate { endpoint, source },
            (false, true) => HttpError::Connect { endpoint, source },
            (false, false) => HttpError::Broken { endpoint, source },
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

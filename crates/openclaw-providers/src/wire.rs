//! What the APIs over HTTP share: opening a stream, reading it to its end, and telling what failed.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use openclaw_core::ProviderId;
use openclaw_core::redaction::mask;
use openclaw_http::{Body, HttpClient, HttpError, PostJson, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::error::{ProviderError, Reason, excerpt};
use crate::event::{EventStream, StreamEvent};
use crate::sse;

/// The most characters of a provider's message that are kept.
const MESSAGE_CHARS: usize = 500;

/// The most characters of an event that go into the log.
const EXCERPT_CHARS: usize = 300;

/// The most bytes that are read of a document that came instead of a stream.
const DOCUMENT_BYTES: usize = 8 * 1024;

/// How long a body that has said everything may take to end, for its connection to be used again.
const DRAIN_TIME: Duration = Duration::from_millis(100);

/// Reads the events of one API.
pub(crate) trait Decode: Send + 'static {
    /// Takes an event and adds what it means to `out`.
    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault>;

    /// Takes the end of the stream; a fault if the answer is not whole.
    fn end(&mut self, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault>;

    /// Returns whether the answer is whole.
    fn is_finished(&self) -> bool;

    /// Returns how many events and parts were skipped because this program does not know them.
    fn skipped(&self) -> u32;
}

/// What a decoder found wrong, before the provider's name is added and its key taken out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The provider sent an error.
    Sent { reason: Reason, message: String },
    /// The provider sent something that its API does not have.
    Malformed { what: &'static str, data: String },
    /// The stream ended before the answer was whole.
    EndedEarly,
}

impl Fault {
    pub(crate) fn malformed(what: &'static str, data: &str) -> Self {
        Self::Malformed {
            what,
            data: data.to_owned(),
        }
    }
}

/// Reads the data of an event as JSON.
pub(crate) fn read_json<T: DeserializeOwned>(data: &str) -> Result<T, Fault> {
    serde_json::from_str(data)
        .map_err(|_what| Fault::malformed("an event that its API does not have", data))
}

/// Pieces without text carry nothing.
pub(crate) fn not_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The provider at the other end, in whose name errors are told.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) id: ProviderId,
}

impl Party {
    pub(crate) fn http(&self, error: HttpError) -> ProviderError {
        match error {
            HttpError::Cancelled => ProviderError::Cancelled,
            HttpError::Status {
                status,
                retry_after,
                body_excerpt,
                ..
            } => {
                let (reason, message) = complaint(&body_excerpt);
                ProviderError::Status {
                    provider: self.id.clone(),
                    status,
                    reason: reason.unwrap_or(Reason::of_status(status.into())),
                    message: public(&message),
                    retry_after,
                }
            }
            source => ProviderError::Http {
                provider: self.id.clone(),
                source,
            },
        }
    }

    fn fault(&self, fault: Fault) -> ProviderError {
        let provider = self.id.clone();
        match fault {
            Fault::Sent { reason, message } => ProviderError::Sent {
                provider,
                reason,
                message: public(&message),
            },
            Fault::Malformed { what, data } => {
                let excerpt = excerpt(&mask(&data), EXCERPT_CHARS);
                tracing::warn!(%provider, what, excerpt, "the provider's answer makes no sense");
                ProviderError::Malformed {
                    provider,
                    what,
                    excerpt,
                }
            }
            Fault::EndedEarly => ProviderError::EndedEarly {
                provider,
                source: None,
            },
        }
    }

    fn too_large(&self, error: sse::SseError) -> ProviderError {
        let (what, limit) = match error {
            sse::SseError::Line { limit } => ("a line", limit),
            sse::SseError::Event { limit } => ("an event", limit),
        };
        ProviderError::TooLarge {
            provider: self.id.clone(),
            what,
            limit,
        }
    }
}

/// Makes a provider's words fit to be shown: without keys, in one line and of bounded length.
fn public(message: &str) -> String {
    let words = mask(message);
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    excerpt(&line, MESSAGE_CHARS)
}

/// Finds what an error document says, in any of the shapes in use.
///
/// They are `{"error":{"message":…,"type":…,"code":…}}`, `{"error":"…"}` and the same without the
/// envelope. Plain text is taken as it is; a page of HTML says nothing.
fn complaint(body: &str) -> (Option<Reason>, String) {
    match serde_json::from_str::<Value>(body) {
        Ok(document) => {
            let error = document.get("error").unwrap_or(&document);
            (reason_of(error), message_of(error))
        }
        Err(_not_json) if body.trim_start().starts_with('<') => (None, String::new()),
        Err(_not_json) => (None, body.to_owned()),
    }
}

/// Reads an error object that came inside of a stream.
pub(crate) fn sent(error: &Value) -> Fault {
    Fault::Sent {
        reason: reason_of(error).unwrap_or(Reason::Unknown),
        message: message_of(error),
    }
}

/// The code is asked first: OpenAI's `invalid_request_error` covers wrong keys too.
fn reason_of(error: &Value) -> Option<Reason> {
    let named = |field| error.get(field).and_then(Value::as_str);
    let status = error.get("code").and_then(Value::as_u64);
    named("code")
        .and_then(Reason::of_name)
        .or_else(|| named("type").and_then(Reason::of_name))
        .or_else(|| status.map(Reason::of_status))
}

fn message_of(error: &Value) -> String {
    let text = ["message", "detail", "error"]
        .into_iter()
        .find_map(|field| error.get(field))
        .unwrap_or(error);
    match text {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Sends the request and returns the events of its answer.
pub(crate) async fn open(
    client: &HttpClient,
    party: Party,
    request: PostJson,
    decoder: impl Decode,
    stop: CancellationToken,
) -> Result<EventStream, ProviderError> {
    let body = client
        .post_json(request.accept("text/event-stream"), &stop)
        .await
        .map_err(|error| party.http(error))?;
    if is_json(&body) {
        return Err(party.fault(document(body).await));
    }
    let reader = Reader {
        body,
        pipe: Pipe::new(party, decoder),
        stop,
    };
    let events = stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next().await {
            Ok(event) => event.map(|event| (Ok(event), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(Box::pin(events))
}

fn is_json(body: &Body) -> bool {
    let mime = body.headers().get(header::CONTENT_TYPE);
    mime.is_some_and(|mime| mime.as_bytes().starts_with(b"application/json"))
}

/// Reads a JSON document that came with a status of success where a stream was asked for.
async fn document(body: Body) -> Fault {
    let text = body.excerpt(DOCUMENT_BYTES).await;
    let parsed = serde_json::from_str::<Value>(&text).unwrap_or_default();
    match parsed.get("error") {
        Some(error) => sent(error),
        None => Fault::malformed("a document instead of a stream", &text),
    }
}

/// From bytes to events; it knows nothing of connections.
pub(crate) struct Pipe<D> {
    sse: sse::Decoder,
    decoder: D,
    party: Party,
    /// What has been decoded and not handed out.
    ready: VecDeque<StreamEvent>,
    /// What went wrong after that.
    failure: Option<ProviderError>,
}

impl<D: Decode> Pipe<D> {
    pub(crate) fn new(party: Party, decoder: D) -> Self {
        Self {
            sse: sse::Decoder::new(),
            decoder,
            party,
            ready: VecDeque::new(),
            failure: None,
        }
    }

    /// Returns what comes next: an event, the failure after the last one, or nothing yet.
    pub(crate) fn pop(&mut self) -> Result<Option<StreamEvent>, ProviderError> {
        match (self.ready.pop_front(), &self.failure) {
            (None, Some(_)) => self.failure.take().map_or(Ok(None), Err),
            (event, _) => Ok(event),
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.decoder.is_finished()
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        let pushed = self.sse.push(bytes, &mut events);
        for event in events {
            if let Err(fault) = self.decoder.event(&event, &mut self.ready) {
                self.failure = Some(self.party.fault(fault));
                return;
            }
            if self.decoder.is_finished() {
                return;
            }
        }
        self.failure = pushed.err().map(|error| self.party.too_large(error));
    }

    pub(crate) fn end(&mut self) {
        let ended = self.decoder.end(&mut self.ready);
        self.failure = ended.err().map(|fault| self.party.fault(fault));
    }

    /// A connection that breaks after everything was said has done no harm.
    fn broken(&mut self, error: HttpError) {
        if !matches!(error, HttpError::Broken { .. }) {
            self.failure = Some(self.party.http(error));
        } else if self.decoder.end(&mut self.ready).is_err() {
            self.failure = Some(ProviderError::EndedEarly {
                provider: self.party.id.clone(),
                source: Some(error),
            });
        }
    }
}

struct Reader<D> {
    body: Body,
    pipe: Pipe<D>,
    stop: CancellationToken,
}

impl<D: Decode> Reader<D> {
    async fn next(&mut self) -> Result<Option<StreamEvent>, ProviderError> {
        loop {
            if self.stop.is_cancelled() {
                return Err(ProviderError::Cancelled);
            }
            if let Some(event) = self.pipe.pop()? {
                return Ok(Some(event));
            }
            if self.pipe.is_finished() {
                self.drain().await;
                return Ok(None);
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.pipe.push(&bytes),
                Some(Err(error)) => self.pipe.broken(error),
                None => self.pipe.end(),
            }
        }
    }

    /// Reads on to the end of the body, since only then is the connection free for the next request.
    async fn drain(&mut self) {
        let skipped = self.pipe.decoder.skipped();
        let provider = &self.pipe.party.id;
        if skipped > 0 {
            tracing::debug!(%provider, skipped, "unknown events were skipped");
        }
        let rest = async { while let Some(Ok(_rest)) = self.body.next().await {} };
        if tokio::time::timeout(DRAIN_TIME, rest).await.is_err() {
            tracing::debug!(%provider, "the provider keeps its answer open");
        }
    }
}

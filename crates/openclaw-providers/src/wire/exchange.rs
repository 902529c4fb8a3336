//! Asking a server: a request, and its answer as events or as one document.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use openclaw_http::{Body, GetJson, HttpClient, PostJson, Retry};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Decode, Fault, Party, Pipe, complaint, read_whole};
use crate::error::ProviderError;
use crate::event::{EventStream, StreamEvent};

/// How long a body that has said everything may take to end, for its connection to be used again.
const DRAIN_TIME: Duration = Duration::from_millis(100);

/// How long a server is waited for that has said that the model is done, and goes on with nothing
/// but comments or not at all; usage and signatures come right after that.
const GRACE: Duration = Duration::from_secs(2);

/// The longest document that is read, such as a page of a list of models.
const MAX_DOCUMENT: usize = 8 * 1024 * 1024;

/// The longest answer that is no stream, such as one with many vectors.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Sends the request, once, and returns the events of its answer.
pub(crate) async fn open<D: Decode>(
    client: &HttpClient,
    party: Party,
    request: PostJson,
    decoder: D,
    stop: CancellationToken,
) -> Result<EventStream, ProviderError> {
    let request = request.accept(D::FRAMING.mime()).retry(Retry::NEVER);
    let body = client
        .post_json(request, &stop)
        .await
        .map_err(|error| party.http(error))?;
    let reader = Reader {
        body,
        pipe: Pipe::new(party, decoder),
        stop,
        grace: GRACE,
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

/// Gets a document.
pub(crate) async fn get<T: DeserializeOwned>(
    client: &HttpClient,
    party: &Party,
    request: GetJson,
    stop: &CancellationToken,
) -> Result<T, ProviderError> {
    let bytes = client
        .get_json(request, MAX_DOCUMENT, stop)
        .await
        .map_err(|error| party.http(error))?;
    document(party, &bytes)
}

/// Posts a request, again if need be, and reads the document that comes back.
pub(crate) async fn post<T: DeserializeOwned>(
    client: &HttpClient,
    party: &Party,
    request: PostJson,
    stop: &CancellationToken,
) -> Result<T, ProviderError> {
    let request = request.accept("application/json");
    let body = client.post_json(request, stop).await;
    let mut body = body.map_err(|error| party.http(error))?;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| party.http(error))?;
        if bytes.len().saturating_add(piece.len()) > MAX_ANSWER {
            return Err(party.too_large("an answer", MAX_ANSWER));
        }
        bytes.extend_from_slice(&piece);
    }
    document(party, &bytes)
}

/// Reads a document.
fn document<T: DeserializeOwned>(party: &Party, bytes: &[u8]) -> Result<T, ProviderError> {
    let text = String::from_utf8_lossy(bytes);
    let foreign = |what| party.fault(Fault::malformed(what, &text));
    if text.trim_start().starts_with('<') {
        return Err(foreign("a web page, so a proxy or another server answered"));
    }
    let Ok(document) = read_whole::<Value>(&text) else {
        return Err(foreign("a document that is no JSON"));
    };
    if let Some(error) = complaint::error_in(&document) {
        return Err(party.fault(complaint::sent(error)));
    }
    serde_json::from_value(document)
        .map_err(|_what| foreign("a document that its API does not have"))
}

struct Reader<D> {
    body: Body,
    pipe: Pipe<D>,
    stop: CancellationToken,
    /// What is left of the wait for whatever may follow on the end.
    grace: Duration,
}

impl<D: Decode> Reader<D> {
    async fn next(&mut self) -> Result<Option<StreamEvent>, ProviderError> {
        loop {
            if self.stop.is_cancelled() {
                return Err(ProviderError::Cancelled);
            }
            if let Some(event) = self.pipe.pop()? {
                self.grace = GRACE;
                return Ok(Some(event));
            }
            if self.pipe.is_finished() {
                self.drain().await;
                return Ok(None);
            }
            match self.more().await {
                Some(Ok(bytes)) => self.pipe.push(&bytes),
                Some(Err(error)) => self.pipe.broken(error),
                None => self.pipe.end(),
            }
        }
    }

    /// Waits for more of the body; one that says nothing new after its end has come to it.
    async fn more(&mut self) -> Option<<Body as Stream>::Item> {
        if !self.pipe.may_end() {
            return self.body.next().await;
        }
        let since = Instant::now();
        let more = tokio::time::timeout(self.grace, self.body.next()).await;
        self.grace = self.grace.saturating_sub(since.elapsed());
        more.unwrap_or_default()
    }

    /// Reads on to the end of the body, since only then is the connection free for the next request.
    async fn drain(&mut self) {
        let skipped = self.pipe.skipped();
        let provider = self.pipe.provider();
        if skipped > 0 {
            tracing::debug!(%provider, skipped, "unknown events were skipped");
        }
        let rest = async { while let Some(Ok(_rest)) = self.body.next().await {} };
        if tokio::time::timeout(DRAIN_TIME, rest).await.is_err() {
            tracing::debug!(%provider, "the provider keeps its answer open");
        }
    }
}

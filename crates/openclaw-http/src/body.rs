//! The answer: its head, and its body piece by piece.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::HeaderMap;
use openclaw_core::redaction::StreamMask;
use reqwest::Response;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::error::{Endpoint, HttpError, Phase};
use crate::tape::{Played, Recording};

/// The longest time spent on reading why a request was refused.
const EXCERPT_TIME: Duration = Duration::from_secs(5);

/// How the reading of an excerpt ended.
enum End {
    Whole,
    Cut,
}

/// An answer with a status of success.
///
/// The body is a stream of its bytes as they arrive. It ends with an error when the connection
/// breaks, when a limit of [`Timeouts`](crate::Timeouts) passes or when the caller stops it; after
/// an error nothing follows. Dropping it closes the connection, unless the body was read to its end.
pub struct Body {
    status: u16,
    headers: HeaderMap,
    pieces: Pin<Box<dyn Stream<Item = Result<Bytes, HttpError>> + Send>>,
}

/// Where an answer comes from.
pub(crate) enum Source {
    Network(Box<Response>),
    Tape(Box<Played>),
}

/// An answer of which the head was read.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) source: Source,
    /// Where the body is recorded.
    pub(crate) recording: Option<Recording>,
}

impl Body {
    pub(crate) fn new(
        head: Head,
        endpoint: Endpoint,
        deadlines: Deadlines,
        stop: CancellationToken,
    ) -> Self {
        Self {
            status: head.status,
            headers: head.headers,
            pieces: Box::pin(pieces(Reading {
                source: head.source,
                recording: head.recording,
                endpoint,
                deadlines,
                stop,
            })),
        }
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Reads the whole body; nothing if it has more than `limit` bytes.
    pub(crate) async fn whole(mut self, limit: usize) -> Result<Option<Vec<u8>>, HttpError> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if bytes.len().saturating_add(piece.len()) > limit {
                return Ok(None);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }

    /// Reads the beginning of the body, at most `limit` bytes and for at most a few seconds, with
    /// known secrets masked.
    ///
    /// What was read before a failure is returned all the same: this is for telling why a request
    /// was refused. Where it was cut, no part of a secret is left.
    pub async fn excerpt(mut self, limit: usize) -> String {
        let mut mask = StreamMask::new();
        let mut kept = String::new();
        let read = async {
            while kept.len() < limit {
                match self.next().await {
                    Some(Ok(piece)) => kept.push_str(&mask.push_bytes(&piece)),
                    Some(Err(_broken)) => return End::Cut,
                    None => return End::Whole,
                }
            }
            End::Cut
        };
        match timeout(EXCERPT_TIME, read).await {
            // What the mask held back can only be told from a secret when nothing follows it.
            Ok(End::Whole) => kept.push_str(&mask.finish()),
            Ok(End::Cut) => {}
            Err(_elapsed) => {
                tracing::debug!(limit, "the body of an error was cut: it came too slowly");
            }
        }
        kept.truncate(kept.floor_char_boundary(limit));
        kept
    }
}

impl Stream for Body {
    type Item = Result<Bytes, HttpError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The limits that hold while a body is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    pub(crate) idle: Duration,
    pub(crate) total: Duration,
    pub(crate) end: Option<Instant>,
}

impl Deadlines {
    /// Waits until the exchange has taken as long as it may.
    pub(crate) async fn end(&self) {
        match self.end {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    }
}

struct Reading {
    source: Source,
    recording: Option<Recording>,
    endpoint: Endpoint,
    deadlines: Deadlines,
    stop: CancellationToken,
}

impl Reading {
    /// Returns the next piece and records it.
    async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        let read = self.read().await;
        if let Some(recording) = &mut self.recording {
            match &read {
                Ok(Some(piece)) => recording.piece(piece),
                Ok(None) => recording.whole(),
                Err(error) => recording.failed(error),
            }
        }
        read
    }

    async fn read(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Deadlines { idle, total, .. } = self.deadlines;
        let (phase, limit) = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(HttpError::Cancelled),
            () = self.deadlines.end() => (Phase::Total, total),
            read = timeout(idle, self.source.next(&self.endpoint)) => match read {
                Ok(read) => return read,
                Err(_elapsed) => (Phase::Idle, idle),
            },
        };
        Err(HttpError::Timeout {
            endpoint: self.endpoint.clone(),
            phase,
            limit,
        })
    }
}

impl Source {
    async fn next(&mut self, endpoint: &Endpoint) -> Result<Option<Bytes>, HttpError> {
        match self {
            Self::Network(response) => response.chunk().await.map_err(|error| HttpError::Broken {
                endpoint: endpoint.clone(),
                source: error.without_url().into(),
            }),
            Self::Tape(played) => played.next(endpoint).await,
        }
    }
}

fn pieces(reading: Reading) -> impl Stream<Item = Result<Bytes, HttpError>> + Send {
    // After an error the response is dropped, which closes the connection at once. The end is
    // told as often as it is asked for.
    let pieces = stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next().await {
            Ok(piece) => piece.map(|piece| (Ok(piece), Some(reading))),
            Err(error) => Some((Err(error), None)),
        }
    });
    pieces.fuse()
}

//! Answering from a cassette.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use openclaw_core::redaction::mask;
use parking_lot::Mutex;
use reqwest::Url;
use tokio::time::{Instant, sleep_until};

use super::Upcoming;
use super::cassette::How;
use super::error::TapeError;
use super::fit::{Fit, comparable};
use super::load::{End, Exchange, Head, exchanges};
use crate::error::{Cause, Endpoint, HttpError};
use crate::request::Request;

/// How fast answers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    AtOnce,
    AsRecorded,
}

/// A cassette that is being played.
pub(super) struct Player {
    path: PathBuf,
    exchanges: Vec<Exchange>,
    /// Which of them were played.
    played: Mutex<Vec<bool>>,
}

/// What was said is left out: it is long, and nobody's business.
impl fmt::Debug for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Player")
            .field("path", &self.path)
            .field("exchanges", &self.exchanges.len())
            .finish_non_exhaustive()
    }
}

impl Player {
    pub(super) fn read(path: &Path) -> Result<Self, TapeError> {
        let exchanges = exchanges(path)?;
        Ok(Self {
            path: path.to_owned(),
            played: Mutex::new(vec![false; exchanges.len()]),
            exchanges,
        })
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.exchanges.len()).unwrap_or(u32::MAX)
    }

    fn at_end(&self) -> TapeError {
        TapeError::AtEnd {
            path: self.path.clone(),
            exchanges: self.len(),
            broken_off: self.broken_off(),
        }
    }

    /// Returns the line of the last request of which the answer has no end.
    fn broken_off(&self) -> Option<usize> {
        let mut last = self.exchanges.iter().rev();
        let open = last.find(|exchange| exchange.end.is_none())?;
        Some(open.line)
    }

    pub(super) fn upcoming(&self) -> Result<Upcoming, TapeError> {
        let played = self.played.lock();
        let mut all = self.exchanges.iter().zip(played.iter());
        let Some((next, _)) = all.find(|(_, played)| !**played) else {
            return Err(self.at_end());
        };
        let label = next.label.as_deref().ok_or_else(|| TapeError::Unlabelled {
            path: self.path.clone(),
            line: next.line,
        })?;
        Ok(Upcoming {
            label: label.clone(),
            path: Url::parse(&next.url).map_or_else(|_| String::new(), |url| url.path().to_owned()),
            body: next.body.clone(),
        })
    }

    /// Returns the first exchange that fits and was not played; one that was asked for in the very
    /// same words comes before others, so that turns that run at the same time keep apart.
    pub(super) fn answer(&self, request: &Request, pace: Pace) -> Result<Played, TapeError> {
        let body = comparable(&request.body);
        let asked = Fit::of(
            request.method.as_str(),
            &mask(&Endpoint::of(&request.url).to_string()),
            &body,
        );
        let mut played = self.played.lock();
        let mut first: Option<&Exchange> = None;
        let mut fitting: Option<usize> = None;
        for (at, exchange) in self.exchanges.iter().enumerate() {
            if played.get(at).is_none_or(|played| *played) {
                continue;
            }
            first = first.or(Some(exchange));
            if exchange.fit().difference(&asked).is_some() {
                continue;
            }
            fitting = fitting.or(Some(at));
            if exchange.body == body {
                fitting = Some(at);
                break;
            }
        }
        if let Some((at, exchange)) =
            fitting.and_then(|at| self.exchanges.get(at).map(|exchange| (at, exchange)))
        {
            if let Some(played) = played.get_mut(at) {
                *played = true;
            }
            return Ok(exchange.played(pace));
        }
        let differs = first.and_then(|next| Some((next, next.fit().difference(&asked)?)));
        Err(match differs {
            Some((next, (field, recorded, asked))) => TapeError::Differs {
                path: self.path.clone(),
                line: next.line,
                field,
                recorded,
                asked,
            },
            None => self.at_end(),
        })
    }
}

impl Exchange {
    fn fit(&self) -> Fit {
        Fit::of(&self.method, &self.url, &self.body)
    }

    fn played(&self, pace: Pace) -> Played {
        let mut rest = self.data.as_slice();
        let mut pieces = VecDeque::new();
        for (at, mark) in self.marks.iter().enumerate() {
            let is_last = at.saturating_add(1) == self.marks.len();
            // Where a secret was taken out, fewer or more bytes are left than came.
            let size = if is_last {
                rest.len()
            } else {
                mark.bytes.min(rest.len())
            };
            let (piece, after) = rest.split_at_checked(size).unwrap_or_default();
            rest = after;
            if !piece.is_empty() {
                pieces.push_back((mark.after, Bytes::copy_from_slice(piece)));
            }
        }
        if !rest.is_empty() {
            pieces.push_back((Duration::ZERO, Bytes::copy_from_slice(rest)));
        }
        Played {
            head: self.head.clone(),
            pieces,
            end: self.end.clone(),
            began: (pace == Pace::AsRecorded).then(Instant::now),
        }
    }
}

/// An answer from a cassette.
#[derive(Debug)]
pub(crate) struct Played {
    head: Option<Head>,
    pieces: VecDeque<(Duration, Bytes)>,
    end: Option<End>,
    /// When it began, if it is to take as long as it took.
    began: Option<Instant>,
}

impl Played {
    /// Returns the head of the answer, or what happened in its place.
    pub(crate) async fn head(
        &mut self,
        endpoint: &Endpoint,
    ) -> Result<(u16, HeaderMap), HttpError> {
        if let Some(head) = self.head.take() {
            self.wait(head.after).await;
            return Ok((head.status, head.headers));
        }
        Err(match self.ending(endpoint).await {
            Some(error) => error,
            // A recording that a head is missing from was stopped before there was one.
            None => broken(endpoint, None),
        })
    }

    /// Returns the next piece of the body.
    pub(crate) async fn next(&mut self, endpoint: &Endpoint) -> Result<Option<Bytes>, HttpError> {
        match self.pieces.pop_front() {
            Some((after, piece)) => {
                self.wait(after).await;
                Ok(Some(piece))
            }
            None => self.ending(endpoint).await.map_or(Ok(None), Err),
        }
    }

    /// Returns what ended the exchange, if it was not its own end.
    async fn ending(&mut self, endpoint: &Endpoint) -> Option<HttpError> {
        let Some(end) = self.end.take() else {
            return Some(broken(endpoint, Some("the recording ends here")));
        };
        self.wait(end.after).await;
        let message = end.message.as_deref();
        match end.how {
            How::Whole => {
                // The end is told as often as it is asked for.
                self.end = Some(end);
                None
            }
            How::Timeout => Some(HttpError::Timeout {
                endpoint: endpoint.clone(),
                phase: end.phase,
                limit: end.limit,
            }),
            How::Connect => Some(HttpError::Connect {
                endpoint: endpoint.clone(),
                source: cause(message),
            }),
            How::Cut => Some(broken(endpoint, message)),
            How::Stopped => Some(broken(
                endpoint,
                Some("nobody read any further when it was recorded"),
            )),
        }
    }

    async fn wait(&self, after: Duration) {
        if let Some(until) = self.began.and_then(|began| began.checked_add(after)) {
            sleep_until(until).await;
        }
    }
}

fn broken(endpoint: &Endpoint, message: Option<&str>) -> HttpError {
    HttpError::Broken {
        endpoint: endpoint.clone(),
        source: cause(message),
    }
}

fn cause(message: Option<&str>) -> Cause {
    message.unwrap_or("this is how it was recorded").into()
}

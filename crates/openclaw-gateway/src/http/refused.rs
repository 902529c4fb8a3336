//! Refusing: what the client is told, and what the log is.
//!
//! A client gets a code, a sentence and an id. Why it was refused is in the log under that id.
//! Whoever floods the edge does not flood the log: a bounded number of refusals is told at the
//! level that is shown, the rest below it.

use std::time::Duration;

use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use openclaw_core::Kind;
use openclaw_ipc::RpcError;
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::routes::refusal;
use crate::access::Refusal;
use crate::audit::Door;
use crate::builder::Gateway;

/// How many refusals are told at the level that is shown, in each [`PERIOD`].
const TOLD: u32 = 20;
/// After this, as many may be told again.
const PERIOD: Duration = Duration::from_secs(10);

/// A request that is not served.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// What the client is told.
    pub(super) error: RpcError,
    /// Why, for the log.
    pub(super) cause: &'static str,
    /// When to come again.
    pub(crate) retry_after: Option<Duration>,
}

impl Refused {
    /// Refuses with a sentence that is also the reason in the log.
    pub(crate) fn new(status: StatusCode, sentence: &'static str) -> Self {
        let error = match status {
            StatusCode::PAYLOAD_TOO_LARGE => RpcError::new(Kind::Limited, sentence),
            StatusCode::UNAUTHORIZED => RpcError::new(Kind::Unauthenticated, sentence),
            StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => {
                RpcError::new(Kind::Denied, sentence)
            }
            StatusCode::CONFLICT => RpcError::new(Kind::Conflict, sentence),
            StatusCode::NOT_FOUND => RpcError::new(Kind::NotFound, sentence),
            _ => RpcError::invalid_request(sentence),
        };
        Self {
            status,
            error,
            cause: sentence,
            retry_after: None,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.error = self.error.with_hint(hint);
        self
    }

    /// Writes the line in the log, and returns what the client is told.
    pub(crate) fn told(self, gateway: &Gateway, door: Door) -> RpcError {
        let id = Uuid::new_v4().to_string();
        let (status, cause) = (self.status.as_u16(), self.cause);
        let peer = door.peer.map(|peer| peer.to_string());
        let transport = door.transport;
        if gateway.shared.edge.budget.spend() {
            tracing::info!(id, status, peer, ?transport, cause, "a request was refused");
        } else {
            tracing::debug!(id, status, peer, ?transport, cause, "a request was refused");
        }
        self.error.with_id(id)
    }

    /// Returns the answer, and writes the line in the log.
    pub(crate) fn answer(self, gateway: &Gateway, door: Door) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = refusal(status, self.told(gateway, door));
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"openclaw\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(after) = retry_after {
            headers.insert(RETRY_AFTER, seconds(after));
        }
        if matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT
        ) {
            // What follows on the connection may be the rest of what was refused.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: match refusal.retry_after {
                Some(_) => StatusCode::TOO_MANY_REQUESTS,
                None => StatusCode::UNAUTHORIZED,
            },
            error: refusal.error,
            cause: refusal.cause,
            retry_after: refusal.retry_after,
        }
    }
}

/// Returns a time to wait as `Retry-After` has it: in whole seconds, at least one.
pub(crate) fn seconds(after: Duration) -> HeaderValue {
    let whole = after.as_secs();
    let up = whole.saturating_add(u64::from(after.subsec_nanos() > 0));
    HeaderValue::from(up.max(1))
}

/// So many lines in each stretch of time, and no more.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<Option<(Instant, u32)>>);

impl Budget {
    /// Tells whether there is room for one more line.
    pub(super) fn spend(&self) -> bool {
        let now = Instant::now();
        let mut spent = self.0.lock();
        let fresh = (now, 0);
        let (since, told) = match *spent {
            Some((since, told)) if now.duration_since(since) < PERIOD => (since, told),
            _ => fresh,
        };
        let room = told < TOLD;
        *spent = Some((since, told.saturating_add(u32::from(room))));
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_refusals_is_no_flood_of_lines() {
        let budget = Budget::default();
        let told = |n: usize| (0..n).filter(|_| budget.spend()).count();
        assert_eq!(told(1000), 20);
        tokio::time::advance(PERIOD).await;
        assert_eq!(told(5), 5);
        assert_eq!(told(1000), 15);
    }

    #[test]
    fn waits_are_told_in_whole_seconds() {
        for (ms, text) in [
            (0, "1"),
            (1, "1"),
            (1000, "1"),
            (1001, "2"),
            (300_000, "300"),
        ] {
            assert_eq!(seconds(Duration::from_millis(ms)), text);
        }
    }
}

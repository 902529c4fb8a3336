//! Why a call through the client failed.

use std::io;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use openclaw_core::Kind;
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{Endpoint, MAX_ANSWER_SIZE};
use crate::jsonrpc::RpcError;

/// Why a call through the client failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or the address cannot be reached.
    #[error("no gateway answers at {endpoint}")]
    Connect {
        /// Where it was looked for.
        endpoint: Endpoint,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody listens there and does not answer.
    #[error("the gateway at {endpoint} did not answer within {after:?}")]
    ConnectTimeout {
        /// Where it was looked for.
        endpoint: Endpoint,
        /// How long it had.
        after: Duration,
    },
    /// The gateway does not know the token.
    #[error("the gateway at {endpoint} does not accept the token")]
    Unauthenticated {
        /// Which gateway.
        endpoint: Endpoint,
    },
    /// The gateway looks at nothing from this address for a while.
    #[error("the gateway at {endpoint} has had too many requests from here")]
    Limited {
        /// Which gateway.
        endpoint: Endpoint,
        /// For how long, where it says so.
        retry_after: Option<Duration>,
    },
    /// Somebody answered, and not with a WebSocket.
    #[error("{endpoint} answered HTTP {status} instead of opening a WebSocket")]
    Status {
        /// Who answered.
        endpoint: Endpoint,
        /// With what.
        status: StatusCode,
    },
    /// Somebody answered, and not in a way that a gateway does.
    #[error("what listens at {endpoint} is no gateway")]
    Upgrade {
        /// Who answered.
        endpoint: Endpoint,
        /// What is wrong with the answer.
        #[source]
        source: Box<WebSocketError>,
    },
    /// The token cannot be sent in a header.
    #[error("the gateway's token has a character that no HTTP header can carry")]
    Token {
        /// What is wrong with it; it does not contain the token.
        #[source]
        source: http::header::InvalidHeaderValue,
    },
    /// The connection broke.
    #[error("the connection to the gateway broke")]
    Socket {
        /// What broke it.
        #[source]
        source: Box<WebSocketError>,
    },
    /// The gateway gives no sign of life.
    #[error("nothing was heard of the gateway for {after:?}")]
    Silent {
        /// For how long.
        after: Duration,
    },
    /// A message was larger than this client takes.
    #[error("the gateway sent more than {MAX_ANSWER_SIZE} bytes in one message")]
    TooLarge,
    /// The gateway ended the connection.
    #[error("the gateway closed the connection{}", reason.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Closed {
        /// The reason that it gave, if any.
        reason: Option<String>,
    },
    /// A message is neither an answer nor a notification.
    #[error("the gateway sent a message that is no JSON-RPC")]
    Foreign {
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The params could not be written.
    #[error("the params of {method} could not be written as JSON")]
    Params {
        /// The method that was called.
        method: &'static str,
        /// What is wrong with them.
        #[source]
        source: serde_json::Error,
    },
    /// The output is not of the method's type; the gateway may be of another version.
    #[error("the gateway answered {method} in a form that this version does not know")]
    Output {
        /// The method that was called.
        method: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The method failed, and the gateway says why.
    #[error(transparent)]
    Rpc(RpcError),
}

impl ClientError {
    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Upgrade { .. }
            | Self::Socket { .. }
            | Self::Silent { .. }
            | Self::Closed { .. } => Kind::Unreachable,
            Self::Unauthenticated { .. } => Kind::Unauthenticated,
            Self::Status { status, .. } => match *status {
                StatusCode::FORBIDDEN => Kind::Denied,
                StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
                _ => Kind::Unreachable,
            },
            Self::Token { .. } => Kind::Config,
            Self::Limited { .. } | Self::TooLarge => Kind::Limited,
            Self::Foreign { .. } | Self::Params { .. } | Self::Output { .. } => Kind::Internal,
            Self::Rpc(error) => error.kind(),
        }
    }

    /// Returns how long to wait before it is tried again, where the gateway knows.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited { retry_after, .. } => *retry_after,
            Self::Rpc(error) => error.retry_after(),
            Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::Unauthenticated { .. }
            | Self::Status { .. }
            | Self::Upgrade { .. }
            | Self::Token { .. }
            | Self::Socket { .. }
            | Self::Silent { .. }
            | Self::TooLarge
            | Self::Closed { .. }
            | Self::Foreign { .. }
            | Self::Params { .. }
            | Self::Output { .. } => None,
        }
    }

    pub(super) fn upgrade(endpoint: &Endpoint, err: WebSocketError) -> Self {
        let endpoint = endpoint.clone();
        match err {
            WebSocketError::Http(response) => match response.status() {
                StatusCode::UNAUTHORIZED => Self::Unauthenticated { endpoint },
                StatusCode::TOO_MANY_REQUESTS => Self::Limited {
                    endpoint,
                    retry_after: seconds(response.headers()),
                },
                status => Self::Status { endpoint, status },
            },
            source => Self::Upgrade {
                endpoint,
                source: Box::new(source),
            },
        }
    }

    pub(super) fn socket(err: WebSocketError) -> Self {
        match err {
            WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed => Self::closed(None),
            WebSocketError::Capacity(_) => Self::TooLarge,
            source => Self::Socket {
                source: Box::new(source),
            },
        }
    }

    pub(super) fn closed(frame: Option<CloseFrame>) -> Self {
        let reason = frame
            .map(|frame| frame.reason.to_string())
            .filter(|reason| !reason.is_empty());
        Self::Closed { reason }
    }
}

/// Reads `Retry-After`; a gateway says it in seconds, never as a date.
fn seconds(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

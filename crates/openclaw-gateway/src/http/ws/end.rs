//! How sockets end.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use tokio::time;
use tokio_tungstenite::tungstenite;
use tungstenite::error::ProtocolError;

use super::super::wire::WRITE_TIMEOUT;

/// Why a socket is closed that was good once: of the codes that are free to use.
const NO_LONGER_GOOD: u16 = 4001;

/// How long the other side may take to agree to a close.
const AGREEMENT: Duration = Duration::from_secs(1);

/// Why a socket ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client is gone, or does not read.
    Gone,
    /// The client closes it.
    Closed,
    /// The gateway closes it, for this reason.
    Close(u16, &'static str),
}

impl End {
    pub(super) const STOPPING: Self = Self::Close(close_code::AWAY, "the gateway stops");
    pub(super) const BINARY: Self = Self::Close(close_code::UNSUPPORTED, "messages are text");
    pub(super) const TOO_LARGE: Self = Self::Close(close_code::SIZE, "the message is too large");
    pub(super) const LOG_LOST: Self =
        Self::Close(close_code::ERROR, "the event log cannot be followed");
    pub(super) const NO_CREDENTIAL: Self =
        Self::Close(close_code::POLICY, "no good credential was shown");
    pub(super) const TOO_LATE: Self =
        Self::Close(close_code::POLICY, "no credential was shown in time");
    pub(super) const CROWDED: Self =
        Self::Close(close_code::AGAIN, "too many wait to show a credential");
    pub(super) const REVOKED: Self = Self::Close(NO_LONGER_GOOD, "the credential has ended");
    pub(super) const CHANGED: Self = Self::Close(
        close_code::RESTART,
        "the settings have changed: come in again",
    );
    pub(super) const FLOOD: Self = Self::Close(close_code::POLICY, "too many pings");
    pub(super) const SILENT: Self = Self::Close(close_code::POLICY, "no sign of life");

    /// Returns how a socket ends from which nothing can be read.
    pub(super) fn of(err: axum::Error) -> Self {
        let Ok(err) = err.into_inner().downcast::<tungstenite::Error>() else {
            return Self::Gone;
        };
        tracing::debug!(%err, "a socket broke");
        match *err {
            tungstenite::Error::Utf8(_) => Self::Close(close_code::INVALID, "text is UTF-8"),
            tungstenite::Error::Capacity(_) => Self::TOO_LARGE,
            tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Gone,
            tungstenite::Error::Protocol(_) => {
                Self::Close(close_code::PROTOCOL, "this is no WebSocket")
            }
            _ => Self::Gone,
        }
    }
}

/// Ends a socket as it should be.
pub(super) async fn close(mut socket: WebSocket, end: End) {
    match end {
        End::Gone => return,
        End::Closed => {}
        End::Close(code, reason) => {
            let frame = CloseFrame {
                code,
                reason: reason.into(),
            };
            let sent = time::timeout(WRITE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
            // A client that is gone does not need to be told.
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }
    // The answer to a close is written while the next message is waited for, and a connection that
    // is dropped with something unread takes back what was last sent.
    let agreed = async { while let Some(Ok(_late)) = socket.recv().await {} };
    drop(time::timeout(AGREEMENT, agreed).await);
}

//! How sockets end.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
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
pub(crate) enum End {
    /// The client is gone, or does not read.
    Gone,
    /// The client closes it.
    Closed,
    /// The gateway closes it, for this reason.
    Close(u16, &'static str),
    /// As [`Self::Close`], for a reason that names something.
    Said(u16, String),
}

impl End {
    pub(crate) const STOPPING: Self = Self::Close(close_code::AWAY, "the gateway stops");
    pub(crate) const BINARY: Self = Self::Close(close_code::UNSUPPORTED, "messages are text");
    pub(crate) const TOO_LARGE: Self = Self::Close(close_code::SIZE, "the message is too large");
    pub(crate) const LOG_LOST: Self =
        Self::Close(close_code::ERROR, "the event log cannot be followed");
    pub(crate) const NO_CREDENTIAL: Self =
        Self::Close(close_code::POLICY, "no good credential was shown");
    pub(crate) const TOO_LATE: Self =
        Self::Close(close_code::POLICY, "no credential was shown in time");
    pub(crate) const CROWDED: Self =
        Self::Close(close_code::AGAIN, "too many wait to show a credential");
    pub(crate) const REVOKED: Self = Self::Close(NO_LONGER_GOOD, "the credential has ended");
    pub(crate) const CHANGED: Self = Self::Close(
        close_code::RESTART,
        "the settings have changed: come in again",
    );
    pub(crate) const FLOOD: Self = Self::Close(close_code::POLICY, "too many pings");
    pub(crate) const SILENT: Self = Self::Close(close_code::POLICY, "no sign of life");

    /// Returns how a socket ends from which nothing can be read.
    pub(crate) fn of(err: axum::Error) -> Self {
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
pub(crate) async fn close(mut socket: WebSocket, end: End) {
    match end {
        End::Gone => return,
        End::Closed => {}
        End::Close(code, reason) => {
            if !is_told(&mut socket, code, reason.into()).await {
                return;
            }
        }
        End::Said(code, reason) => {
            if !is_told(&mut socket, code, reason.into()).await {
                return;
            }
        }
    }
    // The answer to a close is written while the next message is waited for, and a connection that
    // is dropped with something unread takes back what was last sent.
    let agreed = async { while let Some(Ok(_late)) = socket.recv().await {} };
    drop(time::timeout(AGREEMENT, agreed).await);
}

/// Tells a client why its socket is closed; one that is gone does not need to be told.
async fn is_told(socket: &mut WebSocket, code: u16, reason: Utf8Bytes) -> bool {
    let frame = CloseFrame { code, reason };
    let sent = time::timeout(WRITE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
    matches!(sent, Ok(Ok(())))
}

//! One WebSocket to a gateway.

use std::io;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use openclaw_core::ApiKey;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::error::ClientError;
use super::way::{Address, Duplex};
use super::{CONNECT_TIMEOUT, MAX_ANSWER_SIZE};
use crate::jsonrpc::{Id, Response, VERSION};
use crate::methods::Method;
use crate::notifications::Notification;

/// After how long without any sign of life a gateway counts as gone. It sends pings three times as
/// often.
pub const SILENCE: Duration = Duration::from_secs(90);

/// An open WebSocket.
#[derive(Debug)]
pub(super) struct Line {
    socket: WebSocketStream<Box<dyn Duplex>>,
    last_id: u64,
}

/// What a gateway sends.
pub(super) enum Incoming {
    Answer(Response),
    Notification(Notification),
}

#[derive(Serialize)]
struct Call<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'static str,
    params: &'a P,
}

#[derive(Deserialize)]
struct Announcement {
    method: String,
    params: Box<RawValue>,
}

impl Line {
    pub(super) async fn open(address: &Address, bearer: &HeaderValue) -> Result<Self, ClientError> {
        let endpoint = &address.endpoint;
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let late = || ClientError::ConnectTimeout {
            endpoint: endpoint.clone(),
            after: CONNECT_TIMEOUT,
        };
        let refused = |source: io::Error| ClientError::Connect {
            endpoint: endpoint.clone(),
            source,
        };
        let mut request = address
            .url()
            .into_client_request()
            .map_err(|err| ClientError::upgrade(endpoint, err))?;
        request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        let Ok(stream) = timeout_at(deadline, address.open()).await else {
            return Err(late());
        };
        let stream = stream.map_err(refused)?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_ANSWER_SIZE))
            .max_frame_size(Some(MAX_ANSWER_SIZE));
        let handshake = client_async_with_config(request, stream, Some(limits));
        let Ok(upgraded) = timeout_at(deadline, handshake).await else {
            return Err(late());
        };
        let (socket, _) = upgraded.map_err(|err| ClientError::upgrade(endpoint, err))?;
        Ok(Self { socket, last_id: 0 })
    }

    pub(super) async fn send<M: Method>(&mut self, params: &M::Params) -> Result<Id, ClientError> {
        self.last_id = self.last_id.wrapping_add(1);
        let call = Call {
            jsonrpc: VERSION,
            id: self.last_id,
            method: M::NAME,
            params,
        };
        let text = serde_json::to_string(&call).map_err(|source| ClientError::Params {
            method: M::NAME,
            source,
        })?;
        self.socket
            .send(Message::text(text))
            .await
            .map_err(ClientError::socket)?;
        Ok(Id::from(self.last_id))
    }

    /// Waits for the next answer or notification and passes over everything else.
    ///
    /// Cancel-safe: a message is taken from the socket whole, with no wait after it.
    pub(super) async fn receive(&mut self) -> Result<Incoming, ClientError> {
        loop {
            let Ok(received) = timeout(SILENCE, self.socket.next()).await else {
                return Err(ClientError::Silent { after: SILENCE });
            };
            match received {
                Some(Ok(Message::Text(text))) => {
                    if let Some(incoming) = read(&text)? {
                        return Ok(incoming);
                    }
                }
                Some(Ok(Message::Close(frame))) => return Err(ClientError::closed(frame)),
                // The gateway speaks in texts; pings are answered inside the WebSocket.
                Some(Ok(
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                )) => {}
                Some(Err(err)) => return Err(ClientError::socket(err)),
                None => return Err(ClientError::closed(None)),
            }
        }
    }

    pub(super) async fn close(mut self) -> Result<(), ClientError> {
        self.socket.close(None).await.map_err(ClientError::socket)
    }
}

/// Returns the header that takes a token to the gateway.
#[expect(
    clippy::disallowed_methods,
    reason = "the header takes it to the gateway"
)]
pub(super) fn bearer(token: &ApiKey) -> Result<HeaderValue, ClientError> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|source| ClientError::Token { source })?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// Returns the call's output if the answer is the answer to this call.
pub(super) fn output<M: Method>(
    id: &Id,
    answer: Response,
) -> Result<Option<M::Output>, ClientError> {
    // A gateway that could not read the call cannot name it; no other call is under way.
    let unread = answer.id == Id::Null && answer.outcome.is_err();
    if answer.id != *id && !unread {
        return Ok(None);
    }
    let json = answer.outcome.map_err(ClientError::Rpc)?;
    serde_json::from_str(json.get())
        .map(Some)
        .map_err(|source| ClientError::Output {
            method: M::NAME,
            source,
        })
}

/// Reads a message; a notification of a later version is nothing.
fn read(text: &str) -> Result<Option<Incoming>, ClientError> {
    let foreign = |source| ClientError::Foreign { source };
    // Every answer has an id and no notification has one, so the shape tells them apart.
    if let Ok(announcement) = serde_json::from_str::<Announcement>(text) {
        return Notification::read(&announcement.method, &announcement.params)
            .map(|notification| notification.map(Incoming::Notification))
            .map_err(foreign);
    }
    serde_json::from_str(text)
        .map(|response| Some(Incoming::Answer(response)))
        .map_err(foreign)
}

//! A client of the gateway: calls, answers and notifications over one WebSocket.
//!
//! It is for programs on the same machine: plain HTTP, a bearer token, no reconnecting. It starts
//! no task. Whoever holds the client drives it, and nothing is read while nobody waits.

mod backlog;
mod error;

use std::fmt;
use std::io;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use openclaw_core::ApiKey;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use self::backlog::Backlog;
pub use self::error::ClientError;
use crate::jsonrpc::{Id, Response, VERSION};
use crate::methods::Method;
use crate::notifications::Notification;

/// How long connecting may take, with the upgrade to a WebSocket.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest message that a client takes from a gateway, in bytes.
pub const MAX_ANSWER_SIZE: usize = 64 << 20;

/// Where a gateway listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A host name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A connection to a gateway.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
    backlog: Backlog,
}

/// What a gateway sends.
enum Incoming {
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

impl Client {
    /// Connects to a gateway and shows it the token.
    ///
    /// # Security
    /// The token leaves in a header of the upgrade request, never in the address, so it ends up
    /// in no log.
    pub async fn connect(endpoint: &Endpoint, token: &ApiKey) -> Result<Self, ClientError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let late = || ClientError::ConnectTimeout {
            endpoint: endpoint.clone(),
            after: CONNECT_TIMEOUT,
        };
        let refused = |source: io::Error| ClientError::Connect {
            endpoint: endpoint.clone(),
            source,
        };
        let request = upgrade(endpoint, token)?;
        let address = (endpoint.host.as_str(), endpoint.port);
        let Ok(stream) = timeout_at(deadline, TcpStream::connect(address)).await else {
            return Err(late());
        };
        let stream = stream.map_err(refused)?;
        // A call is one small message whose answer is waited for.
        stream.set_nodelay(true).map_err(refused)?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_ANSWER_SIZE))
            .max_frame_size(Some(MAX_ANSWER_SIZE));
        let handshake = client_async_with_config(request, stream, Some(limits));
        let Ok(upgraded) = timeout_at(deadline, handshake).await else {
            return Err(late());
        };
        let (socket, _) = upgraded.map_err(|err| ClientError::upgrade(endpoint, err))?;
        Ok(Self {
            socket,
            last_id: 0,
            backlog: Backlog::default(),
        })
    }

    /// Calls a method and waits for its answer.
    ///
    /// Notifications that arrive meanwhile are kept for [`Client::next_notification`]: the latest
    /// 1,024 of them, with a count of what had to go.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the client usable and the call's answer is passed over, but the
    /// gateway may carry the call out all the same.
    pub async fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Output, ClientError> {
        let id = self.send::<M>(params).await?;
        loop {
            match self.receive().await? {
                Incoming::Answer(answer) => {
                    if let Some(output) = output::<M>(&id, answer)? {
                        return Ok(output);
                    }
                }
                Incoming::Notification(notification) => self.backlog.push(notification),
            }
        }
    }

    /// Calls a method, waits for its answer and hands over every notification that arrives
    /// meanwhile, of this call and of others.
    ///
    /// # Cancel safety
    /// As [`Client::call`].
    pub async fn call_with<M: Method>(
        &mut self,
        params: &M::Params,
        mut on_notification: impl FnMut(Notification),
    ) -> Result<M::Output, ClientError> {
        while let Some(notification) = self.backlog.pop() {
            on_notification(notification);
        }
        let id = self.send::<M>(params).await?;
        loop {
            match self.receive().await? {
                Incoming::Answer(answer) => {
                    if let Some(output) = output::<M>(&id, answer)? {
                        return Ok(output);
                    }
                }
                Incoming::Notification(notification) => on_notification(notification),
            }
        }
    }

    /// Waits for the next notification, oldest first.
    ///
    /// # Cancel safety
    /// Cancel-safe: no notification is lost when the future is dropped.
    pub async fn next_notification(&mut self) -> Result<Notification, ClientError> {
        if let Some(notification) = self.backlog.pop() {
            return Ok(notification);
        }
        loop {
            // An answer that comes here belongs to a call that nobody waits for any more.
            if let Incoming::Notification(notification) = self.receive().await? {
                return Ok(notification);
            }
        }
    }

    /// Says goodbye to the gateway; dropping the client without it is no harm.
    pub async fn close(mut self) -> Result<(), ClientError> {
        self.socket.close(None).await.map_err(ClientError::socket)
    }

    async fn send<M: Method>(&mut self, params: &M::Params) -> Result<Id, ClientError> {
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
    async fn receive(&mut self) -> Result<Incoming, ClientError> {
        loop {
            match self.socket.next().await {
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
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the header takes it to the gateway"
)]
fn upgrade(endpoint: &Endpoint, token: &ApiKey) -> Result<http::Request<()>, ClientError> {
    let mut request = format!("ws://{endpoint}/ws")
        .into_client_request()
        .map_err(|err| ClientError::upgrade(endpoint, err))?;
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
        .map_err(|source| ClientError::Token { source })?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    Ok(request)
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

/// Returns the call's output if the answer is the answer to this call.
fn output<M: Method>(id: &Id, answer: Response) -> Result<Option<M::Output>, ClientError> {
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

#[cfg(test)]
mod tests;

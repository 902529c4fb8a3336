//! A client of the gateway: calls, answers and notifications over one WebSocket.
//!
//! It is for programs on the same machine: plain HTTP, a bearer token. It starts no task. Whoever
//! holds the client drives it, and nothing is read while nobody waits. A client that follows the
//! log comes back by itself when the connection is lost (`follow`).

mod backlog;
mod error;
mod follow;
mod line;
mod way;

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use openclaw_core::ApiKey;
use openclaw_core::access::Scope;

use self::backlog::Backlog;
pub use self::error::ClientError;
pub use self::follow::PATIENCE;
use self::follow::{Again, Following, Loss};
pub use self::line::SILENCE;
use self::line::{Incoming, Line, bearer, output};
pub use self::way::{Address, fingerprint};
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
    address: Address,
    /// What it shows who it is with.
    bearer: HeaderValue,
    line: Line,
    backlog: Backlog,
    /// What it comes back for, if it does.
    following: Option<Following>,
    /// How often the connection was lost since something was heard.
    loss: Option<Loss>,
}

impl Client {
    /// Connects to a gateway and shows it the token.
    ///
    /// # Security
    /// The token leaves in a header of the upgrade request, never in the address, so it ends up
    /// in no log.
    pub async fn connect(address: impl Into<Address>, token: &ApiKey) -> Result<Self, ClientError> {
        let address = address.into();
        let bearer = bearer(token)?;
        Ok(Self {
            line: Line::open(&address, &bearer).await?,
            address,
            bearer,
            backlog: Backlog::default(),
            following: None,
            loss: None,
        })
    }

    /// Calls a method and waits for its answer.
    ///
    /// Notifications that arrive meanwhile are kept for [`Client::next_notification`]: the latest
    /// 1,024 of them, with a count of what had to go; of a client that follows the log, the first
    /// 1,024, and the others are asked for again. Such a client also makes the call again after a
    /// lost connection, if the method only reads or the params have an `idempotencyKey`.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the client usable and the call's answer is passed over, but the
    /// gateway may carry the call out all the same.
    pub async fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Output, ClientError> {
        self.exchange::<M>(params, None::<fn(Notification)>).await
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
        self.exchange::<M>(params, Some(on_notification)).await
    }

    /// Waits for the next notification, oldest first.
    ///
    /// # Cancel safety
    /// Cancel-safe: no notification is lost when the future is dropped.
    pub async fn next_notification(&mut self) -> Result<Notification, ClientError> {
        loop {
            if let Some(notification) = self.backlog.pop() {
                return Ok(notification);
            }
            self.restore().await?;
            match self.line.receive().await {
                Ok(Incoming::Notification(notification)) => {
                    if let Some(notification) = self.heard(notification) {
                        return Ok(notification);
                    }
                }
                // An answer that comes here belongs to a call that nobody waits for any more.
                Ok(Incoming::Answer(_)) => {}
                Err(err) => self.lost(err)?,
            }
        }
    }

    /// Says goodbye to the gateway; dropping the client without it is no harm.
    pub async fn close(self) -> Result<(), ClientError> {
        self.line.close().await
    }

    /// Makes a call, and makes it again after a lost connection if that does no harm.
    async fn exchange<M: Method>(
        &mut self,
        params: &M::Params,
        mut hand_over: Option<impl FnMut(Notification)>,
    ) -> Result<M::Output, ClientError> {
        let again = match self.following {
            Some(_) => may_be_repeated::<M>(params)?,
            None => Again::Unknown,
        };
        'call: loop {
            self.restore().await?;
            let id = match self.line.send::<M>(params).await {
                Ok(id) => id,
                Err(err) => {
                    self.lost_in_call(err, again)?;
                    continue;
                }
            };
            loop {
                match self.line.receive().await {
                    Ok(Incoming::Answer(answer)) => {
                        if let Some(output) = output::<M>(&id, answer)? {
                            self.loss = None;
                            return Ok(output);
                        }
                    }
                    Ok(Incoming::Notification(notification)) => match &mut hand_over {
                        Some(hand_over) => {
                            self.heard(notification).into_iter().for_each(hand_over);
                        }
                        None => self.keep(notification),
                    },
                    Err(err) => {
                        self.lost_in_call(err, again)?;
                        continue 'call;
                    }
                }
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port == 0 {
            // A unix socket has no port.
            f.write_str(&self.host)
        } else if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Tells whether a call may be carried out twice without more being done than once.
fn may_be_repeated<M: Method>(params: &M::Params) -> Result<Again, ClientError> {
    let method = M::NAME;
    let params =
        serde_json::to_value(params).map_err(|source| ClientError::Params { method, source })?;
    let key = params.get("idempotencyKey");
    if M::SCOPE == Scope::Read || key.is_some_and(serde_json::Value::is_string) {
        Ok(Again::Harmless)
    } else {
        Ok(Again::Unknown)
    }
}

#[cfg(test)]
mod tests;

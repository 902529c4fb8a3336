//! What goes on over a socket whose client is known.
//!
//! Each socket is one task. It reads requests, works on up to [`CALLS`] of them at the same time,
//! and writes answers and notifications as they come. While a client does not read, its own task
//! waits; nobody else's does.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openclaw_core::access::Scope;
use openclaw_core::events::StoreError;
use openclaw_ipc::{Notification, Reply, jsonrpc};
use tokio::time::{self, Instant, MissedTickBehavior};

use super::super::routes::answer;
use super::super::wire::WRITE_TIMEOUT;
use super::end::End;
use crate::access::Pass;
use crate::audit::Door;
use crate::builder::Gateway;
use crate::rpc::CallCx;

/// How many calls of one connection are worked on at the same time; further ones wait unread.
const CALLS: usize = 64;

/// How often a connection is asked whether it still lives.
const PING: Duration = Duration::from_secs(30);

/// After how long without any sign of life a client counts as gone.
const SILENCE: Duration = Duration::from_secs(90);

/// How many pings and pongs a client may send in each [`STRETCH`].
const SIGNS: u32 = 200;
const STRETCH: Duration = Duration::from_secs(10);

/// Serves a client until either side has had enough.
pub(super) async fn talk(gateway: &Gateway, pass: Pass, door: Door, socket: &mut WebSocket) -> End {
    let cx = CallCx {
        admitted: pass.admitted.clone(),
        from: door.peer,
    };
    let mut live = gateway.live();
    let may_look = pass.admitted.may(Scope::Read);
    let mut calls = FuturesUnordered::new();
    let mut life = Life::new();
    let mut ended = std::pin::pin!(pass.ended.wait());
    let (drain, stop) = (
        gateway.shared.connections.stop(),
        gateway.shared.rpc.scope.stop(),
    );
    loop {
        if stop.is_cancelled() {
            return End::STOPPING;
        }
        let message = tokio::select! {
            () = stop.cancelled() => return End::STOPPING,
            () = ended.as_mut() => return End::REVOKED,
            () = drain.cancelled(), if calls.is_empty() => return End::STOPPING,
            received = socket.recv(), if calls.len() < CALLS => match life.hear(received) {
                Ok(Some(text)) => {
                    calls.push(answer(gateway, cx.clone(), jsonrpc::parse(text.as_bytes())));
                    continue;
                }
                Ok(None) => continue,
                Err(end) => return end,
            },
            Some(reply) = calls.next() => reply.as_ref().map(Reply::to_json),
            notification = live.next(), if may_look => match text_of(notification) {
                Ok(text) => text,
                Err(end) => return end,
            },
            alive = life.ask() => match alive {
                Ok(ping) => {
                    if !sent(socket, ping).await {
                        return End::Gone;
                    }
                    continue;
                }
                Err(end) => return end,
            },
        };
        if let Some(text) = message
            && !sent(socket, Message::Text(text.into())).await
        {
            return End::Gone;
        }
    }
}

async fn sent(socket: &mut WebSocket, message: Message) -> bool {
    let sent = time::timeout(WRITE_TIMEOUT, socket.send(message)).await;
    matches!(sent, Ok(Ok(())))
}

fn text_of(notification: Result<Notification, StoreError>) -> Result<Option<String>, End> {
    match notification {
        Ok(notification) => Ok(notification
            .to_json()
            .inspect_err(|err| tracing::error!(%err, "a notification cannot be written as JSON"))
            .ok()),
        Err(err) => {
            tracing::error!(%err, "the event log cannot be followed");
            Err(End::LOG_LOST)
        }
    }
}

/// What has been heard of a client.
struct Life {
    ask: time::Interval,
    heard: Instant,
    /// Since when pings and pongs are counted, and how many there were.
    since: Instant,
    signs: u32,
}

impl Life {
    fn new() -> Self {
        let now = Instant::now();
        let mut ask = time::interval_at(now.checked_add(PING).unwrap_or(now), PING);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ask,
            heard: now,
            since: now,
            signs: 0,
        }
    }

    /// Returns the text of a request, if that is what was received.
    fn hear(
        &mut self,
        received: Option<Result<Message, axum::Error>>,
    ) -> Result<Option<String>, End> {
        let now = Instant::now();
        self.heard = now;
        match received {
            Some(Ok(Message::Text(text))) => Ok(Some(text.as_str().to_owned())),
            Some(Ok(Message::Binary(_))) => Err(End::BINARY),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                if now.duration_since(self.since) >= STRETCH {
                    (self.since, self.signs) = (now, 0);
                }
                self.signs = self.signs.saturating_add(1);
                if self.signs > SIGNS {
                    return Err(End::FLOOD);
                }
                Ok(None)
            }
            Some(Ok(Message::Close(_))) => Err(End::Closed),
            Some(Err(err)) => Err(End::of(err)),
            None => Err(End::Gone),
        }
    }

    /// Waits until the client is to be asked whether it still lives.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    async fn ask(&mut self) -> Result<Message, End> {
        let now = self.ask.tick().await;
        if now.saturating_duration_since(self.heard) > SILENCE {
            return Err(End::SILENT);
        }
        Ok(Message::Ping(Vec::new().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_never_heard_of_is_gone() {
        let mut life = Life::new();
        for _ in 0..3 {
            assert!(life.ask().await.is_ok());
        }
        assert_eq!(life.ask().await, Err(End::SILENT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_stays() {
        let mut life = Life::new();
        for _ in 0..100 {
            assert!(life.ask().await.is_ok());
            let pong = Message::Pong(Vec::new().into());
            assert_eq!(life.hear(Some(Ok(pong))), Ok(None));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_pings_is_too_much() {
        let mut life = Life::new();
        let ping = || Some(Ok(Message::Ping(Vec::new().into())));
        for _ in 0..SIGNS {
            assert_eq!(life.hear(ping()), Ok(None));
        }
        assert_eq!(life.hear(ping()), Err(End::FLOOD));
        time::advance(STRETCH).await;
        assert_eq!(life.hear(ping()), Ok(None));
    }
}

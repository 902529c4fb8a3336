//! What goes on over a connection whose client was let in.
//!
//! Each connection is one task. It reads requests, works on up to [`CALLS`] of them at the same time,
//! and writes answers and events as they come. While a client does not read, its own task waits, and
//! what is held for it then is one message and a page of facts; one that reads nothing for too long
//! is closed as a slow consumer.

use std::pin::Pin;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use futures_util::future::select_all;
use futures_util::stream::FuturesUnordered;
use openclaw_core::access::devices::Right;
use openclaw_core::clock::Clock;
use openclaw_ipc::openclaw::connect::CONNECT;
use openclaw_ipc::openclaw::{
    OpenclawError, OpenclawMethod, ReadFrame, RequestFrame, ResponseFrame,
};
use serde_json::json;
use tokio::time::{self, MissedTickBehavior};

use super::Client;
use super::chat::counted_as;
use super::feed::Feed;
use super::handshake::Guest;
use super::methods::{self, Answer, Later, health};
use crate::builder::Gateway;
use crate::http::wire::WRITE_TIMEOUT;
use crate::http::ws::end::End;
use crate::http::ws::life::Life;
use crate::telemetry::Dialect;

/// How many calls of one connection are worked on at the same time; further ones wait unread.
const CALLS: usize = 64;
/// How often a client is told that the gateway lives.
pub(super) const TICK: Duration = Duration::from_secs(30);
/// The id of an answer to a frame that has none.
const NO_ID: &str = "invalid";
/// The least that a client has to read of a message in a second, in bytes, on top of which it has
/// [`WRITE_TIMEOUT`] for each.
const SLOWEST: usize = 64 << 10;
/// How a client is told to come again.
const RESTARTING: End = End::Close(1012, "service restart");
/// How a client is told that it reads too slowly.
const SLOW: End = End::Close(1008, "slow consumer");

/// Serves a client until either side has had enough.
pub(super) async fn talk(gateway: &Gateway, guest: Guest, socket: &mut WebSocket) -> End {
    let Guest { client, until } = guest;
    let shared = &gateway.shared;
    let now = Clock::system().now().as_millisecond();
    let mut feed = Feed::new(gateway, &client);
    let _standing = shared.rpc.floor.enter(&client, now);
    examine(gateway);
    let sees = client.rights.include(Right::Read);
    let mut calls: FuturesUnordered<Answering<'_>> = FuturesUnordered::new();
    let mut life = Life::new();
    let mut tick = time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.reset();
    let mut ended = select_all(until.iter().map(|ended| Box::pin(ended.wait())));
    let (drain, stop) = (shared.connections.stop(), shared.rpc.scope.stop());
    loop {
        if stop.is_cancelled() {
            return part(socket).await;
        }
        let message = tokio::select! {
            () = stop.cancelled() => return part(socket).await,
            ((), _, _) = &mut ended => return End::REVOKED,
            () = drain.cancelled(), if calls.is_empty() => return part(socket).await,
            received = socket.recv(), if calls.len() < CALLS => match life.hear(received) {
                Ok(Some(text)) => {
                    calls.push(Box::pin(answer(gateway, &client, text)));
                    continue;
                }
                Ok(None) => continue,
                Err(end) => return end,
            },
            Some(Answered(answer, later)) = calls.next() => {
                if let Some(later) = later {
                    calls.push(later);
                }
                Message::Text(answer.into())
            }
            event = feed.next(), if sees => match event {
                Ok(text) => Message::Text(text.into()),
                Err(err) => {
                    tracing::error!(%err, "the event log cannot be followed");
                    return End::LOG_LOST;
                }
            },
            _ = tick.tick() => {
                examine(gateway);
                feed.add("tick", json!({"ts": Clock::system().now().as_millisecond()}));
                continue;
            }
            alive = life.ask() => match alive {
                Ok(ping) => ping,
                Err(end) => return end,
            },
        };
        if let Err(end) = send(socket, message).await {
            return end;
        }
    }
}

/// Has it looked how the gateway is, and everybody told, if it is time for that.
fn examine(gateway: &Gateway) {
    let rpc = &gateway.shared.rpc;
    if !rpc.floor.is_health_due() {
        return;
    }
    let gateway = gateway.clone();
    let look = async move {
        let rpc = &gateway.shared.rpc;
        match health::snapshot(rpc).await {
            Ok(health) => rpc.floor.tell_health(health),
            Err(err) => tracing::warn!(%err, "the health of the gateway is not known"),
        }
    };
    drop(rpc.scope.spawn("health", look));
}

/// Tells a client that the gateway goes, and that it may come again.
async fn part(socket: &mut WebSocket) -> End {
    let payload = json!({"reason": "service restart"});
    let event = openclaw_ipc::openclaw::EventFrame::new("shutdown", payload);
    match send(socket, Message::Text(event.to_json().into())).await {
        Ok(()) => RESTARTING,
        Err(end) => end,
    }
}

/// Sends a message, unless the client takes too long to read it.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    let size = match &message {
        Message::Text(text) => text.len(),
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    };
    let seconds = u64::try_from(size.div_ceil(SLOWEST)).unwrap_or(u64::MAX);
    let patience = WRITE_TIMEOUT.saturating_add(Duration::from_secs(seconds));
    match time::timeout(patience, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_gone)) => Err(End::Gone),
        Err(_elapsed) => Err(SLOW),
    }
}

/// An answer that is being made, with what comes after it.
type Answering<'a> = Pin<Box<dyn Future<Output = Answered<'a>> + Send + 'a>>;

/// An answer as it is sent, and what is answered later on under the same id.
struct Answered<'a>(String, Option<Answering<'a>>);

/// Answers one message of a client.
async fn answer<'a>(gateway: &Gateway, client: &Client, text: String) -> Answered<'a> {
    let read = RequestFrame::read(&text);
    drop(text);
    let response = match read {
        Ok(ReadFrame::Request(request)) => {
            let RequestFrame { id, method, params } = request;
            match call(gateway, client, &method, params).await {
                Ok(Answer { now, later }) => {
                    let second = later.map(|later| second(id.clone(), later));
                    let outcome = Ok(now);
                    return Answered(ResponseFrame { id, outcome }.to_json(), second);
                }
                Err(err) => ResponseFrame {
                    id,
                    outcome: Err(err),
                },
            }
        }
        Ok(ReadFrame::Unfit { id, error }) => ResponseFrame {
            id,
            outcome: Err(error),
        },
        Err(unreadable) => ResponseFrame {
            id: NO_ID.to_owned(),
            outcome: Err(OpenclawError::invalid(format!(
                "invalid request frame: {unreadable}"
            ))),
        },
    };
    Answered(response.to_json(), None)
}

/// Makes the second answer to a request.
fn second<'a>(id: String, later: Later) -> Answering<'a> {
    Box::pin(async move {
        let outcome = later.await;
        Answered(ResponseFrame { id, outcome }.to_json(), None)
    })
}

/// Calls a method, if the client may.
async fn call(
    gateway: &Gateway,
    client: &Client,
    method: &str,
    params: serde_json::Value,
) -> Result<Answer, OpenclawError> {
    let shared = &gateway.shared;
    shared.recover().await;
    let outcome = checked(gateway, client, method, params).await;
    let failure = outcome.as_ref().err().map(OpenclawError::kind);
    shared.telemetry.called(Dialect::OpenClaw, failure);
    outcome
}

async fn checked(
    gateway: &Gateway,
    client: &Client,
    method: &str,
    params: serde_json::Value,
) -> Result<Answer, OpenclawError> {
    let rpc = &gateway.shared.rpc;
    let cx = client.cx();
    let known = method.parse::<OpenclawMethod>();
    let right = known.as_ref().map_or(Right::Admin, |method| method.right());
    rpc.count_call(&cx, counted_as(right))?;
    if method == CONNECT {
        let message = "connect is only valid as the first request";
        return Err(OpenclawError::invalid(message));
    }
    let known = known?;
    if !client.rights.include(right) {
        rpc.forbidden(&cx, known.as_str());
        return Err(OpenclawError::missing_right(right));
    }
    methods::call(gateway, client, known, params).await
}

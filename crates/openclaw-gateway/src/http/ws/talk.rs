//! What goes on over a socket whose client is known.
//!
//! Each socket is one task. It reads requests, works on up to [`CALLS`] of them at the same time,
//! and writes answers and notifications as they come. While a client does not read, its own task
//! waits; nobody else's does. What is held for it then: the message that is being written, a page
//! of facts (`live`) if it is behind the others, and the socket's own buffer: what is there to be
//! told is put into it up to [`TOGETHER`], and then written out.

use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use openclaw_core::access::Scope;
use openclaw_core::events::StoreError;
use openclaw_core::work;
use openclaw_ipc::{Reply, jsonrpc};
use tokio::time;
use tracing::Instrument as _;

use super::super::routes::answer;
use super::super::wire::WRITE_TIMEOUT;
use super::end::End;
use super::life::Life;
use crate::access::Pass;
use crate::audit::Door;
use crate::builder::Gateway;
use crate::live::{Due, Live};
use crate::rpc::{CallCx, Ear};
use crate::told::Told;

/// How many calls of one connection are worked on at the same time; further ones wait unread.
const CALLS: usize = 64;

/// The least that a client has to read of a message in a second, in bytes, on top of which it has
/// [`WRITE_TIMEOUT`] for each.
const SLOWEST: usize = 64 << 10;

/// How many bytes of notifications are written at once, one that is larger aside.
const TOGETHER: usize = 16 << 10;

/// Serves a client until either side has had enough.
pub(super) async fn talk(gateway: &Gateway, pass: Pass, door: Door, socket: &mut WebSocket) -> End {
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
                    let cx = CallCx::of(pass.admitted.clone(), door.peer);
                    calls.push(call(gateway, cx, text).instrument(work::request()));
                    continue;
                }
                Ok(None) => continue,
                Err(end) => return end,
            },
            Some((reply, ear)) = calls.next() => {
                // From the answer on: nothing of what was followed before comes after it.
                if let Some(following) = ear.take() {
                    live = gateway.follow(following);
                }
                reply.as_ref().map(|reply| Utf8Bytes::from(reply.to_json()))
            }
            due = live.due(), if may_look => {
                let told = &gateway.shared.told;
                match tell(socket, told, &mut live, due).await {
                    Ok(()) => continue,
                    Err(end) => return end,
                }
            }
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
            && !sent(socket, Message::Text(text)).await
        {
            return End::Gone;
        }
    }
}

/// Answers one message, and hears what is to be followed from the answer on.
async fn call(gateway: &Gateway, mut cx: CallCx, text: String) -> (Option<Reply>, Ear) {
    let ear = Ear::default();
    cx.ear = Some(ear.clone());
    let requests = jsonrpc::parse(text.as_bytes());
    drop(text);
    (answer(gateway, cx, requests).await, ear)
}

/// Tells a client what is due, and what else is due already.
async fn tell(
    socket: &mut WebSocket,
    told: &Told,
    live: &mut Live,
    due: Result<Due, StoreError>,
) -> Result<(), End> {
    let mut next = Some(due);
    let mut size = 0_usize;
    while let Some(due) = next.take() {
        let due = due.map_err(|err| {
            tracing::error!(%err, "the event log cannot be followed");
            End::LOG_LOST
        })?;
        let Some(text) = told.text(due) else {
            continue;
        };
        size = size.saturating_add(text.len());
        let patience = patience(text.len());
        let fed = time::timeout(patience, socket.feed(Message::Text(text))).await;
        if !matches!(fed, Ok(Ok(()))) {
            return Err(End::Gone);
        }
        next = (size < TOGETHER)
            .then(|| live.due().now_or_never())
            .flatten();
    }
    match time::timeout(patience(size), socket.flush()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

/// Sends a message, unless the client takes too long to read it.
async fn sent(socket: &mut WebSocket, message: Message) -> bool {
    let size = match &message {
        Message::Text(text) => text.len(),
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
    };
    let sent = time::timeout(patience(size), socket.send(message)).await;
    matches!(sent, Ok(Ok(())))
}

/// Returns how long a client may take to read so many bytes.
fn patience(size: usize) -> Duration {
    let seconds = u64::try_from(size.div_ceil(SLOWEST)).unwrap_or(u64::MAX);
    WRITE_TIMEOUT.saturating_add(Duration::from_secs(seconds))
}

//! `GET /ws`: the same methods over a WebSocket, and notifications besides.
//!
//! Each connection is one task. It reads requests, works on up to [`CALLS`] of them at the same
//! time, and writes answers and notifications as they come. While a client does not read, its own
//! task waits; nobody else's does.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openclaw_ipc::jsonrpc;
use tokio::time::{self, MissedTickBehavior};

use super::guard::door;
use super::routes::{MAX_REQUEST, admit, answer};
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::rpc::CallCx;

/// How many calls of one connection are worked on at the same time; further ones wait unread.
const CALLS: usize = 64;

/// How long a client may take to read one message before it counts as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a silent connection is asked whether it still lives.
const PING: Duration = Duration::from_secs(30);

/// Why a connection ends.
enum End {
    /// The client is gone, or does not read.
    Gone,
    /// The gateway closes it, for this reason.
    Close(u16, &'static str),
}

pub(super) async fn upgrade(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Response {
    let door = door(Transport::Ws, &extensions);
    let admitted = match admit(&gateway, &headers, door) {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    // Between the answer to the upgrade and the task below, no other task of this client exists.
    let held = gateway.shared.connections.hold();
    upgrade
        .max_message_size(MAX_REQUEST)
        .max_frame_size(MAX_REQUEST)
        .on_upgrade(move |socket| async move {
            let connections = gateway.shared.connections.clone();
            // The task outlives this one, which belongs to the HTTP connection.
            drop(connections.spawn("websocket", serve(gateway, CallCx { admitted }, socket)));
            drop(held);
        })
}

async fn serve(gateway: Gateway, cx: CallCx, mut socket: WebSocket) {
    if let End::Close(code, reason) = talk(&gateway, cx, &mut socket).await {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // A client that is gone does not need to be told.
        drop(time::timeout(WRITE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await);
    }
}

async fn talk(gateway: &Gateway, cx: CallCx, socket: &mut WebSocket) -> End {
    let mut live = gateway.live();
    let mut calls = FuturesUnordered::new();
    let mut ping = time::interval(PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (drain, stop) = (
        gateway.shared.connections.stop(),
        gateway.shared.rpc.scope.stop(),
    );
    loop {
        if stop.is_cancelled() {
            return End::Close(close_code::AWAY, "the gateway stops");
        }
        let message = tokio::select! {
            () = stop.cancelled() => return End::Close(close_code::AWAY, "the gateway stops"),
            () = drain.cancelled(), if calls.is_empty() => {
                return End::Close(close_code::AWAY, "the gateway stops");
            }
            received = socket.recv(), if calls.len() < CALLS => match received {
                Some(Ok(Message::Text(text))) => {
                    let requests = jsonrpc::parse(text.as_bytes());
                    calls.push(answer(gateway, cx, requests));
                    continue;
                }
                Some(Ok(Message::Binary(_))) => {
                    return End::Close(close_code::UNSUPPORTED, "messages are text");
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
            },
            Some(reply) = calls.next() => match reply {
                Some(reply) => Message::Text(reply.to_json().into()),
                None => continue,
            },
            notification = live.next() => match notification {
                Ok(notification) => match serde_json::to_string(&notification) {
                    Ok(text) => Message::Text(text.into()),
                    Err(err) => {
                        tracing::error!(%err, "a notification cannot be written as JSON");
                        continue;
                    }
                },
                Err(err) => {
                    tracing::error!(%err, "the event log cannot be followed");
                    return End::Close(close_code::ERROR, "the event log cannot be followed");
                }
            },
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        match time::timeout(WRITE_TIMEOUT, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return End::Gone,
        }
    }
}

//! `GET /ws`: the same methods over a WebSocket, and notifications besides.
//!
//! A client shows who it is when it asks for the socket, or, because pages cannot set a header
//! then, in its first frame (`login`). `talk` is what goes on afterwards.

pub(crate) mod end;
pub(crate) mod life;
pub(crate) mod login;
mod talk;

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::header::{SEC_WEBSOCKET_KEY, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use openclaw_core::access::tokens::Ended;
use openclaw_ipc::jsonrpc::MAX_SOCKET_MESSAGE;

use self::end::{End, close};
use self::login::Stranger;
use super::guard::{Arrival, admit, door, presented};
use super::refused::Refused;
use crate::access::{Pass, Presented};
use crate::audit::{Door, Transport};
use crate::builder::Gateway;
use crate::telemetry::{Dialect, Metric};

/// How much is read from the system at once; most messages are shorter.
pub(crate) const READ_BUFFER: usize = 8192;

/// A client at the moment at which it gets its socket.
enum Client {
    /// It has shown who it is.
    Known(Pass),
    /// It has not.
    Unknown(Stranger),
}

/// Opens a socket.
///
/// # Security
/// Whether a request for a socket is well made is told only to those who are let in, and to
/// nobody by a status of its own otherwise.
pub(super) async fn upgrade(
    State(gateway): State<Gateway>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let door = door(Transport::Ws, request.extensions());
    let settings = gateway.shared.edge.until_changed();
    let upgrade = upgrade.ok().filter(|_| has_good_key(request.headers()));
    let refuse = |refused: Refused| refused.answer(&gateway, door);
    let Some(arrival) = request.extensions().get::<Arrival>().cloned() else {
        return refuse(not_a_socket(request.method()));
    };
    let presented = presented(request.headers(), request.extensions());
    let is_open = door.local && gateway.shared.edge.settings().open;
    let waits = matches!(presented, Presented::Nothing) && upgrade.is_some() && !is_open;
    let client = if waits {
        Client::Unknown(Stranger::new(&gateway, door, Arc::clone(&arrival.line)))
    } else {
        match admit(&gateway, presented, door) {
            Ok(pass) => Client::Known(pass),
            Err(refused) => return refuse(refused),
        }
    };
    let Some(upgrade) = upgrade else {
        let mut response = refuse(not_a_socket(request.method()));
        let wanted = HeaderValue::from_static("websocket");
        response.headers_mut().insert(UPGRADE, wanted);
        return response;
    };
    arrival.line.becomes_socket();
    // Between the answer to the upgrade and the task below, no other task of this client exists.
    let held = gateway.shared.connections.hold();
    upgrade
        .read_buffer_size(READ_BUFFER)
        .max_message_size(MAX_SOCKET_MESSAGE)
        .max_frame_size(MAX_SOCKET_MESSAGE)
        .on_upgrade(move |socket| async move {
            let connections = gateway.shared.connections.clone();
            // The task outlives this one, which belongs to the HTTP connection.
            drop(connections.spawn(
                "websocket",
                serve(gateway, client, (door, settings), socket),
            ));
            drop(held);
        })
}

async fn serve(
    gateway: Gateway,
    client: Client,
    (door, settings): (Door, Ended),
    mut socket: WebSocket,
) {
    let pass = match client {
        Client::Known(pass) => Ok(pass),
        Client::Unknown(stranger) => stranger.log_in(&gateway, &mut socket).await,
    };
    let meters = gateway.shared.telemetry.meters();
    let _counted = meters.present(Metric::Sockets, Dialect::JsonRpc.as_str());
    let end = match pass {
        Ok(pass) => tokio::select! {
            end = talk::talk(&gateway, pass, door, &mut socket) => end,
            () = settings.wait() => End::CHANGED,
        },
        Err(end) => end,
    };
    close(socket, end).await;
}

pub(crate) fn not_a_socket(method: &Method) -> Refused {
    if *method != Method::GET {
        let sentence = "this address does not know the method of the request";
        return Refused::new(StatusCode::METHOD_NOT_ALLOWED, sentence);
    }
    let sentence = "this address is for WebSockets of version 13";
    Refused::new(StatusCode::UPGRADE_REQUIRED, sentence)
}

/// Tells whether the key of a handshake is 16 bytes in base64 (RFC 6455, 4.2.1).
pub(crate) fn has_good_key(headers: &HeaderMap) -> bool {
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = keys.next().map(HeaderValue::as_bytes);
    let in_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    keys.next().is_none()
        && key
            .and_then(|key| key.strip_suffix(b"=="))
            .is_some_and(|digits| digits.len() == 22 && digits.iter().all(in_base64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sixteen_bytes() {
        let good = |keys: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for key in keys {
                headers.append(SEC_WEBSOCKET_KEY, HeaderValue::from_static(key));
            }
            has_good_key(&headers)
        };
        assert!(good(&["dGhlIHNhbXBsZSBub25jZQ=="]));
        for keys in [
            &[][..],
            &["x"],
            &["dGhlIHNhbXBsZSBub25jZQ="],
            &["dGhlIHNhbXBsZSBub25j!Q=="],
            &["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="],
        ] {
            assert!(!good(keys), "{keys:?}");
        }
    }
}

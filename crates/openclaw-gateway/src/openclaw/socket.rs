//! Opening a connection, and closing it.

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::response::Response;
use openclaw_core::access::tokens::Ended;
use openclaw_ipc::jsonrpc::MAX_SOCKET_MESSAGE;

use super::handshake::Arrived;
use super::talk::talk;
use crate::access::Presented;
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::http::guard::{Arrival, admit, door, is_page, presented};
use crate::http::refused::Refused;
use crate::http::ws::end::{End, close};
use crate::http::ws::login::Stranger;
use crate::http::ws::{READ_BUFFER, has_good_key, not_a_socket};
use crate::telemetry::{Dialect, Metric};

/// How many bytes a client may send before it was let in.
const BEFORE: usize = 65_536;

/// Opens a socket for a client of OpenClaw's.
///
/// # Security
/// A credential in a header is judged before the socket is opened; everybody else shows theirs in
/// the first frame, and counts as a stranger until then.
pub(crate) async fn upgrade(
    State(gateway): State<Gateway>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let method = request.method().clone();
    let door = door(Transport::Openclaw, request.extensions());
    let settings = gateway.shared.edge.until_changed();
    let upgrade = upgrade.ok().filter(|_| has_good_key(request.headers()));
    let refuse = |refused: Refused| refused.answer(&gateway, door);
    let presented = presented(request.headers(), request.extensions());
    let shown = match presented {
        Presented::Nothing if upgrade.is_some() => None,
        presented => match admit(&gateway, presented, door) {
            Ok(pass) => Some(pass),
            Err(refused) => return refuse(refused),
        },
    };
    let arrival = request.extensions().get::<Arrival>().cloned();
    let (Some(upgrade), Some(arrival)) = (upgrade, arrival) else {
        return refuse(not_a_socket(&method));
    };
    let arrived = Arrived {
        door,
        shown,
        from_page: is_page(request.extensions()),
        stranger: Stranger::within(&gateway, door, Arc::clone(&arrival.line), BEFORE),
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
            drop(connections.spawn("openclaw", serve(gateway, arrived, settings, socket)));
            drop(held);
        })
}

async fn serve(gateway: Gateway, arrived: Arrived, settings: Ended, mut socket: WebSocket) {
    let meters = gateway.shared.telemetry.meters();
    let _counted = meters.present(Metric::Sockets, Dialect::OpenClaw.as_str());
    let end = tokio::select! {
        end = attend(&gateway, arrived, &mut socket) => end,
        () = settings.wait() => End::CHANGED,
    };
    close(socket, end).await;
}

async fn attend(gateway: &Gateway, arrived: Arrived, socket: &mut WebSocket) -> End {
    match arrived.shake(gateway, socket).await {
        Ok(guest) => talk(gateway, guest, socket).await,
        Err(end) => end,
    }
}

//! `GET /ready`: whether it is of use to send the gateway anything now.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use openclaw_core::access::Scope;
use serde_json::json;

use super::guard::{admit, door, presented};
use super::routes::json_text;
use crate::access::Presented;
use crate::audit::Transport;
use crate::builder::Gateway;

/// Answers 200 or 503; why not is told to those who may read.
///
/// # Security
/// Strangers learn one bit, which they could find out by asking for anything else. Somebody who
/// shows a wrong credential is refused as everywhere.
pub(super) async fn ready(State(gateway): State<Gateway>, request: Request) -> Response {
    let door = door(
        Transport::of_path(request.uri().path()),
        request.extensions(),
    );
    let may_know = match presented(request.headers(), request.extensions()) {
        Presented::Nothing => door.local && gateway.shared.edge.settings().open,
        presented => match admit(&gateway, presented, door) {
            Ok(pass) => pass.admitted.may(Scope::Read),
            Err(refused) => return refused.answer(&gateway, door),
        },
    };
    let causes = gateway.shared.rpc.causes().await;
    let ready = causes.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = if may_know {
        json!({ "ready": ready, "causes": causes })
    } else {
        json!({ "ready": ready })
    };
    json_text(status, answer.to_string())
}

//! The routes that answer once: `/rpc`, `/health`, `/status`.

use std::time::Duration;

use axum::Router;
use axum::body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use openclaw_core::access::Admitted;
use openclaw_core::clock::rfc3339;
use openclaw_core::{Clock, Kind};
use openclaw_ipc::jsonrpc::{self, Id, Requests};
use openclaw_ipc::{Reply, Response as RpcResponse, RpcError};
use serde_json::json;
use tokio::time;

use super::guard::{bearer, door, same_origin};
use super::ws;
use crate::audit::{Door, Transport};
use crate::builder::Gateway;
use crate::rpc::{CallCx, store_error};

/// The largest request: one attachment of full size in base64, and room for the rest.
pub(super) const MAX_REQUEST: usize = 72_000_000;

/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns every route of the gateway.
pub(super) fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/rpc", post(rpc))
        .route("/ws", get(ws::upgrade))
        .route("/health", get(health))
        .route("/status", get(status))
        .layer(from_fn_with_state(gateway.clone(), same_origin))
        .with_state(gateway)
}

/// Admits a request by its bearer token, or returns the answer that refuses it.
pub(super) fn admit(
    gateway: &Gateway,
    headers: &HeaderMap,
    door: Door,
) -> Result<Admitted, Box<Response>> {
    gateway.shared.admit(bearer(headers), door).map_err(|err| {
        let challenge = [(WWW_AUTHENTICATE, "Bearer realm=\"openclaw\"")];
        Box::new((challenge, refusal(StatusCode::UNAUTHORIZED, err)).into_response())
    })
}

/// `POST /rpc`: the caller is known before a byte of the body is read.
async fn rpc(State(gateway): State<Gateway>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let headers = head.headers;
    let door = door(Transport::Rpc, &head.extensions);
    let admitted = match admit(&gateway, &headers, door) {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    if !is_json(&headers) {
        let err = RpcError::invalid_request("the content type has to be application/json");
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, err);
    }
    if declared_size(&headers).is_some_and(|size| size > MAX_REQUEST) {
        return too_large();
    }
    let text = match time::timeout(BODY_TIMEOUT, body::to_bytes(body, MAX_REQUEST)).await {
        Ok(Ok(text)) => text,
        Ok(Err(_too_large)) => return too_large(),
        Err(_elapsed) => {
            let err = RpcError::new(Kind::Invalid, "the body took too long to arrive");
            return refusal(StatusCode::REQUEST_TIMEOUT, err);
        }
    };
    match answer(&gateway, CallCx { admitted }, jsonrpc::parse(&text)).await {
        Some(reply) => json_text(StatusCode::OK, reply.to_json()),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// Answers what one body or one WebSocket message brought; notifications get no answer.
pub(super) async fn answer(gateway: &Gateway, cx: CallCx, requests: Requests) -> Option<Reply> {
    match requests {
        Requests::One(request) => call(gateway, cx, request).await.map(Reply::One),
        Requests::Batch(requests) => {
            let mut responses = Vec::with_capacity(requests.len());
            for request in requests {
                responses.extend(call(gateway, cx, request).await);
            }
            Reply::batch(responses)
        }
    }
}

async fn call(
    gateway: &Gateway,
    cx: CallCx,
    request: Result<jsonrpc::Request, RpcResponse>,
) -> Option<RpcResponse> {
    let request = match request {
        Ok(request) => request,
        Err(response) => return Some(response),
    };
    let rpc = &gateway.shared.rpc;
    let outcome = openclaw_ipc::methods::dispatch(rpc, &cx, &request.method, request.params).await;
    RpcResponse::to(request.id, outcome)
}

/// `GET /health`: whether the gateway answers at all; it tells strangers nothing else.
async fn health() -> Response {
    json_text(StatusCode::OK, json!({ "status": "ok" }).to_string())
}

/// `GET /status`: what the gateway is doing.
async fn status(State(gateway): State<Gateway>, request: Request) -> Response {
    let door = door(Transport::Status, request.extensions());
    if let Err(refused) = admit(&gateway, request.headers(), door) {
        return *refused;
    }
    let rpc = &gateway.shared.rpc;
    let sessions = match rpc.store.session_count().await {
        Ok(sessions) => sessions,
        Err(err) => return refusal(StatusCode::SERVICE_UNAVAILABLE, store_error(&err)),
    };
    let uptime = Clock::system().now().duration_since(gateway.shared.started);
    let active: Vec<_> = rpc
        .engine
        .active()
        .into_iter()
        .map(|(session, _)| session)
        .collect();
    let status = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "startedAt": rfc3339(gateway.shared.started),
        "uptimeMs": uptime.as_millis(),
        "agents": rpc.agents.all().iter().map(|agent| &agent.id).collect::<Vec<_>>(),
        "sessions": sessions,
        "activeSessions": active,
        "tools": rpc.tools.names(),
    });
    json_text(StatusCode::OK, status.to_string())
}

fn refusal(status: StatusCode, err: RpcError) -> Response {
    json_text(status, RpcResponse::error(Id::Null, err).to_json())
}

fn too_large() -> Response {
    let message = format!("a request has at most {MAX_REQUEST} bytes");
    refusal(
        StatusCode::PAYLOAD_TOO_LARGE,
        RpcError::new(Kind::Limited, message),
    )
}

fn declared_size(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn json_text(status: StatusCode, text: String) -> Response {
    // Conversations do not belong into caches.
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, text).into_response()
}

/// Pages can send other content types without asking first, so only JSON's own will do.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

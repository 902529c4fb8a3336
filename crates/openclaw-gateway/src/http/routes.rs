//! The routes that answer once: `/rpc`, `/health`, `/status`.
//!
//! Whoever is not let in is told the same for every address but the few that are for everybody:
//! what is there and what is not can be told apart only with a good credential.

use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, UPGRADE};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use openclaw_core::Kind;
use openclaw_core::access::Scope;
use openclaw_ipc::jsonrpc::{self, Id, MAX_BODY, Requests};
use openclaw_ipc::{Reply, Response as RpcResponse, RpcError};
use serde_json::json;

use super::guard::{admit, door, guard, let_in, presented};
use super::payload;
use super::refused::{Refused, seconds};
use super::ws;
use crate::access::{self, Pass};
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::invoke;
use crate::openai;
use crate::openclaw;
use crate::rpc::{CallCx, store_error};
use crate::telemetry::{Dialect, edge as measured};
use crate::webhooks;

/// The most bytes that the answers to one batch have together; what does not fit is not done.
const MAX_ANSWERS: usize = 16_000_000;

/// Returns every route of the gateway.
pub(super) fn router(gateway: Gateway) -> Router {
    let for_everybody = Router::new()
        .route("/", get(front).connect(openclaw::upgrade))
        .route("/health", get(health))
        .route("/ready", get(super::probe::ready))
        .merge(access::routes::router())
        .method_not_allowed_fallback(wrong_method)
        .with_state(gateway.clone());
    let for_the_admitted = Router::new()
        .route("/rpc", post(rpc))
        .route("/status", get(status))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(gateway.clone(), let_in))
        .fallback(elsewhere)
        // It lets in by itself: a client may show who it is in its first frame.
        .route("/ws", any(ws::upgrade))
        .merge(openai::router())
        .merge(invoke::router())
        .merge(measured::router())
        .with_state(gateway.clone());
    for_everybody
        .merge(for_the_admitted)
        .layer(from_fn_with_state(gateway.clone(), guard))
        .layer(from_fn_with_state(gateway, measured::measure))
}

/// `GET /`: a page for browsers, and a socket for OpenClaw's clients.
async fn front(
    state: State<Gateway>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    if request.headers().contains_key(UPGRADE) {
        return openclaw::upgrade(state, upgrade, request).await;
    }
    access::page::html().await
}

/// `POST /rpc`: the caller is known before a byte of the body is read.
async fn rpc(
    State(gateway): State<Gateway>,
    Extension(pass): Extension<Pass>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let door = door(Transport::Rpc, &head.extensions);
    let text = match read(&head.headers, body, MAX_BODY).await {
        Ok(text) => text,
        Err(refused) => return refused.answer(&gateway, door),
    };
    let cx = CallCx::of(pass.admitted, door.peer);
    let Some(reply) = answer(&gateway, cx, jsonrpc::parse(&text)).await else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let text = reply.to_json();
    match reply.retry_after() {
        Some(after) => {
            let headers = [(RETRY_AFTER, seconds(after))];
            (headers, json_text(StatusCode::TOO_MANY_REQUESTS, text)).into_response()
        }
        None => json_text(StatusCode::OK, text),
    }
}

/// Reads a body, unless its headers already say that it is none for us.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Refused> {
    if !is_json(headers) {
        let sentence = "the content type has to be application/json";
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    payload::collect(headers, body, limit).await
}

/// Answers what one body or one WebSocket message brought; notifications get no answer.
pub(super) async fn answer(gateway: &Gateway, cx: CallCx, requests: Requests) -> Option<Reply> {
    match requests {
        Requests::One(request) => call(gateway, &cx, request).await.map(Reply::One),
        Requests::Batch(requests) => {
            let mut responses = Vec::with_capacity(requests.len());
            let mut size = 0_usize;
            for request in requests {
                let response = match request {
                    Ok(request) if size > MAX_ANSWERS => RpcResponse::to(request.id, Err(full())),
                    request => call(gateway, &cx, request).await,
                };
                let result = response.as_ref().and_then(|one| one.outcome.as_ref().ok());
                size = size.saturating_add(result.map_or(0, |result| result.get().len()));
                responses.extend(response);
            }
            Reply::batch(responses)
        }
    }
}

fn full() -> RpcError {
    let message = "the answers to the batch are too large already; this call was not made";
    RpcError::new(Kind::Limited, message).with_hint("make the call again, alone")
}

async fn call(
    gateway: &Gateway,
    cx: &CallCx,
    request: Result<jsonrpc::Request, RpcResponse>,
) -> Option<RpcResponse> {
    let request = match request {
        Ok(request) => request,
        Err(response) => return Some(response),
    };
    let rpc = &gateway.shared.rpc;
    let outcome = openclaw_ipc::methods::dispatch(rpc, cx, &request.method, request.params).await;
    let failure = outcome.as_ref().err().map(RpcError::kind);
    gateway.shared.telemetry.called(Dialect::JsonRpc, failure);
    RpcResponse::to(request.id, outcome)
}

/// `GET /health`: whether the gateway answers at all; it tells strangers nothing else.
async fn health() -> Response {
    json_text(StatusCode::OK, json!({ "status": "ok" }).to_string())
}

/// `GET /status`: what the gateway is doing.
async fn status(
    State(gateway): State<Gateway>,
    Extension(pass): Extension<Pass>,
    extensions: Extensions,
) -> Response {
    let rpc = &gateway.shared.rpc;
    let cx = CallCx::of(pass.admitted, door(Transport::Status, &extensions).peer);
    if let Err(err) = rpc.allow(&cx, Scope::Read, "GET /status") {
        let Some(after) = err.retry_after() else {
            return refusal(StatusCode::FORBIDDEN, err);
        };
        let headers = [(RETRY_AFTER, seconds(after))];
        return (headers, refusal(StatusCode::TOO_MANY_REQUESTS, err)).into_response();
    }
    let sessions = match rpc.store.session_count().await {
        Ok(sessions) => sessions,
        Err(err) => return refusal(StatusCode::SERVICE_UNAVAILABLE, store_error(&err)),
    };
    let mut status = json!(rpc.gateway_status(Some(sessions)));
    if let Some(members) = status.as_object_mut() {
        members.insert("status".to_owned(), "ok".into());
    }
    json_text(StatusCode::OK, status.to_string())
}

/// What no route is for: an address of the webhooks, or nothing.
async fn elsewhere(State(gateway): State<Gateway>, request: Request) -> Response {
    if let Some(called) = gateway.shared.webhooks.called(request.uri().path()) {
        return webhooks::handle(gateway, called, request).await;
    }
    let door = door(Transport::Http, request.extensions());
    let presented = presented(request.headers(), request.extensions());
    match admit(&gateway, presented, door) {
        Ok(_) => nothing_here(State(gateway), request.extensions().clone()).await,
        Err(refused) => refused.answer(&gateway, door),
    }
}

pub(crate) async fn nothing_here(
    State(gateway): State<Gateway>,
    extensions: Extensions,
) -> Response {
    let refused = Refused::new(StatusCode::NOT_FOUND, "there is nothing at this address");
    refused.answer(&gateway, door(Transport::Http, &extensions))
}

async fn wrong_method(State(gateway): State<Gateway>, extensions: Extensions) -> Response {
    let sentence = "this address does not know the method of the request";
    let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, sentence);
    refused.answer(&gateway, door(Transport::Http, &extensions))
}

pub(crate) fn refusal(status: StatusCode, err: RpcError) -> Response {
    json_text(status, RpcResponse::error(Id::Null, err).to_json())
}

pub(crate) fn json_text(status: StatusCode, text: String) -> Response {
    // Conversations do not belong into caches.
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, text).into_response()
}

/// Pages can send other content types without asking first, so only JSON's own will do.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let first = types.next().and_then(|value| value.to_str().ok());
    first
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        && types.next().is_none()
}

//! What comes in by HTTP: how often it is asked for what, and `GET /metrics`.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use openclaw_config::MetricsAccess;
use openclaw_core::access::Scope;
use openclaw_core::work;
use tracing::Instrument as _;

use super::table::{Dialect, Metric};
use super::text::CONTENT_TYPE as PROMETHEUS;
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::http::guard::{admit, door, presented};
use crate::http::refused::Refused;
use crate::http::routes::refusal;
use crate::rpc::CallCx;

/// Where the metrics are, and where OpenClaw has them.
const METRICS: &str = "/metrics";
const AS_OPENCLAW: &str = "/api/diagnostics/prometheus";

/// The route of what has none.
const NO_ROUTE: &str = "none";

/// Returns the routes of the metrics.
pub(crate) fn router() -> Router<Gateway> {
    // It lets in by itself: the config may let everybody in.
    Router::new()
        .route(METRICS, any(metrics))
        .route(AS_OPENCLAW, any(metrics))
}

/// Counts every request and its answer; what is logged on the way has an id of its own.
pub(crate) async fn measure(
    State(gateway): State<Gateway>,
    request: Request,
    next: Next,
) -> Response {
    // The route, and not the path: strangers choose paths.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).instrument(work::request()).await;
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let dialect = Dialect::of_route(route).as_str();
    let meters = gateway.shared.telemetry.meters();
    meters.count(
        Metric::Requests,
        &[dialect, route, response.status().as_str()],
    );
    response
}

async fn metrics(State(gateway): State<Gateway>, request: Request) -> Response {
    let telemetry = &gateway.shared.telemetry;
    let door = door(Transport::Http, request.extensions());
    let refuse = |refused: Refused| refused.answer(&gateway, door);
    if telemetry.access(&gateway.shared) == MetricsAccess::Read {
        let presented = presented(request.headers(), request.extensions());
        let pass = match admit(&gateway, presented, door) {
            Ok(pass) => pass,
            Err(refused) => return refuse(refused),
        };
        let cx = CallCx::of(pass.admitted, door.peer);
        if let Err(err) = gateway.shared.rpc.allow(&cx, Scope::Read, "GET /metrics") {
            let status = match err.retry_after() {
                Some(_) => StatusCode::TOO_MANY_REQUESTS,
                None => StatusCode::FORBIDDEN,
            };
            return refusal(status, err);
        }
    }
    if *request.method() != Method::GET {
        let sentence = "this address does not know the method of the request";
        return refuse(Refused::new(StatusCode::METHOD_NOT_ALLOWED, sentence));
    }
    let text = telemetry.text(&gateway.shared).await;
    let headers = [(CONTENT_TYPE, PROMETHEUS), (CACHE_CONTROL, "no-store")];
    (headers, text).into_response()
}

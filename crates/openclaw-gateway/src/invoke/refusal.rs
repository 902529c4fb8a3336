//! Why nothing comes of a request, in the form that OpenClaw has for it.

use std::time::Duration;

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use openclaw_core::Kind;
use openclaw_core::decode::DecodeError;
use openclaw_ipc::RpcError;
use serde_json::json;

use crate::audit::Door;
use crate::builder::Gateway;
use crate::http::refused::{Refused, seconds};
use crate::http::routes::json_text;

/// A request of which nothing comes.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    /// Which sort it is, as OpenClaw names them.
    sort: &'static str,
    message: String,
    kind: Kind,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: StatusCode, sort: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            sort,
            message: message.into(),
            kind: match status {
                StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
                StatusCode::FORBIDDEN => Kind::Denied,
                StatusCode::NOT_FOUND => Kind::NotFound,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::PAYLOAD_TOO_LARGE => Kind::Limited,
                StatusCode::INTERNAL_SERVER_ERROR => Kind::Internal,
                _ => Kind::Invalid,
            },
            retry_after: None,
        }
    }

    /// Refuses a request that is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// Refuses arguments that the tool does not take.
    pub(super) fn arguments(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "tool_error", message)
    }

    /// Says that there is no such tool for this caller; whether there is one at all is not told.
    pub(super) fn not_available(tool: &str) -> Self {
        let message = format!("Tool not available: {tool}");
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// Says that a rule did not let the call through.
    pub(super) fn blocked(why: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "tool_call_blocked", why)
    }

    /// Says that the tool failed.
    pub(super) fn failed(why: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "tool_error", why)
    }

    /// Refuses every method but the one.
    pub(super) fn wrong_method() -> Self {
        let message = "this address takes POST and nothing else";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            message,
        )
    }

    /// Returns what a caller is told whom the edge refuses.
    pub(super) fn refused(refused: Refused, gateway: &Gateway, door: Door) -> Self {
        let (status, retry_after) = (refused.status, refused.retry_after);
        let sort = match status {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::TOO_MANY_REQUESTS => "rate_limited",
            StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
            _ => "invalid_request",
        };
        Self {
            retry_after,
            ..Self::new(status, sort, refused.told(gateway, door).message)
        }
    }

    /// Returns what kind of failure it is.
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the answer.
    pub(super) fn answer(self) -> Response {
        let error = json!({ "type": self.sort, "message": self.message });
        let text = json!({ "ok": false, "error": error }).to_string();
        let mut response = json_text(self.status, text);
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let challenge = HeaderValue::from_static("Bearer realm=\"openclaw\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            _ => {}
        }
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds(after));
        }
        response
    }
}

impl From<RpcError> for Refusal {
    fn from(err: RpcError) -> Self {
        let data = &err.data;
        let (status, sort) = match data.kind {
            Kind::Invalid | Kind::Conflict => (StatusCode::BAD_REQUEST, "invalid_request"),
            Kind::Denied => (StatusCode::FORBIDDEN, "forbidden"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Kind::Limited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Kind::Busy => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Kind::Unauthenticated
            | Kind::Unavailable
            | Kind::Unreachable
            | Kind::Config
            | Kind::Cancelled
            | Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "tool_error"),
        };
        let hint = data.hint.as_ref().map(|hint| format!(": {hint}"));
        let id = data
            .id
            .as_ref()
            .map(|id| format!(" (the log has it as {id})"));
        let message = [Some(err.message.clone()), hint, id];
        let message: String = message.into_iter().flatten().collect();
        Self {
            kind: data.kind,
            retry_after: err.retry_after(),
            ..Self::new(status, sort, message)
        }
    }
}

impl From<DecodeError> for Refusal {
    fn from(err: DecodeError) -> Self {
        let hint = err.hint().map(|hint| format!(": {hint}"));
        Self::invalid(format!("{err}{}", hint.unwrap_or_default()))
    }
}

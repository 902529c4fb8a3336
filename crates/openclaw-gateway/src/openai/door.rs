//! Letting requests in, and refusing them in OpenAI's words.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use openclaw_config::HttpApiSettings;
use openclaw_core::Kind;
use openclaw_core::access::Scope;
use openclaw_core::decode::{DecodeError, decode};
use openclaw_ipc::RpcError;
use openclaw_ipc::openai::{ApiError, ErrorBody};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::access::Pass;
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::http::guard::{self, admit, presented};
use crate::http::payload;
use crate::http::refused::{Refused, seconds};
use crate::http::routes::{json_text, nothing_here};
use crate::rpc::CallCx;
use crate::telemetry::Dialect;

/// What tells OpenAI's own clients not to send a request again by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A route, as its requests are judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    /// The one method that it takes.
    pub(super) method: Takes,
    /// The scope that it needs.
    pub(super) scope: Scope,
    /// What it is called where refusals are counted.
    pub(super) name: &'static str,
    /// Tells whether the config asks for it.
    pub(super) is_on: fn(&HttpApiSettings) -> bool,
}

/// The methods that routes take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

impl Takes {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    fn is(self, method: &Method) -> bool {
        method.as_str() == self.name()
    }
}

/// Somebody who was let in.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) cx: CallCx,
    pub(super) pass: Pass,
    pub(super) settings: HttpApiSettings,
    pub(super) count: Counted,
}

/// A call that is counted once, however it ends.
#[derive(Debug)]
pub(super) struct Counted(crate::telemetry::Counted);

/// Why a request gets no answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: ApiError,
    kind: Kind,
    retry_after: Option<Duration>,
    again: Again,
}

/// Whether it may help to send a request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// As its status says.
    AsUsual,
    /// It had its turn: sent again, it would have another one.
    No,
}

/// Lets somebody in, unless there is nothing here for them; returns the answer where there is not.
pub(super) async fn enter(
    gateway: &Gateway,
    head: &Parts,
    route: Route,
) -> Result<Entered, Response> {
    let door = guard::door(Transport::Http, &head.extensions);
    let presented = presented(&head.headers, &head.extensions);
    let pass = admit(gateway, presented, door)
        .map_err(|refused| Failure::refused(refused, gateway, head).answer())?;
    let home = gateway.shared.rpc.home.get();
    let settings = home.map(|home| home.config.http_api.clone());
    let settings = settings.unwrap_or_default();
    if !(route.is_on)(&settings) {
        return Err(nothing_here(State(gateway.clone()), head.extensions.clone()).await);
    }
    if !route.method.is(&head.method) {
        return Err(Failure::wrong_method(route.method));
    }
    let cx = CallCx::of(pass.admitted.clone(), door.peer);
    let count = Counted::begins(gateway);
    if let Err(err) = gateway.shared.rpc.allow(&cx, route.scope, route.name) {
        return Err(count.refuse(Failure::of(&err)));
    }
    Ok(Entered {
        cx,
        pass,
        settings,
        count,
    })
}

/// Reads a body as what a route takes.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let object = payload::object(body).map_err(Failure::invalid)?;
    Ok(decode(Value::Object(object))?)
}

impl Counted {
    fn begins(gateway: &Gateway) -> Self {
        let counted = crate::telemetry::Counted::begins(gateway, Dialect::OpenAi);
        Self(counted)
    }

    /// Says that there is an answer, or why there is none.
    pub(super) fn ends(self, failure: Option<&Failure>) {
        self.0.ends(failure.map(|failure| failure.kind));
    }

    /// Returns the answer that says why there is none.
    pub(super) fn refuse(self, failure: Failure) -> Response {
        self.ends(Some(&failure));
        failure.answer()
    }
}

impl Failure {
    /// Refuses a request that is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ApiError::invalid(message))
    }

    pub(super) const fn new(status: StatusCode, error: ApiError) -> Self {
        Self {
            status,
            error,
            kind: match status {
                StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
                StatusCode::FORBIDDEN => Kind::Denied,
                StatusCode::NOT_FOUND => Kind::NotFound,
                StatusCode::TOO_MANY_REQUESTS => Kind::Limited,
                StatusCode::BAD_GATEWAY => Kind::Unavailable,
                StatusCode::INTERNAL_SERVER_ERROR => Kind::Internal,
                _ => Kind::Invalid,
            },
            retry_after: None,
            again: Again::AsUsual,
        }
    }

    /// Says which member of the request is meant.
    pub(super) fn about(mut self, param: &str) -> Self {
        self.error = self.error.about(param);
        self
    }

    /// Says which failure it is.
    pub(super) fn with_code(mut self, code: &str) -> Self {
        self.error = self.error.with_code(code);
        self
    }

    /// Says that the request had its turn.
    pub(super) fn of_turn(mut self) -> Self {
        if self.status.is_server_error() {
            self.again = Again::No;
        }
        self
    }

    /// Returns what a caller is told of a failure of the gateway's own.
    pub(super) fn of(err: &RpcError) -> Self {
        let data = &err.data;
        let (status, class) = match data.kind {
            Kind::Invalid => (StatusCode::BAD_REQUEST, "invalid_request_error"),
            Kind::Denied => (StatusCode::FORBIDDEN, "forbidden"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "invalid_request_error"),
            Kind::Conflict => (StatusCode::CONFLICT, "invalid_request_error"),
            Kind::Limited => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
            Kind::Config | Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "api_error"),
            // Who is refused here is not the caller, but whoever was asked on their behalf.
            Kind::Unauthenticated | Kind::Unavailable | Kind::Unreachable => {
                (StatusCode::BAD_GATEWAY, "api_error")
            }
            Kind::Busy | Kind::Cancelled => (StatusCode::SERVICE_UNAVAILABLE, "api_error"),
        };
        let hint = data.hint.as_ref().map(|hint| format!(": {hint}"));
        let id = data
            .id
            .as_ref()
            .map(|id| format!(" (the log has it as {id})"));
        let message = [Some(err.message.clone()), hint, id];
        let message: String = message.into_iter().flatten().collect();
        let mut error = ApiError::new(class, message).with_code(data.kind.as_str());
        if let Some(field) = &data.field {
            error = error.about(field);
        }
        Self {
            kind: data.kind,
            retry_after: err.retry_after(),
            ..Self::new(status, error)
        }
    }

    /// Returns what a caller is told whom the edge refuses.
    pub(super) fn refused(refused: Refused, gateway: &Gateway, head: &Parts) -> Self {
        let (status, retry_after) = (refused.status, refused.retry_after);
        let door = guard::door(Transport::Http, &head.extensions);
        let told = Self::of(&refused.told(gateway, door));
        let code = match status {
            StatusCode::UNAUTHORIZED => "invalid_api_key",
            StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_exceeded",
            _ => "invalid_request",
        };
        let class = match status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            _ => "invalid_request_error",
        };
        Self {
            retry_after,
            ..Self::new(
                status,
                ApiError::new(class, told.error.message).with_code(code),
            )
        }
    }

    fn wrong_method(takes: Takes) -> Response {
        let message = format!("this address takes {} and nothing else", takes.name());
        let error = ApiError::invalid(message).with_code("method_not_allowed");
        let mut response = Self::new(StatusCode::METHOD_NOT_ALLOWED, error).answer();
        let allow = HeaderValue::from_static(takes.name());
        response.headers_mut().insert(ALLOW, allow);
        response
    }

    /// Returns the answer.
    pub(super) fn answer(self) -> Response {
        let body = ErrorBody {
            error: self.error.clone(),
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        self.answer_with(text)
    }

    /// Returns the answer with a body of the dialect's own.
    pub(super) fn answer_with(&self, text: String) -> Response {
        let mut response = json_text(self.status, text);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"openclaw\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds(after));
        }
        if self.again == Again::No {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        response
    }
}

impl From<DecodeError> for Failure {
    fn from(err: DecodeError) -> Self {
        let hint = err.hint().map(|hint| format!(": {hint}"));
        let failure = Self::invalid(format!("{err}{}", hint.unwrap_or_default()));
        match err.field() {
            field if field.is_empty() => failure,
            field => failure.about(&field),
        }
    }
}

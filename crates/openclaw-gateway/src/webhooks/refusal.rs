//! Why nothing comes of a request.

use std::time::Duration;

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use openclaw_agents::AgentError;
use openclaw_core::events::StoreError;
use openclaw_core::{Kind, RunId};
use openclaw_ipc::RpcError;
use serde_json::{Map, Value};

use crate::audit::Door;
use crate::builder::Gateway;
use crate::http::refused::{Refused, seconds};
use crate::http::routes::json_text;
use crate::pipeline::NotAccepted;
use crate::rpc::{public, store_error};

/// A request of which nothing comes, or not all.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: String,
    kind: Kind,
    retry_after: Option<Duration>,
    /// What is said besides.
    pub(super) more: Map<String, Value>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            kind: match status {
                StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
                StatusCode::NOT_FOUND => Kind::NotFound,
                StatusCode::CONFLICT => Kind::Conflict,
                StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => Kind::Limited,
                StatusCode::BAD_GATEWAY => Kind::Unavailable,
                StatusCode::SERVICE_UNAVAILABLE => Kind::Busy,
                StatusCode::INTERNAL_SERVER_ERROR => Kind::Internal,
                _ => Kind::Invalid,
            },
            retry_after: None,
            more: Map::new(),
        }
    }

    /// Refuses a request that is wrong.
    pub(super) fn invalid(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Refuses somebody who has to wait.
    pub(super) fn wait(error: impl Into<String>, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, error)
        }
    }

    /// Names the run that did not come about.
    pub(super) fn of_run(mut self, run: &RunId) -> Self {
        self.more.insert("runId".to_owned(), run.to_string().into());
        self
    }

    /// Returns what a caller is told whom the edge refuses.
    pub(super) fn refused(refused: Refused, gateway: &Gateway, door: Door) -> Self {
        let status = refused.status;
        Self::new(status, refused.told(gateway, door).message)
    }

    /// Returns why a message was not taken in.
    pub(super) fn not_accepted(err: NotAccepted) -> Self {
        match err {
            NotAccepted::Limited(wait) => {
                let told = wait.refusal("messages to this session");
                Self::wait(told.message, wait.into())
            }
            NotAccepted::Agent(err) => Self::from(err),
        }
    }

    /// Returns what kind of failure it is.
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the answer.
    pub(super) fn answer(self) -> Response {
        let mut body = Map::new();
        body.insert("ok".to_owned(), false.into());
        body.insert("error".to_owned(), self.error.into());
        body.extend(self.more);
        let mut response = json_text(self.status, Value::Object(body).to_string());
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let challenge = HeaderValue::from_static("Bearer realm=\"openclaw hooks\"");
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

impl From<AgentError> for Refusal {
    fn from(err: AgentError) -> Self {
        public(&err).into()
    }
}

impl From<StoreError> for Refusal {
    fn from(err: StoreError) -> Self {
        store_error(&err).into()
    }
}

impl From<RpcError> for Refusal {
    fn from(err: RpcError) -> Self {
        let data = &err.data;
        let status = match data.kind {
            Kind::Invalid | Kind::NotFound => StatusCode::BAD_REQUEST,
            Kind::Denied => StatusCode::FORBIDDEN,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
            Kind::Busy | Kind::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Unauthenticated
            | Kind::Unavailable
            | Kind::Unreachable
            | Kind::Config
            | Kind::Internal => StatusCode::BAD_GATEWAY,
        };
        let id = data
            .id
            .as_ref()
            .map(|id| format!(" (the log has it as {id})"));
        let error = format!("{}{}", err.message, id.unwrap_or_default());
        Self {
            kind: data.kind,
            retry_after: err.retry_after(),
            ..Self::new(status, error)
        }
    }
}

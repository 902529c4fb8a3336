//! How a failure looks to a client of OpenClaw's protocol.

use openclaw_core::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::table::UnknownMethod;
use crate::jsonrpc::RpcError;
use openclaw_core::access::devices::Right;

/// What sort of failure it is: the few that OpenClaw's clients tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The request cannot be done as it stands.
    InvalidRequest,
    /// The device has to be approved first.
    NotPaired,
    /// The agent did not answer in time.
    AgentTimeout,
    /// There is no such approval, or it was decided.
    ApprovalNotFound,
    /// It may work later.
    Unavailable,
}

/// A failure, as it stands in a `res` frame.
///
/// # Security
/// Everything in it reaches the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct OpenclawError {
    /// What sort of failure it is.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: String,
    /// What else a program may want to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Whether the same request may succeed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// After how many milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl OpenclawError {
    /// Makes an error of a code and a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: None,
            retryable: None,
            retry_after_ms: None,
        }
    }

    /// Makes the error for a request that cannot be done as it stands.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// Makes the error for a client that may not call a method.
    pub fn missing_right(right: Right) -> Self {
        Self::invalid(format!("missing scope: {right}"))
    }

    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        let told = self
            .details
            .as_ref()
            .and_then(|details| details.get("kind"));
        let told = told.and_then(|kind| Kind::deserialize(kind).ok());
        told.unwrap_or(match self.code {
            ErrorCode::InvalidRequest => Kind::Invalid,
            ErrorCode::NotPaired => Kind::Denied,
            ErrorCode::ApprovalNotFound => Kind::NotFound,
            ErrorCode::AgentTimeout | ErrorCode::Unavailable => Kind::Unavailable,
        })
    }

    /// Adds what a program may want to know.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Says that the same request may succeed later.
    #[must_use]
    pub const fn retryable(mut self) -> Self {
        self.retryable = Some(true);
        self
    }
}

impl From<UnknownMethod> for OpenclawError {
    fn from(err: UnknownMethod) -> Self {
        Self::invalid(err.to_string())
    }
}

impl From<RpcError> for OpenclawError {
    /// OpenClaw has five codes; the kind is told in the details.
    fn from(err: RpcError) -> Self {
        let code = match err.kind() {
            Kind::Limited
            | Kind::Busy
            | Kind::Unreachable
            | Kind::Unavailable
            | Kind::Cancelled
            | Kind::Config
            | Kind::Internal => ErrorCode::Unavailable,
            Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Denied
            | Kind::NotFound
            | Kind::Conflict => ErrorCode::InvalidRequest,
        };
        let retryable = matches!(
            err.kind(),
            Kind::Limited | Kind::Busy | Kind::Unreachable | Kind::Unavailable
        );
        Self {
            code,
            details: details(&err),
            retryable: retryable.then_some(true),
            retry_after_ms: err.data.retry_after_ms,
            message: err.message,
        }
    }
}

fn details(err: &RpcError) -> Option<Value> {
    let mut details = json!({ "kind": err.kind() });
    let members = details.as_object_mut()?;
    for (name, value) in [
        ("reason", &err.data.reason),
        ("field", &err.data.field),
        ("hint", &err.data.hint),
        ("errorId", &err.data.id),
    ] {
        if let Some(value) = value {
            members.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    Some(details)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_of_a_method_keeps_what_it_says() {
        let err = RpcError::new(Kind::Limited, "too many calls")
            .with_hint("wait")
            .with_retry_after(Duration::from_secs(2));
        assert_eq!(
            serde_json::to_value(OpenclawError::from(err)).unwrap(),
            json!({
                "code": "UNAVAILABLE", "message": "too many calls", "retryable": true,
                "retryAfterMs": 2000, "details": {"kind": "limited", "hint": "wait"},
            })
        );
    }

    #[test]
    fn an_unknown_method_is_said_as_openclaw_says_it() {
        let err = OpenclawError::from(UnknownMethod("nosuch.method".to_owned()));
        assert_eq!(
            serde_json::to_value(err).unwrap(),
            json!({"code": "INVALID_REQUEST", "message": "unknown method: nosuch.method"})
        );
    }
}

//! The error object: what went wrong, as the caller gets to see it.

use std::time::Duration;

use openclaw_core::Kind;
use openclaw_core::decode::{DecodeError, excerpt};
use openclaw_core::validation::ValidationError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The text is not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The JSON is not a request.
pub const INVALID_REQUEST: i32 = -32600;
/// No method has this name.
pub const METHOD_NOT_FOUND: i32 = -32601;

/// A JSON-RPC error: a code for programs, a message for people, and data for both.
///
/// # Security
/// Everything in it reaches the caller. Causes, paths and secrets belong in the log, under the id
/// that [`RpcError::with_id`] puts into the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(from = "Wire")]
#[error("{message}")]
pub struct RpcError {
    /// The code; for errors of the methods themselves it follows from the kind.
    pub code: i32,
    /// What went wrong, in one sentence without a final dot.
    pub message: String,
    /// What else a program or a person may want to know.
    pub data: Box<ErrorData>,
}

/// The member `data` of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// What the caller can do about it.
    pub kind: Kind,
    /// Names this failure in the gateway's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What to try next; it starts with a verb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Which part of the params is meant, such as `attachments[0].mime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Which of several failures of that kind it is, where a program may want to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// After how many milliseconds the call may succeed, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// An error as some server may send it: `data` is optional and free in form there.
#[derive(Deserialize)]
struct Wire {
    code: i32,
    message: String,
    #[serde(default)]
    data: Value,
}

impl RpcError {
    /// Makes the error of a method that failed in this way.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self::with_code(kind.rpc_code(), kind, message.into())
    }

    /// Returns the error for text that is not JSON.
    pub(super) fn not_json(err: &serde_json::Error) -> Self {
        let (line, column) = (err.line(), err.column());
        let message = format!("the text is not JSON from line {line}, character {column} on");
        Self::with_code(PARSE_ERROR, Kind::Invalid, message)
    }

    /// Returns the error for JSON that is not a request.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::with_code(INVALID_REQUEST, Kind::Invalid, message.into())
    }

    /// Returns the error for a method that does not exist.
    pub fn method_not_found(method: &str) -> Self {
        let message = format!("no method `{}`", excerpt(method));
        Self::with_code(METHOD_NOT_FOUND, Kind::NotFound, message)
    }

    /// Adds the id under which the log has the cause.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.data.id = Some(id.into());
        self
    }

    /// Adds what the caller may try next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.data.hint = Some(hint.into());
        self
    }

    /// Adds which part of the params is meant.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.data.field = Some(field.into());
        self
    }

    /// Adds which of several failures of its kind it is.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.data.reason = Some(reason.into());
        self
    }

    /// Adds how long to wait before the call is made again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        // A fraction of a millisecond too early would be too early.
        let up = wait.saturating_add(Duration::from_nanos(999_999));
        self.data.retry_after_ms = Some(u64::try_from(up.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Returns how long to wait before the call is made again, where the gateway knows.
    pub fn retry_after(&self) -> Option<Duration> {
        self.data.retry_after_ms.map(Duration::from_millis)
    }

    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        self.data.kind
    }

    fn with_code(code: i32, kind: Kind, message: String) -> Self {
        let data = Box::new(kind.into());
        Self {
            code,
            message,
            data,
        }
    }
}

impl From<Kind> for ErrorData {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            id: None,
            hint: None,
            field: None,
            reason: None,
            retry_after_ms: None,
        }
    }
}

impl From<Wire> for RpcError {
    fn from(wire: Wire) -> Self {
        let data = serde_json::from_value(wire.data);
        Self {
            code: wire.code,
            message: wire.message,
            data: data.unwrap_or_else(|_| Box::new(kind_of(wire.code).into())),
        }
    }
}

impl From<DecodeError> for RpcError {
    fn from(err: DecodeError) -> Self {
        let error = Self::new(Kind::Invalid, err.to_string());
        let error = match err.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        match err.field() {
            field if field.is_empty() => error,
            field => error.with_field(field),
        }
    }
}

impl From<ValidationError> for RpcError {
    fn from(err: ValidationError) -> Self {
        Self::new(err.kind(), err.to_string())
    }
}

/// The codes that the specification reserves and [`Kind`] does not know, and all others.
fn kind_of(code: i32) -> Kind {
    match code {
        PARSE_ERROR | INVALID_REQUEST => Kind::Invalid,
        METHOD_NOT_FOUND => Kind::NotFound,
        _ => Kind::from_rpc_code(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_wire() {
        let error = RpcError::new(Kind::Busy, "the session has a run")
            .with_id("e-1")
            .with_hint("wait for it")
            .with_field("sessionKey")
            .with_reason("session.running")
            .with_retry_after(Duration::from_micros(1500));
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(
            json,
            r#"{"code":-32010,"message":"the session has a run","data":{"kind":"busy","id":"e-1","hint":"wait for it","field":"sessionKey","reason":"session.running","retryAfterMs":2}}"#
        );
        assert_eq!(serde_json::from_str::<RpcError>(&json).unwrap(), error);
    }

    #[test]
    fn the_kind_follows_from_the_code_when_the_data_is_foreign() {
        for (code, kind) in [
            (-32700, Kind::Invalid),
            (-32601, Kind::NotFound),
            (-32003, Kind::Denied),
            (-1, Kind::Internal),
        ] {
            for data in ["", r#","data":"because""#, r#","data":{"kind":"odd"}"#] {
                let json = format!(r#"{{"code":{code},"message":"m"{data}}}"#);
                let error: RpcError = serde_json::from_str(&json).unwrap();
                assert_eq!((error.code, error.kind()), (code, kind));
            }
        }
    }

    #[test]
    fn a_message_repeats_a_callers_text_in_one_short_line() {
        let error = RpcError::method_not_found(&format!("a\r\n\u{1b}[31m{}", "x".repeat(1000)));
        assert_eq!(
            error.message,
            format!("no method `a\\r\\n\\u{{1b}}[31m{}…`", "x".repeat(56))
        );
    }
}

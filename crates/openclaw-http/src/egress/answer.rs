//! What a client is told when it does not get what it asked for.

use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use openclaw_core::Kind;

use super::error::Refusal;
use super::head::BadHead;
use super::policy::{DENY, PRIVATE};
use crate::guard::{ConnectError, Host, Place, Refused};

/// Says which proxy answers in place of the host, and why (RFC 9209).
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// An answer that does not come from the host.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Who answers, and which of the errors that RFC 9209 names it is.
    proxy_status: &'static str,
    /// One sentence.
    pub(super) text: String,
}

impl Answer {
    /// Returns nothing if there is nobody to answer.
    pub(super) fn to_head(bad: &BadHead) -> Option<Self> {
        let status = match bad {
            BadHead::Gone | BadHead::Broken(_) => return None,
            BadHead::TooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            BadHead::Malformed(_) | BadHead::Host(_) => StatusCode::BAD_REQUEST,
        };
        Some(Self {
            status,
            proxy_status: "openclaw; error=http_request_error",
            text: format!("{bad}.\n"),
        })
    }

    pub(super) fn to_silence() -> Self {
        Self {
            status: StatusCode::REQUEST_TIMEOUT,
            proxy_status: "openclaw; error=http_request_error",
            text: "The head of the request did not arrive in time.\n".to_owned(),
        }
    }

    pub(super) fn to_disagreement() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            proxy_status: "openclaw; error=http_request_error",
            text: "The URL of the request can be read in two ways.\n".to_owned(),
        }
    }

    pub(super) fn to_failure() -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            proxy_status: "openclaw; error=http_protocol_error",
            text: "The host did not answer as a web server does.\n".to_owned(),
        }
    }

    pub(super) fn to_no_answer() -> Self {
        Self {
            status: StatusCode::GATEWAY_TIMEOUT,
            proxy_status: "openclaw; error=http_response_timeout",
            text: "The host did not answer in time.\n".to_owned(),
        }
    }

    pub(super) fn to_refusal(refusal: &Refusal) -> Self {
        let (status, proxy_status) = match refusal {
            refused if refused.kind() == Kind::Denied => {
                (StatusCode::FORBIDDEN, "openclaw; error=http_request_denied")
            }
            Refusal::Connect(ConnectError::Slow { .. }) => (
                StatusCode::GATEWAY_TIMEOUT,
                "openclaw; error=connection_timeout",
            ),
            Refusal::Slow { .. } => (StatusCode::GATEWAY_TIMEOUT, "openclaw; error=dns_timeout"),
            Refusal::Guard(Refused::Lookup { .. }) => {
                (StatusCode::BAD_GATEWAY, "openclaw; error=dns_error")
            }
            Refusal::NotAllowed { .. }
            | Refusal::Denied { .. }
            | Refusal::Guard(_)
            | Refusal::Connect(_) => (
                StatusCode::BAD_GATEWAY,
                "openclaw; error=destination_unavailable",
            ),
        };
        let text = match remedy(refusal) {
            Some(remedy) => {
                format!("The sandbox's proxy makes no connection: {refusal}; {remedy}.\n")
            }
            None => format!("The sandbox's proxy makes no connection: {refusal}.\n"),
        };
        Self {
            status,
            proxy_status,
            text,
        }
    }

    pub(super) fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/plain; charset=utf-8"),
            ),
            (CONTENT_LENGTH, HeaderValue::from(self.text.len())),
            (CONNECTION, HeaderValue::from_static("close")),
            (PROXY_STATUS, HeaderValue::from_static(self.proxy_status)),
        ])
    }

    /// Returns the answer as it is sent.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers() {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }
}

/// Tells whether a host is none of those that the list of public ones may name.
fn is_private(host: &Host) -> bool {
    match host {
        Host::Name(_) => host.is_local(),
        Host::Address(address) => Place::of(*address) != Place::Public,
    }
}

/// Returns what whoever owns the settings can do.
fn remedy(refusal: &Refusal) -> Option<String> {
    match refusal {
        Refusal::NotAllowed { target, .. } if is_private(&target.host) => {
            Some(format!("to allow it, add `{target}` to {PRIVATE}"))
        }
        Refusal::NotAllowed { target, .. } => {
            Some(format!("to allow it, add `{}` there", target.host))
        }
        Refusal::Denied { .. } => Some(format!("to allow it, remove the entry from {DENY}")),
        Refusal::Guard(refused) => match refused {
            Refused::Place { target, .. } if refused.hint().is_some() => {
                Some(format!("to allow it, add `{target}` to {PRIVATE}"))
            }
            Refused::Place { .. } | Refused::Metadata { .. } | Refused::OwnPort { .. } => {
                Some("no setting allows it".to_owned())
            }
            Refused::Lookup { .. } | Refused::Unknown { .. } => refused.hint().map(str::to_owned),
        },
        Refusal::Slow { .. } => None,
        Refusal::Connect(err) => Some(err.hint().to_owned()),
    }
}

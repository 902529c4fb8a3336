//! What can go wrong with a request, without any secret in it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderName;
use openclaw_core::Kind;
use reqwest::Url;

/// The part of a URL that may be shown: scheme, host, port and path.
///
/// # Security
/// User name, password, query and fragment are left out, since secrets are put there. A secret in
/// the path would be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    pub(crate) fn of(url: &Url) -> Self {
        Self(format!(
            "{}{}",
            url.origin().ascii_serialization(),
            url.path()
        ))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of an exchange that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Opening the connection, TLS included.
    Connect,
    /// From sending the request to the first byte of the answer.
    FirstByte,
    /// Between two pieces of the body.
    Idle,
    /// Everything together, waits for retries included.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "did not accept the connection",
            Self::FirstByte => "did not begin to answer",
            Self::Idle => "sent nothing more",
            Self::Total => "did not finish its answer",
        })
    }
}

/// Why a request has no answer, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The text is not a URL; it is not repeated here, since it may hold a password.
    #[error("the URL of the request is not valid")]
    InvalidUrl {
        /// What is wrong with it.
        #[source]
        source: <Url as FromStr>::Err,
    },
    /// The URL is for something other than a web server.
    #[error("the URL of the request has the scheme `{scheme}` instead of http or https")]
    Scheme {
        /// The URL's scheme.
        scheme: String,
    },
    /// A secret cannot be sent as it is, for example because it ends with a newline.
    #[error("the secret for the header `{name}` has characters that a header cannot carry")]
    SecretHeader {
        /// The header.
        name: HeaderName,
    },
    /// The body cannot be written as JSON.
    #[error("the body of the request cannot be written as JSON")]
    Encode {
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// TLS cannot be set up, for example because the machine has no root certificates.
    #[error("TLS cannot be set up on this machine")]
    Tls {
        /// What is missing.
        #[source]
        source: rustls::Error,
    },
    /// The HTTP client cannot be built, for example because of a proxy setting.
    #[error("the HTTP client cannot be built")]
    Client {
        /// What is wrong.
        #[source]
        source: reqwest::Error,
    },
    /// No connection came about.
    #[error("no connection to {endpoint}")]
    Connect {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// What the network said.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection to {endpoint} broke")]
    Broken {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// What the network said.
        #[source]
        source: reqwest::Error,
    },
    /// Something took too long.
    #[error("{endpoint} {phase} within {limit:?}")]
    Timeout {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// What took too long.
        phase: Phase,
        /// How long it was allowed to take.
        limit: Duration,
    },
    /// The server answered with something other than success.
    #[error("{endpoint} answered with status {status}")]
    Status {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// The status code.
        status: u16,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
        /// The beginning of the body, at most 8 KiB.
        ///
        /// # Security
        /// Servers quote keys in their errors: redact it before it is shown or kept.
        body_excerpt: String,
    },
    /// The caller or a shutdown stopped the request.
    #[error("the request was stopped")]
    Cancelled,
}

impl HttpError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::InvalidUrl { .. } | Self::Scheme { .. } | Self::SecretHeader { .. } => {
                Kind::Config
            }
            Self::Encode { .. } => Kind::Internal,
            Self::Status { status: 429, .. } => Kind::Limited,
            Self::Tls { .. }
            | Self::Client { .. }
            | Self::Connect { .. }
            | Self::Broken { .. }
            | Self::Timeout { .. }
            | Self::Status { .. } => Kind::Unavailable,
            Self::Cancelled => Kind::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_shows_neither_user_info_nor_query() {
        let url = Url::parse("https://me:secret@api.example:8443/v1/chat?key=secret#secret");
        assert_eq!(
            Endpoint::of(&url.unwrap()).to_string(),
            "https://api.example:8443/v1/chat"
        );
    }
}

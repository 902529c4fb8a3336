//! What can go wrong with a request, without any secret in it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::HeaderName;
use openclaw_core::Kind;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::network::NetworkError;
use crate::retry::Retry;
use crate::tape::TapeError;

/// What the network said, or a cassette in its place.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

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

    /// Leaves the path out too.
    pub(crate) fn origin(url: &Url) -> Self {
        Self(url.origin().ascii_serialization())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The part of an exchange that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
    /// The certificates that the network settings name cannot be used.
    #[error(transparent)]
    Network(Box<NetworkError>),
    /// The client cannot be built, for example because a proxy variable of the environment is wrong.
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
        source: Cause,
    },
    /// No connection came about through a proxy, which may be down or refuse to make one.
    #[error("no connection to {endpoint} through the proxy {proxy}")]
    Proxy {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// The proxy.
        proxy: Endpoint,
        /// What the network said.
        #[source]
        source: Cause,
    },
    /// A proxy wants to know who asks, or does not believe it (407).
    #[error("the proxy {proxy} on the way to {endpoint} wants other credentials")]
    ProxyAuthentication {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// The proxy.
        proxy: Endpoint,
    },
    /// The server's certificate is not believed.
    #[error("the certificate of {endpoint} is not trusted")]
    Certificate {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection to {endpoint} broke")]
    Broken {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// What the network said.
        #[source]
        source: Cause,
    },
    /// The answer came compressed, which was not asked for; it is not unpacked.
    #[error("{endpoint} answered in the encoding `{encoding}`, which was not asked for")]
    Encoded {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// What the server or a proxy named.
        encoding: String,
    },
    /// The answer is longer than the caller takes.
    #[error("the answer of {endpoint} has more than {limit} bytes")]
    TooLarge {
        /// Whom the request was for.
        endpoint: Endpoint,
        /// The most bytes that the caller takes.
        limit: usize,
    },
    /// The cassette that answers in place of the network has no answer to this.
    #[error(transparent)]
    Tape(Box<TapeError>),
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
        /// How long the server asks to be left alone, in whichever header it says so.
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

impl From<NetworkError> for HttpError {
    fn from(error: NetworkError) -> Self {
        Self::Network(Box::new(error))
    }
}

impl From<TapeError> for HttpError {
    fn from(error: TapeError) -> Self {
        Self::Tape(Box::new(error))
    }
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
            Self::Network(error) => (**error).kind(),
            Self::Tape(error) => (**error).kind(),
            Self::Tls { .. }
            | Self::Client { .. }
            | Self::Connect { .. }
            | Self::Proxy { .. }
            | Self::ProxyAuthentication { .. }
            | Self::Certificate { .. }
            | Self::Broken { .. }
            | Self::Encoded { .. }
            | Self::TooLarge { .. }
            | Self::Timeout { .. }
            | Self::Status { .. } => Kind::Unavailable,
            Self::Cancelled => Kind::Cancelled,
        }
    }

    /// Returns what can be done about it, where that does not depend on whom the request was for.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Tls { .. } => Some(
                "install root certificates (Debian: apt install ca-certificates), and check what `SSL_CERT_FILE` and `SSL_CERT_DIR` name",
            ),
            Self::Certificate { .. } => Some(
                "if the server or a proxy has a certificate authority of its own, name its certificate in the provider's `request.tls.ca` or in `NODE_EXTRA_CA_CERTS`; certificates are always verified, and there is no `insecureSkipVerify`",
            ),
            Self::Client { .. } => Some("check the proxy variables of the environment"),
            Self::Encoded { .. } => {
                Some("turn compression off at the proxy or server that answers")
            }
            Self::Network(error) => (**error).hint(),
            Self::Tape(error) => (**error).hint(),
            Self::Proxy { .. } => Some(
                "check that the proxy runs and lets this through, or name another: the provider's `request.proxy.url`, or `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY`; hosts in `NO_PROXY` are reached without one",
            ),
            Self::ProxyAuthentication { .. } => Some(
                "check the user and password in the proxy's address, http://user:password@host:port: the provider's `request.proxy.url`, or `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY`",
            ),
            Self::Broken { .. } => Some(
                "try again; if it happens again, check the network and what stands between here and the server",
            ),
            Self::Timeout { .. } => Some("try again, and check that the server is not overloaded"),
            Self::TooLarge { .. } => {
                Some("check the address: nothing that is asked for here is that long")
            }
            Self::InvalidUrl { .. }
            | Self::Scheme { .. }
            | Self::SecretHeader { .. }
            | Self::Encode { .. }
            | Self::Connect { .. }
            | Self::Status { .. }
            | Self::Cancelled => None,
        }
    }

    /// Tells whether the same request may succeed later.
    ///
    /// This is so for what the server refused for now (408, 409, 429 and every 5xx, the 529 of an
    /// overloaded model included) and for what did not reach it: no connection, or one that broke
    /// before the answer began. What was answered too slowly is not among them: the server may still
    /// be at work on it.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Status { status, .. } => Retry::is_for(*status),
            Self::Connect { .. }
            | Self::Proxy { .. }
            | Self::Broken { .. }
            | Self::Timeout {
                phase: Phase::Connect,
                ..
            } => true,
            _ => false,
        }
    }

    /// Returns how long the server asks to be left alone, if it does.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
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

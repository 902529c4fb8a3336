//! Why a page cannot be read, without any query string in it.

use std::time::Duration;

use openclaw_core::Kind;
use url::ParseError;

use crate::egress::Refusal;
use crate::error::{Cause, Endpoint, HttpError};
use crate::guard::{ConnectError, HostError, Refused};

/// Why a page cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The text is no URL; it is not repeated, since it may hold a password.
    #[error("that is not a URL")]
    Url {
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// The text is longer than URLs are.
    #[error("the URL has more than {limit} bytes")]
    TooLongUrl {
        /// The most bytes that a URL may have.
        limit: usize,
    },
    /// It is no page of the web.
    #[error("the URL has the scheme `{scheme}`; only http and https are read")]
    Scheme {
        /// The URL's scheme.
        scheme: String,
    },
    /// A name or password stands in the URL.
    #[error("the URL has a user name or password in it, which is never sent")]
    Credentials,
    /// The URL names no host that could be asked.
    #[error(transparent)]
    Host(HostError),
    /// Something other than web pages is behind the port.
    #[error("port {port} is not one for web pages")]
    Port {
        /// The port.
        port: u16,
    },
    /// The owner's lists, or the judge of addresses, say no; or there is no connection.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A redirect leads to what is no URL.
    #[error("{endpoint} redirects to what is not a URL")]
    Location {
        /// Who redirects.
        endpoint: Endpoint,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// There is no end of redirects.
    #[error("{endpoint} redirects after {limit} redirects were followed")]
    Redirects {
        /// Who redirects last.
        endpoint: Endpoint,
        /// How many are followed.
        limit: u32,
    },
    /// TLS cannot be set up on this machine.
    #[error(transparent)]
    Tls {
        /// What is wrong.
        source: Box<HttpError>,
    },
    /// The server's certificate is not believed.
    #[error("the certificate of {endpoint} is not trusted")]
    Certificate {
        /// Who was asked.
        endpoint: Endpoint,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// The host does not speak HTTP, or its head is longer than is read, or the connection broke.
    #[error("{endpoint} did not answer as a web server does")]
    Broken {
        /// Who was asked.
        endpoint: Endpoint,
        /// What went wrong.
        #[source]
        source: Cause,
    },
    /// The answer is packed in a way that was not asked for.
    #[error("{endpoint} answered in the encoding `{encoding}`, which was not asked for")]
    Encoding {
        /// Who was asked.
        endpoint: Endpoint,
        /// What it named.
        encoding: String,
    },
    /// It took too long.
    #[error("{endpoint} did not finish within {limit:?}")]
    Slow {
        /// Who was asked first.
        endpoint: Endpoint,
        /// How long it was allowed to take.
        limit: Duration,
    },
    /// The caller stopped it.
    #[error("the request was stopped")]
    Cancelled,
}

impl From<Refused> for FetchError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.into())
    }
}

impl From<ConnectError> for FetchError {
    fn from(error: ConnectError) -> Self {
        Self::Refused(error.into())
    }
}

impl FetchError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Url { .. }
            | Self::TooLongUrl { .. }
            | Self::Scheme { .. }
            | Self::Credentials
            | Self::Host(_) => Kind::Invalid,
            Self::Port { .. } => Kind::Denied,
            Self::Refused(refusal) => refusal.kind(),
            Self::Tls { source } => (**source).kind(),
            Self::Location { .. }
            | Self::Redirects { .. }
            | Self::Certificate { .. }
            | Self::Broken { .. }
            | Self::Encoding { .. }
            | Self::Slow { .. } => Kind::Unavailable,
            Self::Cancelled => Kind::Cancelled,
        }
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Url { .. } | Self::Scheme { .. } => {
                Some("give a whole URL such as https://example.com/page")
            }
            Self::Credentials => Some("leave the user name and password out of the URL"),
            Self::Host(error) => Some(error.hint()),
            Self::Port { .. } => Some("have the owner add this host and port to web.private"),
            Self::Refused(Refusal::Guard(Refused::Place { place, .. })) if place.is_one_host() => {
                Some(
                    "only the owner can allow it, by naming exactly this host and port in web.private",
                )
            }
            Self::Refused(Refusal::Guard(refused)) => refused.hint(),
            Self::Refused(Refusal::NotAllowed { .. } | Refusal::Denied { .. }) => {
                Some("only the owner can change that list")
            }
            Self::Refused(Refusal::Connect(error)) => Some(error.hint()),
            Self::Tls { source } => (**source).hint(),
            Self::Redirects { .. } => Some("ask for the page that it leads to"),
            Self::Slow { .. } => Some("try again, or read another page"),
            Self::TooLongUrl { .. }
            | Self::Refused(Refusal::Slow { .. })
            | Self::Location { .. }
            | Self::Certificate { .. }
            | Self::Broken { .. }
            | Self::Encoding { .. }
            | Self::Cancelled => None,
        }
    }
}

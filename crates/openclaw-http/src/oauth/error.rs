//! Why a sign-in does not come about or does not last, without anything that a server worded.

use std::fmt;
use std::io;

use openclaw_core::Kind;

use crate::error::{Endpoint, HttpError};

/// The error codes of RFC 6749 (4.1.2.1 and 5.2), RFC 7009 and RFC 8628.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `invalid_client`
    InvalidClient,
    /// `invalid_grant`
    InvalidGrant,
    /// `unauthorized_client`
    UnauthorizedClient,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `unsupported_response_type`
    UnsupportedResponseType,
    /// `unsupported_token_type`
    UnsupportedTokenType,
    /// `invalid_scope`
    InvalidScope,
    /// `access_denied`
    AccessDenied,
    /// `server_error`
    ServerError,
    /// `temporarily_unavailable`
    TemporarilyUnavailable,
    /// `authorization_pending`
    AuthorizationPending,
    /// `slow_down`
    SlowDown,
    /// `expired_token`
    ExpiredToken,
    /// A code that is not registered; it is not kept, since it could be anything.
    Other,
}

impl ErrorCode {
    const ALL: [Self; 14] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::UnsupportedResponseType,
        Self::UnsupportedTokenType,
        Self::InvalidScope,
        Self::AccessDenied,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::AuthorizationPending,
        Self::SlowDown,
        Self::ExpiredToken,
    ];

    /// Returns the code as servers write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::Other => "a code of its own",
        }
    }

    /// Reads a code; whatever is not registered is [`ErrorCode::Other`].
    pub(super) fn read(text: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str() == text)
            .unwrap_or(Self::Other)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why only the user can go on: by signing in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The server does not accept the refresh token any more.
    Refused,
    /// The server never gave a refresh token.
    NoRefreshToken,
    /// The sign-in was made at another server than the settings name now.
    OtherServer,
    /// It has run out, and was not renewed in time.
    NotRenewed,
    /// What was kept of the sign-in cannot be read.
    Unreadable,
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the server does not accept it any more",
            Self::NoRefreshToken => "it has run out, and the server gave nothing to renew it with",
            Self::OtherServer => "it was made at another server than the settings name now",
            Self::NotRenewed => "it has run out, and could not be renewed in time",
            Self::Unreadable => "what was kept of it cannot be read",
        })
    }
}

/// What is odd about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// It is longer than such an answer can be.
    TooLong,
    /// It is not the JSON object that belongs there, or a member has a value that it cannot have.
    NotAsSpecified,
    /// A member that is required is not there.
    Missing(&'static str),
    /// The token is of a kind other than `Bearer`.
    TokenType,
    /// The metadata is that of another issuer than was asked.
    OtherIssuer,
    /// The answer comes from another issuer than was asked (RFC 9207).
    MixedUp,
    /// The server does not say which issuer it is, although it promised to.
    NoIssuer,
    /// The server supports PKCE, but not `S256`.
    NoPkce,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("it is too long"),
            Self::NotAsSpecified => f.write_str("it is not as OAuth specifies it"),
            Self::Missing(member) => write!(f, "it has no `{member}`"),
            Self::TokenType => f.write_str("its token is not a bearer token"),
            Self::OtherIssuer => f.write_str("it is the metadata of another issuer"),
            Self::MixedUp => f.write_str("it comes from another issuer"),
            Self::NoIssuer => f.write_str("it does not say which issuer it comes from"),
            Self::NoPkce => f.write_str("it does not offer PKCE with S256"),
        }
    }
}

/// Why a sign-in does not come about or does not last.
#[derive(Debug, thiserror::Error)]
pub enum OauthError {
    /// A setting is no URL; it is not repeated, since it may hold a password.
    #[error("`{setting}` is not a URL that can be used: https, without user info and fragment")]
    Url {
        /// The setting, or the member of the server's metadata.
        setting: &'static str,
    },
    /// A URL would send secrets in the open.
    #[error("`{setting}` is not https, and {endpoint} is not this machine")]
    Insecure {
        /// The setting, or the member of the server's metadata.
        setting: &'static str,
        /// The URL.
        endpoint: Endpoint,
    },
    /// The settings name neither an issuer nor endpoints.
    #[error("neither `issuer` nor `tokenEndpoint` is set")]
    NoServer,
    /// The server does not offer the way that was asked for.
    #[error("the server has no {0}")]
    NotOffered(&'static str),
    /// The server cannot be reached, or does not answer in time.
    #[error(transparent)]
    Http(HttpError),
    /// The server answered with a status that says nothing more.
    #[error("{endpoint} answered with status {status}")]
    Status {
        /// The endpoint.
        endpoint: Endpoint,
        /// The status.
        status: u16,
    },
    /// The server's answer is not what it should be.
    #[error("the answer of {endpoint} cannot be used: {odd}")]
    Odd {
        /// The endpoint.
        endpoint: Endpoint,
        /// What is odd about it.
        odd: Odd,
    },
    /// The server refused, and said why by a code.
    #[error("{endpoint} refused: {code}")]
    Refused {
        /// The endpoint.
        endpoint: Endpoint,
        /// The code.
        code: ErrorCode,
    },
    /// The user, or whoever decides for them, said no.
    #[error("the sign-in was declined")]
    Declined,
    /// Nobody signed in while there was time.
    #[error("nobody signed in in time")]
    TooLate,
    /// The sign-in cannot be renewed.
    #[error("it is over: {0}")]
    SignInAgain(Again),
    /// The browser's answer cannot be waited for.
    #[error("cannot wait for the browser on this machine")]
    Landing(#[source] io::Error),
    /// The system has no randomness.
    #[error("the system has no randomness")]
    Random(#[source] io::Error),
    /// The caller or a shutdown stopped it.
    #[error("the sign-in was stopped")]
    Cancelled,
}

impl OauthError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Url { .. } | Self::Insecure { .. } | Self::NoServer | Self::NotOffered(_) => {
                Kind::Config
            }
            Self::Http(err) => err.kind(),
            Self::Status { status: 429, .. } => Kind::Limited,
            Self::Refused {
                code: ErrorCode::InvalidGrant,
                ..
            }
            | Self::SignInAgain(_)
            | Self::TooLate => Kind::Unauthenticated,
            Self::Declined
            | Self::Refused {
                code: ErrorCode::AccessDenied,
                ..
            } => Kind::Denied,
            Self::Refused {
                code:
                    ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient | ErrorCode::InvalidScope,
                ..
            } => Kind::Config,
            Self::Status { .. }
            | Self::Odd { .. }
            | Self::Refused { .. }
            | Self::Landing(_)
            | Self::Random(_) => Kind::Unavailable,
            Self::Cancelled => Kind::Cancelled,
        }
    }

    /// Returns what the user can do about it; it starts with a verb.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::SignInAgain(_) | Self::TooLate => Some("sign in again"),
            Self::NotOffered(_) => Some("try the other way: with or without --device"),
            Self::NoServer | Self::Url { .. } | Self::Insecure { .. } => {
                Some("correct `oauth` in openclaw-rs.json5")
            }
            Self::Refused {
                code:
                    ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient | ErrorCode::InvalidScope,
                ..
            } => Some("compare `clientId` and `scopes` with what the provider gave you"),
            _ => None,
        }
    }

    /// Tells whether asking again later may help, although nothing else changes.
    pub(super) const fn is_passing(&self) -> bool {
        match self {
            Self::Http(err) => matches!(
                err,
                HttpError::Connect { .. } | HttpError::Broken { .. } | HttpError::Timeout { .. }
            ),
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            Self::Refused { code, .. } => matches!(
                code,
                ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable
            ),
            _ => false,
        }
    }
}

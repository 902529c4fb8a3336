//! What can go wrong between us and a model, without any secret in it.

use std::time::Duration;

use openclaw_core::{Kind, ProviderId};
use openclaw_http::{HttpError, Phase};

/// Why a model did not answer, or not to the end.
///
/// `message` is what the provider wrote for people, bounded and with the API key taken out.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The provider needs an API key and has none.
    #[error("provider `{provider}` has no API key")]
    MissingKey {
        /// The provider.
        provider: ProviderId,
    },
    /// No API of that name is known.
    #[error("no model API `{api}`")]
    UnknownApi {
        /// The name as the configuration gives it.
        api: String,
    },
    /// The request did not get through, or it took too long.
    #[error("provider `{provider}` cannot be asked: {source}")]
    Http {
        /// The provider.
        provider: ProviderId,
        /// What happened.
        #[source]
        source: HttpError,
    },
    /// The provider refused the request.
    #[error(
        "provider `{provider}` answered with status {status}{}",
        after_colon(message)
    )]
    Status {
        /// The provider.
        provider: ProviderId,
        /// The HTTP status.
        status: u16,
        /// What it amounts to.
        reason: Reason,
        /// What the provider says about it; may be empty.
        message: String,
        /// How long the provider asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The provider broke its answer off with an error.
    #[error("provider `{provider}` broke off its answer{}", after_colon(message))]
    Sent {
        /// The provider.
        provider: ProviderId,
        /// What it amounts to.
        reason: Reason,
        /// What the provider says about it; may be empty.
        message: String,
    },
    /// The answer ended before the model was done.
    #[error("the answer of provider `{provider}` ended before it was whole")]
    EndedEarly {
        /// The provider.
        provider: ProviderId,
        /// How the connection ended, unless it was closed in order.
        #[source]
        source: Option<HttpError>,
    },
    /// The provider sent something that its API does not have.
    #[error("provider `{provider}` sent {what}")]
    Malformed {
        /// The provider.
        provider: ProviderId,
        /// What it sent instead of what was expected.
        what: &'static str,
        /// The beginning of it, for the log.
        excerpt: String,
    },
    /// The answer is larger than we are willing to hold.
    #[error("provider `{provider}` sent {what} of more than {limit} bytes")]
    TooLarge {
        /// The provider.
        provider: ProviderId,
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The caller or a shutdown stopped the model.
    #[error("the model was stopped")]
    Cancelled,
}

fn after_colon(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

impl ProviderError {
    /// Returns the kind of this failure.
    ///
    /// A key that the provider refuses is `Unavailable` and not `Unauthenticated`: it is not our
    /// caller who is unknown. [`ProviderError::hint`] tells what to do.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::MissingKey { .. } | Self::UnknownApi { .. } => Kind::Config,
            Self::Http { source, .. } => source.kind(),
            Self::Status {
                reason: Reason::RateLimited,
                ..
            }
            | Self::Sent {
                reason: Reason::RateLimited,
                ..
            } => Kind::Limited,
            Self::Status { .. }
            | Self::Sent { .. }
            | Self::EndedEarly { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. } => Kind::Unavailable,
            Self::Cancelled => Kind::Cancelled,
        }
    }

    /// Returns what the operator can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MissingKey { provider } => {
                Some(format!("set the API key of provider `{provider}`"))
            }
            Self::UnknownApi { .. } => {
                let known = crate::PROVIDERS.iter().map(|spec| spec.api);
                Some(format!(
                    "use one of {}",
                    known.collect::<Vec<_>>().join(", ")
                ))
            }
            Self::Http { provider, source } => http_hint(provider, source),
            Self::Status {
                provider, reason, ..
            }
            | Self::Sent {
                provider, reason, ..
            } => reason.hint(provider),
            Self::EndedEarly { .. } => Some("try again".to_owned()),
            Self::Malformed { provider, .. } => Some(format!(
                "check that `baseUrl` and `api` of provider `{provider}` belong together"
            )),
            Self::TooLarge { .. } | Self::Cancelled => None,
        }
    }
}

fn http_hint(provider: &ProviderId, source: &HttpError) -> Option<String> {
    match source {
        HttpError::InvalidUrl { .. } | HttpError::Scheme { .. } => {
            Some(format!("check `baseUrl` of provider `{provider}`"))
        }
        HttpError::SecretHeader { .. } => Some(format!(
            "check the API key of provider `{provider}` for stray characters"
        )),
        HttpError::Tls { .. } => {
            Some("install root certificates (Debian: apt install ca-certificates)".to_owned())
        }
        HttpError::Connect { .. }
        | HttpError::Timeout {
            phase: Phase::Connect,
            ..
        } => Some(format!(
            "check `baseUrl` of provider `{provider}` and that its server runs"
        )),
        HttpError::Client { .. } => Some("check the proxy variables of the environment".to_owned()),
        HttpError::Encode { .. }
        | HttpError::Broken { .. }
        | HttpError::Timeout { .. }
        | HttpError::Status { .. }
        | HttpError::Cancelled => None,
    }
}

/// What a provider's refusal amounts to, whichever words it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request is wrong, or the model cannot do what it asks for.
    InvalidRequest,
    /// The key is wrong.
    Authentication,
    /// There is no money left.
    Billing,
    /// The key may not do this.
    Permission,
    /// The model or the address does not exist.
    NotFound,
    /// The request has too many bytes or too many tokens.
    TooLarge,
    /// Too many requests or tokens in too short a time.
    RateLimited,
    /// The provider has too much to do.
    Overloaded,
    /// The provider took too long.
    Timeout,
    /// Something went wrong at the provider.
    Server,
    /// Something that we have no name for.
    Unknown,
}

impl Reason {
    /// Finds the reason by the name that an API gives to an error.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "invalid_request_error" | "BadRequestError" => Self::InvalidRequest,
            "authentication_error" | "invalid_api_key" => Self::Authentication,
            "billing_error" | "insufficient_quota" => Self::Billing,
            "permission_error" => Self::Permission,
            "not_found_error" | "model_not_found" | "NotFoundError" => Self::NotFound,
            "request_too_large" | "context_length_exceeded" => Self::TooLarge,
            "rate_limit_error" | "rate_limit_exceeded" => Self::RateLimited,
            "overloaded_error" | "service_unavailable" => Self::Overloaded,
            "timeout_error" => Self::Timeout,
            "api_error" | "server_error" | "internal_error" => Self::Server,
            _ => return None,
        })
    }

    /// Finds the reason by an HTTP status.
    pub(crate) const fn of_status(status: u64) -> Self {
        match status {
            400 | 422 => Self::InvalidRequest,
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            408 | 504 => Self::Timeout,
            500..=599 => Self::Server,
            _ => Self::Unknown,
        }
    }

    fn hint(self, provider: &ProviderId) -> Option<String> {
        match self {
            Self::Authentication | Self::Permission => {
                Some(format!("check the API key of provider `{provider}`"))
            }
            Self::Billing => Some(format!("check the credit at provider `{provider}`")),
            Self::NotFound => Some(format!(
                "check the model's name and `baseUrl` of provider `{provider}`"
            )),
            Self::TooLarge => {
                Some("start a new session or choose a model with more context".into())
            }
            Self::RateLimited | Self::Overloaded | Self::Timeout | Self::Server => {
                Some("try again later or configure another model".to_owned())
            }
            Self::InvalidRequest | Self::Unknown => None,
        }
    }
}

/// Returns the beginning of a text, at most `chars` characters and a mark that it was cut.
pub(crate) fn excerpt(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => {
            let (kept, _) = text.split_at(end);
            format!("{kept}…")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_the_providers_failure_with_a_hint_for_the_operator() {
        let error = ProviderError::Status {
            provider: "anthropic".into(),
            status: 401,
            reason: Reason::of_status(401),
            message: "invalid x-api-key".into(),
            retry_after: None,
        };
        assert_eq!(
            (error.kind(), error.to_string(), error.hint()),
            (
                Kind::Unavailable,
                "provider `anthropic` answered with status 401: invalid x-api-key".into(),
                Some("check the API key of provider `anthropic`".into()),
            )
        );
    }

    #[test]
    fn an_unknown_api_names_the_known_ones() {
        let error = ProviderError::UnknownApi {
            api: "smoke".into(),
        };
        assert_eq!(
            error.hint().unwrap(),
            "use one of anthropic-messages, openai-completions, scripted"
        );
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("grün", 4), "grün");
        assert_eq!(excerpt("grün", 3), "grü…");
    }
}

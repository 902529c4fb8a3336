//! What can go wrong between us and a model, without any secret in it.

use std::time::Duration;

use openclaw_core::events::StoreError;
use openclaw_core::{Kind, ProviderId};
use openclaw_http::header::InvalidHeaderName;
use openclaw_http::{HttpError, Phase};

use crate::dispatch::{Ailment, Exhausted};
use crate::event::StopReason;
use crate::meter::{Capped, Unreserved};
pub use crate::reason::Reason;

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
    /// The configuration names a header that cannot be one.
    #[error("provider `{provider}` is to be sent a header `{name}`, which is no name of a header")]
    HeaderName {
        /// The provider.
        provider: ProviderId,
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: InvalidHeaderName,
    },
    /// The model's name would be a way out of the path that its API has for models.
    #[error(
        "provider `{provider}` cannot be asked for the model `{model}`: in an address, that is another place"
    )]
    ModelName {
        /// The provider.
        provider: ProviderId,
        /// The name.
        model: String,
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
        /// Whether something of the answer was understood before that.
        begun: bool,
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
    /// The provider kept the connection open and said nothing.
    #[error("provider `{provider}` said nothing for {} s", limit.as_secs())]
    Stalled {
        /// The provider.
        provider: ProviderId,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The provider's API cannot tell which models there are.
    #[error("provider `{provider}` has no list of its models")]
    NoListing {
        /// The provider.
        provider: ProviderId,
    },
    /// The provider's API makes no vectors, or not in the way that is known here.
    #[error("provider `{provider}` makes no embeddings")]
    NoEmbeddings {
        /// The provider.
        provider: ProviderId,
    },
    /// The model answered without a word and without a call.
    #[error("provider `{provider}` sent an answer with nothing in it (stop: {stop})")]
    Empty {
        /// The provider.
        provider: ProviderId,
        /// Why the model stopped.
        stop: StopReason,
    },
    /// The model is left alone for a while.
    #[error("provider `{provider}` is left alone for {} s because {}", seconds(*left), why.as_str())]
    Resting {
        /// The provider.
        provider: ProviderId,
        /// Why.
        why: Ailment,
        /// How long still.
        left: Duration,
    },
    /// Nobody of those who can be asked answered.
    #[error(transparent)]
    Exhausted(Exhausted),
    /// The call would exceed what may be spent.
    #[error(transparent)]
    Capped(#[from] Capped),
    /// What the call takes could not be counted, because the event log cannot be written.
    #[error(transparent)]
    Uncounted(Box<StoreError>),
    /// The caller or a shutdown stopped the model.
    #[error("the model was stopped")]
    Cancelled,
}

impl From<Unreserved> for ProviderError {
    fn from(why: Unreserved) -> Self {
        match why {
            Unreserved::Capped(capped) => Self::Capped(capped),
            Unreserved::Uncounted(err) => Self::Uncounted(err),
        }
    }
}

/// Whole seconds, of which there is always one left.
fn seconds(left: Duration) -> u64 {
    left.as_secs().max(1)
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
    pub fn kind(&self) -> Kind {
        match self {
            Self::MissingKey { .. }
            | Self::HeaderName { .. }
            | Self::ModelName { .. }
            | Self::UnknownApi { .. } => Kind::Config,
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
            | Self::Stalled { .. }
            | Self::NoListing { .. }
            | Self::NoEmbeddings { .. }
            | Self::Empty { .. }
            | Self::TooLarge { .. } => Kind::Unavailable,
            Self::Resting { why, .. } => why.kind(),
            Self::Exhausted(exhausted) => exhausted.kind(),
            Self::Capped(capped) => capped.kind(),
            Self::Uncounted(err) => err.kind(),
            Self::Cancelled => Kind::Cancelled,
        }
    }

    /// Returns what the operator can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MissingKey { provider } => {
                Some(format!("set the API key of provider `{provider}`"))
            }
            Self::HeaderName { provider, .. } => {
                Some(format!("check the headers of provider `{provider}`"))
            }
            Self::ModelName { provider, .. } => Some(format!(
                "name a model of provider `{provider}` without `.` and `..` between slashes; `openclaw models scan` lists them"
            )),
            Self::UnknownApi { .. } => {
                let known = crate::PROVIDERS.iter().map(|spec| spec.api);
                Some(format!(
                    "use one of {}",
                    known.collect::<Vec<_>>().join(", ")
                ))
            }
            Self::Http { provider, source } => http_hint(provider, source),
            Self::Status {
                provider,
                status: 301 | 302 | 303 | 307 | 308,
                ..
            } => Some(format!(
                "the address redirects, which is not followed because the key is for one server only; set `baseUrl` of provider `{provider}` to where it leads"
            )),
            Self::Status {
                provider, reason, ..
            }
            | Self::Sent {
                provider, reason, ..
            } => Some(match (reason, self.asked()) {
                (Reason::RateLimited | Reason::Overloaded, Some(asked)) => {
                    format!(
                        "try again in {} s or configure another model",
                        seconds(asked)
                    )
                }
                _ => reason.hint(provider),
            }),
            Self::EndedEarly { .. } | Self::Stalled { .. } => Some("try again".to_owned()),
            Self::Empty { stop, .. } => Some(empty_hint(stop).to_owned()),
            Self::Resting { left, .. } => Some(format!(
                "try again in {} s or configure another model",
                seconds(*left)
            )),
            Self::Exhausted(exhausted) => exhausted.hint(),
            Self::Capped(capped) => Some(capped.hint.clone()),
            Self::Malformed {
                provider,
                begun: true,
                ..
            } => Some(format!(
                "try again; if it happens again, the server of provider `{provider}` does not keep to its API, so choose another model"
            )),
            Self::Malformed { provider, .. } => Some(format!(
                "check that `baseUrl` and `api` of provider `{provider}` belong together"
            )),
            Self::TooLarge { provider, .. } => Some(format!(
                "try again; if it happens again, the server at `baseUrl` of provider `{provider}` does not end its answers"
            )),
            Self::NoEmbeddings { .. } => {
                Some("name a model of a provider that speaks OpenAI's API".to_owned())
            }
            Self::NoListing { .. } | Self::Uncounted(_) | Self::Cancelled => None,
        }
    }
}

const fn empty_hint(stop: &StopReason) -> &'static str {
    match stop {
        StopReason::Refusal => "put the message differently or choose another model",
        StopReason::MaxTokens => "let the model write more tokens (`maxTokens`)",
        StopReason::ContextLength => "start a new session or choose a model with more context",
        StopReason::EndTurn
        | StopReason::ToolUse
        | StopReason::StopSequence
        | StopReason::Other(_) => "send the message again, or put it differently",
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
        HttpError::Connect { .. }
        | HttpError::Timeout {
            phase: Phase::Connect,
            ..
        } => Some(format!(
            "check `baseUrl` of provider `{provider}` and that its server runs"
        )),
        HttpError::Timeout { phase, .. } => Some(format!(
            "try again, or allow more time: `providers.{provider}.timeouts.{}` in openclaw-rs.json5",
            match phase {
                Phase::Connect => "connect",
                Phase::FirstByte => "firstByte",
                Phase::Idle => "idle",
                Phase::Total => "total",
            }
        )),
        other => other.hint().map(str::to_owned),
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
mod tests;

//! What a failure means for the calls that come next.

use std::time::Duration;

use openclaw_http::{HttpError, Retry, jitter};

use crate::dispatch::health::Ailment;
use crate::error::{ProviderError, Reason};
use crate::event::StopReason;

/// The longest time that a provider is left alone because it asks for that: limits that providers
/// tell are for a day at most, and what is longer is a mistake or worse.
pub(crate) const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every other model would fail the same way, or nobody wants the answer any more.
    Final,
    /// This model cannot do it, and another one may.
    Unable,
    /// The key is turned down.
    Key(Ailment),
    /// The model did not work this time.
    Passing,
    /// The model does not work, and asking it again at once does not change that.
    Broken,
    /// It took so long to see that nothing comes that it is not to be seen twice.
    Silent,
    /// The model had nothing to say.
    Empty,
}

impl ProviderError {
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Http { source, .. } => of_http(source),
            Self::Status {
                reason, message, ..
            }
            | Self::Sent {
                reason, message, ..
            } => of_reason(*reason, message),
            Self::EndedEarly { .. } => Verdict::Passing,
            Self::Malformed { .. } => Verdict::Broken,
            Self::Stalled { .. } => Verdict::Silent,
            Self::Empty { stop, .. } => match stop {
                StopReason::Refusal => Verdict::Final,
                StopReason::MaxTokens | StopReason::ContextLength => Verdict::Unable,
                _ => Verdict::Empty,
            },
            Self::MissingKey { .. }
            | Self::HeaderName { .. }
            | Self::ModelName { .. }
            | Self::TooLarge { .. }
            | Self::Resting { .. } => Verdict::Unable,
            Self::UnknownApi { .. }
            | Self::NoListing { .. }
            | Self::NoEmbeddings { .. }
            | Self::Capped(_)
            | Self::Uncounted(_)
            | Self::Exhausted(_)
            | Self::Cancelled => Verdict::Final,
        }
    }

    /// Tells whether asking the same model with the same key again may help soon.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.verdict(),
            Verdict::Passing | Verdict::Empty | Verdict::Key(Ailment::RateLimited)
        )
    }

    /// Tells whether a request did not fit into a model's window: a shorter one may.
    pub fn is_too_long(&self) -> bool {
        match self {
            Self::Status { reason, .. } | Self::Sent { reason, .. } => {
                *reason == Reason::ContextLength
            }
            Self::Empty { stop, .. } => *stop == StopReason::ContextLength,
            Self::Exhausted(exhausted) => {
                let mut failures = exhausted.failures.iter();
                failures.any(|failure| failure.error.is_too_long())
            }
            _ => false,
        }
    }

    /// Returns how long the provider asks to be left alone, if it does.
    ///
    /// However long that is, it is not more than a day.
    pub(crate) fn asked(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => retry_after.map(|asked| asked.min(LONGEST_ASKED)),
            _ => None,
        }
    }

    /// Returns how long to wait before attempt number `attempt` is followed by another one; none
    /// if it was the last or the provider wants to be left alone for longer than that.
    pub(crate) fn wait(&self, retry: &Retry, attempt: u32) -> Option<Duration> {
        retry.wait(attempt, self.asked(), jitter())
    }
}

fn of_http(error: &HttpError) -> Verdict {
    match error {
        HttpError::Cancelled => Verdict::Final,
        error if error.is_temporary() => Verdict::Passing,
        HttpError::Timeout { .. } => Verdict::Silent,
        HttpError::InvalidUrl { .. }
        | HttpError::Scheme { .. }
        | HttpError::SecretHeader { .. }
        | HttpError::Encode { .. } => Verdict::Unable,
        _ => Verdict::Broken,
    }
}

fn of_reason(reason: Reason, message: &str) -> Verdict {
    match reason {
        // Some servers have no other name for `this model does not support tools`.
        Reason::InvalidRequest if message.contains("support") => Verdict::Unable,
        Reason::InvalidRequest => Verdict::Final,
        Reason::Authentication => Verdict::Key(Ailment::KeyRefused),
        Reason::Permission => Verdict::Key(Ailment::NotPermitted),
        Reason::Billing => Verdict::Key(Ailment::NoCredit),
        Reason::RateLimited => Verdict::Key(Ailment::RateLimited),
        Reason::NotFound
        | Reason::TooLarge
        | Reason::ContextLength
        | Reason::ContentFilter
        | Reason::NoTools
        | Reason::Unknown => Verdict::Unable,
        Reason::Overloaded | Reason::Timeout | Reason::Server => Verdict::Passing,
    }
}

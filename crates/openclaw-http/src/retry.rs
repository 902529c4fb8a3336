//! When a request is sent again, and how long to wait before.

use std::time::Duration;

use crate::error::HttpError;

/// How often a request is tried, and the bounds of the waits between.
///
/// Sent again is what [`HttpError::is_temporary`] says. Once a byte of the body is out, nothing is
/// sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often the request is sent at most; 0 counts as 1.
    pub attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub base: Duration,
    /// The longest wait. A server that asks for a longer one is not asked again: the error says
    /// how long it wants to be left alone.
    pub cap: Duration,
}

impl Retry {
    /// Sends the request once.
    pub const NEVER: Self = Self {
        attempts: 1,
        base: Duration::ZERO,
        cap: Duration::ZERO,
    };

    /// Tells whether a request that was refused with this status may succeed later.
    pub const fn is_for(status: u16) -> bool {
        matches!(status, 408 | 409 | 429 | 500..=599)
    }

    /// Returns how long to wait after attempt number `attempt`, which failed for now; nothing if it
    /// was the last one or the server asks for a longer wait than the cap.
    ///
    /// `asked` is how long the server asks to be left alone. `jitter` is a random number, such as
    /// [`jitter`] makes: half of the wait hangs on it, so that many clients do not come back in the
    /// same moment.
    pub fn wait(&self, attempt: u32, asked: Option<Duration>, jitter: u32) -> Option<Duration> {
        let asked = asked.unwrap_or_default();
        if attempt >= self.attempts || asked > self.cap {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.base.saturating_mul(doubled).min(self.cap);
        let share = f64::from(jitter) / f64::from(u32::MAX);
        Some(longest.mul_f64(0.5 + share / 2.0).max(asked))
    }

    /// As [`wait`](Self::wait), after `error`; nothing if that is final.
    pub fn wait_after(&self, error: &HttpError, attempt: u32, jitter: u32) -> Option<Duration> {
        if error.is_temporary() {
            self.wait(attempt, error.retry_after(), jitter)
        } else {
            None
        }
    }
}

impl Default for Retry {
    /// Four attempts, with about 0.5, 1 and 2 seconds between them, and waits of at most 30 seconds.
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
        }
    }
}

/// Returns a random number; the largest one where the system has no randomness, which waits longest.
pub fn jitter() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;
    use crate::error::Endpoint;

    fn status(status: u16, retry_after: Option<Duration>) -> HttpError {
        HttpError::Status {
            endpoint: Endpoint::of(&Url::parse("http://api.example/").unwrap()),
            status,
            retry_after,
            body_excerpt: String::new(),
        }
    }

    fn millis(retry: Retry, error: &HttpError, jitter: u32) -> Vec<u128> {
        (1..)
            .map_while(|attempt| retry.wait_after(error, attempt, jitter))
            .map(|wait| wait.as_millis())
            .collect()
    }

    #[test]
    fn waits_double_up_to_the_cap_and_half_of_each_is_chance() {
        let retry = Retry {
            attempts: 6,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(5),
        };
        let overloaded = status(529, None);
        assert_eq!(millis(retry, &overloaded, 0), [500, 1000, 2000, 2500, 2500]);
        assert_eq!(
            millis(retry, &overloaded, u32::MAX),
            [1000, 2000, 4000, 5000, 5000]
        );
    }

    #[test]
    fn a_server_that_names_a_wait_gets_at_least_that() {
        let wait = status(429, Some(Duration::from_secs(7)));
        assert_eq!(millis(Retry::default(), &wait, 0), [7000, 7000, 7000]);
    }

    #[test]
    fn a_wait_beyond_the_cap_ends_the_attempts() {
        let wait = status(429, Some(Duration::from_secs(31)));
        assert_eq!(Retry::default().wait_after(&wait, 1, 0), None);
    }

    #[test]
    fn only_temporary_refusals_are_tried_again() {
        let again = (400..600)
            .filter(|code| {
                let wait = Retry::default().wait_after(&status(*code, None), 1, 0);
                wait.is_some()
            })
            .collect::<Vec<u16>>();
        assert_eq!(
            again,
            [408, 409, 429]
                .into_iter()
                .chain(500..600)
                .collect::<Vec<_>>()
        );
    }
}

//! The end of a rest.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// When a rest is over: at a time of day, or when so much time went by, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Until {
    time: Timestamp,
    /// None if that is never.
    instant: Option<Instant>,
}

impl Until {
    pub(super) fn after(rest: Duration, now: Timestamp) -> Self {
        let time = SignedDuration::try_from(rest)
            .ok()
            .and_then(|rest| now.checked_add(rest).ok());
        Self {
            time: time.unwrap_or(Timestamp::MAX),
            instant: Instant::now().checked_add(rest),
        }
    }

    /// Returns the time of day, to be shown.
    pub(super) const fn time(&self) -> Timestamp {
        self.time
    }

    /// Returns how long it takes until then.
    pub(super) fn left(&self, now: Timestamp) -> Duration {
        let by_day = self.time.duration_since(now).max(SignedDuration::ZERO);
        let by_day = by_day.unsigned_abs();
        let by_itself = self
            .instant
            .map(|instant| instant.saturating_duration_since(Instant::now()));
        by_itself.map_or(by_day, |left| left.min(by_day))
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.left(now).is_zero()
    }
}

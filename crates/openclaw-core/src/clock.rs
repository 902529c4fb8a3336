//! The one source of the time of day.

use std::sync::Arc;

use jiff::{Timestamp, Unit};
use parking_lot::Mutex;

/// Tells the time; a fixed clock stands still until a test moves it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Fixed(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// Returns the clock of the machine.
    pub fn system() -> Self {
        Self::default()
    }

    /// Returns a clock that shows `now` until [`Clock::set`] is called on it or a clone of it.
    pub fn fixed(now: Timestamp) -> Self {
        Self(Source::Fixed(Arc::new(Mutex::new(now))))
    }

    /// Moves a fixed clock; the system's clock cannot be moved.
    pub fn set(&self, now: Timestamp) {
        if let Source::Fixed(time) = &self.0 {
            *time.lock() = now;
        }
    }

    /// Returns the current time in whole milliseconds, the precision that the event log keeps.
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            Source::System => Timestamp::now(),
            Source::Fixed(time) => *time.lock(),
        };
        // Rounding a time that exists to milliseconds cannot leave the range of times.
        now.round(Unit::Millisecond).unwrap_or(now)
    }
}

/// Returns a time as the wire and the command line show it: RFC 3339, UTC, three decimals.
///
/// ```
/// let time = jiff::Timestamp::from_millisecond(1_500)?;
/// assert_eq!(openclaw_core::clock::rfc3339(time), "1970-01-01T00:00:01.500Z");
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn rfc3339(time: Timestamp) -> String {
    format!("{time:.3}")
}

//! The time that limits count by.

use std::time::Instant;

use governor::clock::Clock;
#[cfg(test)]
use governor::clock::FakeRelativeClock;
use governor::nanos::Nanos;

/// A clock that counts from when it was made; never from the calendar, which can be set back.
#[derive(Clone, Debug)]
pub(super) enum Ticks {
    /// The system's.
    System(Instant),
    /// One that a test moves.
    #[cfg(test)]
    Fake(FakeRelativeClock),
}

impl Ticks {
    /// Starts to count.
    pub(super) fn system() -> Self {
        Self::System(Instant::now())
    }
}

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match self {
            Self::System(start) => start.elapsed().into(),
            #[cfg(test)]
            Self::Fake(clock) => clock.now(),
        }
    }
}

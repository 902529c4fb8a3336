//! Where a run's model calls are counted against what may be spent.

use std::fmt;
use std::sync::Arc;

use openclaw_core::{AgentId, ChannelId, RunId, SessionKey};
use openclaw_providers::{Meter, Unmetered};

pub use openclaw_core::usage::Attended;

/// Whose money a run spends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// The agent.
    pub agent: AgentId,
    /// The session.
    pub session: SessionKey,
    /// The run.
    pub run: RunId,
    /// The channel that its message came by.
    pub channel: ChannelId,
    /// Whether anybody waits for the answer; a run that nobody watches has a cap of its own.
    pub attended: Attended,
}

/// Gives each run its meter.
pub trait Meters: fmt::Debug + Send + Sync {
    /// Returns the meter of a run's calls.
    fn of_run(&self, whose: Whose) -> Arc<dyn Meter>;
}

/// Lets every run spend what it likes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMeters;

impl Meters for NoMeters {
    fn of_run(&self, _whose: Whose) -> Arc<dyn Meter> {
        Arc::new(Unmetered)
    }
}

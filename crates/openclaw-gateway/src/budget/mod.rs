//! What models may cost: hard caps, kept by setting money aside before each call.
//!
//! What was spent is in the event log, and so is what the calls under way have set aside, whichever
//! process makes them. So a cap holds for all processes on one log, and over a restart. What a run
//! may spend is counted by its own meter, which ends with the run.
//!
//! Reading order: `rules` is what the config says, `meter` asks before each call, `refusal` says
//! why a call may not be made.

mod meter;
mod refusal;
mod rules;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use openclaw_agents::{Meters, Whose};
use openclaw_core::{Clock, EventStore};
use openclaw_providers::Meter;
use parking_lot::RwLock;
use tokio::sync::Notify;

use self::meter::RunMeter;
pub(crate) use self::rules::{Day, Rule, Rules};

/// Keeps the caps of a gateway.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: EventStore,
    clock: Clock,
    rules: RwLock<Arc<Rules>>,
    /// Says that a call has ended, and that others may have room now.
    freed: Notify,
}

impl Budget {
    /// Keeps these caps over the calls that a log has.
    pub(crate) fn new(store: EventStore, clock: Clock, rules: Rules) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                clock,
                rules: RwLock::new(Arc::new(rules)),
                freed: Notify::new(),
            }),
        }
    }

    /// Puts other caps in the place of these; they go for runs that are under way, too.
    pub(crate) fn replace(&self, rules: Rules) {
        *self.shared.rules.write() = Arc::new(rules);
    }

    /// Returns the caps as they are now.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.shared.rules.read())
    }

    /// Returns the day that it is.
    pub(crate) fn today(&self) -> Day {
        self.rules().day_of(self.shared.clock.now())
    }

    /// Lets those who wait for room look again.
    pub(crate) fn free(&self) {
        self.shared.freed.notify_waiters();
    }
}

impl Meters for Budget {
    fn of_run(&self, whose: Whose) -> Arc<dyn Meter> {
        Arc::new(RunMeter::new(self.clone(), whose))
    }
}

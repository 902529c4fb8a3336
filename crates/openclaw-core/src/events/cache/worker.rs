//! The thread that takes in the log beside the rest of the process, with little effort.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::Shared;
use super::index::{self, Budget};
use super::schema::Failure;
use crate::events::error::StoreError;

/// How long it waits for more events once there is one.
const GATHER: Duration = Duration::from_millis(200);
/// How much it takes in at a time, and so how long a shutdown may wait for it.
const STEP: Budget = Budget {
    events: 1024,
    time: Duration::from_millis(50),
};

/// After how long without an append the log is quiet.
const QUIET: Duration = Duration::from_millis(500);
/// How many times as long as it works it rests while the log is not quiet.
const BUSY: u32 = 30;

/// Starts the thread; without it, searches take in the log by themselves.
pub(super) fn start(shared: &Arc<Shared>) -> Option<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    Builder::new()
        .name("event-index".to_owned())
        .spawn(move || run(&shared))
        .inspect_err(|err| tracing::warn!(%err, "the event log is indexed by searches only"))
        .ok()
}

fn run(shared: &Shared) {
    let mut failing = false;
    while shared.wait_for_growth() {
        let outcome = shared.take_in_all();
        if let Err(err) = &outcome
            && !failing
        {
            tracing::warn!(%err, "the event log cannot be indexed now");
        }
        failing = outcome.is_err();
    }
}

impl Shared {
    /// Waits until the log has grown, and closes the files meanwhile; returns `false` at the end.
    fn wait_for_growth(&self) -> bool {
        let mut signal = self.signal.lock();
        while !signal.grew && !signal.stop {
            if !self.is_open.load(Ordering::Relaxed) {
                self.signalled.wait(&mut signal);
            } else if self.signalled.wait_for(&mut signal, self.idle).timed_out() {
                drop(signal);
                self.close_idle();
                signal = self.signal.lock();
            }
        }
        drop(signal);
        if !self.rest(GATHER) {
            return false;
        }
        self.signal.lock().grew = false;
        true
    }

    /// Takes in everything; it rests as long as it works, and stops at the end of the process.
    fn take_in_all(&self) -> Result<(), StoreError> {
        loop {
            let begun = Instant::now();
            let done = self.with(|open| {
                let taken = index::take_in(open, &STEP)?;
                let caught_up = taken.cursor >= taken.head;
                if caught_up && taken.purge {
                    return index::purge(open);
                }
                Ok::<_, Failure>(caught_up)
            })?;
            if done || !self.rest(self.pause(begun.elapsed())) {
                return Ok(());
            }
        }
    }

    /// Returns how long to rest after that much work: long while others append, whom a search for
    /// the last words can wait for better than they for the index.
    fn pause(&self, work: Duration) -> Duration {
        let quiet = self
            .signal
            .lock()
            .at
            .is_none_or(|grew| grew.elapsed() > QUIET);
        if quiet {
            work
        } else {
            work.saturating_mul(BUSY)
        }
    }

    /// Waits, and tells whether there is reason to go on.
    fn rest(&self, time: Duration) -> bool {
        let until = Instant::now().checked_add(time);
        let mut signal = self.signal.lock();
        while !signal.stop {
            // It is woken when the log grows, too.
            let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
            match left {
                Some(left) if !left.is_zero() => {
                    self.signalled.wait_for(&mut signal, left);
                }
                _ => return true,
            }
        }
        false
    }
}

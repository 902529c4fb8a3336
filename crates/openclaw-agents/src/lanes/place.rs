//! What a run sees of its lane: who steers it, who is answered with it, and who waits behind it.

use std::sync::Arc;

use openclaw_core::SessionKey;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::job::Job;
use super::queue::Lanes;
use crate::error::AgentError;
use crate::run::Reply;

/// A run's place in its lane.
#[derive(Clone, Debug)]
pub(crate) struct Place(Arc<Seated>);

#[derive(Debug)]
struct Seated {
    lanes: Arc<Lanes>,
    session: SessionKey,
    /// Those who are to be answered with the run and whose messages it has not taken yet.
    together: Mutex<Vec<Job>>,
    /// Those who are answered with the run.
    taken: Mutex<Vec<Job>>,
}

impl Place {
    pub(crate) fn new(lanes: Arc<Lanes>, session: SessionKey, together: Vec<Job>) -> Self {
        Self(Arc::new(Seated {
            lanes,
            session,
            together: Mutex::new(together),
            taken: Mutex::default(),
        }))
    }

    /// Returns the messages that the run is to take now, by their events, in their order.
    ///
    /// They wait in `together` until the run says that it has recorded them.
    pub(crate) fn arrivals(&self) -> Vec<u64> {
        let steering = self.0.lanes.steering(&self.0.session);
        let mut together = self.0.together.lock();
        together.extend(steering);
        together.iter().map(|job| job.message).collect()
    }

    /// Takes note that those messages are on record as taken.
    pub(crate) fn took(&self, messages: &[u64]) {
        let mut together = self.0.together.lock();
        let (taken, left): (Vec<Job>, Vec<Job>) = std::mem::take(&mut *together)
            .into_iter()
            .partition(|job| messages.contains(&job.message));
        *together = left;
        self.0.taken.lock().extend(taken);
    }

    /// Returns what the run is to be told of messages that got no turn.
    pub(crate) fn dropped(&self) -> Vec<String> {
        self.0.lanes.dropped(&self.0.session)
    }

    /// Returns what says that a message waits which steers the run.
    pub(crate) fn steered(&self) -> CancellationToken {
        self.0.lanes.steered(&self.0.session)
    }

    /// Tells whether the run ends for the sake of a newer message.
    pub(crate) fn is_superseded(&self) -> bool {
        self.0.lanes.is_superseded(&self.0.session)
    }

    /// Tells whether another message waits behind the run, or will; if none does, none can until
    /// the lane is gone.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.0.together.lock().is_empty() || self.0.lanes.is_wanted(&self.0.session)
    }

    /// Answers those whose messages the run has taken; the others wait again.
    pub(crate) fn answer(&self, outcome: &Result<Reply, AgentError>) {
        for job in std::mem::take(&mut *self.0.taken.lock()) {
            let outcome = match outcome {
                Ok(reply) => Ok(reply.clone()),
                Err(err) => Err(AgentError::FailedTogether {
                    kind: err.kind(),
                    message: err.to_string(),
                    hint: err.hint(),
                }),
            };
            // Whoever asked may have gone; the answer is on record.
            drop(job.reply.send(outcome));
        }
        let left = std::mem::take(&mut *self.0.together.lock());
        if !left.is_empty() {
            self.0.lanes.put_back(&self.0.session, left);
        }
    }
}

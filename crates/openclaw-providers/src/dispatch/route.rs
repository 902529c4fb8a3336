//! An agent's model and what stands in for it.

use std::sync::Arc;

use openclaw_core::{Clock, ModelRef};
use tokio_util::sync::CancellationToken;

use crate::dispatch::answer::{Answer, Refused};
use crate::dispatch::candidate::{Candidate, Policy};
use crate::dispatch::fit::fit;
use crate::dispatch::health::Health;
use crate::dispatch::search::Search;
use crate::meter::Meter;
use crate::provider::Provider;
use crate::request::Request;

/// Models in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Route {
    candidates: Vec<Candidate>,
    health: Arc<Health>,
    policy: Policy,
}

impl Route {
    /// Makes a route; the first candidate is the model, the others stand in for it.
    pub fn new(candidates: Vec<Candidate>, health: Arc<Health>, policy: Policy) -> Self {
        Self {
            candidates,
            health,
            policy,
        }
    }

    /// Makes a route to one model that nothing stands in for.
    pub fn only(provider: Arc<dyn Provider>, model: &str) -> Self {
        Self::new(
            vec![Candidate::new(provider, model)],
            Arc::new(Health::new(Clock::system())),
            Policy::default(),
        )
    }

    /// Returns who is asked, in order.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Returns the model that is asked first.
    pub fn primary(&self) -> Option<&ModelRef> {
        self.candidates.first().map(|candidate| &candidate.model)
    }

    /// Returns who is at rest.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Returns how patient it is.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns a request as the model that is asked first gets it.
    pub fn fitted(&self, request: &Request) -> Option<Request> {
        Some(fit(request, self.candidates.first()?))
    }

    /// Asks until somebody begins to answer.
    ///
    /// Of the request, `model` is replaced for each candidate, and what it leaves open is filled in
    /// with the candidate's defaults.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; so does `stop`.
    pub async fn ask(
        &self,
        request: &Request,
        meter: &dyn Meter,
        stop: &CancellationToken,
    ) -> Result<Answer, Refused> {
        Search::new(self, request, meter, stop).answer().await
    }
}

//! Leave to make a call, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::ModelRef;

use super::{Ailment, Blow, Health, Patient, Rest};

/// Leave to ask a model with a key; what came of it is told here. Dropped without a word, it
/// leaves everything as it was.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(super) health: Arc<Health>,
    pub(super) model: ModelRef,
    pub(super) credential: String,
    pub(super) probes: bool,
}

impl Pass {
    /// Tells whether this call finds out if a model works again.
    pub(crate) const fn is_probe(&self) -> bool {
        self.probes
    }

    pub(crate) const fn model(&self) -> &ModelRef {
        &self.model
    }

    pub(crate) fn credential(&self) -> &str {
        &self.credential
    }

    /// It answered.
    pub(crate) fn healthy(&mut self) {
        let model = &self.model;
        let mut records = self.health.records.lock();
        for patient in [
            Patient::key(model, &self.credential, None),
            Patient::key(model, &self.credential, Some(&model.model)),
            Patient::circuit(model),
        ] {
            records.remove(&patient);
        }
        self.probes = false;
    }

    /// The key was turned down; returns how long it rests.
    pub(crate) fn key_fails(
        &mut self,
        ailment: Ailment,
        rest: Rest,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        let of = ailment
            .is_of_one_model()
            .then_some(self.model.model.as_str());
        let key = Patient::key(&self.model, &self.credential, of);
        self.health.fail(key, ailment, Blow::Fells { rest, asked })
    }

    /// The model failed; returns how long it rests, if it does.
    pub(crate) fn model_fails(&mut self, rest: Rest, asked: Option<Duration>) -> Option<Duration> {
        let blow = match asked {
            Some(_) => Blow::Fells { rest, asked },
            None => Blow::Counts { rest },
        };
        self.fail_circuit(blow)
    }

    /// The model failed in a way that takes too long to be seen again; returns how long it rests.
    pub(crate) fn model_hangs(&mut self, rest: Rest) -> Option<Duration> {
        self.fail_circuit(Blow::Fells { rest, asked: None })
    }

    fn fail_circuit(&mut self, blow: Blow) -> Option<Duration> {
        self.probes = false;
        self.health
            .fail(Patient::circuit(&self.model), Ailment::Failing, blow)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.probes {
            let circuit = Patient::circuit(&self.model);
            if let Some(record) = self.health.records.lock().get_mut(&circuit) {
                record.probed = false;
            }
        }
    }
}

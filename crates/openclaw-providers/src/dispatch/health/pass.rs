//! Leave to make a call, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::ModelRef;

use super::{Ailment, Blow, Health, Patient, Rest};
use crate::identity::Identity;

/// Leave to ask a model with a key; what came of it is told here. Dropped without a word, it
/// leaves everything as it was.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(super) health: Arc<Health>,
    pub(super) model: ModelRef,
    pub(super) credential: String,
    pub(super) identity: Identity,
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

    /// The key, for one model or for all.
    pub(super) fn key(&self, of: Option<&str>) -> Patient {
        Patient {
            provider: self.model.provider.clone(),
            model: of.map(str::to_owned),
            credential: Some(self.credential.clone()),
            identity: self.identity,
        }
    }

    /// The model, whatever the key.
    pub(super) fn circuit(&self) -> Patient {
        Patient {
            provider: self.model.provider.clone(),
            model: Some(self.model.model.clone()),
            credential: None,
            identity: self.identity.of_address(),
        }
    }

    /// It answered; so who failed under its names before they were given to it is gone, too.
    pub(crate) fn healthy(&mut self) {
        let patients = [
            self.key(None),
            self.key(Some(&self.model.model)),
            self.circuit(),
        ];
        let mut records = self.health.records.lock();
        let changes = records.changes;
        records.by_patient.retain(|patient, record| {
            let is_gone = |healed: &Patient| {
                patient == healed || (record.changes < changes && patient.is_named_like(healed))
            };
            !patients.iter().any(is_gone)
        });
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
        self.health
            .fail(self.key(of), ailment, Blow::Fells { rest, asked })
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
        self.health.fail(self.circuit(), Ailment::Failing, blow)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.probes {
            let mut records = self.health.records.lock();
            if let Some(record) = records.by_patient.get_mut(&self.circuit()) {
                record.probed = false;
            }
        }
    }
}

//! Who is to be left alone, and for how long.
//!
//! Two things can be ill. A key rests when its provider turns it down: a rate limit counts for the
//! model that it was hit with, a key that is refused or has no credit rests for every model. A
//! model has a circuit: failures that are nobody's key's fault open it, and once its rest is over
//! a single call, the probe, finds out whether it closes again.
//!
//! A rest grows with the failures in a row and is forgotten with the first answer, or when nothing
//! failed for an hour. Nothing of this is kept on disk: a restart asks everybody again.
//!
//! Who rests is told apart by more than names: a rest is that of the address that was asked, and of
//! the key that it was asked with, so that another address or another key is tried at once. It is
//! over when either the time of day or the time that went by says so; a clock that is put back
//! makes nobody rest for longer.

mod pass;
mod until;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use openclaw_core::{Clock, Kind, ModelRef, ProviderId};
use parking_lot::Mutex;

use crate::dispatch::candidate::{Credential, Policy};
use crate::identity::Identity;
pub(crate) use pass::Pass;
pub(crate) use until::Until;

/// How long failures count: who did not fail for so long begins anew.
const MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// What ails a key or a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// The provider counts too many requests or tokens.
    RateLimited,
    /// The provider does not know the key.
    KeyRefused,
    /// The key may not do this.
    NotPermitted,
    /// There is no money left.
    NoCredit,
    /// The model does not answer, or not to the end.
    Failing,
}

impl Ailment {
    /// Returns what ails it, in words that go on a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "too many requests were made",
            Self::KeyRefused => "the key was refused",
            Self::NotPermitted => "the key may not use it",
            Self::NoCredit => "there is no credit left",
            Self::Failing => "it failed",
        }
    }

    /// Returns the kind of a failure for which this is why.
    pub const fn kind(self) -> Kind {
        match self {
            Self::RateLimited => Kind::Limited,
            Self::KeyRefused | Self::NotPermitted | Self::NoCredit | Self::Failing => {
                Kind::Unavailable
            }
        }
    }

    /// Tells whether it does not pass by itself.
    pub(crate) const fn needs_its_owner(self) -> bool {
        matches!(self, Self::KeyRefused | Self::NotPermitted | Self::NoCredit)
    }

    const fn is_of_one_model(self) -> bool {
        matches!(self, Self::RateLimited | Self::NotPermitted | Self::Failing)
    }
}

/// How long somebody rests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// The first rest.
    pub(crate) first: Duration,
    /// The rest of a key that needs its owner.
    pub(crate) long: Duration,
    /// How many failures open a circuit.
    pub(crate) threshold: u32,
}

impl Rest {
    pub(crate) fn of(policy: &Policy, first: Option<Duration>) -> Self {
        Self {
            first: first.unwrap_or(policy.rest),
            long: policy.long_rest,
            threshold: policy.threshold.max(1),
        }
    }

    fn after(&self, ailment: Ailment, failures: u32) -> Duration {
        if ailment.needs_its_owner() {
            return self.long;
        }
        let times = match failures {
            0 | 1 => 1,
            2 => 2,
            _ => 10,
        };
        self.first.saturating_mul(times)
    }
}

/// Somebody who rests, or failed and has not answered since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The provider.
    pub provider: ProviderId,
    /// The key; none if it is the model that rests, whatever the key.
    pub credential: Option<String>,
    /// The model; none if it is the key that rests, whatever the model.
    pub model: Option<String>,
    /// Why.
    pub ailment: Ailment,
    /// How often in a row it failed.
    pub failures: u32,
    /// When it is asked again; none if it is not at rest.
    pub until: Option<Timestamp>,
}

/// The health of every key and every model of a gateway. It outlives changes of the config.
#[derive(Debug, Default)]
pub struct Health {
    clock: Clock,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    by_patient: BTreeMap<Patient, Record>,
    /// How often keys and addresses were changed.
    changes: u64,
}

/// Who can be ill.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Patient {
    provider: ProviderId,
    model: Option<String>,
    credential: Option<String>,
    identity: Identity,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    ailment: Ailment,
    /// How often in a row it failed.
    failures: u32,
    /// How often in a row it was sent to rest.
    rests: u32,
    last: Timestamp,
    until: Option<Until>,
    /// Whether the provider named the end of the rest.
    asked: bool,
    /// How often keys and addresses had been changed at the last failure.
    changes: u64,
    /// Whether somebody is finding out at this moment.
    probed: bool,
}

/// Why somebody is not asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AtRest {
    pub(crate) until: Until,
    pub(crate) ailment: Ailment,
    /// Whether the provider itself named the time.
    pub(crate) asked: bool,
}

impl AtRest {
    /// Returns how long it takes to its end.
    pub(crate) fn left(&self, now: Timestamp) -> Duration {
        self.until.left(now)
    }
}

impl Health {
    /// Knows of nobody's illness.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            records: Mutex::default(),
        }
    }

    /// Returns everybody whose last call failed, in the order of their names.
    pub fn snapshot(&self) -> Vec<Standing> {
        let now = self.clock.now();
        let records = self.records.lock();
        let standings = records.by_patient.iter();
        let standings = standings.map(|(patient, record)| Standing {
            provider: patient.provider.clone(),
            credential: patient.credential.clone(),
            model: patient.model.clone(),
            ailment: record.ailment,
            failures: record.failures,
            until: record.at_rest(now).map(|rest| rest.until.time()),
        });
        standings.collect()
    }

    /// Forgets every rest but those that a provider asked for: keys and addresses were changed, and
    /// may work now.
    pub fn reconsider(&self) {
        let now = self.clock.now();
        let mut records = self.records.lock();
        records.changes = records.changes.saturating_add(1);
        let stays = |record: &Record| record.asked && record.at_rest(now).is_some();
        records.by_patient.retain(|_, record| stays(record));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets a call to a model with a key pass, or says why not.
    ///
    /// The pass may be for a probe, of which there is one at a time.
    pub(crate) fn admit(
        self: &Arc<Self>,
        model: &ModelRef,
        credential: &Credential,
    ) -> Result<Pass, AtRest> {
        let now = self.clock.now();
        let mut pass = self.force(model, credential);
        let mut records = self.records.lock();
        let keys = [pass.key(None), pass.key(Some(&model.model))];
        let resting = keys
            .iter()
            .filter_map(|key| records.by_patient.get(key)?.at_rest(now))
            .max_by_key(|rest| rest.left(now));
        if let Some(rest) = resting {
            return Err(rest);
        }
        let circuit = records.by_patient.get_mut(&pass.circuit());
        let probes = match circuit {
            None => false,
            Some(record) => match (record.at_rest(now), record.until) {
                (Some(rest), _) => return Err(rest),
                (None, None) => false,
                (None, Some(until)) if record.probed => {
                    return Err(AtRest {
                        until,
                        ailment: record.ailment,
                        asked: false,
                    });
                }
                (None, Some(_over)) => {
                    record.probed = true;
                    true
                }
            },
        };
        drop(records);
        pass.probes = probes;
        Ok(pass)
    }

    /// Lets a call pass whoever rests.
    pub(crate) fn force(self: &Arc<Self>, model: &ModelRef, credential: &Credential) -> Pass {
        Pass {
            health: Arc::clone(self),
            model: model.clone(),
            credential: credential.name.clone(),
            identity: credential.provider.identity(),
            probes: false,
        }
    }

    fn fail(&self, patient: Patient, ailment: Ailment, blow: Blow) -> Option<Duration> {
        let now = self.clock.now();
        let mut records = self.records.lock();
        let changes = records.changes;
        let record = records
            .by_patient
            .entry(patient)
            .and_modify(|record| {
                if now.duration_since(record.last) > MEMORY {
                    record.failures = 0;
                    record.rests = 0;
                }
            })
            .or_insert(Record {
                ailment,
                failures: 0,
                rests: 0,
                last: now,
                until: None,
                asked: false,
                changes,
                probed: false,
            });
        record.ailment = ailment;
        record.changes = changes;
        record.failures = record.failures.saturating_add(1);
        record.last = now;
        let (rest, asked) = match blow {
            Blow::Counts { rest } if record.failures < rest.threshold && record.until.is_none() => {
                return None;
            }
            Blow::Counts { rest } | Blow::Fells { rest, asked: None } => {
                // Calls that ran side by side and fail together are one illness.
                if record.until.is_none_or(|until| until.is_over(now)) {
                    record.rests = record.rests.saturating_add(1);
                }
                (rest.after(ailment, record.rests), false)
            }
            Blow::Fells {
                asked: Some(asked), ..
            } => {
                record.rests = record.rests.saturating_add(1);
                (asked, true)
            }
        };
        if record.until.is_none_or(|earlier| earlier.left(now) <= rest) {
            record.until = Some(Until::after(rest, now));
            record.asked = asked;
        }
        record.probed = false;
        Some(rest)
    }
}

/// How hard a failure hits.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// One of a row.
    Counts { rest: Rest },
    /// It has to rest at once, for as long as the provider asks.
    Fells { rest: Rest, asked: Option<Duration> },
}

impl Record {
    fn at_rest(&self, now: Timestamp) -> Option<AtRest> {
        let until = self.until.filter(|until| !until.is_over(now))?;
        Some(AtRest {
            until,
            ailment: self.ailment,
            asked: self.asked,
        })
    }
}

impl Patient {
    /// Tells whether somebody goes by the same names.
    fn is_named_like(&self, other: &Self) -> bool {
        let names = |patient: &Self| {
            let Self {
                provider,
                model,
                credential,
                identity: _,
            } = patient.clone();
            (provider, model, credential)
        };
        names(self) == names(other)
    }
}

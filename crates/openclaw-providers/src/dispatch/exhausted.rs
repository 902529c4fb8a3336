//! What is said when nobody answered.

use std::fmt;

use openclaw_core::{Kind, ModelRef};

use crate::dispatch::health::Ailment;
use crate::dispatch::verdict::Verdict;
use crate::error::ProviderError;

/// One candidate that did not answer.
#[derive(Debug)]
pub struct Failure {
    /// The model.
    pub model: ModelRef,
    /// Why.
    pub error: ProviderError,
}

/// Nobody answered.
#[derive(Debug)]
pub struct Exhausted {
    /// Everybody who was asked or passed over, in order.
    pub failures: Vec<Failure>,
}

impl Exhausted {
    /// Returns the kind of the failure that somebody can do most about.
    pub fn kind(&self) -> Kind {
        self.telling().map_or(Kind::Config, ProviderError::kind)
    }

    /// Returns the hint of the failure that somebody can do most about.
    pub fn hint(&self) -> Option<String> {
        match self.telling() {
            Some(error) => error.hint(),
            None => Some("name a model in agents.defaults.model.primary".to_owned()),
        }
    }

    fn telling(&self) -> Option<&ProviderError> {
        let errors = self.failures.iter().map(|failure| &failure.error);
        errors.min_by_key(|error| weight(error))
    }
}

/// Orders failures by what somebody can do about them: most first.
pub(crate) fn weight(error: &ProviderError) -> u8 {
    match error.verdict() {
        Verdict::Key(Ailment::KeyRefused | Ailment::NoCredit | Ailment::NotPermitted) => 0,
        Verdict::Final => 1,
        Verdict::Unable if !matches!(error, ProviderError::Resting { .. }) => 2,
        Verdict::Key(_) => 3,
        Verdict::Passing | Verdict::Broken | Verdict::Silent | Verdict::Empty => 4,
        Verdict::Unable => 5,
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures.is_empty() {
            return f.write_str("there is no model that could be asked");
        }
        f.write_str("no model answered")?;
        let mut before = ": ";
        for Failure { model, error } in &self.failures {
            write!(f, "{before}`{model}`: {error}")?;
            before = "; ";
        }
        Ok(())
    }
}

impl std::error::Error for Exhausted {}

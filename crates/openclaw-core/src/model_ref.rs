//! A model's name: its provider and what that calls it.

use std::fmt;
use std::str::FromStr;

use crate::ids::ProviderId;

/// A model, named as `provider/model`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelRef {
    /// The provider.
    pub provider: ProviderId,
    /// The provider's name for the model; it may contain slashes.
    pub model: String,
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

impl FromStr for ModelRef {
    type Err = ModelRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => Ok(Self {
                provider: provider.into(),
                model: model.to_owned(),
            }),
            _ => Err(ModelRefError(text.to_owned())),
        }
    }
}

/// The text is not of the form `provider/model`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no model: write `provider/model`")]
pub struct ModelRefError(String);

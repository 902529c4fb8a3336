//! Output of the method about models and their keys.

use openclaw_core::ProviderId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Output of `models.status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelsStatusOutput {
    /// The models and keys whose last call failed, by name.
    pub failing: Vec<FailingModel>,
}

/// A model or a key whose last call failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailingModel {
    /// The provider.
    pub provider: ProviderId,
    /// The model; null if it is the key that fails, whatever the model.
    pub model: Option<String>,
    /// The name of the key; null if it is the model that fails, whatever the key.
    pub credential: Option<String>,
    /// Why.
    pub why: String,
    /// How often in a row it failed.
    pub failures: u32,
    /// Until when it is left alone; null if it is asked the next time.
    pub until: Option<String>,
}

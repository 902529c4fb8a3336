//! JSON that is passed on without being read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// One JSON value, byte for byte as its writer wrote it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct JsonText(#[schemars(with = "Value")] Box<RawValue>);

impl JsonText {
    /// Takes text that has to be one JSON value.
    pub fn new(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// Returns the text as it was given.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl From<&RawValue> for JsonText {
    fn from(json: &RawValue) -> Self {
        Self(json.to_owned())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

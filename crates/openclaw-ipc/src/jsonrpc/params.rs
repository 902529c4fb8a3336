//! The params of one call, before they are read as the method's own type.

use openclaw_core::Kind;
use openclaw_core::decode::decode;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::RpcError;
use super::strict::{self, Unusable};

/// What a request carries for its method.
#[derive(Clone, Debug, PartialEq)]
pub struct Params(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Object(Map<String, Value>),
    Array(Vec<Value>),
    Unusable(Unusable),
}

impl Params {
    /// Reads the member `params`, or nothing when it is neither object, array nor null.
    pub(super) fn read(json: Option<&RawValue>) -> Option<Self> {
        let Some(json) = json else {
            return Some(Self::default());
        };
        if json.get().starts_with('n') {
            return Some(Self::default());
        }
        if !json.get().starts_with(['[', '{']) {
            return None;
        }
        Some(Self(match strict::value(json.get()) {
            Ok(Value::Object(object)) => Form::Object(object),
            Ok(Value::Array(array)) => Form::Array(array),
            // The text begins like one of the two, and is JSON.
            Ok(_) => Form::Unusable(Unusable::Unreadable),
            Err(unusable) => Form::Unusable(unusable),
        }))
    }

    /// Reads the params as a method's own type; `fields` are the type's fields in their order, for
    /// a caller who gives params by position.
    ///
    /// The error names the field that does not fit.
    pub fn decode<P: DeserializeOwned>(
        self,
        fields: impl FnOnce() -> Vec<String>,
    ) -> Result<P, RpcError> {
        let object = match self.0 {
            Form::Object(object) => object,
            Form::Array(array) => named(array, fields())?,
            Form::Unusable(Unusable::Repeated) => {
                let message = "params name a member twice in the same object";
                return Err(RpcError::new(Kind::Invalid, message));
            }
            Form::Unusable(Unusable::Unreadable) => {
                let message = "params have a number out of range or a broken escape";
                return Err(RpcError::new(Kind::Invalid, message));
            }
        };
        Ok(decode(Value::Object(object))?)
    }
}

/// Gives params their names.
fn named(given: Vec<Value>, fields: Vec<String>) -> Result<Map<String, Value>, RpcError> {
    if given.len() <= fields.len() {
        let named = fields.into_iter().zip(given);
        // A place that is to be left out has to be filled with something.
        return Ok(named.filter(|(_, value)| !value.is_null()).collect());
    }
    let (count, at_most) = (given.len(), fields.len());
    let message = match at_most {
        0 => "the method takes no params".to_owned(),
        _ => format!("{count} params are given by position, and the method takes {at_most}"),
    };
    let error = RpcError::new(Kind::Invalid, message);
    Err(match at_most {
        0 => error,
        _ => error.with_hint(format!("their order is {}", fields.join(", "))),
    })
}

impl Default for Params {
    fn default() -> Self {
        Self(Form::Object(Map::new()))
    }
}

impl From<Map<String, Value>> for Params {
    fn from(object: Map<String, Value>) -> Self {
        Self(Form::Object(object))
    }
}

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
    Array,
    Unusable(Unusable),
}

impl Params {
    /// Reads the member `params`, or nothing when it is neither object, array nor null.
    pub(super) fn read(json: Option<&RawValue>) -> Option<Self> {
        let Some(json) = json else {
            return Some(Self::default());
        };
        match json.get().as_bytes().first()? {
            b'n' => Some(Self::default()),
            b'[' => Some(Self(Form::Array)),
            b'{' => Some(Self(
                strict::object(json.get()).map_or_else(Form::Unusable, Form::Object),
            )),
            _ => None,
        }
    }

    /// Reads the params as a method's own type.
    ///
    /// The error names the field that does not fit.
    pub fn decode<P: DeserializeOwned>(self) -> Result<P, RpcError> {
        match self.0 {
            Form::Object(object) => Ok(decode(Value::Object(object))?),
            Form::Array => Err(RpcError::new(Kind::Invalid, "params are given by position")
                .with_hint("send params as an object with the fields by name")),
            Form::Unusable(Unusable::Repeated) => Err(RpcError::new(
                Kind::Invalid,
                "params name a member twice in the same object",
            )),
            Form::Unusable(Unusable::Unreadable) => Err(RpcError::new(
                Kind::Invalid,
                "params have a number out of range or a broken escape",
            )),
        }
    }
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

//! Reading JSON that somebody wrote as a type of ours, with errors for the person who wrote it.
//!
//! serde's own messages speak of Rust (`invalid type: map, expected struct …`) and do not say
//! where. Here every error carries the path to the field and says in JSON's words what is
//! expected; it repeats names and choices but no free text, which may be a secret. Objects are
//! never read from arrays, and enums are names: no type that is read so has a variant with data.

mod error;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

pub use self::error::{DecodeError, excerpt};
use self::error::{Problem, Step, one_of};

/// Reads a JSON value as `T`.
pub fn decode<T: DeserializeOwned>(value: Value) -> Result<T, DecodeError> {
    T::deserialize(Node(value))
}

/// A JSON value that is read with our errors instead of `serde_json`'s.
struct Node(Value);

struct Fields<I> {
    rest: I,
    current: Option<(String, Value)>,
}

struct Items {
    rest: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl Node {
    fn mismatch(&self, expected: impl Into<String>) -> DecodeError {
        let found = match self.0 {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        DecodeError::new(Problem::Type {
            expected: expected.into(),
            found,
        })
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => {
                if let Some(number) = number.as_u64() {
                    visitor.visit_u64(number)
                } else if let Some(number) = number.as_i64() {
                    visitor.visit_i64(number)
                } else {
                    visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items {
                rest: items.into_iter().enumerate(),
            }),
            Value::Object(fields) => visitor.visit_map(Fields {
                rest: fields.into_iter(),
                current: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        // In an object with known fields, null is the same as leaving the field out.
        match self.0 {
            Value::Object(fields) => visitor.visit_map(Fields {
                rest: fields.into_iter().filter(|(_, value)| !value.is_null()),
                current: None,
            }),
            _ => Err(self.mismatch("an object")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(self.mismatch("an object")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Array(_) => self.deserialize_any(visitor),
            _ => Err(self.mismatch("an array")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::String(text) => {
                let text: StringDeserializer<DecodeError> = text.into_deserializer();
                visitor.visit_enum(text)
            }
            _ => Err(self.mismatch(one_of(known))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl<'de, I: Iterator<Item = (String, Value)>> MapAccess<'de> for Fields<I> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        self.current = self.rest.next();
        let Some((name, _)) = &self.current else {
            return Ok(None);
        };
        let name: StringDeserializer<DecodeError> = name.clone().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        let (name, value) = self.current.take().unwrap_or_default();
        seed.deserialize(Node(value))
            .map_err(|err| err.inside(Step::Field(name)))
    }
}

impl<'de> SeqAccess<'de> for Items {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let Some((index, value)) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(Node(value))
            .map(Some)
            .map_err(|err| err.inside(Step::Item(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Map, json};

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        session_key: String,
        limit: Option<u32>,
        #[serde(default)]
        parts: Vec<Part>,
        #[serde(default)]
        free: Map<String, Value>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        kind: Colour,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Green,
    }

    fn complaint(value: Value) -> String {
        decode::<Sample>(value).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_fits() {
        let free = json!({"a": [1, -2, 2.5, null, {"b": true}]});
        let sample = decode::<Sample>(json!({
            "sessionKey": "s", "limit": null, "parts": [{"kind": "green"}, {"kind": "red"}], "free": free,
        }));
        let parts = vec![
            Part {
                kind: Colour::Green,
            },
            Part { kind: Colour::Red },
        ];
        let Value::Object(free) = free else { panic!() };
        let expected = Sample {
            session_key: "s".to_owned(),
            limit: None,
            parts,
            free,
        };
        assert_eq!(sample, Ok(expected));
    }

    #[test]
    fn says_which_field_is_wrong_and_what_it_takes() {
        for (value, expected) in [
            (json!({}), "`sessionKey` is missing"),
            (
                json!({"sessionKey": 1}),
                "sessionKey: expected a string, found a number",
            ),
            (json!({"sessionKey": null}), "`sessionKey` is missing"),
            (
                json!({"sessionKey": {"a": 1}}),
                "sessionKey: expected a string, found an object",
            ),
            (json!({"session": "s"}), "unknown field `session`"),
            (
                json!({"sessionKey": "s", "limit": "5"}),
                "limit: expected a whole number from 0 on, found a string",
            ),
            (
                json!({"sessionKey": "s", "limit": -5}),
                "limit: expected a whole number from 0 on",
            ),
            (
                json!({"sessionKey": "s", "limit": 1.5}),
                "limit: expected a whole number from 0 on, found a number",
            ),
            (
                json!({"sessionKey": "s", "parts": {}}),
                "parts: expected an array, found an object",
            ),
            (
                json!({"sessionKey": "s", "parts": [["red"]]}),
                "parts[0]: expected an object, found an array",
            ),
            (
                json!({"sessionKey": "s", "parts": [{"kind": "red"}, {}]}),
                "parts[1]: `kind` is missing",
            ),
            (
                json!({"sessionKey": "s", "parts": [{"kind": "blue"}]}),
                "parts[0].kind: `blue` is not one of its values",
            ),
            (
                json!({"sessionKey": "s", "parts": [{"kind": 3}]}),
                "parts[0].kind: expected one of `red`, `green`, found a number",
            ),
            (
                json!({"sessionKey": "s", "free": 1}),
                "free: expected an object, found a number",
            ),
            (json!(["s"]), "expected an object, found an array"),
        ] {
            assert_eq!(complaint(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn hints_at_the_names_that_exist() {
        let hint = |value| decode::<Sample>(value).unwrap_err().hint();
        assert_eq!(
            hint(json!({"key": 1})).as_deref(),
            Some("use one of `sessionKey`, `limit`, `parts`, `free`")
        );
        assert_eq!(
            hint(json!({"parts": [{"kind": "blue"}]})).as_deref(),
            Some("use one of `red`, `green`")
        );
    }
}

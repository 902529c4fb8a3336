//! JSON in which every member of every object has a name of its own.
//!
//! Two members of the same name are legal JSON, and each reader takes the one that it likes. What
//! was checked by one of them and done by another would not be the same call.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The text that an error about a repeated name begins with.
const REPEATED: &str = "a member is repeated";

/// Why a text is no object to be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// A name is there twice in the same object.
    Repeated,
    /// A number or an escape that JSON's grammar allows and no program can hold.
    Unreadable,
}

/// Reads any JSON.
pub(super) fn value(json: &str) -> Result<Value, Unusable> {
    let mut reader = serde_json::Deserializer::from_str(json);
    Strict.deserialize(&mut reader).map_err(|err| {
        if err.to_string().starts_with(REPEATED) {
            Unusable::Repeated
        } else {
            Unusable::Unreadable
        }
    })
}

/// Reads any value.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Self)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_there_twice_is_found_at_any_depth() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[1,{"b":null,"c":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[1,{"a":1,"a":1}]"#,
        ] {
            assert_eq!(value(json), Err(Unusable::Repeated), "{json}");
        }
        for json in [r#"{"a":1e999}"#, r#"{"a":"\ud800"}"#] {
            assert_eq!(value(json), Err(Unusable::Unreadable), "{json}");
        }
    }

    #[test]
    fn anything_else_is_read_as_it_stands() {
        for json in [
            "{}",
            r#"{"a":{"a":{"a":1}},"b":[[],{}],"c":"\u00e9\n","d":null,"e":true}"#,
            r#"{"a":-1,"b":18446744073709551615,"c":-9223372036854775808,"d":1.5e-7,"e":123456789012345678901234567890}"#,
        ] {
            let plain: Value = serde_json::from_str(json).unwrap();
            assert_eq!(value(json).unwrap(), plain, "{json}");
        }
    }
}

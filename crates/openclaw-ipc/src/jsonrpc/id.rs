//! The id that ties an answer to its request.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json_text::JsonText;

/// The id of a request: whatever the caller chose, kept exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// `null`: the caller's own, or the answer to a request whose id could not be read.
    Null,
    /// A number.
    Number(NumberId),
    /// A text.
    String(String),
}

/// A number as its sender wrote it.
///
/// JSON puts no bound on numbers, and an id must come back unchanged, so the digits are kept and
/// never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberId(JsonText);

impl Id {
    /// Reads an id from JSON text, or says nothing when the text is no string, number or null.
    pub(super) fn read(json: &RawValue) -> Option<Self> {
        match json.get().as_bytes().first()? {
            b'n' => Some(Self::Null),
            b'"' => serde_json::from_str(json.get()).ok().map(Self::String),
            b'-' | b'0'..=b'9' => Some(Self::Number(NumberId(json.into()))),
            _ => None,
        }
    }
}

impl NumberId {
    /// Returns the number's digits as its sender wrote them.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        // The digits of an integer are always JSON, so the other arm is never taken.
        JsonText::new(number.to_string()).map_or(Self::Null, |json| Self::Number(NumberId(json)))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Number(number) => number.0.serialize(to),
            Self::String(text) => to.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(from)?;
        Self::read(&json).ok_or_else(|| D::Error::custom("an id is a string, a number or null"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(json: &str) -> String {
        let id: Id = serde_json::from_str(json).unwrap();
        serde_json::to_string(&id).unwrap()
    }

    #[test]
    fn numbers_come_back_digit_for_digit() {
        for json in [
            "0",
            "-7",
            "9007199254740993",
            "123456789012345678901234567890",
            "1.50",
            "1e999",
            "-0",
        ] {
            assert_eq!(round_trip(json), json);
        }
    }

    #[test]
    fn refuses_what_is_no_id() {
        for json in ["true", "{}", "[1]", r#""\ud800""#] {
            assert!(serde_json::from_str::<Id>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn ids_of_different_types_differ() {
        assert_eq!(Id::from(1), serde_json::from_str("1").unwrap());
        assert_ne!(Id::from(1), Id::from("1"));
        assert_ne!(Id::Null, Id::from("null"));
    }

    proptest! {
        #[test]
        fn any_text_survives_as_an_id(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let id: Id = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(&id, &Id::String(text));
            prop_assert_eq!(serde_json::from_str::<Id>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }
    }
}

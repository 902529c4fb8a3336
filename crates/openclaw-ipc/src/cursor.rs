//! A place in the event log that a client can come back to.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use openclaw_core::Kind;
use openclaw_core::events::EventHash;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::event::Event;

/// How many of the hash's hexadecimal digits a cursor has.
const DIGITS: usize = 16;

/// Between the position and the digits of the hash.
const BETWEEN: char = '.';

/// The place behind one event of the log, as `position.hash`: its position among the events of
/// all sessions, and the first 16 hexadecimal digits of its hash.
///
/// The hash tells one log from another, and from an older state of itself. A cursor without one is
/// taken as it is, and `0` is the place before the first event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "String")]
pub struct Cursor {
    position: u64,
    digits: Option<String>,
}

/// A text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is a position, or a position and {DIGITS} digits of a hash with a dot between")]
pub struct NoCursor;

/// What a cursor is read from.
#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Position(u64),
    Text(String),
}

impl Cursor {
    /// The place before the first event.
    pub const START: Self = Self {
        position: 0,
        digits: None,
    };

    /// Returns the place behind an event.
    pub fn behind(position: u64, hash: &EventHash) -> Self {
        Self {
            position,
            digits: Some(digits(hash)),
        }
    }

    /// Returns the position of the event that it stands behind; 0 before the first one.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Tells whether the event of this hash is the one that it stands behind.
    pub fn fits(&self, hash: &EventHash) -> bool {
        let own = self.digits.as_ref();
        own.is_none_or(|own| *own == digits(hash))
    }
}

fn digits(hash: &EventHash) -> String {
    let mut digits = hash.to_string();
    digits.truncate(DIGITS);
    digits
}

impl NoCursor {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

impl From<&Event> for Cursor {
    fn from(event: &Event) -> Self {
        Self::behind(event.position, &event.hash)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.position)?;
        match &self.digits {
            Some(digits) => write!(f, "{BETWEEN}{digits}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (position, digits) = match text.split_once(BETWEEN) {
            Some((position, digits)) => (position, Some(digits)),
            None => (text, None),
        };
        let is_number = !position.is_empty() && position.bytes().all(|b| b.is_ascii_digit());
        let is_hash = |text: &str| {
            text.len() == DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        if !is_number || !digits.is_none_or(is_hash) {
            return Err(NoCursor);
        }
        Ok(Self {
            position: position.parse().map_err(|_too_large| NoCursor)?,
            digits: digits.map(str::to_owned),
        })
    }
}

impl TryFrom<Form> for Cursor {
    type Error = NoCursor;

    fn try_from(form: Form) -> Result<Self, NoCursor> {
        match form {
            Form::Position(position) => Ok(Self {
                position,
                digits: None,
            }),
            Form::Text(text) => text.parse(),
        }
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl JsonSchema for Cursor {
    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^[0-9]+(\.[0-9a-f]{16})?$",
            "description": "A place in the log of all sessions: behind the event of that position, whose hash begins with these digits. `0` is the place before the first event.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let hash: EventHash = "9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3"
            .parse()
            .unwrap();
        let cursor = Cursor::behind(42, &hash);
        assert_eq!(cursor.to_string(), "42.9c1185a5c5e9fc54");
        assert_eq!("42.9c1185a5c5e9fc54".parse(), Ok(cursor.clone()));
        assert_eq!(
            serde_json::from_str::<Cursor>(r#""42.9c1185a5c5e9fc54""#).unwrap(),
            cursor
        );
        assert!(cursor.fits(&hash) && !cursor.fits(&EventHash::START));
        assert_eq!("0".parse(), Ok(Cursor::START));
        assert_eq!(serde_json::from_str::<Cursor>("0").unwrap(), Cursor::START);
    }

    #[test]
    fn a_bare_position_fits_any_event() {
        let cursor: Cursor = "7".parse().unwrap();
        assert_eq!(cursor.position(), 7);
        assert!(cursor.fits(&EventHash::START));
    }

    #[test]
    fn anything_else_is_no_cursor() {
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1.",
            "1.9c1185a5c5e9fc5",
            "1.9C1185A5C5E9FC54",
            "1.9c1185a5c5e9fc54f",
            " 1",
            "99999999999999999999",
            "x",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
        for json in ["-1", "1.5", "null", "{}", "true"] {
            assert!(serde_json::from_str::<Cursor>(json).is_err(), "{json}");
        }
    }
}

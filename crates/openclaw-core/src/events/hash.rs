//! The chain of hashes: every event is bound to all that came before it in its session.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Names what is hashed, so that no hash of another kind is ever taken for one of these.
const DOMAIN: &[u8] = b"openclaw event 1\0";

/// The SHA-256 (FIPS 180-4) of an event and of the hash of the event before it.
///
/// The first event of a session stands on [`EventHash::START`]. A fork's first own event stands on
/// the event of the parent that it was made at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct EventHash([u8; 32]);

impl EventHash {
    /// What the first event of a session stands on.
    pub const START: Self = Self([0; 32]);

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EventHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hexadecimal digits")]
pub struct NoHash;

impl FromStr for EventHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        let mut digits = text.chars().map(|c| c.to_digit(16));
        let mut digit = || digits.next().flatten().and_then(|n| u8::try_from(n).ok());
        for byte in &mut bytes {
            let (high, low) = digit().zip(digit()).ok_or(NoHash)?;
            *byte = high << 4 | low;
        }
        if text.len() == 64 {
            Ok(Self(bytes))
        } else {
            Err(NoHash)
        }
    }
}

impl TryFrom<String> for EventHash {
    type Error = NoHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EventHash> for String {
    fn from(hash: EventHash) -> Self {
        hash.to_string()
    }
}

/// An event as it is stored, without its place in the whole log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) seq: i64,
    pub(super) time_ms: i64,
    pub(super) cause: Option<i64>,
    pub(super) run_id: Option<String>,
    pub(super) step: Option<i64>,
    pub(super) call_id: Option<String>,
    pub(super) kind: String,
    pub(super) data: String,
    pub(super) payload: Option<String>,
    pub(super) raw: Option<String>,
}

impl Record {
    /// Tells whether nothing is left of the event but its place, as of a deleted one.
    pub(super) fn is_empty(&self) -> bool {
        *self
            == Self {
                seq: self.seq,
                ..Self::default()
            }
    }

    /// Returns the event's hash: each field with its length, after the hash of the event before.
    pub(super) fn hash(&self, previous: &EventHash) -> EventHash {
        let mut hasher = Hasher(Sha256::new_with_prefix(DOMAIN));
        hasher.0.update(previous.0);
        hasher.number(Some(self.seq));
        hasher.number(Some(self.time_ms));
        hasher.number(self.cause);
        hasher.text(self.run_id.as_deref());
        hasher.number(self.step);
        hasher.text(self.call_id.as_deref());
        hasher.text(Some(&self.kind));
        hasher.text(Some(&self.data));
        hasher.text(self.payload.as_deref());
        hasher.text(self.raw.as_deref());
        EventHash(hasher.0.finalize().into())
    }
}

struct Hasher(Sha256);

impl Hasher {
    fn number(&mut self, number: Option<i64>) {
        self.0.update([u8::from(number.is_some())]);
        self.0.update(number.unwrap_or_default().to_be_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        let text = text.unwrap_or_default();
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.0.update(length.to_be_bytes());
        self.0.update(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = Record> {
        let number = || proptest::option::of(any::<i64>());
        let text = || proptest::option::of("[ -~é]{0,12}");
        let start = (
            any::<i64>(),
            any::<i64>(),
            number(),
            text(),
            number(),
            text(),
        );
        (start, "[ -~]{0,12}", "[ -~é]{0,40}", text(), text()).prop_map(
            |((seq, time_ms, cause, run_id, step, call_id), kind, data, payload, raw)| Record {
                seq,
                time_ms,
                cause,
                run_id,
                step,
                call_id,
                kind,
                data,
                payload,
                raw,
            },
        )
    }

    proptest! {
        #[test]
        fn different_records_have_different_hashes(a in record(), b in record()) {
            prop_assert_eq!(a == b, a.hash(&EventHash::START) == b.hash(&EventHash::START));
        }

        #[test]
        fn every_byte_of_every_field_counts(
            record in record(), field in 0_usize..11, place in any::<prop::sample::Index>(), flip in 1_u8..128,
        ) {
            let previous = EventHash([7; 32]);
            let before = record.hash(&previous);
            let (mut other, mut start) = (record, previous);
            let number = |n: &mut i64| *n ^= i64::from(flip) << (place.index(8) * 8);
            let text = |text: &mut String| {
                let mut bytes: Vec<char> = text.chars().collect();
                if bytes.is_empty() {
                    bytes.push('x');
                } else {
                    let at = place.index(bytes.len());
                    bytes[at] = char::from_u32(u32::from(bytes[at]) ^ u32::from(flip)).unwrap();
                }
                *text = bytes.into_iter().collect();
            };
            match field {
                0 => number(&mut other.seq),
                1 => number(&mut other.time_ms),
                2 => number(other.cause.get_or_insert(0)),
                3 => text(other.run_id.get_or_insert_default()),
                4 => number(other.step.get_or_insert(0)),
                5 => text(other.call_id.get_or_insert_default()),
                6 => text(&mut other.kind),
                7 => text(&mut other.data),
                8 => text(other.payload.get_or_insert_default()),
                9 => text(other.raw.get_or_insert_default()),
                _ => start.0[place.index(32)] ^= flip,
            }
            prop_assert_ne!(before, other.hash(&start));
        }

        #[test]
        fn a_hash_is_read_as_it_is_shown(bytes in any::<[u8; 32]>()) {
            let hash = EventHash(bytes);
            prop_assert_eq!(hash.to_string().parse::<EventHash>(), Ok(hash));
        }
    }

    #[test]
    fn other_texts_are_no_hashes() {
        for text in [
            "",
            "00",
            &"0".repeat(63),
            &"0".repeat(65),
            &"g".repeat(64),
            &"é".repeat(64),
        ] {
            assert_eq!(text.parse::<EventHash>(), Err(NoHash));
        }
    }
}

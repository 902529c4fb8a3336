//! Known secret values, taken out of text before somebody reads it.
//!
//! Whoever reads a secret from where it is kept tells it to [`learn`]. What somebody merely claims,
//! such as a token that came with a request, is learned when it has proved to be right and not
//! before: a stranger must not choose what is masked. What is masked is the value as it is, escaped
//! in JSON or HTML, also where characters are escaped that need not be, escaped for a URL, and in
//! base64 wherever in the encoded text it stands.
//!
//! What this cannot do: values of fewer than [`MIN_LENGTH`] bytes are left alone, as they would
//! stand in innocent text too; of a value only the first 16 KiB count; and what was cut up, hashed,
//! compressed or encoded in another way is not found. So it is a net beneath the sandbox, and no
//! substitute for it.
//!
//! # Security
//! A value stays known after its last owner is gone, because text that quotes it may still be under
//! way. The table shares the owner's memory, which is zeroed when both have let go of it. The
//! automaton that finds the values has a copy of them that is not zeroed when it is replaced.

mod escapes;
mod finder;
mod forms;
mod json;
mod stream;
mod table;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use json::{mask_json, mask_value};
pub use stream::StreamMask;
pub use table::{learn, learn_text, learned};

/// What stands in the place of a secret.
pub const REDACTED: &str = "[REDACTED]";

/// The fewest bytes of a value that is masked.
pub const MIN_LENGTH: usize = 8;

/// Returns `text` with [`REDACTED`] in the place of every known secret.
///
/// ```
/// use openclaw_core::{ApiKey, redaction};
///
/// redaction::learn(&ApiKey::new("sk-ant-0123456789".to_owned()));
/// assert_eq!(redaction::mask("bad key sk-ant-0123456789"), "bad key [REDACTED]");
/// ```
pub fn mask(text: &str) -> Cow<'_, str> {
    table::finder().map_or(Cow::Borrowed(text), |finder| finder.mask(text))
}

/// As [`mask`], for a text that is kept.
pub fn masked(text: String) -> String {
    match mask(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => masked,
    }
}

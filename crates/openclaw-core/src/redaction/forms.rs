//! The ways in which one value is written.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::zeroize::Zeroizing;

use super::MIN_LENGTH;

/// The most bytes of a value that are looked for.
const MAX_LENGTH: usize = 16 * 1024;

/// The fewest bytes of a line of a value that is looked for by itself; shorter ones are text that
/// such files have in common.
const MIN_LINE: usize = 24;

/// What a line of a key file starts with that says what the file is, and no secret.
const ARMOR: &str = "-----";

/// Returns the texts by which a value is recognised.
pub(super) fn forms(value: &str) -> Vec<Zeroizing<String>> {
    let value = value
        .get(..value.floor_char_boundary(MAX_LENGTH))
        .unwrap_or(value);
    let mut forms = Vec::new();
    written(value, &mut forms);
    // Tools show files by the line, so a key of several lines has to be known by each.
    for line in value.lines().filter(|_| value.contains('\n')) {
        let line = line.trim();
        if line.len() >= MIN_LINE && !line.starts_with(ARMOR) {
            written(line, &mut forms);
        }
    }
    forms.retain(|form| form.len() >= MIN_LENGTH);
    forms
}

fn written(value: &str, forms: &mut Vec<Zeroizing<String>>) {
    forms.push(Zeroizing::new(value.to_owned()));
    for escape in [json, json_ascii, json_slash] {
        let once = escape(value);
        // A JSON text that is quoted in another is escaped twice.
        forms.push(json(&once));
        forms.push(once);
    }
    for plain in [PLAIN_STRICT, PLAIN_COMPONENT, PLAIN_URI] {
        forms.push(percent(value, plain, Case::Upper));
        forms.push(percent(value, plain, Case::Lower));
    }
    let form = percent(value, PLAIN_FORM, Case::Upper);
    forms.push(Zeroizing::new(form.replace("%20", "+")));
    for lead in 0..3 {
        forms.extend(base64(value, lead));
        forms.extend(base64(&json(value), lead));
    }
}

/// As `serde_json` and JavaScript write it.
fn json(value: &str) -> Zeroizing<String> {
    let quoted = Zeroizing::new(serde_json::Value::from(value).to_string());
    let inner = quoted.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    Zeroizing::new(inner.unwrap_or_default().to_owned())
}

/// As Python and others write it, which keep to ASCII.
fn json_ascii(value: &str) -> Zeroizing<String> {
    let escaped = json(value);
    let mut ascii = Zeroizing::new(String::with_capacity(escaped.len().saturating_mul(3)));
    let mut units = [0; 2];
    for c in escaped.chars() {
        if c.is_ascii() {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut units) {
            // Writing to a string does not fail.
            let _infallible = write!(ascii, "\\u{unit:04x}").is_ok();
        }
    }
    ascii
}

/// As PHP writes it.
fn json_slash(value: &str) -> Zeroizing<String> {
    Zeroizing::new(json(value).replace('/', "\\/"))
}

/// What RFC 3986 never escapes.
const PLAIN_STRICT: &str = "-._~";
/// What JavaScript's `encodeURIComponent` leaves.
const PLAIN_COMPONENT: &str = "-._~!*'()";
/// What JavaScript's `encodeURI` leaves.
const PLAIN_URI: &str = "-._~!*'();/?:@&=+$,#";
/// What a form of a web page leaves.
const PLAIN_FORM: &str = "-._*";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Upper,
    Lower,
}

fn percent(value: &str, plain: &str, case: Case) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(value.len().saturating_mul(3)));
    for byte in value.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || plain.contains(c) {
            escaped.push(c);
        } else {
            // Writing to a string does not fail.
            let _infallible = match case {
                Case::Upper => write!(escaped, "%{byte:02X}"),
                Case::Lower => write!(escaped, "%{byte:02x}"),
            }
            .is_ok();
        }
    }
    escaped
}

/// Returns the part of the base64 text that is the same whatever stands around the value, where
/// `lead` bytes of a group of three stand before it, in both alphabets.
fn base64(value: &str, lead: usize) -> [Zeroizing<String>; 2] {
    let mut bytes = Zeroizing::new(vec![0; lead]);
    bytes.extend_from_slice(value.as_bytes());
    // Digits of which a neighbour has a bit are not the value's alone.
    let first = lead.saturating_mul(8).div_ceil(6);
    let last = bytes.len().saturating_mul(8) / 6;
    [STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|alphabet| {
        let text = Zeroizing::new(alphabet.encode(bytes.as_slice()));
        Zeroizing::new(text.get(first..last).unwrap_or_default().to_owned())
    })
}

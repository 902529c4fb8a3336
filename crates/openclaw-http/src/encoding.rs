//! Whether an answer is compressed.
//!
//! We never ask for that, and nothing here unpacks: a few bytes could become any number.

use http::{HeaderMap, header};

/// The most of an encoding's name that is told.
const NAME_BYTES: usize = 40;

/// Returns how the body is compressed, if it is.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<String> {
    let of = |name, plain: &[&str]| {
        headers.get_all(name).iter().find_map(|value| {
            let named = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let is_plain = named
                .split(',')
                .map(str::trim)
                .all(|one| one.is_empty() || plain.iter().any(|p| p.eq_ignore_ascii_case(one)));
            (!is_plain).then(|| {
                let end = named.floor_char_boundary(NAME_BYTES);
                let named = named.get(..end).unwrap_or_default();
                named.escape_default().to_string()
            })
        })
    };
    of(header::CONTENT_ENCODING, &["identity"])
        .or_else(|| of(header::TRANSFER_ENCODING, &["identity", "chunked"]))
}

//! Bytes as text, whatever letters they are written in.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// How far into a page its own word about its letters is looked for (the HTML standard, "prescan").
const PRESCAN: usize = 1024;

/// Returns text: by its mark at the beginning, by what the server says, by what the page says, or else
/// as UTF-8 if it is that and as what old pages are if it is not.
pub(super) fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    let said = content_type.and_then(named);
    let named = said.or_else(|| {
        let start = bytes.get(..PRESCAN.min(bytes.len())).unwrap_or_default();
        let start = String::from_utf8_lossy(start).to_ascii_lowercase();
        let found = named(&start)?;
        // Who could read the word can not have been reading two bytes for a letter.
        Some(if found.is_ascii_compatible() {
            found
        } else {
            UTF_8
        })
    });
    let encoding = named.unwrap_or_else(|| match std::str::from_utf8(bytes) {
        Err(wrong) if wrong.error_len().is_some() => WINDOWS_1252,
        _ => UTF_8,
    });
    encoding.decode(bytes).0.into_owned()
}

/// Returns the encoding that a text names after `charset=`.
fn named(text: &str) -> Option<&'static Encoding> {
    let at = text.to_ascii_lowercase().find("charset")?;
    let rest = text.get(at..)?.get("charset".len()..)?.trim_start();
    let value = rest.strip_prefix('=')?.trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(|letter: char| {
        letter.is_whitespace() || matches!(letter, '"' | '\'' | ';' | '>' | '/')
    });
    let label = value.get(..end.unwrap_or(value.len()))?;
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_by_whoever_names_them_first() {
        let umlauts = "Grüße";
        let latin = b"Gr\xfc\xdfe";
        assert_eq!(decode(umlauts.as_bytes(), None), umlauts);
        assert_eq!(decode(latin, None), umlauts);
        assert_eq!(
            decode(latin, Some("text/html; charset=ISO-8859-1")),
            umlauts
        );
        let page = [b"<meta charset='iso-8859-15'>".as_slice(), latin].concat();
        assert!(decode(&page, Some("text/html")).ends_with(umlauts));
        let marked = [b"\xef\xbb\xbf".as_slice(), umlauts.as_bytes()].concat();
        assert_eq!(decode(&marked, Some("text/html; charset=latin1")), umlauts);
        let japanese = b"\x93\xfa\x96\x7b";
        assert_eq!(
            decode(japanese, Some("text/plain; charset=\"Shift_JIS\"")),
            "日本"
        );
        assert_eq!(
            decode(b"plain", Some("text/plain; charset=no-such")),
            "plain"
        );
    }

    #[test]
    fn a_text_that_was_cut_in_a_letter_is_still_utf_8() {
        assert_eq!(decode(b"Gr\xc3", None), "Gr\u{fffd}");
    }
}

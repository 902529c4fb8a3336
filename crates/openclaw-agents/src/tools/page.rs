//! How much of something a model gets at once, and how it is told of the rest.
//!
//! Known secrets are masked before anything is cut: of one that was cut in two, neither part would
//! be known.

use openclaw_core::redaction;
use serde_json::Value;

use super::MAX_RESULT_BYTES;

/// How many characters at the beginning of a text decide whether it is one.
const LOOKED_AT: usize = 4096;

/// A result that is put together from pieces while there is room.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    max_bytes: usize,
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// The part.
    pub(crate) text: &'a str,
    /// The byte of the text at which the next part begins, if there is one.
    pub(crate) next: Option<usize>,
}

impl Page {
    /// Makes an empty page of the usual size.
    pub(crate) const fn new() -> Self {
        Self::of(MAX_RESULT_BYTES)
    }

    /// Makes an empty page with room for so many bytes.
    pub(crate) const fn of(max_bytes: usize) -> Self {
        Self {
            text: String::new(),
            max_bytes,
        }
    }

    /// Adds a piece, which has to be masked, or says `false` when there is no room for all of it.
    ///
    /// A page takes its first piece in any case, as much of it as fits.
    pub(crate) fn push(&mut self, piece: &str) -> bool {
        let fits = self.text.len().saturating_add(piece.len()) <= self.max_bytes;
        if fits {
            self.text.push_str(piece);
        } else if self.text.is_empty() {
            let Part { text, .. } = part(piece, 0, self.max_bytes);
            self.text.push_str(text);
            return true;
        }
        fits
    }

    /// Returns the page; the note says what of the whole it is, and how to go on.
    pub(crate) fn close(mut self, note: Option<&str>) -> String {
        if let Some(note) = note {
            if !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push('\n');
            }
            self.text.extend(["[", note, "]"]);
        }
        self.text
    }
}

/// Returns the part of a masked text that begins at a byte, at most so many bytes of it.
pub(crate) fn part(text: &str, from: usize, max_bytes: usize) -> Part<'_> {
    let from = text.ceil_char_boundary(from.min(text.len()));
    let end = text.floor_char_boundary(from.saturating_add(max_bytes));
    // A single character may not fit, and a part that is empty would have no end.
    let end = if end <= from {
        text.ceil_char_boundary(from.saturating_add(1))
    } else {
        end
    };
    Part {
        text: text.get(from..end).unwrap_or_default(),
        next: (end < text.len()).then_some(end),
    }
}

/// Returns a line that is masked without its end, cut to so many characters.
pub(crate) fn cut_line(line: &str, max_chars: usize) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    match line.char_indices().nth(max_chars) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or(line)),
        None => line.to_owned(),
    }
}

/// Returns a number of things as people say it.
pub(crate) fn count(n: usize, one: &str, several: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {several}"),
    }
}

/// Returns a number of bytes as people read it.
pub(crate) fn size(bytes: u64) -> String {
    const STEPS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000)];
    match STEPS.into_iter().find(|(_, step)| bytes >= *step) {
        Some((unit, step)) => {
            let (whole, rest) = (bytes / step, bytes % step);
            format!("{whole}.{} {unit}", rest.saturating_mul(10) / step)
        }
        None => count(
            usize::try_from(bytes).unwrap_or(usize::MAX),
            "byte",
            "bytes",
        ),
    }
}

/// Cuts the texts of a result so that they have no more than so many bytes together, and leaves out
/// what is no text. It is the last stop: tools cut their results themselves, and say how to go on.
pub(crate) fn bound(result: Value, max_bytes: usize) -> Value {
    let mut room = max_bytes;
    bounded(result, &mut room)
}

fn bounded(value: Value, room: &mut usize) -> Value {
    match value {
        Value::String(text) => {
            let text = short(text, *room);
            *room = room.saturating_sub(text.len());
            Value::String(text)
        }
        Value::Array(items) => {
            let count = items.len();
            let mut kept = Vec::new();
            for item in items {
                if *room == 0 {
                    kept.push(
                        format!("[{} more left out]", count.saturating_sub(kept.len())).into(),
                    );
                    break;
                }
                *room = room.saturating_sub(1);
                kept.push(bounded(item, room));
            }
            Value::Array(kept)
        }
        Value::Object(fields) => {
            let mut kept = serde_json::Map::new();
            for (key, field) in fields {
                // What says how a command ended may come after what it printed.
                let is_small = !matches!(field, Value::Array(_) | Value::Object(_));
                if *room == 0 && (!is_small || kept.len() > LOOKED_AT) {
                    continue;
                }
                *room = room.saturating_sub(key.len());
                kept.insert(short(key, MAX_RESULT_BYTES), bounded(field, room));
            }
            Value::Object(kept)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn short(text: String, room: usize) -> String {
    if is_binary(&text) {
        return format!("[{} that are no text were left out]", size(length(&text)));
    }
    shortened(text, room)
}

/// Cuts a text that is too long, and says so.
pub(super) fn shortened(text: String, room: usize) -> String {
    if text.len() <= room {
        return text;
    }
    let whole = length(&text);
    let masked = redaction::masked(text);
    let begin = part(&masked, 0, room.max(1)).text;
    format!(
        "{begin}\n[{} of {} were left out]",
        size(whole.saturating_sub(length(begin))),
        size(whole)
    )
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// Says whether a text is something else: one character in ten is none that anybody writes.
pub(crate) fn is_binary(text: &str) -> bool {
    let strange = |c: &char| {
        *c == char::REPLACEMENT_CHARACTER
            || c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' | '\u{1b}')
    };
    let looked_at = text.chars().take(LOOKED_AT).count();
    let found = text.chars().take(LOOKED_AT).filter(strange).count();
    found > 2 && found.saturating_mul(10) > looked_at
}

#[cfg(test)]
mod tests {
    use openclaw_core::redaction::learn_text;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_takes_what_fits_and_says_what_does_not() {
        let mut page = Page::of(6);
        assert!(page.push("ab\n"));
        assert!(!page.push("cdef"));
        assert!(page.push("cd\n"));
        assert_eq!(page.close(Some("more")), "ab\ncd\n[more]");
        let mut page = Page::of(3);
        assert!(page.push("äöü"));
        assert_eq!(page.close(None), "ä");
        assert_eq!(Page::new().close(Some("nothing")), "[nothing]");
    }

    #[test]
    fn a_result_of_any_size_is_cut_and_what_is_no_text_left_out() {
        let result = json!({
            "exitCode": 0,
            "stdout": "x".repeat(100_000_000),
            "list": vec!["y"; 1000],
            "sandbox": "strict",
            "image": "\0\u{fffd}".repeat(1000),
        });
        let bounded = bound(result, 1000);
        assert_eq!(bounded["exitCode"], 0);
        assert_eq!(bounded["image"], "[4.0 KB that are no text were left out]");
        let stdout = bounded["stdout"].as_str().unwrap();
        assert!(
            stdout.ends_with("x\n[99.9 MB of 100.0 MB were left out]"),
            "{}",
            stdout.len()
        );
        assert!(bounded.to_string().len() < 2000);
    }

    #[test]
    fn a_secret_is_masked_before_a_result_is_cut() {
        let secret = "cnry-of-a-bounded-result-0123456789";
        learn_text(secret);
        let bounded = bound(
            json!(format!("{}{secret}{}", "x".repeat(95), "y".repeat(50))),
            100,
        );
        assert_eq!(
            bounded,
            format!(
                "{}[REDA\n[80 bytes of 180 bytes were left out]",
                "x".repeat(95)
            )
        );
    }

    proptest! {
        #[test]
        fn the_parts_of_a_text_are_the_text(text in ".{0,60}", max in 0_usize..9) {
            let mut whole = String::new();
            let mut next = Some(0);
            while let Some(from) = next {
                let part = part(&text, from, max);
                whole.push_str(part.text);
                next = part.next;
            }
            prop_assert_eq!(whole, text);
        }
    }
}

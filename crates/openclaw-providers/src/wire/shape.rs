//! What kind of answer came, told from its first bytes.
//!
//! The media type is not asked: servers send streams as `text/plain`, as `application/json` or as
//! nothing at all, and errors as events. The first bytes cannot be mistaken.

use serde::de::IgnoredAny;

use super::Framing;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The most bytes that are looked at before a stream is taken for one.
const ENOUGH: usize = 1024 * 1024;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Events in the framing of the API.
    Stream,
    /// One JSON document.
    Document,
    /// A page of HTML or XML, which no API sends.
    Page,
}

/// Tells what begins like this; none if more has to be seen.
pub(super) fn of(framing: Framing, head: &[u8]) -> Option<Shape> {
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let Some(first) = text.first().filter(|_| !BOM.starts_with(head)) else {
        return (head.len() > ENOUGH).then_some(Shape::Stream);
    };
    match (framing, first) {
        (_, b'<') => Some(Shape::Page),
        (_, b'[') | (Framing::Sse, b'{') => Some(Shape::Document),
        (Framing::NdJson, b'{') => lines(text),
        (Framing::Sse | Framing::NdJson, _) => Some(Shape::Stream),
    }
}

/// A document over several lines does not end in its first.
fn lines(text: &[u8]) -> Option<Shape> {
    match text.split(|byte| *byte == b'\n').next() {
        Some(line) if line.len() < text.len() => {
            let whole = serde_json::from_slice::<IgnoredAny>(line).is_ok();
            Some(if whole {
                Shape::Stream
            } else {
                Shape::Document
            })
        }
        _ => (text.len() > ENOUGH).then_some(Shape::Stream),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_by_its_beginning() {
        use Framing::{NdJson, Sse};
        for (framing, head, shape) in [
            (Sse, "", None),
            (Sse, "\r\n \u{feff}", Some(Shape::Stream)),
            (Sse, "\n", None),
            (Sse, "\u{feff}", None),
            (Sse, ": ping", Some(Shape::Stream)),
            (Sse, "\u{feff}data: {}", Some(Shape::Stream)),
            (Sse, " {\"error\"", Some(Shape::Document)),
            (Sse, "[{", Some(Shape::Document)),
            (Sse, "\n<!DOCTYPE html>", Some(Shape::Page)),
            (Sse, "Bad gateway", Some(Shape::Stream)),
            (NdJson, "{\"a\":1}", None),
            (NdJson, "{\"a\":1}\n", Some(Shape::Stream)),
            (NdJson, "{\"a\":1}\r\n{", Some(Shape::Stream)),
            (NdJson, "{\n  \"a\":", Some(Shape::Document)),
            (NdJson, "<html>", Some(Shape::Page)),
        ] {
            assert_eq!(of(framing, head.as_bytes()), shape, "{framing:?} {head:?}");
        }
    }
}

//! The decoder of newline-delimited JSON: a document in each line, blank lines between them left
//! out.
//!
//! It takes the bytes in whatever pieces the network delivers and gives the same lines for every
//! way to cut them. Lines end with LF or CRLF; a last one need not end. Bytes that are no UTF-8
//! become U+FFFD, and a byte order mark before the first line is left out. Whether a line is JSON is
//! the business of who reads it.

use crate::sse::{Event, MAX_LINE, SseError};

const BOM: char = '\u{feff}';

/// Decodes one stream.
///
/// ```
/// use openclaw_providers::ndjson::Decoder;
///
/// let mut decoder = Decoder::default();
/// let mut lines = Vec::new();
/// decoder.push(b"{\"a\":1}\r\n\n{\"b\"", &mut lines)?;
/// decoder.push(b":2}", &mut lines)?;
/// decoder.end(&mut lines);
/// let lines = lines.iter().map(|line| line.data.as_str());
/// assert_eq!(lines.collect::<Vec<_>>(), ["{\"a\":1}", "{\"b\":2}"]);
/// # Ok::<(), openclaw_providers::sse::SseError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    max_line: usize,
    /// The bytes of a line that the pieces so far have not ended.
    line: Vec<u8>,
    /// Whether no line has come yet, so that a byte order mark may.
    at_start: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(MAX_LINE)
    }
}

impl Decoder {
    /// Makes a decoder with a limit in bytes for a line.
    pub(crate) const fn with_limit(max_line: usize) -> Self {
        Self {
            max_line,
            line: Vec::new(),
            at_start: true,
        }
    }

    /// Takes the next bytes and adds the lines that they complete to `events`, as data of events
    /// without a name.
    ///
    /// After an error the decoder is of no further use; the lines before it have been added.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (line, ended) = match piece.strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (piece, false),
            };
            if self.line.len().saturating_add(line.len()) > self.max_line {
                return Err(SseError::Line {
                    limit: self.max_line,
                });
            }
            if ended && self.line.is_empty() {
                // Most lines come in one piece and are read where they are.
                self.add(line, events);
                continue;
            }
            self.line.extend_from_slice(line);
            if ended {
                self.end(events);
            }
        }
        Ok(())
    }

    /// Takes the end of the stream, which ends a last line without a newline.
    pub fn end(&mut self, events: &mut Vec<Event>) {
        let line = std::mem::take(&mut self.line);
        self.add(&line, events);
    }

    fn add(&mut self, line: &[u8], events: &mut Vec<Event>) {
        let text = String::from_utf8_lossy(line);
        let mut text = text.trim();
        if std::mem::take(&mut self.at_start) {
            text = text.strip_prefix(BOM).unwrap_or(text).trim_start();
        }
        if !text.is_empty() {
            events.push(Event {
                name: String::new(),
                data: text.to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::fixtures::pieces;

    fn decode(pieces: &[&[u8]], limit: usize) -> (Vec<String>, Result<(), SseError>) {
        let mut decoder = Decoder::with_limit(limit);
        let mut events = Vec::new();
        let pushed = pieces
            .iter()
            .try_for_each(|piece| decoder.push(piece, &mut events));
        if pushed.is_ok() {
            decoder.end(&mut events);
        }
        let lines = events.into_iter().map(|event| event.data);
        (lines.collect(), pushed)
    }

    fn lines(bytes: &[u8]) -> Vec<String> {
        decode(&[bytes], 100).0
    }

    #[test]
    fn every_line_is_a_document() {
        for (bytes, expected) in [
            (&b""[..], &[][..]),
            (b"\n\r\n \t\n", &[]),
            (b"{}\n[]\n", &["{}", "[]"]),
            (b"{}\r\n\r\n[]\r\n", &["{}", "[]"]),
            (b"  {} \n", &["{}"]),
            (b"{}\n{\"a\"", &["{}", "{\"a\""]),
            (b"\xEF\xBB\xBF{}\n{}", &["{}", "{}"]),
            (b"\"a\rb\"\n", &["\"a\rb\""]),
        ] {
            assert_eq!(lines(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        assert_eq!(
            lines(b"\"\xFF\"\n\"gr\xC3\n\"\xBCn\""),
            ["\"\u{fffd}\"", "\"gr\u{fffd}", "\"\u{fffd}n\""]
        );
    }

    #[test]
    fn every_cut_gives_the_same_lines() {
        let bytes = "\u{feff}{\"a\":\"gr\u{fc}n\"}\r\n\n{\"b\":\"\u{1f99e}\"}\n[]".as_bytes();
        let whole = decode(&[bytes], 100);
        assert_eq!(whole.0.len(), 3);
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(decode(&[head, tail], 100), whole, "cut at {at}");
        }
        let single = bytes.chunks(1).collect::<Vec<_>>();
        assert_eq!(decode(&single, 100), whole);
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        let limit = SseError::Line { limit: 4 };
        for pieces in [&[&b"1234\n12345"[..]][..], &[b"1234", b"\n123", b"45\n"]] {
            assert_eq!(decode(pieces, 4), (vec!["1234".into()], Err(limit)));
        }
        assert_eq!(decode(&[b"1234"], 4), (vec!["1234".into()], Ok(())));
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut decoder = Decoder::with_limit(1000);
        let piece = [b'x'; 64];
        let mut events = Vec::new();
        while decoder.push(&piece, &mut events).is_ok() {}
        assert!(decoder.line.len() <= 1000, "{}", decoder.line.len());
    }

    proptest! {
        #[test]
        fn any_bytes_give_the_same_lines_however_they_are_cut(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cuts in prop::collection::vec(any::<Index>(), 0..20),
        ) {
            prop_assert_eq!(decode(&pieces(&bytes, &cuts), 50), decode(&[&bytes], 50));
        }
    }
}

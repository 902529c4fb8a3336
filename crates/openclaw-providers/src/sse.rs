//! The one decoder of server-sent events, after the WHATWG HTML standard, section 9.2.6.
//!
//! It takes the bytes in whatever pieces the network delivers and gives the same events for every
//! way to cut them. Lines end with LF, CR or CRLF; bytes that are no UTF-8 become U+FFFD. An event
//! that the end of the stream cuts off is dropped, as the standard asks.
//!
//! Left out: `id` and `retry`, since no model API lets a client resume a stream.

use openclaw_core::Kind;

/// The longest line that is accepted, in bytes.
///
/// Some servers put a whole tool call into one line, and a tool call may write a file.
pub const MAX_LINE: usize = 8 * 1024 * 1024;

/// The most data that one event may have, in bytes.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The event's name; `message` if the stream gave none.
    pub name: String,
    /// The event's data, its lines joined by LF.
    pub data: String,
}

/// Why a stream cannot be decoded further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// A line is too long.
    #[error("a line of the event stream has more than {limit} bytes")]
    Line {
        /// The limit.
        limit: usize,
    },
    /// An event has too much data.
    #[error("an event of the event stream has more than {limit} bytes of data")]
    Event {
        /// The limit.
        limit: usize,
    },
}

impl SseError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Line { .. } | Self::Event { .. } => Kind::Unavailable,
        }
    }
}

/// Decodes one stream.
///
/// ```
/// use openclaw_providers::sse::{Decoder, Event};
///
/// let mut decoder = Decoder::new();
/// let mut events = Vec::new();
/// decoder.push(b"event: ping\r\ndata: {}\r", &mut events)?;
/// decoder.push(b"\n\r\n", &mut events)?;
/// assert_eq!(events, [Event { name: "ping".into(), data: "{}".into() }]);
/// # Ok::<(), openclaw_providers::sse::SseError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    max_line: usize,
    max_event: usize,
    /// The bytes of the line that has not ended yet.
    line: Vec<u8>,
    /// Whether no line has ended yet, so that a byte order mark may come.
    at_start: bool,
    /// Whether the last byte was a CR, so that a LF belongs to it.
    after_cr: bool,
    name: String,
    /// The event's data so far; an empty `data:` line is data too.
    data: Option<String>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Makes a decoder with the limits [`MAX_LINE`] and [`MAX_EVENT`].
    pub fn new() -> Self {
        Self::with_limits(MAX_LINE, MAX_EVENT)
    }

    /// Makes a decoder with limits in bytes for a line and for the data of an event.
    pub fn with_limits(max_line: usize, max_event: usize) -> Self {
        Self {
            max_line,
            max_event,
            line: Vec::new(),
            at_start: true,
            after_cr: false,
            name: String::new(),
            data: None,
        }
    }

    /// Takes the next bytes and adds the events that they complete to `events`.
    ///
    /// After an error the decoder is of no further use; the events before it have been added.
    pub fn push(&mut self, bytes: &[u8], events: &mut impl Extend<Event>) -> Result<(), SseError> {
        let mut rest = bytes;
        if self.after_cr
            && let Some((first, others)) = rest.split_first()
        {
            self.after_cr = false;
            if *first == b'\n' {
                rest = others;
            }
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, ended) = rest.split_at(end);
            self.extend_line(line)?;
            self.end_line(events)?;
            rest = match ended {
                [b'\r', b'\n', others @ ..] | [_, others @ ..] => others,
                [] => ended,
            };
            self.after_cr = rest.is_empty() && ended == b"\r";
        }
        self.extend_line(rest)
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if self.line.len().saturating_add(bytes.len()) > self.max_line {
            return Err(SseError::Line {
                limit: self.max_line,
            });
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut impl Extend<Event>) -> Result<(), SseError> {
        let mut bytes = std::mem::take(&mut self.line);
        let line = match bytes.strip_prefix(BOM) {
            Some(after) if self.at_start => after,
            _ => &bytes,
        };
        self.at_start = false;
        let ended = if line.is_empty() {
            events.extend(self.dispatch());
            Ok(())
        } else {
            self.field(&String::from_utf8_lossy(line))
        };
        // The buffer is kept: lines come one after the other and are of like size.
        bytes.clear();
        self.line = bytes;
        ended
    }

    /// Takes a line that is not empty. A line that begins with a colon is a comment.
    fn field(&mut self, line: &str) -> Result<(), SseError> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                let before = self.data.as_ref();
                let size = before.map_or(0, |data| data.len().saturating_add(1));
                if size.saturating_add(value.len()) > self.max_event {
                    return Err(SseError::Event {
                        limit: self.max_event,
                    });
                }
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => self.data = Some(value.to_owned()),
                }
            }
            "event" => value.clone_into(&mut self.name),
            // `id`, `retry`, comments and whatever else a server may invent.
            _ => {}
        }
        Ok(())
    }

    /// Ends the event at an empty line; one without data is none.
    fn dispatch(&mut self) -> Option<Event> {
        let mut name = std::mem::take(&mut self.name);
        let data = self.data.take()?;
        if name.is_empty() {
            "message".clone_into(&mut name);
        }
        Some(Event { name, data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let mut decoder = Decoder::new();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.push(piece, &mut events).unwrap();
        }
        events
    }

    fn message(data: &str) -> Event {
        named("message", data)
    }

    fn named(name: &str, data: &str) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
        }
    }

    /// Every rule of the standard once, with all three line ends and characters of 1 to 4 bytes.
    const ALL_RULES: &str = concat!(
        "\u{feff}data: first\n\n",
        ": a comment\r\n\r\n",
        "event: named\rdata:no space\rdata:  two spaces\r\r",
        "id: 7\r\nretry: 10\r\ndata\r\ndata\r\n\r\n",
        "event: without data\n\ndata: its name is gone\n\n",
        "unknown: field\ndata: a: b\n\n",
        "data: \u{fc} \u{20ac} \u{1f600} \u{feff}\n\r\n",
        "data: cut off\n",
    );

    fn all_rules_events() -> Vec<Event> {
        vec![
            message("first"),
            named("named", "no space\n two spaces"),
            message("\n"),
            message("its name is gone"),
            message("a: b"),
            message("\u{fc} \u{20ac} \u{1f600} \u{feff}"),
        ]
    }

    #[test]
    fn decodes_by_the_rules_of_the_standard() {
        assert_eq!(decode([ALL_RULES.as_bytes()]), all_rules_events());
    }

    #[test]
    fn gives_the_same_events_for_every_cut_in_two_and_for_single_bytes() {
        let bytes = ALL_RULES.as_bytes();
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(decode([head, tail]), all_rules_events(), "cut at {at}");
        }
        assert_eq!(decode(bytes.chunks(1)), all_rules_events());
    }

    #[test]
    fn an_event_is_out_as_soon_as_its_last_line_ends_with_a_carriage_return() {
        assert_eq!(decode([b"data: x\r\r".as_slice()]), [message("x")]);
    }

    #[test]
    fn a_byte_order_mark_counts_only_at_the_start() {
        let twice = "\u{feff}\u{feff}data: x\n\ndata: y\n\n";
        assert_eq!(decode([twice.as_bytes()]), [message("y")]);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_replaced() {
        assert_eq!(
            decode([b"data: \xE2\x82".as_slice(), b"\ndata: \xFF\n\n"]),
            [message("\u{fffd}\n\u{fffd}")]
        );
    }

    #[test]
    fn lines_and_events_have_a_limit() {
        let mut events = Vec::new();
        let mut decoder = Decoder::with_limits(10, 8);
        decoder.push(b"data: 1234\n\n", &mut events).unwrap();
        assert_eq!(events, [message("1234")]);
        decoder.push(b"data: 1234\ndata", &mut events).unwrap();
        assert_eq!(
            decoder.push(b": 5678\n", &mut events),
            Err(SseError::Event { limit: 8 })
        );
        let mut decoder = Decoder::with_limits(10, 8);
        decoder.push(b": 345678", &mut events).unwrap();
        assert_eq!(
            decoder.push(b"901", &mut events),
            Err(SseError::Line { limit: 10 })
        );
    }

    proptest! {
        #[test]
        fn any_stream_gives_the_same_events_for_any_cuts(
            lines in prop::collection::vec(
                prop_oneof![
                    Just(String::new()),
                    "(data|event|id|:|\u{feff}data):? ?[a\u{20ac}\u{1f600}:]{0,5}",
                ],
                0..20,
            ),
            ends in prop::collection::vec(prop_oneof!["\n", "\r", "\r\n"], 20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let bytes = lines.iter().zip(&ends).fold(Vec::new(), |mut bytes, (line, end)| {
                bytes.extend(line.as_bytes());
                bytes.extend(end.as_bytes());
                bytes
            });
            let mut cuts = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect::<Vec<_>>();
            cuts.sort_unstable();
            let mut from = 0;
            let mut pieces = Vec::new();
            for to in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[from..to]);
                from = to;
            }
            prop_assert_eq!(decode(pieces), decode([bytes.as_slice()]));
        }
    }
}

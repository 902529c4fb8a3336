//! The one decoder of server-sent events, after the WHATWG HTML standard, section 9.2.6.
//!
//! It takes the bytes in whatever pieces the network delivers and gives the same events for every
//! way to cut them. Lines end with LF, CR or CRLF; bytes that are no UTF-8 become U+FFFD. An event
//! that the end of the stream cuts off is dropped, as the standard asks.
//!
//! Left out: `id` and `retry`, since no model API lets a client resume a stream.

use std::ops::ControlFlow;

use memchr::memchr2;
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
/// An event is lent to whoever takes it, and its texts are written over by the next one: a stream
/// of many small events asks for no memory once its largest has come.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use openclaw_providers::sse::{Decoder, Event};
///
/// let mut decoder = Decoder::new();
/// let mut events = Vec::new();
/// let mut keep = |event: &Event| {
///     events.push(event.clone());
///     ControlFlow::Continue(())
/// };
/// decoder.push(b"event: ping\r\ndata: {}\r", &mut keep)?;
/// decoder.push(b"\n\r\n", &mut keep)?;
/// assert_eq!(events, [Event { name: "ping".into(), data: "{}".into() }]);
/// # Ok::<(), openclaw_providers::sse::SseError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    max_line: usize,
    max_event: usize,
    /// The bytes of a line that the pieces so far have not ended.
    line: Vec<u8>,
    place: Place,
    /// The event so far; its name is that of the one before until it gets its own.
    event: Event,
    has_name: bool,
    /// Whether the event has data; an empty `data:` line is data too.
    has_data: bool,
}

/// Where in the stream the decoder is, as far as the next byte may mean something else there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the first line, which may begin with a byte order mark.
    FirstLine,
    /// After a CR, which a LF belongs to.
    AfterCr,
    Elsewhere,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Makes a decoder with the limits [`MAX_LINE`] and [`MAX_EVENT`].
    pub const fn new() -> Self {
        Self::with_limits(MAX_LINE, MAX_EVENT)
    }

    /// Makes a decoder with limits in bytes for a line and for the data of an event.
    pub(crate) const fn with_limits(max_line: usize, max_event: usize) -> Self {
        Self {
            max_line,
            max_event,
            line: Vec::new(),
            place: Place::FirstLine,
            event: Event {
                name: String::new(),
                data: String::new(),
            },
            has_name: false,
            has_data: false,
        }
    }

    /// Takes the next bytes and hands on the events that they complete, as long as `each` wants
    /// more of them.
    ///
    /// After an error, or once `each` has had enough, the decoder is of no further use.
    pub fn push(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<(), SseError> {
        let mut rest = bytes;
        if self.place == Place::AfterCr
            && let Some((first, others)) = rest.split_first()
        {
            self.place = Place::Elsewhere;
            if *first == b'\n' {
                rest = others;
            }
        }
        while let Some(end) = end_of_line(rest) {
            let (line, ended) = rest.split_at(end);
            rest = match ended {
                [b'\r', b'\n', others @ ..] | [_, others @ ..] => others,
                [] => ended,
            };
            let is_event = self.end_line(line)?;
            self.place = if ended == b"\r" {
                Place::AfterCr
            } else {
                Place::Elsewhere
            };
            if is_event && self.hand_on(&mut each).is_break() {
                return Ok(());
            }
        }
        self.extend_line(rest)
    }

    /// Returns how many bytes of memory are held.
    #[cfg(test)]
    pub(crate) const fn held(&self) -> usize {
        self.line.capacity() + self.event.name.capacity() + self.event.data.capacity()
    }

    /// Takes the last bytes of a line; returns whether it ends an event, as an empty one does.
    fn end_line(&mut self, bytes: &[u8]) -> Result<bool, SseError> {
        // Most lines come in one piece and are read where they are.
        if self.line.is_empty() && bytes.len() <= self.max_line {
            return self.whole_line(bytes);
        }
        self.extend_line(bytes)?;
        let mut line = std::mem::take(&mut self.line);
        let ended = self.whole_line(&line);
        line.clear();
        self.line = line;
        ended
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

    fn whole_line(&mut self, mut line: &[u8]) -> Result<bool, SseError> {
        if self.place == Place::FirstLine {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if let Some(data) = value(line, b"data") {
            self.data(data)?;
        } else if let Some(name) = value(line, b"event") {
            self.has_name = !name.is_empty();
            rename(&mut self.event.name, name);
        }
        // `id`, `retry`, comments and whatever else a server may invent say nothing to us.
        Ok(line.is_empty())
    }

    fn data(&mut self, value: &[u8]) -> Result<(), SseError> {
        let data = &mut self.event.data;
        if std::mem::replace(&mut self.has_data, true) {
            data.push('\n');
        }
        append(data, value);
        if data.len() > self.max_event {
            return Err(SseError::Event {
                limit: self.max_event,
            });
        }
        Ok(())
    }

    /// Ends the event; one without data is none.
    fn hand_on(&mut self, each: &mut impl FnMut(&Event) -> ControlFlow<()>) -> ControlFlow<()> {
        let event = &mut self.event;
        let flow = if std::mem::take(&mut self.has_data) {
            if !self.has_name {
                rename(&mut event.name, b"message");
            }
            each(event)
        } else {
            ControlFlow::Continue(())
        };
        event.data.clear();
        self.has_name = false;
        flow
    }
}

/// Finds where a line ends; every other line is empty, and there is nothing to look for.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'\n' | b'\r' => Some(0),
        _ => memchr2(b'\n', b'\r', bytes),
    }
}

/// Returns the value of a line that is not a comment and has this field.
fn value<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(field)? {
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        [] => Some(&[]),
        _ => None,
    }
}

/// Names an event; most have the name of the one before, which has been looked at already.
fn rename(name: &mut String, bytes: &[u8]) {
    if name.as_bytes() != bytes {
        name.clear();
        append(name, bytes);
    }
}

fn append(text: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(valid) => text.push_str(valid),
        Err(_invalid) => text.push_str(&String::from_utf8_lossy(bytes)),
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
            push(&mut decoder, piece, &mut events).unwrap();
        }
        events
    }

    fn push(decoder: &mut Decoder, piece: &[u8], to: &mut Vec<Event>) -> Result<(), SseError> {
        decoder.push(piece, |event| {
            to.push(event.clone());
            ControlFlow::Continue(())
        })
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
    fn nothing_is_read_after_the_event_that_was_enough() {
        let mut events = Vec::new();
        let mut decoder = Decoder::new();
        let pushed = decoder.push(b"data: 1\n\ndata: 2\n\n", |event| {
            events.push(event.clone());
            ControlFlow::Break(())
        });
        assert_eq!((pushed, events), (Ok(()), vec![message("1")]));
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
        push(&mut decoder, b"data: 1234\n\n", &mut events).unwrap();
        assert_eq!(events, [message("1234")]);
        push(&mut decoder, b"data: 1234\ndata", &mut events).unwrap();
        assert_eq!(
            push(&mut decoder, b": 5678\n", &mut events),
            Err(SseError::Event { limit: 8 })
        );
        let mut decoder = Decoder::with_limits(10, 8);
        push(&mut decoder, b": 345678", &mut events).unwrap();
        assert_eq!(
            push(&mut decoder, b"901", &mut events),
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

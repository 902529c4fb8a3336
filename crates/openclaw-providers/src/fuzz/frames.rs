//! What separates events: server-sent events and lines of JSON.

use std::ops::ControlFlow;

use openclaw_testkit::fuzz;
use proptest::prelude::*;

use super::{cuts, soup};
use crate::fixtures::pieces;
use crate::sse::{Event, SseError};
use crate::{ndjson, sse};

const SSE_TOKENS: &[&[u8]] = &[
    b"data",
    b"data:",
    b"data: ",
    b"event",
    b"event: ",
    b"id: 7",
    b"retry: 10",
    b": comment",
    b":",
    b" ",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\n\r\n",
    b"\xEF\xBB\xBF",
    b"{\"a\":1}",
    b"[DONE]",
    b"\xE2\x82",
    b"\xAC",
    b"\xFF",
    "\u{1f600}".as_bytes(),
    b"\0",
    b"a long text that exceeds the smallest of limits",
];

const LINE_TOKENS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\t",
    b"{\"a\":1}",
    b"{\"done\":true}",
    b"[",
    b"\"\\n\"",
    b"\xE2\x82",
    b"\xAC",
    b"\xFF",
    "\u{1f600}\u{85}\u{2028}".as_bytes(),
    b"\0",
    b"a long text that exceeds the smallest of limits",
];

/// Limits that made-up streams run into.
const MAX_LINE: usize = 48;
const MAX_EVENT: usize = 64;

/// An invalid byte becomes a character of three.
const GROWTH: usize = 3;

type Decoded = (Vec<Event>, Result<(), SseError>);

fn sse(mut decoder: sse::Decoder, pieces: &[&[u8]]) -> Decoded {
    let mut events = Vec::new();
    let pushed = pieces.iter().try_for_each(|piece| {
        decoder.push(piece, |event| {
            events.push(event.clone());
            ControlFlow::Continue(())
        })?;
        assert!(decoder.held() <= sse_bound(), "{decoder:?}");
        Ok(())
    });
    (events, pushed)
}

/// The most that a decoder with the small limits may keep: buffers grow to twice what is needed.
const fn sse_bound() -> usize {
    2 * (2 * MAX_LINE + MAX_EVENT + GROWTH * MAX_LINE)
}

/// The standard, word by word, for a stream that is there as a whole.
fn by_the_book(bytes: &[u8]) -> Vec<Event> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes));
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.split('\n').collect::<Vec<_>>();
    lines.pop();
    let mut events = Vec::new();
    let (mut name, mut data) = ("", String::new());
    for line in lines {
        if line.is_empty() {
            if let Some(data) = data.strip_suffix('\n') {
                let name = if name.is_empty() { "message" } else { name };
                let (name, data) = (name.to_owned(), data.to_owned());
                events.push(Event { name, data });
            }
            (name, data) = ("", String::new());
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value,
            "data" => data = data + value + "\n",
            _ => {}
        }
    }
    events
}

#[test]
fn server_sent_events_are_read_by_the_book() {
    let cases = (soup(SSE_TOKENS, 60), cuts());
    fuzz("SSE, beside the standard", &cases, |(bytes, cuts)| {
        let mut decoder = sse::Decoder::new();
        let mut events = Vec::new();
        for piece in pieces(&bytes, &cuts) {
            let pushed = decoder.push(piece, |event| {
                events.push(event.clone());
                ControlFlow::Continue(())
            });
            prop_assert_eq!(pushed, Ok(()));
        }
        prop_assert_eq!(events, by_the_book(&bytes));
        Ok(())
    });
}

#[test]
fn server_sent_events_keep_their_limits_for_any_cuts() {
    let cases = (soup(SSE_TOKENS, 60), cuts());
    fuzz("SSE, small limits", &cases, |(bytes, cuts)| {
        let decoder = || sse::Decoder::with_limits(MAX_LINE, MAX_EVENT);
        let (events, ended) = sse(decoder(), &[&bytes]);
        let largest = events.iter().map(|event| event.data.len()).max();
        prop_assert!(largest.unwrap_or(0) <= MAX_EVENT);
        prop_assert_eq!(sse(decoder(), &pieces(&bytes, &cuts)), (events, ended));
        Ok(())
    });
}

fn lines(mut decoder: ndjson::Decoder, pieces: &[&[u8]]) -> Decoded {
    let mut events = Vec::new();
    let pushed = pieces
        .iter()
        .try_for_each(|piece| decoder.push(piece, &mut events));
    if pushed.is_ok() {
        decoder.end(&mut events);
    }
    (events, pushed)
}

#[test]
fn lines_of_json_are_what_stands_between_line_feeds() {
    let cases = (soup(LINE_TOKENS, 60), cuts());
    fuzz("NDJSON, beside a plain split", &cases, |(bytes, cuts)| {
        let (events, ended) = lines(ndjson::Decoder::default(), &pieces(&bytes, &cuts));
        prop_assert_eq!(ended, Ok(()));
        let text = String::from_utf8_lossy(&bytes);
        let split = text.split('\n').map(str::trim);
        let expected = split.filter(|line| !line.is_empty()).collect::<Vec<_>>();
        let read = events.iter().map(|event| event.data.as_str());
        prop_assert_eq!(read.collect::<Vec<_>>(), expected);
        Ok(())
    });
}

#[test]
fn lines_of_json_keep_their_limit_for_any_cuts() {
    let cases = (soup(LINE_TOKENS, 60), cuts());
    fuzz("NDJSON, small limit", &cases, |(bytes, cuts)| {
        let decoder = || ndjson::Decoder::with_limit(MAX_LINE);
        let (events, ended) = lines(decoder(), &[&bytes]);
        let largest = events.iter().map(|event| event.data.len()).max();
        prop_assert!(largest.unwrap_or(0) <= GROWTH * MAX_LINE);
        prop_assert_eq!(lines(decoder(), &pieces(&bytes, &cuts)), (events, ended));
        Ok(())
    });
}

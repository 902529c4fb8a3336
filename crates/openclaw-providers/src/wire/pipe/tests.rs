//! What comes out of a pipe, byte by byte.

use super::*;
use crate::event::StopReason;
use crate::wire::Skipped;

/// Every event is a text, but for those that say something else.
struct Words {
    skipped: Skipped,
    finished: bool,
}

impl Decode for Words {
    fn document(&mut self, text: &str, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        out.push_back(StreamEvent::Text(text.to_owned()));
        self.finish(out);
        Ok(())
    }

    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        match event.data.as_str() {
            "new" => self.skipped.add(30),
            "stop" => self.finish(out),
            text => out.push_back(StreamEvent::Text(text.to_owned())),
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn skipped(&self) -> Skipped {
        self.skipped
    }
}

impl Words {
    fn finish(&mut self, out: &mut VecDeque<StreamEvent>) {
        out.push_back(StreamEvent::Stop(StopReason::EndTurn));
        self.finished = true;
    }
}

/// Decodes a text byte by byte.
fn read(text: &str) -> (Vec<StreamEvent>, Option<String>) {
    let party = Party { id: "test".into() };
    let decoder = Words {
        skipped: Skipped::default(),
        finished: false,
    };
    let mut pipe = Pipe::new(party, decoder);
    let mut events = Vec::new();
    for byte in text.as_bytes() {
        pipe.push(&[*byte]);
    }
    if !pipe.is_finished() {
        pipe.end();
    }
    loop {
        match pipe.pop() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error.to_string())),
        }
    }
}

#[test]
fn how_much_was_skipped_is_told_before_the_end_and_its_bytes_at_once() {
    let (events, failure) = read("data: new\n\ndata: a\n\ndata: new\n\ndata: stop\n\n");
    assert_eq!(
        events,
        [
            StreamEvent::Unread(30),
            StreamEvent::Text("a".into()),
            StreamEvent::Unread(30),
            StreamEvent::Skipped(2),
            StreamEvent::Stop(StopReason::EndTurn)
        ]
    );
    assert_eq!(failure, None);
}

#[test]
fn an_event_that_is_named_error_is_one_in_every_api() {
    let (events, failure) = read("data: a\n\nevent: error\ndata: {\"message\":\"no\"}\n\n");
    assert_eq!(events, [StreamEvent::Text("a".into())]);
    assert_eq!(failure.unwrap(), "provider `test` broke off its answer: no");
}

#[test]
fn a_document_is_an_answer_or_an_error() {
    let (events, failure) = read("\n{\"error\": null, \"a\": 1}");
    assert_eq!(events.len(), 2, "{failure:?}");
    for (text, told) in [
        (
            "{\"error\":\"no\"}",
            "provider `test` broke off its answer: no",
        ),
        ("{\"a\":", "provider `test` sent a document that is no JSON"),
        (
            "<!DOCTYPE html><html>",
            "provider `test` sent a web page, so a proxy or another server answered",
        ),
        (
            "no upstream\n",
            "provider `test` sent a text without any event of its API",
        ),
        (
            "",
            "the answer of provider `test` ended before it was whole",
        ),
        (
            "event: x\nda",
            "the answer of provider `test` ended before it was whole",
        ),
    ] {
        assert_eq!(read(text), (Vec::new(), Some(told.to_owned())), "{text}");
    }
}

//! From the bytes of an answer to its events; it knows nothing of connections.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::ControlFlow;

use openclaw_core::{ProviderId, Usage};
use openclaw_http::HttpError;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::halves::Halves;
use super::shape::{self, Shape};
use super::{Decode, Fault, Framing, Party, complaint};
use crate::error::ProviderError;
use crate::event::StreamEvent;
use crate::fold::MAX_COMPLETION;
use crate::{count, ndjson, sse};

/// The most bytes that an answer may have on the wire.
///
/// A token takes a few hundred bytes of JSON, so this is room for hundreds of thousands of them.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// The most bytes of an answer's beginning that are kept for the case that it has no event.
const HEAD_BYTES: usize = 300;

/// The name of the event by which any API says that it failed.
const ERROR_EVENT: &str = "error";

/// What takes the bytes apart.
enum Frames {
    /// Nothing that tells what this is has come yet.
    Unknown(Vec<u8>),
    Sse(sse::Decoder),
    NdJson(ndjson::Decoder),
    Document(Vec<u8>),
    Page,
}

/// From bytes to events.
pub(crate) struct Pipe<D> {
    frames: Frames,
    /// How many bytes have come.
    bytes: usize,
    sink: Sink<D>,
}

/// Where the events of an answer go.
struct Sink<D> {
    decoder: D,
    party: Party,
    /// The beginning of an answer that has no event so far.
    head: Option<Vec<u8>>,
    /// What is left of characters that were cut in two, once there were any.
    halves: Option<Halves>,
    /// Whether anything of the answer was understood.
    begun: bool,
    /// The most tokens that were told.
    usage: Usage,
    /// How many bytes that were skipped have been told.
    unread: u64,
    /// What has been decoded and not handed out.
    ready: VecDeque<StreamEvent>,
    /// What went wrong after that.
    failure: Option<ProviderError>,
}

impl<D: Decode> Pipe<D> {
    pub(crate) fn new(party: Party, decoder: D) -> Self {
        Self {
            frames: Frames::Unknown(Vec::new()),
            bytes: 0,
            sink: Sink {
                decoder,
                party,
                head: Some(Vec::new()),
                halves: None,
                begun: false,
                usage: Usage::default(),
                unread: 0,
                ready: VecDeque::new(),
                failure: None,
            },
        }
    }

    /// Returns what comes next: an event, the failure after the last one, or nothing yet.
    pub(crate) fn pop(&mut self) -> Result<Option<StreamEvent>, ProviderError> {
        match (self.sink.ready.pop_front(), &self.sink.failure) {
            (None, Some(_)) => self.sink.failure.take().map_or(Ok(None), Err),
            (event, _) => Ok(event),
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.sink.decoder.is_finished()
    }

    /// Returns whether the answer would be whole if nothing more came.
    pub(super) fn may_end(&self) -> bool {
        self.sink.failure.is_none() && self.sink.decoder.may_end()
    }

    pub(super) const fn provider(&self) -> &ProviderId {
        &self.sink.party.id
    }

    pub(super) fn skipped(&self) -> u32 {
        self.sink.decoder.skipped().count
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MAX_BYTES {
            self.sink.too_large("an answer", MAX_BYTES);
            return;
        }
        let Frames::Unknown(head) = &mut self.frames else {
            return self.feed(bytes);
        };
        head.extend_from_slice(bytes);
        let Some(shape) = shape::of(D::FRAMING, head) else {
            return;
        };
        let head = std::mem::take(head);
        self.frames = match (shape, D::FRAMING) {
            (Shape::Page, _) => Frames::Page,
            (Shape::Document, _) => Frames::Document(Vec::new()),
            (Shape::Stream, Framing::Sse) => Frames::Sse(sse::Decoder::new()),
            (Shape::Stream, Framing::NdJson) => Frames::NdJson(ndjson::Decoder::default()),
        };
        self.feed(&head);
    }

    fn feed(&mut self, bytes: &[u8]) {
        let sink = &mut self.sink;
        let head = sink.remember(bytes);
        match &mut self.frames {
            Frames::Page if head < HEAD_BYTES => {}
            Frames::Page => sink.page(),
            Frames::Sse(sse) => {
                let pushed = sse.push(bytes, |event| sink.take(event));
                sink.framed(pushed);
            }
            Frames::NdJson(lines) => {
                let mut events = Vec::new();
                let pushed = lines.push(bytes, &mut events);
                if events.iter().all(|event| sink.take(event).is_continue()) {
                    sink.framed(pushed);
                }
            }
            Frames::Unknown(document) | Frames::Document(document) => {
                document.extend_from_slice(bytes);
                if document.len() > MAX_COMPLETION {
                    sink.too_large("a document", MAX_COMPLETION);
                }
            }
        }
    }

    pub(crate) fn end(&mut self) {
        let sink = &mut self.sink;
        match std::mem::replace(&mut self.frames, Frames::Unknown(Vec::new())) {
            Frames::Page => sink.page(),
            Frames::Document(bytes) => sink.document(&bytes),
            Frames::Sse(_) => {}
            Frames::NdJson(lines) => sink.last_line(lines),
            // One line of NDJSON need not end.
            Frames::Unknown(head) => {
                sink.remember(&head);
                let mut lines = ndjson::Decoder::default();
                let mut events = Vec::new();
                if D::FRAMING == Framing::NdJson && lines.push(&head, &mut events).is_ok() {
                    sink.last_line(lines);
                }
            }
        }
        sink.end();
    }

    /// A connection that breaks after everything was said has done no harm, and neither has a wait
    /// for what need not come.
    pub(super) fn broken(&mut self, error: HttpError) {
        let may_end = self.may_end();
        let sink = &mut self.sink;
        let harmless = match error {
            HttpError::Broken { .. } => true,
            HttpError::Timeout { .. } => may_end,
            _ => false,
        };
        if !harmless {
            sink.failure = Some(sink.party.http(error));
            return;
        }
        if sink.decode(D::end).is_err() {
            sink.failure = Some(ProviderError::EndedEarly {
                provider: sink.party.id.clone(),
                source: Some(error),
            });
        }
    }
}

impl<D: Decode> Sink<D> {
    /// Keeps the beginning of the answer until an event comes; returns how much there is of it.
    fn remember(&mut self, bytes: &[u8]) -> usize {
        let Some(head) = &mut self.head else { return 0 };
        let more = HEAD_BYTES.saturating_sub(head.len());
        head.extend(bytes.iter().take(more));
        head.len()
    }

    /// Takes an event; breaks if no others count any more.
    fn take(&mut self, event: &sse::Event) -> ControlFlow<()> {
        self.head = None;
        let taken = if event.name == ERROR_EVENT {
            Err(complaint::of_event(&event.data))
        } else {
            self.event(event)
        };
        match taken {
            Err(fault) => self.fault(fault),
            Ok(()) if self.decoder.is_finished() => {}
            Ok(()) => return ControlFlow::Continue(()),
        }
        ControlFlow::Break(())
    }

    fn event(&mut self, event: &sse::Event) -> Result<(), Fault> {
        match Halves::stand_in(&mut self.halves, &event.data) {
            Cow::Borrowed(_as_it_is) => self.decode(|decoder, out| decoder.event(event, out)),
            Cow::Owned(data) => {
                let event = sse::Event {
                    name: event.name.clone(),
                    data,
                };
                self.decode(|decoder, out| decoder.event(&event, out))
            }
        }
    }

    /// Lets the decoder go on and completes what comes of it.
    fn decode(
        &mut self,
        go_on: impl FnOnce(&mut D, &mut VecDeque<StreamEvent>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let known = self.ready.len();
        let mut gone = go_on(&mut self.decoder, &mut self.ready);
        self.begun |= self.ready.len() > known;
        if let Some(halves) = &mut self.halves {
            let fresh = self.ready.split_off(known);
            let mended = fresh.into_iter().flat_map(|event| halves.mend(event));
            self.ready.extend(mended);
            gone = gone.map_err(|fault| halves.mend_fault(fault));
        }
        self.settle_counts(known);
        self.tell_skipped();
        gone
    }

    /// Counts are running totals in every API: one that shrinks takes back nothing of what was told.
    fn settle_counts(&mut self, known: usize) {
        for event in self.ready.iter_mut().skip(known) {
            if let StreamEvent::Usage(usage) = event {
                self.usage = count::most(self.usage, *usage);
                *usage = self.usage;
            }
        }
    }

    /// Takes a line that has no end; it may be one that was cut.
    fn last_line(&mut self, mut lines: ndjson::Decoder) {
        let mut events = Vec::new();
        lines.end(&mut events);
        let is_whole =
            |event: &&sse::Event| serde_json::from_str::<IgnoredAny>(&event.data).is_ok();
        for event in events.iter().filter(is_whole) {
            if self.take(event).is_break() {
                return;
            }
        }
    }

    fn framed(&mut self, pushed: Result<(), sse::SseError>) {
        match pushed {
            Ok(()) => {}
            Err(sse::SseError::Line { limit }) => self.too_large("a line", limit),
            Err(sse::SseError::Event { limit }) => self.too_large("an event", limit),
        }
    }

    /// Says that somebody else answered.
    fn page(&mut self) {
        let head = self.head.take().unwrap_or_default();
        let what = "a web page, so a proxy or another server answered";
        self.fault(Fault::malformed(what, &String::from_utf8_lossy(&head)));
    }

    fn document(&mut self, bytes: &[u8]) {
        self.head = None;
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let text = &*Halves::stand_in(&mut self.halves, text);
        let read = serde_json::from_str::<Value>(text);
        let error = read.as_ref().map(complaint::error_in);
        let taken = match error {
            Err(_no_json) => Err(Fault::malformed("a document that is no JSON", text)),
            Ok(Some(error)) => self.decode(|_decoder, _out| Err(complaint::sent(error))),
            Ok(None) => self.decode(|decoder, out| decoder.document(text, out)),
        };
        if let Err(fault) = taken {
            self.fault(fault);
        }
    }

    fn end(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let ended = self.decode(D::end);
        match (ended, self.head.take()) {
            (Ok(()), _) => {}
            (Err(Fault::EndedEarly), Some(head)) if is_foreign(&head) => {
                let text = String::from_utf8_lossy(&head);
                self.fault(Fault::malformed(
                    "a text without any event of its API",
                    &text,
                ));
            }
            (Err(fault), _) => self.fault(fault),
        }
    }

    /// Tells how many bytes were skipped, and before the end how many events.
    fn tell_skipped(&mut self) {
        let skipped = self.decoder.skipped();
        let is_end = |event: &mut StreamEvent| matches!(event, StreamEvent::Stop(_));
        let stop = self.ready.pop_back_if(is_end);
        let more = skipped.bytes.saturating_sub(self.unread);
        if more > 0 {
            self.unread = skipped.bytes;
            self.ready.push_back(StreamEvent::Unread(more));
        }
        if stop.is_some() && skipped.count > 0 {
            self.ready.push_back(StreamEvent::Skipped(skipped.count));
        }
        self.ready.extend(stop);
    }

    fn too_large(&mut self, what: &'static str, limit: usize) {
        self.failure = Some(self.party.too_large(what, limit));
    }

    fn fault(&mut self, fault: Fault) {
        let mut failure = self.party.fault(fault);
        if let ProviderError::Malformed { begun, .. } = &mut failure {
            *begun = self.begun;
        }
        self.failure = Some(failure);
    }
}

/// Tells whether a text has not even the beginning of an event in it.
fn is_foreign(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let known = |line: &str| {
        let line = line.trim_start_matches('\u{feff}');
        line.starts_with([':', '{'])
            || ["data", "event", "id", "retry"]
                .iter()
                .any(|field| line.starts_with(field) || field.starts_with(line))
    };
    !head.trim().is_empty() && !head.lines().filter(|line| !line.is_empty()).any(known)
}

#[cfg(test)]
mod tests;

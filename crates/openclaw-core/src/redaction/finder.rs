//! Finding values in a text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use secrecy::zeroize::Zeroizing;

use super::REDACTED;
use super::escapes::Plain;
use super::forms::forms;

/// Finds the forms of a number of values.
pub(super) struct Finder {
    /// Nothing when it could not be built, which happens only beyond what a machine can number.
    automaton: Option<AhoCorasick>,
    /// The forms in order, to look for their beginnings.
    forms: Vec<Zeroizing<String>>,
    longest: usize,
}

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finder").finish_non_exhaustive()
    }
}

impl Finder {
    pub(super) fn new<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut forms: Vec<Zeroizing<String>> = values.flat_map(forms).collect();
        forms.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        forms.dedup();
        // The search in front of the automaton does nearly all of the work, so the automaton may be
        // the one that needs little memory.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(forms.iter().map(|form| form.as_bytes()));
        Self {
            automaton: automaton.ok(),
            longest: forms.iter().map(|form| form.len()).max().unwrap_or(0),
            forms,
        }
    }

    /// Returns the text without the values.
    pub(super) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let spans = self.spans(text);
        if spans.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(without(text, &spans))
        }
    }

    /// Tells whether a value is in the text.
    pub(super) fn finds(&self, text: &str) -> bool {
        let Some(automaton) = &self.automaton else {
            return true;
        };
        automaton.is_match(text)
            || Plain::of(text).is_some_and(|plain| automaton.is_match(&plain.text))
    }

    /// Returns where values stand, in order and apart. Values that overlap are one place.
    pub(super) fn spans(&self, text: &str) -> Vec<Range<usize>> {
        let Some(automaton) = &self.automaton else {
            // Without the means to look nothing may be shown.
            return std::iter::once(0..text.len()).collect();
        };
        let spans = found(automaton, text);
        let Some(plain) = Plain::of(text) else {
            return spans;
        };
        let escaped = found(automaton, &plain.text)
            .into_iter()
            .map(|span| plain.origin(span.start)..plain.origin(span.end));
        joined(spans.into_iter().chain(escaped).collect())
    }

    /// Returns where the end of the text may be the beginning of a value that goes on.
    pub(super) fn unfinished(&self, text: &str) -> usize {
        let end = self.beginning(text);
        let Some(plain) = Plain::of(text) else {
            return end;
        };
        let (whole, cut) = plain.whole();
        let at = self.beginning(whole);
        let escaped = if at < whole.len() {
            plain.origin(at)
        } else {
            cut
        };
        end.min(escaped)
    }

    fn beginning(&self, text: &str) -> usize {
        let first = text.len().saturating_sub(self.longest.saturating_sub(1));
        let first = text.ceil_char_boundary(first);
        let tail = text.get(first..).unwrap_or_default();
        tail.char_indices()
            .map(|(at, _)| first.saturating_add(at))
            .find(|&at| self.begins(text.get(at..).unwrap_or_default()))
            .unwrap_or(text.len())
    }

    /// Tells whether a longer form begins with this text.
    fn begins(&self, text: &str) -> bool {
        let at = self.forms.partition_point(|form| form.as_str() <= text);
        self.forms
            .get(at)
            .is_some_and(|form| form.starts_with(text))
    }
}

/// Returns where values stand in a text as it is.
fn found(automaton: &AhoCorasick, text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(found) = automaton.find(Input::new(text).span(from..text.len())) {
        // The next may begin within this one.
        from = found.start().saturating_add(1);
        match spans.last_mut() {
            Some(last) if found.start() < last.end => last.end = last.end.max(found.end()),
            _ => spans.push(found.range()),
        }
    }
    spans
}

/// Returns these places in order and apart.
fn joined(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_unstable_by_key(|span| span.start);
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    apart
}

/// Returns the text with a mask in the place of each span.
fn without(text: &str, spans: &[Range<usize>]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for span in spans {
        masked.push_str(text.get(from..span.start).unwrap_or_default());
        masked.push_str(REDACTED);
        from = span.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    masked
}

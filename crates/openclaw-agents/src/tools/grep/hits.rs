//! What a search found, put into a page.

use std::io;

use grep_searcher::{Searcher, Sink, SinkContext, SinkContextKind, SinkMatch};

use crate::tools::page::{Page, cut_line};

/// How much of a line is shown, in characters.
const MAX_LINE: usize = 500;

/// The matches of a page.
#[derive(Debug)]
pub(super) struct Hits {
    page: Page,
    /// How many matches are passed over.
    offset: usize,
    limit: usize,
    seen: usize,
    shown: usize,
    next: Option<usize>,
    has_cut_lines: bool,
}

/// The matches of one file on their way into a page.
#[derive(Debug)]
pub(super) struct OfFile<'a> {
    hits: &'a mut Hits,
    path: String,
    /// Lines before a match of which it is not known yet whether it is shown.
    before: String,
    /// Whether the match before was shown.
    follows_shown: bool,
}

/// Whether there is a match at all.
#[derive(Debug, Default)]
pub(super) struct AnyHit(bool);

impl Hits {
    pub(super) const fn new(offset: usize, limit: usize) -> Self {
        Self {
            page: Page::new(),
            offset,
            limit,
            seen: 0,
            shown: 0,
            next: None,
            has_cut_lines: false,
        }
    }

    /// Returns how many matches are shown.
    pub(super) const fn shown(&self) -> usize {
        self.shown
    }

    /// Returns how many matches the next page passes over, if there is one.
    pub(super) const fn next(&self) -> Option<usize> {
        self.next
    }

    pub(super) const fn has_cut_lines(&self) -> bool {
        self.has_cut_lines
    }

    pub(super) fn close(self, note: &str) -> String {
        self.page.close(Some(note))
    }
}

impl<'a> OfFile<'a> {
    pub(super) const fn new(hits: &'a mut Hits, path: String) -> Self {
        Self {
            hits,
            path,
            before: String::new(),
            follows_shown: false,
        }
    }

    fn line(&mut self, mark: char, number: Option<u64>, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let shown = cut_line(&text, MAX_LINE);
        self.hits.has_cut_lines |= shown.ends_with('…') && !text.contains(&shown);
        let number = number.unwrap_or_default();
        format!("{}{mark}{number}{mark} {shown}\n", self.path)
    }
}

impl Sink for OfFile<'_> {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        if self.hits.seen < self.hits.offset {
            self.hits.seen = self.hits.seen.saturating_add(1);
            self.before.clear();
            self.follows_shown = false;
            return Ok(true);
        }
        let line = self.line(':', found.line_number(), found.bytes());
        let piece = std::mem::take(&mut self.before) + &line;
        if self.hits.shown >= self.hits.limit || !self.hits.page.push(&piece) {
            self.hits.next = Some(self.hits.seen);
            return Ok(false);
        }
        self.hits.seen = self.hits.seen.saturating_add(1);
        self.hits.shown = self.hits.shown.saturating_add(1);
        self.follows_shown = true;
        Ok(true)
    }

    fn context(&mut self, _searcher: &Searcher, found: &SinkContext<'_>) -> io::Result<bool> {
        let line = self.line('-', found.line_number(), found.bytes());
        match found.kind() {
            SinkContextKind::After if self.follows_shown => {
                // Where there is no room for it, there is none for the next match either.
                let _is_there_room = self.hits.page.push(&line);
            }
            SinkContextKind::After => {}
            SinkContextKind::Before | SinkContextKind::Other => self.before.push_str(&line),
        }
        Ok(true)
    }

    fn context_break(&mut self, _searcher: &Searcher) -> io::Result<bool> {
        self.before.clear();
        if self.hits.shown > 0 {
            self.before.push_str("--\n");
        }
        Ok(true)
    }
}

impl AnyHit {
    pub(super) const fn is_there(&self) -> bool {
        self.0
    }
}

impl Sink for &mut AnyHit {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, _found: &SinkMatch<'_>) -> io::Result<bool> {
        self.0 = true;
        Ok(false)
    }
}

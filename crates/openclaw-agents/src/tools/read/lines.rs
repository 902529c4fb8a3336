//! Picking the lines of a page from a text that comes in pieces.

use crate::tools::MAX_RESULT_BYTES;
use crate::tools::page::{Page, size};

/// Where a page begins, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Its first line, from 1.
    pub(super) line: usize,
    /// The first character of that line, from 0.
    pub(super) character: usize,
    /// The most lines.
    pub(super) lines: usize,
}

/// Where a text ended before the page began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// After so many lines.
    Lines(usize),
    /// After so many characters of the first line.
    Characters(usize),
}

/// The lines of a page.
#[derive(Debug)]
pub(super) struct Lines {
    start: Start,
    text: String,
    /// Where in the page the line begins that is being taken.
    line_begin: usize,
    /// The line that comes next or is being taken, from 1.
    line: usize,
    /// How many characters of it have come by.
    character: usize,
    /// How many characters the first line has.
    first_length: usize,
    /// The line and the character that the next page begins with.
    next: Option<(usize, usize)>,
    /// Whether all of the text has come by.
    is_whole: bool,
    /// Whether there was something that is no UTF-8.
    is_repaired: bool,
}

impl Start {
    const fn is_beginning(self) -> bool {
        self.line == 1 && self.character == 0
    }
}

impl Lines {
    pub(super) const fn new(start: Start) -> Self {
        Self {
            start,
            text: String::new(),
            line_begin: 0,
            line: 1,
            character: 0,
            first_length: 0,
            next: None,
            is_whole: false,
            is_repaired: false,
        }
    }

    /// Takes the next piece of the text.
    pub(super) fn take(&mut self, piece: &str) {
        for part in piece.split_inclusive('\n') {
            if self.next.is_none() && self.line >= self.start.line {
                self.keep(part);
            }
            let is_end = part.ends_with('\n');
            self.character = self.character.saturating_add(part.chars().count());
            if self.line == self.start.line {
                self.first_length = self.character.saturating_sub(usize::from(is_end));
            }
            if is_end {
                self.line = self.line.saturating_add(1);
                self.character = 0;
                self.line_begin = self.text.len();
            }
        }
    }

    fn keep(&mut self, part: &str) {
        if self.line.saturating_sub(self.start.line) >= self.start.lines {
            self.next = Some((self.line, 0));
            return;
        }
        let skipped = if self.line == self.start.line {
            self.start.character.saturating_sub(self.character)
        } else {
            0
        };
        let mut kept = part.chars();
        if skipped > 0 {
            // Nobody asks for the end of a line as such.
            kept.nth(skipped.saturating_sub(1));
        }
        let kept = kept.as_str();
        let room = MAX_RESULT_BYTES.saturating_sub(self.text.len());
        if kept.len() <= room {
            self.text.push_str(kept);
        } else if self.line_begin > 0 {
            // A line that is shown in parts begins a page.
            self.text.truncate(self.line_begin);
            self.next = Some((self.line, 0));
        } else {
            let fits = kept.get(..kept.floor_char_boundary(room)).unwrap_or("");
            self.text.push_str(fits);
            let passed = part
                .chars()
                .count()
                .saturating_sub(kept.chars().count())
                .saturating_add(fits.chars().count());
            self.next = Some((self.line, self.character.saturating_add(passed)));
        }
        self.is_repaired |= kept.contains(char::REPLACEMENT_CHARACTER);
    }

    /// Says whether what follows is on the next page.
    pub(super) const fn is_full(&self) -> bool {
        self.next.is_some()
    }

    /// Is told that nothing follows.
    pub(super) const fn end(&mut self) {
        self.is_whole = true;
    }

    /// Returns the page of a file of so many bytes.
    pub(super) fn finish(self, bytes: u64) -> Result<String, End> {
        let count = if self.character > 0 {
            self.line
        } else {
            self.line.saturating_sub(1)
        };
        if self.text.is_empty() && !self.start.is_beginning() {
            return Err(if self.start.line > count {
                End::Lines(count)
            } else {
                End::Characters(self.first_length)
            });
        }
        let note = self.note(count, bytes);
        let mut page = Page::of(usize::MAX);
        page.push(&self.text);
        Ok(page.close(note.as_deref()))
    }

    /// Says what of the file is on the page, unless that is all of it.
    fn note(&self, count: usize, bytes: u64) -> Option<String> {
        let mut said = Vec::new();
        if bytes == 0 {
            said.push("the file is empty".to_owned());
        }
        if !self.start.is_beginning() || self.next.is_some() {
            let last = match self.next {
                Some((line, 0)) => line.saturating_sub(1).max(self.start.line),
                Some((line, _)) => line,
                None => count,
            };
            let of = if self.is_whole {
                format!(" of {count}")
            } else {
                String::new()
            };
            said.push(format!(
                "lines {} to {last}{of}, {} of {}",
                self.start.line,
                size(u64::try_from(self.text.len()).unwrap_or(u64::MAX)),
                size(bytes)
            ));
            said.push(match self.next {
                Some((line, 0)) => format!("more: continue with offset {line}"),
                Some((line, character)) => {
                    format!("more: continue with offset {line} and cursor {character}")
                }
                None => "this is the end".to_owned(),
            });
        }
        if self.is_repaired {
            said.push("what is not UTF-8 is shown as \u{fffd}".to_owned());
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(pieces: &[&str], line: usize, character: usize, lines: usize) -> Lines {
        let mut page = Lines::new(Start {
            line,
            character,
            lines,
        });
        for piece in pieces {
            page.take(piece);
        }
        page.end();
        page
    }

    fn shown(pieces: &[&str], line: usize, lines: usize) -> String {
        let bytes = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let bytes = u64::try_from(bytes).unwrap();
        page(pieces, line, 0, lines).finish(bytes).unwrap()
    }

    #[test]
    fn says_what_of_the_file_is_shown_and_where_to_go_on() {
        assert_eq!(shown(&["a\nb", "\nc\n"], 1, 9), "a\nb\nc\n");
        assert_eq!(
            shown(&["a\nb\n", "c\n"], 2, 1),
            "b\n[lines 2 to 2 of 3, 2 bytes of 6 bytes; more: continue with offset 3]"
        );
        assert_eq!(
            shown(&["a\nb\nc"], 3, 9),
            "c\n[lines 3 to 3 of 3, 1 byte of 5 bytes; this is the end]"
        );
        assert_eq!(shown(&[""], 1, 9), "[the file is empty]");
        let end = page(&["a\nb\n"], 3, 0, 9).finish(4).unwrap_err();
        assert_eq!(end, End::Lines(2));
        let end = page(&["abc\nb\n"], 1, 7, 1).finish(6).unwrap_err();
        assert_eq!(end, End::Characters(3));
    }

    #[test]
    fn a_line_that_is_longer_than_a_page_comes_in_parts() {
        let line = "é".repeat(MAX_RESULT_BYTES);
        let text = format!("short\n{line}\nend");
        let first = page(&[&text], 1, 0, usize::MAX);
        assert_eq!((first.text.as_str(), first.next), ("short\n", Some((2, 0))));
        let half = MAX_RESULT_BYTES / 2;
        let second = page(&[&text], 2, 0, usize::MAX);
        assert_eq!(
            (second.text.len(), second.next),
            (MAX_RESULT_BYTES, Some((2, half)))
        );
        let third = page(&[&text], 2, half, usize::MAX);
        // What is left of the line fills a page, so its end is on the next one.
        assert_eq!(
            (third.text.len(), third.next),
            (MAX_RESULT_BYTES, Some((2, 2 * half)))
        );
        let last = page(&[&text], 3, 0, usize::MAX);
        assert_eq!((last.text.as_str(), last.next), ("end", None));
    }

    proptest! {
        #[test]
        fn the_pages_of_a_text_are_the_text(
            lines in prop::collection::vec("[aé]{0,3}", 0..9),
            cuts in prop::collection::vec(0_usize..40, 0..4),
            limit in 1_usize..4,
        ) {
            let text = lines.join("\n");
            let mut cuts: Vec<usize> = cuts.iter().map(|at| text.floor_char_boundary(*at)).collect();
            cuts.push(text.len());
            cuts.sort_unstable();
            let mut from = 0;
            let mut pieces = Vec::new();
            for cut in cuts {
                pieces.push(text.get(from..cut).unwrap());
                from = cut;
            }
            let (mut whole, mut next) = (String::new(), Some((1, 0)));
            while let Some((line, character)) = next {
                let page = page(&pieces, line, character, limit);
                whole.push_str(&page.text);
                next = page.next;
            }
            prop_assert_eq!(whole, text);
        }
    }
}

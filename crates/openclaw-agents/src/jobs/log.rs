//! What a background command has said, as far as it is kept.

use openclaw_core::redaction::StreamMask;

use crate::bus::OutputStream;

/// How much of the output of one command is kept, in bytes of text; the oldest goes first.
const KEPT: usize = 200_000;

/// How much of what is new one look at a command shows, in bytes of text; of more, the end.
const NEWS: usize = 30_000;

/// The output of a command, both streams in the order in which they came, with secrets masked.
#[derive(Default)]
pub(super) struct Log {
    stdout: StreamMask,
    stderr: StreamMask,
    text: String,
    /// How many bytes were dropped before the text.
    dropped: usize,
    /// How many bytes of all that was said have been handed out as news.
    told: usize,
}

/// What a command has said since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// The text.
    pub(crate) text: String,
    /// How many bytes of it are left out before the text; the log may still have them.
    pub(crate) left_out: usize,
}

/// Some lines of what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The lines.
    pub(crate) text: String,
    /// The number of the first of them, from zero.
    pub(crate) offset: usize,
    /// How many lines there are in all.
    pub(crate) lines: usize,
    /// How many bytes are not kept any more.
    pub(crate) dropped: usize,
}

impl Log {
    /// Takes a piece, which may be cut anywhere.
    pub(super) fn push(&mut self, stream: OutputStream, bytes: &[u8]) {
        let mask = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        let shown = mask.push_bytes(bytes);
        self.add(&shown);
    }

    /// Takes what was held back as the possible beginning of a secret.
    pub(super) fn end(&mut self) {
        for mask in [
            std::mem::take(&mut self.stdout),
            std::mem::take(&mut self.stderr),
        ] {
            let rest = mask.finish();
            self.add(&rest);
        }
    }

    fn add(&mut self, shown: &str) {
        self.text.push_str(shown);
        if let Some(surplus) = self.text.len().checked_sub(KEPT) {
            let cut = self.text.ceil_char_boundary(surplus);
            self.text.drain(..cut);
            self.dropped = self.dropped.saturating_add(cut);
        }
    }

    /// Returns what has come since this was called last.
    pub(super) fn news(&mut self) -> News {
        let said = self.dropped.saturating_add(self.text.len());
        let new = said.saturating_sub(self.told);
        let from = self.text.len().saturating_sub(new.min(NEWS));
        let from = self.text.ceil_char_boundary(from);
        let text = self.text.get(from..).unwrap_or_default().to_owned();
        self.told = said;
        News {
            left_out: new.saturating_sub(text.len()),
            text,
        }
    }

    /// Returns `limit` lines from `offset` on; without an offset, the last ones.
    pub(super) fn page(&self, offset: Option<usize>, limit: usize) -> Page {
        let lines = self.text.lines().count();
        let offset = offset
            .unwrap_or_else(|| lines.saturating_sub(limit))
            .min(lines);
        let page = self.text.lines().skip(offset).take(limit);
        Page {
            text: page.collect::<Vec<_>>().join("\n"),
            offset,
            lines,
            dropped: self.dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::redaction::learn_text;

    use super::*;

    fn log(pieces: &[&str]) -> Log {
        let mut log = Log::default();
        for piece in pieces {
            log.push(OutputStream::Stdout, piece.as_bytes());
        }
        log
    }

    #[test]
    fn news_are_told_once() {
        let mut log = log(&["one\n"]);
        assert_eq!(log.news().text, "one\n");
        assert_eq!(log.news(), News::default());
        log.push(OutputStream::Stderr, b"two\n");
        assert_eq!(log.news().text, "two\n");
    }

    #[test]
    fn of_too_much_the_end_is_kept_and_what_is_missing_is_counted() {
        let mut log = log(&[&"x".repeat(KEPT), "the end"]);
        let news = log.news();
        assert!(news.text.ends_with("the end"));
        assert_eq!(news.text.len(), NEWS);
        assert_eq!(news.left_out, KEPT + 7 - NEWS);
        let page = log.page(None, 10);
        assert_eq!((page.lines, page.dropped), (1, 7));
    }

    #[test]
    fn pages_go_by_lines() {
        let log = log(&["a\nb\nc\nd\n"]);
        assert_eq!(log.page(None, 2).text, "c\nd");
        assert_eq!(log.page(Some(1), 2).text, "b\nc");
        let beyond = log.page(Some(9), 2);
        assert_eq!((beyond.text.as_str(), beyond.offset), ("", 4));
    }

    #[test]
    fn a_secret_is_masked_wherever_it_is_cut() {
        let secret = "cnry-of-a-background-job-0123456789";
        learn_text(secret);
        let (head, tail) = secret.split_at(9);
        let mut log = log(&["so ", head, tail, " there, and cnry-of"]);
        log.end();
        assert_eq!(log.news().text, "so [REDACTED] there, and cnry-of");
    }
}

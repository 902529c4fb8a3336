//! Masking a text that comes in pieces.

use std::mem;

use super::finder::Finder;
use super::{REDACTED, table};

/// Masks a text of which pieces are shown before the rest is there.
///
/// An end that may be the beginning of a secret is held back until the next piece decides it, so no
/// part of a secret gets through because it was cut.
///
/// ```
/// use openclaw_core::ApiKey;
/// use openclaw_core::redaction::{StreamMask, learn};
///
/// learn(&ApiKey::new("sk-ant-0123456789".to_owned()));
/// let mut stream = StreamMask::new();
/// assert_eq!(stream.push("the key is sk-ant-012"), "the key is ");
/// assert_eq!(stream.push("3456789, and so on"), "[REDACTED], and so on");
/// assert_eq!(stream.finish(), "");
/// ```
#[derive(Default)]
pub struct StreamMask {
    /// The end that is not shown yet.
    held: String,
    /// How many bytes at the front of it are part of a secret for which a mask was shown.
    covered: usize,
    /// Bytes of a character that is not whole.
    partial: Vec<u8>,
}

impl std::fmt::Debug for StreamMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamMask").finish_non_exhaustive()
    }
}

impl StreamMask {
    /// Makes a mask for a text that begins now.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece and returns what may be shown, which may be nothing.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        match table::finder() {
            Some(finder) => {
                let end = finder.unfinished(&self.held);
                self.show(&finder, end)
            }
            None => self.rest(),
        }
    }

    /// As [`push`](Self::push), for bytes: a character that is cut in two is put together again, and
    /// what is no UTF-8 is replaced.
    pub fn push_bytes(&mut self, piece: &[u8]) -> String {
        let mut bytes = mem::take(&mut self.partial);
        bytes.extend_from_slice(piece);
        let cut = incomplete(&bytes);
        self.partial = bytes.split_off(bytes.len().saturating_sub(cut));
        self.push(&String::from_utf8_lossy(&bytes))
    }

    /// Returns what is left when no more comes.
    pub fn finish(mut self) -> String {
        let partial = mem::take(&mut self.partial);
        self.held.push_str(&String::from_utf8_lossy(&partial));
        match table::finder() {
            Some(finder) => self.show(&finder, self.held.len()),
            None => self.rest(),
        }
    }

    fn rest(&mut self) -> String {
        let held = mem::take(&mut self.held);
        let covered = mem::take(&mut self.covered);
        held.get(covered..).unwrap_or_default().to_owned()
    }

    /// Shows what stands before `end`. A secret that reaches beyond it shows as a mask at once, and
    /// the part of it behind `end` is noted as covered.
    fn show(&mut self, finder: &Finder, end: usize) -> String {
        let mut shown = String::with_capacity(end);
        let mut from = self.covered;
        for span in finder.spans(&self.held) {
            if span.start >= end {
                break;
            }
            // One that begins within what is covered goes on with the mask that was shown.
            if span.start >= from {
                shown.push_str(self.held.get(from..span.start).unwrap_or_default());
                shown.push_str(REDACTED);
            }
            from = from.max(span.end);
        }
        shown.push_str(self.held.get(from..end).unwrap_or_default());
        self.covered = from.saturating_sub(end);
        self.held = self.held.split_off(end);
        shown
    }
}

/// Returns how many bytes at the end are the beginning of a character.
fn incomplete(bytes: &[u8]) -> usize {
    (1..=3)
        .take_while(|n| *n <= bytes.len())
        .find_map(|n| {
            let first = *bytes.get(bytes.len().saturating_sub(n))?;
            let whole = match first {
                0xC0..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF7 => 4,
                0x80..=0xBF => return None,
                _ => 1,
            };
            Some(if whole > n { n } else { 0 })
        })
        .unwrap_or(0)
}

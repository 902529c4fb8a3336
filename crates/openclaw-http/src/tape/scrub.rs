//! Taking secrets out of a body that comes in pieces, and nothing else.

use std::mem;

use openclaw_core::redaction::StreamMask;

use super::cassette::Part;
use super::joined::Joined;

/// Turns the bytes of a body into what may be written of it.
///
/// What is no UTF-8 comes out as it went in: no secret is in it, and none goes across it.
#[derive(Debug, Default)]
pub(super) struct Scrub {
    mask: StreamMask,
    joined: Joined,
    /// The beginning of a character that is not whole.
    partial: Vec<u8>,
}

impl Scrub {
    /// Takes a piece and returns what may be written now, which may be nothing.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<Part> {
        let mut bytes = mem::take(&mut self.partial);
        bytes.extend_from_slice(piece);
        let mut parts = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let error = match str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text, &mut parts);
                    break;
                }
                Err(error) => error,
            };
            let (valid, after) = rest
                .split_at_checked(error.valid_up_to())
                .unwrap_or_default();
            self.text(str::from_utf8(valid).unwrap_or_default(), &mut parts);
            let Some(length) = error.error_len() else {
                self.partial = after.to_vec();
                break;
            };
            let (odd, after) = after.split_at_checked(length).unwrap_or_default();
            self.flush(&mut parts);
            parts.push(Part::Bytes(odd.to_vec()));
            rest = after;
        }
        parts
    }

    /// Returns what is left when no more comes.
    pub(super) fn finish(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        self.flush(&mut parts);
        let partial = mem::take(&mut self.partial);
        if !partial.is_empty() {
            parts.push(Part::Bytes(partial));
        }
        parts
    }

    fn text(&mut self, text: &str, parts: &mut Vec<Part>) {
        let shown = self.mask.push(text);
        add(self.joined.push(&shown), parts);
    }

    fn flush(&mut self, parts: &mut Vec<Part>) {
        let held = mem::take(&mut self.mask).finish();
        add(self.joined.push(&held), parts);
        add(mem::take(&mut self.joined).finish(), parts);
    }
}

fn add(text: String, parts: &mut Vec<Part>) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.push_str(&text),
        _ => parts.push(Part::Text(text)),
    }
}

//! Secrets that come in pieces, each in a JSON document of its own.
//!
//! A model's words arrive a few at a time, every few in an event with names and braces around them.
//! A secret among them stands in no place of the body as a whole, only in what a reader puts together.
//! So texts that stand at the same place of successive documents are looked at as one.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use openclaw_core::redaction::{StreamMask, mask};
use serde_json::Value;

/// The longest line that is looked into.
const MAX_LINE: usize = 64 * 1024;

/// The most lines that are held back.
const MAX_HELD: usize = 256;

/// The deepest place that is looked at.
const MAX_DEPTH: usize = 16;

/// Holds lines back for as long as their texts may be the beginning of a secret.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// The line that has no end yet.
    line: String,
    /// The rest of a line that is too long to be looked into is let through.
    passing: Passing,
    held: VecDeque<Line>,
    /// The number of the first line that is held.
    first: usize,
    /// What may go on, by the place where it stands.
    open: BTreeMap<String, Vec<Piece>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Passing {
    #[default]
    No,
    UntilLineEnd,
}

/// A line as it came, or with another document in it.
#[derive(Debug)]
struct Line {
    text: String,
    /// What the document is, where it was changed.
    changed: Option<Value>,
}

/// A text in the document of a line.
#[derive(Debug)]
struct Piece {
    line: usize,
    text: String,
}

impl Joined {
    /// Takes text and returns what may be written now.
    pub(super) fn push(&mut self, text: &str) -> String {
        let mut out = String::new();
        for part in text.split_inclusive('\n') {
            self.line.push_str(part);
            let ended = part.ends_with('\n');
            if self.passing == Passing::UntilLineEnd || self.line.len() > MAX_LINE {
                self.give_up(&mut out);
                self.passing = if ended {
                    Passing::No
                } else {
                    Passing::UntilLineEnd
                };
            } else if ended {
                self.take();
                self.release(&mut out);
            }
        }
        out
    }

    /// Returns what is left when no more comes.
    pub(super) fn finish(mut self) -> String {
        let mut out = String::new();
        self.give_up(&mut out);
        out
    }

    /// Takes the line that has ended.
    fn take(&mut self) {
        let text = mem::take(&mut self.line);
        let number = self.first.saturating_add(self.held.len());
        let mut texts = Vec::new();
        if let Some(document) = document(&text) {
            leaves(&document, &mut String::new(), 0, &mut texts);
        }
        self.held.push_back(Line {
            text,
            changed: None,
        });
        for (place, text) in texts {
            let piece = Piece { line: number, text };
            let mut pieces = self.open.remove(&place).unwrap_or_default();
            pieces.push(piece);
            if self.decide(&place, &mut pieces) == Decided::NotYet {
                self.open.insert(place, pieces);
            }
        }
    }

    /// Looks at what stands at one place of successive documents.
    fn decide(&mut self, place: &str, pieces: &mut Vec<Piece>) -> Decided {
        let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let masked = mask(&whole);
        let shown = StreamMask::new().push(&whole);
        if masked == whole {
            // What comes before a possible beginning of a secret is decided.
            let mut sure = shown.len();
            while let Some(first) = pieces.first().filter(|first| first.text.len() <= sure) {
                sure = sure.saturating_sub(first.text.len());
                pieces.remove(0);
            }
        } else if shown == masked {
            self.replace(place, pieces, &masked);
            pieces.clear();
        }
        if pieces.is_empty() {
            Decided::Yes
        } else {
            Decided::NotYet
        }
    }

    /// Puts `masked` in the place of what stands there in pieces.
    fn replace(&mut self, place: &str, pieces: &[Piece], masked: &str) {
        let mut text = masked;
        for piece in pieces {
            let at = piece.line.checked_sub(self.first);
            let Some(line) = at.and_then(|at| self.held.get_mut(at)) else {
                continue;
            };
            let document = line.changed.take().or_else(|| document(&line.text));
            if let Some(mut document) = document {
                if let Some(leaf) = document.pointer_mut(place) {
                    *leaf = Value::from(mem::take(&mut text));
                }
                line.changed = Some(document);
            }
        }
    }

    /// Lets go of the lines that nothing hangs on any more.
    fn release(&mut self, out: &mut String) {
        if self.held.len() > MAX_HELD {
            self.open.clear();
        }
        let first = self.open.values().flatten().map(|piece| piece.line).min();
        while first.is_none_or(|first| self.first < first)
            && let Some(line) = self.held.pop_front()
        {
            self.first = self.first.saturating_add(1);
            out.push_str(&line.written());
        }
    }

    /// Lets go of everything, with what was found in it.
    fn give_up(&mut self, out: &mut String) {
        for (place, pieces) in mem::take(&mut self.open) {
            let whole: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
            let masked = mask(&whole);
            if masked != whole {
                self.replace(&place, &pieces, &masked);
            }
        }
        self.release(out);
        out.push_str(&mem::take(&mut self.line));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decided {
    Yes,
    NotYet,
}

impl Line {
    fn written(self) -> String {
        let Some(document) = self.changed else {
            return self.text;
        };
        let (before, object) = parts(&self.text);
        let end = object.strip_prefix(object.trim_end()).unwrap_or_default();
        format!("{before}{document}{end}")
    }
}

/// Parts what a stream of events puts before a document from the document.
fn parts(line: &str) -> (&str, &str) {
    let start = line.find('{').unwrap_or(line.len());
    let (before, document) = line.split_at_checked(start).unwrap_or((line, ""));
    match before.trim() {
        "" | "data:" | "[" | "," => (before, document),
        _ => (line, ""),
    }
}

fn document(line: &str) -> Option<Value> {
    serde_json::from_str(parts(line).1).ok()
}

/// Adds every text of the document with its place.
fn leaves(value: &Value, place: &mut String, depth: usize, texts: &mut Vec<(String, String)>) {
    if depth > MAX_DEPTH {
        return;
    }
    let mut below = |name: &str, value: &Value, texts: &mut Vec<_>| {
        let end = place.len();
        place.push('/');
        // As RFC 6901 escapes the names of members.
        place.push_str(&name.replace('~', "~0").replace('/', "~1"));
        leaves(value, place, depth.saturating_add(1), texts);
        place.truncate(end);
    };
    match value {
        Value::String(text) if !text.is_empty() => texts.push((place.clone(), text.clone())),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                below(&at.to_string(), item, texts);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                below(name, member, texts);
            }
        }
        _ => {}
    }
}

//! From a text to its tree. Nesting costs no stack, so that no text can exhaust it.

use super::MAX_DEPTH;
use super::scanner::{Begin, Fault, Scanner};
use super::tree::{Entry, Key, Node, NodeKind};

/// A container whose end has not been seen yet.
struct Open {
    start: usize,
    shape: Shape,
    entries: Vec<Entry>,
    /// The key that has been read and waits for its value.
    key: Option<Key>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Array,
    Object,
}

/// What has to come next.
enum Expect {
    Value,
    /// An entry, or the end of the container.
    Entry,
    Colon,
    /// A comma, or the end of the container.
    Comma,
    End,
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    open: Vec<Open>,
    root: Option<Node>,
}

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        open: Vec::new(),
        root: None,
    };
    let mut expect = Expect::Value;
    loop {
        parser.scanner.skip()?;
        expect = match expect {
            Expect::Value => parser.value()?,
            Expect::Entry => parser.entry()?,
            Expect::Colon => {
                let colon = parser.scanner.take(':');
                colon.ok_or_else(|| parser.scanner.unexpected())?;
                Expect::Value
            }
            Expect::Comma => parser.comma()?,
            Expect::End => {
                let end = parser.scanner.peek().is_none();
                let root = parser.root.take().filter(|_| end);
                return root.ok_or_else(|| parser.scanner.unexpected());
            }
        };
    }
}

impl Parser<'_> {
    fn value(&mut self) -> Result<Expect, Fault> {
        let start = self.scanner.at();
        let shape = match self.scanner.value()? {
            Begin::Scalar(span, kind) => return Ok(self.finished(Node { span, kind })),
            Begin::Object => Shape::Object,
            Begin::Array => Shape::Array,
        };
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault {
                at: start,
                message: format!("more than {MAX_DEPTH} levels of nesting"),
            });
        }
        self.open.push(Open {
            start,
            shape,
            entries: Vec::new(),
            key: None,
        });
        Ok(Expect::Entry)
    }

    fn entry(&mut self) -> Result<Expect, Fault> {
        if let Some(expect) = self.close() {
            return Ok(expect);
        }
        match self.open.last_mut() {
            Some(open) if open.shape == Shape::Object => {
                open.key = Some(self.scanner.key()?);
                Ok(Expect::Colon)
            }
            _ => self.value(),
        }
    }

    fn comma(&mut self) -> Result<Expect, Fault> {
        if let Some(comma) = self.scanner.take(',') {
            let entry = self
                .open
                .last_mut()
                .and_then(|open| open.entries.last_mut());
            if let Some(entry) = entry {
                entry.comma = Some(comma);
            }
            return Ok(Expect::Entry);
        }
        self.close().ok_or_else(|| self.scanner.unexpected())
    }

    /// Ends the innermost container if its bracket comes next.
    fn close(&mut self) -> Option<Expect> {
        let bracket = match self.open.last()?.shape {
            Shape::Array => ']',
            Shape::Object => '}',
        };
        self.scanner.take(bracket)?;
        let open = self.open.pop()?;
        let kind = match open.shape {
            Shape::Array => NodeKind::Array(open.entries),
            Shape::Object => NodeKind::Object(open.entries),
        };
        let span = open.start..self.scanner.at();
        Some(self.finished(Node { span, kind }))
    }

    /// Puts a value where it belongs.
    fn finished(&mut self, value: Node) -> Expect {
        if let Some(open) = self.open.last_mut() {
            open.entries.push(Entry {
                key: open.key.take(),
                value,
                comma: None,
            });
            Expect::Comma
        } else {
            self.root = Some(value);
            Expect::End
        }
    }
}

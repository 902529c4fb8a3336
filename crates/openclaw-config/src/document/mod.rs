//! One JSON5 file, with the place of every value and every byte of its formatting.
//!
//! What counts as JSON5, and what it means, is what npm's `json5` 2.2 says, because that is what
//! wrote and read the user's files until today. Nothing here knows what a config is.

mod change;
pub(crate) mod layout;
mod letters;
mod number;
mod parser;
mod reshape;
mod scanner;
mod style;
pub(crate) mod tree;

use serde_json::{Map, Value};

use self::change::{Splice, Subject};
use self::tree::{Node, NodeKind};
use crate::problem::KeyPath;

/// How deep arrays and objects may be nested in each other.
pub const MAX_DEPTH: usize = 512;

/// A JSON5 text that is known to be well formed, and stays so through edits.
#[derive(Clone, Debug)]
pub struct Document {
    text: String,
    root: Node,
}

/// Why a text is not JSON5. Its text has the form `JSON5: invalid end of input at 2:1`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("JSON5: {message} at {line}:{column}")]
pub struct SyntaxError {
    /// What is wrong, in lower case, without the place.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Why a document cannot be changed at a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// An array's elements have numbers, and this is none.
    #[error("`{segment}` is no index of the array `{path}`")]
    NotAnIndex {
        /// The path of the array.
        path: KeyPath,
        /// What was given for an index.
        segment: String,
    },
    /// There would be a hole in the array.
    #[error("`{path}` has {length} elements, so that `{segment}` would leave a hole")]
    BeyondEnd {
        /// The path of the array.
        path: KeyPath,
        /// The index that was given.
        segment: String,
        /// How many elements there are.
        length: usize,
    },
    /// The document would be nested too deep to be read again.
    #[error("`{path}` would have more than {MAX_DEPTH} levels of nesting")]
    TooDeep {
        /// The path that was to be set.
        path: KeyPath,
    },
}

/// A number that JSON5 can write and JSON cannot: `Infinity`, `-Infinity` or `NaN`.
///
/// [`Document::value`] has `null` in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct NonFinite {
    /// Where it stands in the document.
    pub path: KeyPath,
    /// The number.
    pub number: f64,
}

impl Document {
    /// Reads a text; a byte order mark is allowed.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let text = text.to_owned();
        match parser::parse(&text) {
            Ok(root) => Ok(Self { text, root }),
            Err(fault) => {
                let (line, column) = layout::place(&text, fault.at);
                Err(SyntaxError {
                    message: fault.message,
                    line,
                    column,
                })
            }
        }
    }

    /// Returns what the document says. Of members with the same key the last one counts.
    ///
    /// Numbers are what JavaScript makes of them: doubles. Half of a surrogate pair is U+FFFD.
    pub fn value(&self) -> Value {
        self.root.value()
    }

    /// Returns line and column, both from 1, of a member's key, of an array's element, or of the
    /// document's own value.
    pub fn place(&self, path: &KeyPath) -> Option<(usize, usize)> {
        let at = match path.segments().split_last() {
            None => self.root.span.start,
            Some((last, parents)) => self.root.at(parents)?.entry(last)?.start(),
        };
        Some(layout::place(&self.text, at))
    }

    /// Returns the numbers that [`Document::value`] cannot hold, in the order of the text.
    pub fn non_finite(&self) -> Vec<NonFinite> {
        let mut all = Vec::new();
        self.root
            .each_non_finite(&KeyPath::root(), &mut |path, number| {
                let path = path.clone();
                all.push(NonFinite { path, number });
            });
        all
    }

    /// Sets a value and changes no more of the text than it must.
    ///
    /// Missing parents are made, and something that is neither object nor array gives way to one:
    /// an array where the next segment is `0`, an object otherwise. An index one past the end of
    /// an array appends.
    pub fn set(&mut self, path: &KeyPath, value: &Value) -> Result<(), EditError> {
        let mut changed = self.clone();
        changed.write(path.segments(), value)?;
        *self = changed;
        Ok(())
    }

    /// Removes a member or an element; returns whether there was one.
    ///
    /// The line of what is removed goes, with the comment at its end; every other comment stays.
    pub fn unset(&mut self, path: &KeyPath) -> bool {
        let Some((last, parents)) = path.segments().split_last() else {
            return false;
        };
        let mut removed = false;
        loop {
            let Some(container) = self.root.at(parents) else {
                return removed;
            };
            let Some(position) = container.position(last) else {
                return removed;
            };
            let splices = self.subject().remove(container, position);
            let object = matches!(container.kind, NodeKind::Object(_));
            if !self.apply(&splices) {
                return removed;
            }
            removed = true;
            // A key that stood there twice is gone only when both are.
            if !object {
                return true;
            }
        }
    }

    /// Makes the document say `value`, with as few edits as that takes.
    pub fn reshape(&mut self, value: &Value) -> Result<(), EditError> {
        self.set(&KeyPath::root(), value)
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the syntax tree.
    pub(crate) const fn root(&self) -> &Node {
        &self.root
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            text: &self.text,
            root: &self.root,
        }
    }

    /// Makes a change; returns whether the text is still JSON5.
    fn apply(&mut self, splices: &[Splice]) -> bool {
        let text = change::apply(&self.text, splices);
        let Ok(root) = parser::parse(&text) else {
            return false;
        };
        self.text = text;
        self.root = root;
        true
    }

    fn write(&mut self, path: &[String], value: &Value) -> Result<(), EditError> {
        let mut depth = 0;
        let mut outer = None;
        let mut node = &self.root;
        while let Some(segment) = path.get(depth) {
            match &node.kind {
                NodeKind::Object(_) => {}
                NodeKind::Array(elements) => {
                    check_index(path, depth, elements.len())?;
                }
                _ => break,
            }
            let Some(entry) = node.entry(segment) else {
                let value = nested(path, depth.saturating_add(1), value);
                let end = node.entries().len();
                let key = matches!(node.kind, NodeKind::Object(_)).then_some(segment.as_str());
                let splices = self.subject().insert(node, end, key, &value);
                return self.commit(path, &splices);
            };
            outer = Some(node);
            node = &entry.value;
            depth = depth.saturating_add(1);
        }
        if depth < path.len() {
            let value = nested(path, depth, value);
            let splices = self.subject().replace(outer, node, &value);
            return self.commit(path, &splices);
        }
        self.become_value(path, value)
    }

    fn commit(&mut self, path: &[String], splices: &[Splice]) -> Result<(), EditError> {
        // What is spliced in is well formed, so that only its depth can be refused.
        if self.apply(splices) {
            Ok(())
        } else {
            Err(EditError::TooDeep {
                path: path.iter().collect(),
            })
        }
    }
}

fn check_index(path: &[String], depth: usize, length: usize) -> Result<(), EditError> {
    let segment = path.get(depth).cloned().unwrap_or_default();
    let array = || path.iter().take(depth).collect();
    match tree::index(&segment) {
        None => Err(EditError::NotAnIndex {
            path: array(),
            segment,
        }),
        Some(index) if index > length => Err(EditError::BeyondEnd {
            path: array(),
            segment,
            length,
        }),
        Some(_) => Ok(()),
    }
}

/// Puts a value into the parents that the rest of a path asks for.
fn nested(path: &[String], depth: usize, value: &Value) -> Value {
    let missing = path.get(depth..).unwrap_or_default();
    missing.iter().rev().fold(value.clone(), |value, segment| {
        if segment == "0" {
            Value::Array(vec![value])
        } else {
            Value::Object(Map::from_iter([(segment.clone(), value)]))
        }
    })
}

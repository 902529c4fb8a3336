//! From a block of YAML to fields: the core schema of YAML 1.2, bounded in depth and in size.
//!
//! The parser hands out events, so nothing is built before it was counted: an alias that repeats
//! a large value, or aliases of aliases, end at the bound.

use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use super::{Fault, Field, FrontMatterError, MAX_DEPTH, MAX_TEXT, MAX_VALUES, number};

/// A value of the block.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Tree(Value),
}

impl Node {
    /// Returns the value's text; nothing for null.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Number(n) => Some(number::text(*n)),
            Self::Text(text) => Some(text.trim().to_owned()),
            Self::Tree(tree) => Some(tree.to_string()),
        }
    }

    /// Tells whether it is a list or an object.
    pub(super) const fn is_structured(&self) -> bool {
        matches!(self, Self::Tree(_))
    }

    fn into_json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            // A number prints as in JavaScript, so that `1.0` is `1`; what JSON lacks is null.
            Self::Number(n) => serde_json::from_str(&number::text(n)).unwrap_or(Value::Null),
            Self::Text(text) => Value::String(text),
            Self::Tree(tree) => tree,
        }
    }

    /// Returns the text of a key; nothing for a list or an object.
    ///
    /// Their JSON would be quoted once more at every level of keys inside of keys, and double in
    /// length each time.
    fn into_key(self) -> Option<String> {
        match self {
            Self::Null => Some(String::new()),
            Self::Tree(_) => None,
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Number(_) => self.text(),
        }
    }
}

/// How lines inside brackets may be indented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Indentation {
    /// Deeper than the key that the brackets belong to, as YAML has it.
    Strict,
    /// Any.
    Free,
}

/// Returns the fields of the block's outermost object; places are those of the block.
pub(super) fn fields(block: &str) -> Result<Vec<Field>, FrontMatterError> {
    read(block, Indentation::Strict).or_else(|err| {
        // A closing bracket at the beginning of its line is against YAML, and OpenClaw takes it.
        let line = block.split('\n').nth(err.line.saturating_sub(1));
        let closes = line.is_some_and(|line| {
            let line = line.trim();
            !line.is_empty() && line.chars().all(|c| matches!(c, '}' | ']' | ','))
        });
        if closes {
            read(block, Indentation::Free).map_err(|_also| err)
        } else {
            Err(err)
        }
    })
}

fn read(block: &str, indentation: Indentation) -> Result<Vec<Field>, FrontMatterError> {
    let mut options = granit_parser::options! {
        strict_indentation: indentation == Indentation::Strict,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let mut tree = Tree::default();
    for event in Parser::new_from_str_with_options(block, options) {
        let (event, span) = event.map_err(|err| {
            let mark = *err.marker();
            at(&mark, Fault::Syntax(err))
        })?;
        tree.event(event, &span.start)?;
    }
    tree.fields.ok_or(FrontMatterError {
        line: 1,
        column: 1,
        fault: Fault::NotKeys,
    })
}

fn at(mark: &Marker, fault: Fault) -> FrontMatterError {
    FrontMatterError {
        line: mark.line(),
        column: mark.col().saturating_add(1),
        fault,
    }
}

/// What is being built.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, Size)>,
    used: Size,
    documents: usize,
    fields: Option<Vec<Field>>,
}

/// A list or object that is not complete.
struct Open {
    inside: Inside,
    anchor: usize,
    /// What was used when it began.
    before: Size,
}

enum Inside {
    List(Vec<Value>),
    Object(Map<String, Value>, Waiting),
    /// The outermost object, and the key that waits for its value.
    Fields(Vec<Field>, Waiting),
}

/// What the next value in an object is.
enum Waiting {
    /// A key.
    Nothing,
    /// The value of this key, and where the key begins.
    Key(String, usize),
    /// The value of a key that is no text; it is left out.
    Unnamed,
}

impl Waiting {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Nothing)
    }

    /// Waits for the value of this key.
    fn begin(&mut self, key: Option<String>, offset: usize) {
        *self = key.map_or(Self::Unnamed, |key| Self::Key(key, offset));
    }
}

#[derive(Clone, Copy, Default)]
struct Size {
    values: usize,
    text: usize,
}

impl Size {
    const fn plus(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_add(other.values),
            text: self.text.saturating_add(other.text),
        }
    }

    const fn minus(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_sub(other.values),
            text: self.text.saturating_sub(other.text),
        }
    }
}

impl Tree {
    fn event(&mut self, event: Event<'_>, mark: &Marker) -> Result<(), FrontMatterError> {
        match event {
            Event::DocumentStart(..) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    return Err(at(mark, Fault::Documents));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let size = Size {
                    values: 1,
                    text: text.len(),
                };
                self.take(size, mark)?;
                let node = scalar(&text, style, tag.as_deref());
                self.keep(anchor, &node, size);
                self.put(node, mark)
            }
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let (node, size) = known.ok_or_else(|| at(mark, Fault::Cycle))?;
                self.take(size, mark)?;
                self.put(node, mark)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(Inside::List(Vec::new()), anchor, mark)
            }
            Event::MappingStart(_, anchor, _) => {
                let inside = if self.open.is_empty() {
                    Inside::Fields(Vec::new(), Waiting::Nothing)
                } else {
                    Inside::Object(Map::new(), Waiting::Nothing)
                };
                self.begin(inside, anchor, mark)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(mark),
            _ => Ok(()),
        }
    }

    fn take(&mut self, size: Size, mark: &Marker) -> Result<(), FrontMatterError> {
        self.used = self.used.plus(size);
        if self.used.values > MAX_VALUES || self.used.text > MAX_TEXT {
            return Err(at(mark, Fault::TooLarge));
        }
        Ok(())
    }

    fn keep(&mut self, anchor: usize, node: &Node, size: Size) {
        // Zero stands for no anchor.
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn begin(
        &mut self,
        inside: Inside,
        anchor: usize,
        mark: &Marker,
    ) -> Result<(), FrontMatterError> {
        let before = self.used;
        self.take(Size { values: 1, text: 0 }, mark)?;
        self.open.push(Open {
            inside,
            anchor,
            before,
        });
        Ok(())
    }

    fn end(&mut self, mark: &Marker) -> Result<(), FrontMatterError> {
        let Some(Open {
            inside,
            anchor,
            before,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let tree = match inside {
            Inside::List(items) => Value::Array(items),
            Inside::Object(members, _) => Value::Object(members),
            Inside::Fields(fields, _) => {
                self.fields = Some(fields);
                return Ok(());
            }
        };
        let node = Node::Tree(tree);
        self.keep(anchor, &node, self.used.minus(before));
        self.put(node, mark)
    }

    /// Puts a complete value where it belongs: as an item, a key, or a key's value.
    fn put(&mut self, node: Node, mark: &Marker) -> Result<(), FrontMatterError> {
        let duplicate = |key: &str| at(mark, Fault::Duplicate(key.to_owned()));
        match self.open.last_mut().map(|open| &mut open.inside) {
            // A scalar that is the whole document leaves the fields unset.
            None => {}
            Some(Inside::List(items)) => items.push(node.into_json()),
            Some(Inside::Object(members, waiting)) => match waiting.take() {
                Waiting::Key(key, _) => {
                    members.insert(key, node.into_json());
                }
                Waiting::Unnamed => {}
                Waiting::Nothing => {
                    let key = node.into_key();
                    if let Some(twice) = key.as_ref().filter(|key| members.contains_key(*key)) {
                        return Err(duplicate(twice));
                    }
                    waiting.begin(key, 0);
                }
            },
            Some(Inside::Fields(fields, waiting)) => match waiting.take() {
                Waiting::Key(key, offset) => {
                    let value = node;
                    fields.push(Field { key, offset, value });
                }
                Waiting::Unnamed => {}
                Waiting::Nothing => {
                    let key = node.into_key();
                    let known = |key: &&String| fields.iter().any(|field| field.key == **key);
                    if let Some(twice) = key.as_ref().filter(known) {
                        return Err(duplicate(twice));
                    }
                    waiting.begin(key, mark.byte_offset().unwrap_or_default());
                }
            },
        }
        Ok(())
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Node {
    // A tag of another schema leaves the text as it is.
    let plain = match tag {
        None => style == ScalarStyle::Plain,
        Some(tag) => tag.core_suffix().is_some_and(|suffix| suffix != "str"),
    };
    if !plain {
        return Node::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        _ => number::parse(text).map_or_else(|| Node::Text(text.to_owned()), Node::Number),
    }
}

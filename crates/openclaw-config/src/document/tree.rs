//! The syntax tree: what stands where. Everything between the spans is whitespace and comments.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::number;
use crate::problem::KeyPath;

/// A value and the bytes that it takes up.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Null,
    Bool(bool),
    /// May be infinite or not a number.
    Number(f64),
    String(String),
    Array(Vec<Entry>),
    Object(Vec<Entry>),
}

/// An element of an array, or a member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The member's key; an element has none.
    pub(crate) key: Option<Key>,
    pub(crate) value: Node,
    /// Where the comma after it stands, if there is one.
    pub(crate) comma: Option<usize>,
}

/// A member's key and the bytes that it takes up, quotes included.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) span: Range<usize>,
    pub(crate) name: String,
}

impl Entry {
    /// Returns where the entry begins: at its key, or at its value.
    pub(crate) fn start(&self) -> usize {
        self.key
            .as_ref()
            .map_or(self.value.span.start, |key| key.span.start)
    }

    /// Returns where the entry ends, its comma included.
    pub(crate) fn end(&self) -> usize {
        self.comma
            .map_or(self.value.span.end, |comma| comma.saturating_add(1))
    }
}

impl Node {
    /// Returns the elements or members; none for a scalar.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.kind {
            NodeKind::Array(entries) | NodeKind::Object(entries) => entries,
            NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) => &[],
        }
    }

    /// Returns the position of the entry that a segment of a path names.
    pub(crate) fn position(&self, segment: &str) -> Option<usize> {
        match &self.kind {
            NodeKind::Object(members) => members.iter().rposition(|member| {
                let key = member.key.as_ref();
                key.is_some_and(|key| key.name == segment)
            }),
            NodeKind::Array(elements) => index(segment).filter(|at| *at < elements.len()),
            NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) | NodeKind::String(_) => None,
        }
    }

    /// Returns the entry that a segment of a path names: of equal keys the last one counts.
    pub(crate) fn entry(&self, segment: &str) -> Option<&Entry> {
        self.entries().get(self.position(segment)?)
    }

    /// Returns the node at a path.
    pub(crate) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, segment| {
            node.entry(segment).map(|entry| &entry.value)
        })
    }

    /// Returns the entries that count, in the order in which their keys came first: of equal keys
    /// that is the last one. Each comes with its position among all entries.
    pub(crate) fn effective(&self) -> Vec<(usize, &Entry)> {
        let mut slots: BTreeMap<&str, usize> = BTreeMap::new();
        let mut effective = Vec::with_capacity(self.entries().len());
        for (position, entry) in self.entries().iter().enumerate() {
            let known = entry
                .key
                .as_ref()
                .and_then(|key| slots.insert(&key.name, effective.len()));
            match known.and_then(|slot| Some((slot, effective.get_mut(slot)?))) {
                Some((slot, earlier)) => {
                    *earlier = (position, entry);
                    if let Some(key) = &entry.key {
                        slots.insert(&key.name, slot);
                    }
                }
                None => effective.push((position, entry)),
            }
        }
        effective
    }

    /// Returns what the node says; an infinite number is `null`.
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Bool(value) => Value::Bool(*value),
            NodeKind::Number(value) => number::value(*value),
            NodeKind::String(value) => Value::String(value.clone()),
            NodeKind::Array(elements) => {
                Value::Array(elements.iter().map(|entry| entry.value.value()).collect())
            }
            NodeKind::Object(members) => {
                let mut map = Map::with_capacity(members.len());
                for member in members {
                    if let Some(key) = &member.key {
                        map.insert(key.name.clone(), member.value.value());
                    }
                }
                Value::Object(map)
            }
        }
    }

    /// Returns whether the node says exactly this. Numbers are compared as JavaScript has them.
    pub(crate) fn says(&self, value: &Value) -> bool {
        match (&self.kind, value) {
            (NodeKind::Null, Value::Null) => true,
            (NodeKind::Bool(a), Value::Bool(b)) => a == b,
            (NodeKind::Number(a), Value::Number(b)) => b.as_f64() == Some(*a),
            (NodeKind::String(a), Value::String(b)) => a == b,
            (NodeKind::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.value.says(b))
            }
            (NodeKind::Object(_), Value::Object(map)) => {
                let members = self.effective();
                let same = |member: &Entry| {
                    let key = member.key.as_ref();
                    let value = key.and_then(|key| map.get(&key.name));
                    value.is_some_and(|value| member.value.says(value))
                };
                members.len() == map.len() && members.into_iter().all(|(_, member)| same(member))
            }
            _ => false,
        }
    }

    /// Calls `found` for every infinite number that counts, with its path.
    pub(crate) fn each_non_finite(&self, path: &KeyPath, found: &mut impl FnMut(&KeyPath, f64)) {
        if let NodeKind::Number(number) = self.kind
            && !number.is_finite()
        {
            found(path, number);
        }
        for (position, entry) in self.effective() {
            let path = match &entry.key {
                Some(key) => path.key(&key.name),
                None => path.index(position),
            };
            entry.value.each_non_finite(&path, found);
        }
    }
}

/// Reads a segment of a path as an index, in the one spelling that an index has.
pub(crate) fn index(segment: &str) -> Option<usize> {
    let digits = segment.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = segment == "0" || !segment.starts_with('0');
    (digits && canonical).then(|| segment.parse().ok())?
}

//! What several files say together: values that know where they come from, and how they merge.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::document::tree::index;

/// Keys that JavaScript gives a meaning of its own; OpenClaw drops them where it merges.
const DROPPED: [&str; 3] = ["__proto__", "prototype", "constructor"];

/// Where a value's key, or the value itself, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Which of the files that were read.
    pub(super) file: usize,
    /// The byte in it.
    pub(super) at: usize,
}

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) spot: Spot,
    pub(super) shape: Shape,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Scalar(Value),
    /// A number that is no JSON.
    NonFinite(f64),
    Array(Vec<Part>),
    Object(Members),
}

/// The members of an object, in the order in which each key came first.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    order: Vec<String>,
    parts: BTreeMap<String, Part>,
}

impl Members {
    pub(super) fn get(&self, key: &str) -> Option<&Part> {
        self.parts.get(key)
    }

    pub(super) fn insert(&mut self, key: String, part: Part) {
        if self.parts.insert(key.clone(), part).is_none() {
            self.order.push(key);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Part)> {
        let part = |key| self.parts.get(key).map(|part| (key, part));
        self.order.iter().filter_map(part)
    }

    fn into_parts(mut self) -> impl Iterator<Item = (String, Part)> {
        self.order.into_iter().filter_map(move |key| {
            let part = self.parts.remove(&key)?;
            Some((key, part))
        })
    }
}

impl Part {
    /// Returns an empty object.
    pub(super) fn empty(spot: Spot) -> Self {
        Self {
            spot,
            shape: Shape::Object(Members::default()),
        }
    }

    pub(super) const fn is_object(&self) -> bool {
        matches!(self.shape, Shape::Object(_))
    }

    /// Returns the part that a segment of a path names.
    pub(super) fn child(&self, segment: &str) -> Option<&Self> {
        match &self.shape {
            Shape::Object(members) => members.get(segment),
            Shape::Array(elements) => elements.get(index(segment)?),
            Shape::Scalar(_) | Shape::NonFinite(_) => None,
        }
    }

    /// Returns what it says; a number that is no JSON is `null`.
    pub(super) fn value(&self) -> Value {
        match &self.shape {
            Shape::Scalar(value) => value.clone(),
            Shape::NonFinite(_) => Value::Null,
            Shape::Array(elements) => elements.iter().map(Self::value).collect(),
            Shape::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, part)| (key.clone(), part.value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// Lays another part over this one: objects merge, arrays are put one after the other, and
    /// of anything else the other one wins.
    pub(super) fn merge(self, over: Self) -> Self {
        let spot = over.spot;
        let shape = match (self.shape, over.shape) {
            (Shape::Array(mut elements), Shape::Array(more)) => {
                elements.extend(more);
                Shape::Array(elements)
            }
            (Shape::Object(base), Shape::Object(over)) => {
                let mut merged = base.cleaned();
                for (key, part) in over.cleaned().into_parts() {
                    let part = match merged.parts.remove(&key) {
                        Some(base) => {
                            let both = base.merge(part);
                            merged.parts.insert(key, both);
                            continue;
                        }
                        None => part,
                    };
                    merged.insert(key, part);
                }
                Shape::Object(merged)
            }
            (_, over) => over,
        };
        Self { spot, shape }
    }
}

impl Members {
    /// Returns the members without the keys that merging drops, in objects below too.
    fn cleaned(self) -> Self {
        let mut clean = Self::default();
        for (key, mut part) in self.into_parts() {
            if DROPPED.contains(&key.as_str()) {
                continue;
            }
            if let Shape::Object(members) = part.shape {
                part.shape = Shape::Object(members.cleaned());
            }
            clean.insert(key, part);
        }
        clean
    }
}

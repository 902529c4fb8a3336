//! The schema as it is held in memory: parts that name each other by number.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// What `cargo xtask schema` wrote.
pub(super) static DATA: &str = include_str!("openclaw.json");

static SCHEMA: LazyLock<Result<Schema, serde_json::Error>> =
    LazyLock::new(|| serde_json::from_str(DATA));

/// The number of a part.
pub(super) type PartId = usize;

/// All parts, and where to begin.
#[derive(Debug, Deserialize)]
pub(super) struct Schema {
    root: PartId,
    patterns: Vec<Pattern>,
    parts: Vec<Part>,
}

/// What one part asks of a value.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Part {
    pub(super) never: bool,
    #[serde(rename = "type")]
    pub(super) types: Types,
    properties: Members,
    pub(super) required: Box<[Box<str>]>,
    pub(super) additional_properties: Option<PartId>,
    pub(super) property_names: Option<PartId>,
    pub(super) items: Option<PartId>,
    pub(super) tuple: Box<[PartId]>,
    pub(super) any_of: Box<[PartId]>,
    pub(super) one_of: Box<[PartId]>,
    pub(super) all_of: Box<[PartId]>,
    pub(super) not: Option<PartId>,
    pub(super) r#if: Option<PartId>,
    pub(super) then: Option<PartId>,
    pub(super) r#const: Option<Value>,
    pub(super) r#enum: Box<[Value]>,
    pub(super) pattern: Option<usize>,
    pub(super) format: Option<Format>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_minimum: Option<f64>,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) min_properties: Option<usize>,
    pub(super) max_properties: Option<usize>,
    pub(super) unique_items: bool,
}

/// A form of text that is more than a pattern.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Format {
    /// What a browser takes for an absolute URL.
    Uri,
    /// The place of a secret in a file.
    SecretInFile,
    /// What a program is asked for to get a secret.
    SecretOfProgram,
}

/// The kinds of value that a part takes; none named means all.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum Types {
    /// All of them.
    #[default]
    Any,
    /// One of them.
    One(Type),
    /// Some of them.
    Some(Box<[Type]>),
}

/// A kind of value.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Type {
    /// A list.
    Array,
    /// `true` or `false`.
    Boolean,
    /// A number without a fraction.
    Integer,
    /// `null`.
    Null,
    /// Any number.
    Number,
    /// Named members.
    Object,
    /// Text.
    String,
}

impl Types {
    /// Returns the named kinds.
    pub(super) fn named(&self) -> &[Type] {
        match self {
            Self::Any => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Some(some) => some,
        }
    }
}

impl Type {
    /// Tells whether a value is of this kind.
    pub(super) fn holds(self, value: &Value) -> bool {
        match self {
            Self::Array => value.is_array(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Null => value.is_null(),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::String => value.is_string(),
        }
    }
}

/// A text has to match one regular expression and none of some others.
#[derive(Debug, Deserialize)]
struct Pattern {
    matches: String,
    #[serde(default)]
    refuses: Vec<String>,
    /// Few of them are needed in a run, and making one is slow.
    #[serde(skip)]
    made: OnceLock<Option<Made>>,
}

#[derive(Debug)]
struct Made {
    matches: Regex,
    refuses: Vec<Regex>,
}

impl Pattern {
    fn fits(&self, text: &str) -> bool {
        let made = self.made.get_or_init(|| {
            let refuses = self.refuses.iter().map(|pattern| Regex::new(pattern));
            Some(Made {
                matches: Regex::new(&self.matches).ok()?,
                refuses: refuses.collect::<Result<_, _>>().ok()?,
            })
        });
        // A test makes every pattern, so none is missing here.
        made.as_ref().is_none_or(|made| {
            made.matches.is_match(text) && !made.refuses.iter().any(|refuse| refuse.is_match(text))
        })
    }
}

impl Schema {
    /// Returns the embedded schema, which is read when it is first asked for.
    pub(super) fn load() -> Result<&'static Self, &'static serde_json::Error> {
        SCHEMA.as_ref()
    }

    /// Returns the part that the whole config is held against.
    pub(super) const fn root(&self) -> PartId {
        self.root
    }

    /// Returns a part.
    pub(super) fn part(&self, id: PartId) -> &Part {
        /// Asks nothing; stands for a number that the generator cannot have written.
        static NOTHING: LazyLock<Part> = LazyLock::new(Part::default);
        self.parts.get(id).unwrap_or(&NOTHING)
    }

    /// Follows known keys from the root.
    pub(super) fn below(&self, keys: &[&str]) -> Option<PartId> {
        let mut id = self.root;
        for key in keys {
            id = self.part(id).member(key)?;
        }
        Some(id)
    }

    /// Tells whether a text matches a pattern.
    pub(super) fn fits(&self, pattern: usize, text: &str) -> bool {
        self.patterns
            .get(pattern)
            .is_none_or(|pattern| pattern.fits(text))
    }

    /// Tells whether every pattern can be made, and every number leads somewhere.
    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        let patterns = self.patterns.iter().all(|pattern| {
            pattern.fits("");
            matches!(pattern.made.get(), Some(Some(_)))
        });
        let whole = |part: &Part| {
            let singles = [
                part.additional_properties,
                part.property_names,
                part.items,
                part.not,
                part.r#if,
                part.then,
            ];
            let lists = [&part.tuple, &part.any_of, &part.one_of, &part.all_of];
            let members = part.properties.0.iter().map(|(_, id)| id);
            let mut named = members
                .chain(singles.iter().flatten())
                .chain(lists.into_iter().flatten());
            named.all(|id| *id < self.parts.len())
                && part
                    .pattern
                    .is_none_or(|pattern| pattern < self.patterns.len())
        };
        patterns && self.root < self.parts.len() && self.parts.iter().all(whole)
    }
}

impl Part {
    /// Returns what is asked of a member with this key.
    pub(super) fn member(&self, key: &str) -> Option<PartId> {
        let members = &self.properties.0;
        let at = members
            .binary_search_by(|(name, _)| (**name).cmp(key))
            .ok()?;
        members.get(at).map(|(_, id)| *id)
    }

    /// Returns the keys that are known, in their order.
    pub(super) fn members(&self) -> impl Iterator<Item = &str> {
        self.properties.0.iter().map(|(name, _)| &**name)
    }
}

/// Members by name, in the order of their names, which is how the generator writes them.
#[derive(Debug, Default)]
struct Members(Box<[(Box<str>, PartId)]>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parts by the name of a member")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::with_capacity(map.size_hint().unwrap_or_default());
        while let Some(member) = map.next_entry::<Box<str>, PartId>()? {
            members.push(member);
        }
        members.sort_unstable();
        Ok(Members(members.into_boxed_slice()))
    }
}

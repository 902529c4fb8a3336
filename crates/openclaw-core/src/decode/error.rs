//! What is wrong with a JSON value, and where.

use std::fmt;

use serde::de::{Expected, Unexpected};

/// How much of a caller's text an error message repeats, in characters.
const EXCERPT: usize = 64;

/// Why a JSON value is not of the type that is asked for, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// From the innermost place outwards.
    path: Vec<Step>,
    problem: Problem,
}

/// What is wrong with a JSON value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// The value is of another type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the field takes.
        expected: String,
        /// The JSON type of what was given.
        found: &'static str,
    },
    /// The value is of the right type and still not one that the field takes.
    #[error("expected {expected}")]
    Range {
        /// What the field takes.
        expected: String,
    },
    /// The object has a field that does not exist.
    #[error("unknown field `{name}`")]
    UnknownField {
        /// The field's name, shortened when it is long.
        name: String,
        /// The fields that exist.
        known: &'static [&'static str],
    },
    /// A field is missing.
    #[error("`{name}` is missing")]
    MissingField {
        /// The field's name.
        name: &'static str,
    },
    /// A text is none of the values that the field takes.
    #[error("`{value}` is not one of its values")]
    UnknownValue {
        /// The text, shortened when it is long.
        value: String,
        /// The values that the field takes.
        known: &'static [&'static str],
    },
    /// A check of the field's own type failed.
    #[error("{message}")]
    Refused {
        /// That check's message.
        message: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Item(usize),
}

impl DecodeError {
    /// Returns where it is wrong, such as `attachments[0].mime`; empty for the whole value.
    pub fn field(&self) -> String {
        let mut out = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Field(name) if out.is_empty() => out.push_str(&excerpt(name)),
                Step::Field(name) => out.extend([".", &excerpt(name)]),
                Step::Item(index) => out.extend(["[", &index.to_string(), "]"]),
            }
        }
        out
    }

    /// Returns what to try instead.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::UnknownField { known: [], .. } => Some("leave it out".to_owned()),
            Problem::UnknownField { known, .. } | Problem::UnknownValue { known, .. } => {
                Some(format!("use {}", one_of(known)))
            }
            Problem::Type { .. }
            | Problem::Range { .. }
            | Problem::MissingField { .. }
            | Problem::Refused { .. } => None,
        }
    }

    pub(super) fn inside(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    pub(super) const fn new(problem: Problem) -> Self {
        Self {
            path: Vec::new(),
            problem,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field() {
            field if field.is_empty() => self.problem.fmt(f),
            field => write!(f, "{field}: {}", self.problem),
        }
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Problem::Refused {
            message: message.to_string(),
        })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::Type {
            expected: in_words(expected),
            found: name_of(&found),
        })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Problem::Range {
            expected: in_words(expected),
        })
    }

    fn unknown_variant(value: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownValue {
            value: excerpt(value),
            known,
        })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownField {
            name: excerpt(name),
            known,
        })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Problem::MissingField { name })
    }
}

/// Says in JSON's words what serde expects; its integers call themselves by their Rust names.
fn in_words(expected: &dyn Expected) -> String {
    let words = match expected.to_string().as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other => return other.to_owned(),
    };
    words.to_owned()
}

fn name_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

/// Returns the start of a caller's text in a form that cannot break a line or hide anything.
pub fn excerpt(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(EXCERPT)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(EXCERPT).is_some() {
        out.push('…');
    }
    out
}

pub(super) fn one_of(known: &[&str]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [name] => name.clone(),
        names => format!("one of {}", names.join(", ")),
    }
}

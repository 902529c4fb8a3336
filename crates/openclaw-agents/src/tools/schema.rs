//! Whether the arguments of a call fit its tool, said so that a model can put them right.
//!
//! The tool's JSON Schema is asked first, and its own type only when the schema has nothing against
//! them, so that nothing is said twice. Free text of the arguments is not repeated: it may be long,
//! or a secret.

use std::collections::BTreeSet;
use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, JsonType, ValidationError, Validator};
use openclaw_core::decode::{DecodeError, excerpt};
use openclaw_providers::Arguments;
use serde_json::Value;

/// How many faults one error tells of.
const MAX_FAULTS: usize = 8;

/// How many names or values a fault lists.
const MAX_LISTED: usize = 24;

/// How much of arguments that cannot be read is repeated, in characters.
const MAX_START: usize = 200;

/// How alike an unknown name and a known one have to be for the one to be meant by the other.
const ALIKE: f64 = 0.5;

/// What the arguments of a tool have to be like.
pub(super) struct Schema {
    schema: Value,
    validator: Validator,
}

/// Why arguments do not fit a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// They could not be read at all.
    #[error("the arguments of `{tool}` are no JSON object: {start}")]
    Malformed {
        /// The tool.
        tool: String,
        /// How they begin.
        start: String,
    },
    /// They are JSON, and not what the tool takes.
    #[error("the arguments of `{tool}` do not fit: {}{}", listed(faults), if *more { "; and more" } else { "" })]
    Misfit {
        /// The tool.
        tool: String,
        /// What is wrong with them.
        faults: Vec<ArgumentFault>,
        /// Whether there is more that is wrong.
        more: bool,
    },
}

/// One thing that is wrong with arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentFault {
    /// Where, such as `edits[0].oldText`; empty for the arguments as a whole.
    pub place: String,
    /// What.
    pub problem: ArgumentProblem,
}

/// What is wrong with an argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentProblem {
    /// There is no such argument.
    #[error("{}", unknown(name, meant.as_deref(), known))]
    Unknown {
        /// Its name, shortened when it is long.
        name: String,
        /// The one that may be meant.
        meant: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// One that is needed is missing.
    #[error("`{0}` is missing")]
    Missing(String),
    /// It is of another type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What it takes.
        expected: String,
        /// The JSON type of what was given.
        found: &'static str,
    },
    /// It is none of the values that there are.
    #[error("expected one of {}", .0.join(", "))]
    NotOneOf(Vec<String>),
    /// It is of the right type, and not within its bounds.
    #[error("expected {0}")]
    Bounds(String),
    /// The tool's own type does not take it.
    #[error("{}", own(.0))]
    Own(DecodeError),
    /// The schema does not take it, for a reason that no tool of this program has.
    #[error("it does not satisfy `{0}` of the schema")]
    Keyword(String),
}

impl Schema {
    /// Makes it from a JSON Schema; the error says what is wrong with that.
    pub(super) fn new(schema: &Value) -> Result<Self, String> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .build(schema)
            .map_err(|err| err.to_string())?;
        Ok(Self {
            schema: schema.clone(),
            validator,
        })
    }

    /// Checks arguments, which are a JSON object or stand for something that is none.
    pub(super) fn check(&self, tool: &str, arguments: &Value) -> Result<(), ArgumentError> {
        readable(tool, arguments)?;
        let mut faults: Vec<ArgumentFault> = Vec::new();
        let mut more = false;
        for err in self.validator.iter_errors(arguments) {
            for fault in self.faults(&err) {
                more = faults.len() >= MAX_FAULTS;
                if more {
                    break;
                }
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
            if more {
                break;
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(ArgumentError::Misfit {
            tool: tool.to_owned(),
            faults,
            more,
        })
    }

    /// Returns what an error of the validator comes to; a schema's error may be about many names.
    fn faults(&self, err: &ValidationError<'_>) -> Vec<ArgumentFault> {
        let at = |problem| ArgumentFault {
            place: place(err.instance_path().as_str()),
            problem,
        };
        if let ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } = err.kind()
        {
            let known = self.known(err);
            return unexpected
                .iter()
                .take(MAX_FAULTS.saturating_add(1))
                .map(|name| at(unknown_problem(name, &known)))
                .collect();
        }
        vec![at(problem(err))]
    }

    /// Returns the names that the object takes which an error is about.
    fn known(&self, err: &ValidationError<'_>) -> Vec<String> {
        let keyword = err.schema_path().as_str();
        let object = keyword.rsplit_once('/').map_or("", |(object, _)| object);
        let properties = self
            .schema
            .pointer(object)
            .and_then(|object| object.get("properties"));
        let names = properties.and_then(Value::as_object).into_iter();
        names
            .flat_map(|names| names.keys().cloned())
            .take(MAX_LISTED)
            .collect()
    }
}

impl ArgumentError {
    /// Makes it from what a tool's own type says.
    pub(super) fn own(tool: &str, err: DecodeError) -> Self {
        Self::Misfit {
            tool: tool.to_owned(),
            faults: vec![ArgumentFault {
                // The error names the place itself.
                place: String::new(),
                problem: ArgumentProblem::Own(err),
            }],
            more: false,
        }
    }
}

/// Refuses what stands for arguments that were no JSON object.
fn readable(tool: &str, arguments: &Value) -> Result<(), ArgumentError> {
    let whole = arguments
        .as_object()
        .and_then(|object| object.get(Arguments::MALFORMED_KEY));
    match whole {
        Some(text) => Err(ArgumentError::Malformed {
            tool: tool.to_owned(),
            start: text
                .as_str()
                .unwrap_or_default()
                .chars()
                .take(MAX_START)
                .flat_map(char::escape_debug)
                .collect(),
        }),
        None => Ok(()),
    }
}

fn problem(err: &ValidationError<'_>) -> ArgumentProblem {
    match err.kind() {
        ValidationErrorKind::Required { property } => {
            ArgumentProblem::Missing(property.as_str().unwrap_or_default().to_owned())
        }
        ValidationErrorKind::Type { kind } => ArgumentProblem::Type {
            expected: expected(kind),
            found: found(err.instance().as_ref()),
        },
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let listed = options.iter().filter(|option| !option.is_null());
            ArgumentProblem::NotOneOf(listed.take(MAX_LISTED).map(ToString::to_string).collect())
        }
        ValidationErrorKind::Constant { expected_value } => {
            ArgumentProblem::NotOneOf(vec![expected_value.to_string()])
        }
        ValidationErrorKind::Minimum { limit } => {
            ArgumentProblem::Bounds(format!("a number from {limit} on"))
        }
        ValidationErrorKind::Maximum { limit } => {
            ArgumentProblem::Bounds(format!("a number up to {limit}"))
        }
        ValidationErrorKind::MinLength { limit } => {
            ArgumentProblem::Bounds(format!("at least {limit} characters"))
        }
        ValidationErrorKind::MaxLength { limit } => {
            ArgumentProblem::Bounds(format!("at most {limit} characters"))
        }
        ValidationErrorKind::MinItems { limit } => {
            ArgumentProblem::Bounds(format!("at least {limit} of them"))
        }
        ValidationErrorKind::MaxItems { limit } => {
            ArgumentProblem::Bounds(format!("at most {limit} of them"))
        }
        other => ArgumentProblem::Keyword(other.keyword().to_owned()),
    }
}

fn unknown_problem(name: &str, known: &[String]) -> ArgumentProblem {
    let close = known
        .iter()
        .map(|known| (likeness(name, known), known))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    ArgumentProblem::Unknown {
        name: excerpt(name),
        meant: close
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .map(|(_, known)| known.clone()),
        known: known.to_vec(),
    }
}

/// Returns how alike two names are, from 0 to 1.
fn likeness(name: &str, known: &str) -> f64 {
    // A name may be a megabyte long, and none that is meant is.
    if name.len() > known.len().saturating_mul(4) {
        return 0.0;
    }
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let (name, known) = (plain(name), plain(known));
    if name.contains(&known) || known.contains(&name) {
        return 0.9;
    }
    strsim::normalized_damerau_levenshtein(&name, &known)
}

/// Returns a JSON pointer as it is written in code.
fn place(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            out.extend(["[", &part, "]"]);
        } else if out.is_empty() {
            out.push_str(&excerpt(&part));
        } else {
            out.extend([".", &excerpt(&part)]);
        }
    }
    out
}

fn expected(kind: &TypeKind) -> String {
    let names: BTreeSet<&str> = match kind {
        TypeKind::Single(one) => BTreeSet::from([one.as_str()]),
        TypeKind::Multiple(several) => several.iter().map(JsonType::as_str).collect(),
    };
    let said: Vec<&str> = names
        .into_iter()
        // What may be left out may be null as well, which is not worth saying.
        .filter(|name| *name != "null")
        .map(|name| match name {
            "array" => "an array",
            "boolean" => "true or false",
            "integer" => "a whole number",
            "number" => "a number",
            "object" => "an object",
            _ => "a string",
        })
        .collect();
    said.join(" or ")
}

const fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn listed(faults: &[ArgumentFault]) -> String {
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    said.join("; ")
}

fn unknown(name: &str, meant: Option<&str>, known: &[String]) -> String {
    let quoted: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match (meant, quoted.is_empty()) {
        (Some(meant), _) => {
            format!(
                "unknown field `{name}`, perhaps `{meant}` is meant; there are {}",
                quoted.join(", ")
            )
        }
        (None, false) => format!("unknown field `{name}`; there are {}", quoted.join(", ")),
        (None, true) => format!("unknown field `{name}`; leave it out"),
    }
}

fn own(err: &DecodeError) -> String {
    match err.hint() {
        Some(hint) => format!("{err}; {hint}"),
        None => err.to_string(),
    }
}

impl fmt::Display for ArgumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            self.problem.fmt(f)
        } else {
            write!(f, "`{}`: {}", self.place, self.problem)
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.schema).finish()
    }
}

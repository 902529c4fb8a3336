//! What is to be done to the config, read from flags or from a list.

use openclaw_config::change::Operation;
use openclaw_config::document::Document;
use serde_json::Value;

use super::failure::ConfigFailure;

/// One thing to do, as somebody asked for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// What.
    pub(super) what: Operation,
    /// How it was said.
    pub(super) mode: Mode,
}

/// How an operation was said; the names are those of TypeScript OpenClaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A value that may also be text.
    Value,
    /// JSON.
    Json,
    /// Flags that build the value.
    Builder,
    /// A removal.
    Unset,
}

impl Mode {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Json => "json",
            Self::Builder => "builder",
            Self::Unset => "unset",
        }
    }
}

/// Reads a value as it was typed: JSON5, or else the text as it is.
pub(super) fn value_of(text: &str) -> Result<Value, ConfigFailure> {
    match Document::parse(text.trim()) {
        Ok(document) => finite(&document, "VALUE"),
        Err(_text) => Ok(Value::from(text)),
    }
}

/// Reads a value that has to be JSON.
pub(super) fn strict_value_of(text: &str, flag: &str) -> Result<Value, ConfigFailure> {
    serde_json::from_str(text.trim()).map_err(|err| ConfigFailure::Flag {
        flag: flag.to_owned(),
        problem: format!("is no JSON: {err}; text stands in \"quotes\""),
    })
}

/// Reads JSON5 that came from a file or a flag.
pub(super) fn json5_of(text: &str, flag: &str) -> Result<Value, ConfigFailure> {
    let document = Document::parse(text).map_err(|err| ConfigFailure::Flag {
        flag: flag.to_owned(),
        problem: format!("cannot be read: {err}"),
    })?;
    finite(&document, flag)
}

fn finite(document: &Document, flag: &str) -> Result<Value, ConfigFailure> {
    match document.non_finite().first() {
        None => Ok(document.value()),
        Some(found) => Err(ConfigFailure::Flag {
            flag: flag.to_owned(),
            problem: format!("has a number that is not finite: {}", found.number),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_json5_or_else_text() {
        let read = |text: &str| value_of(text).unwrap();
        assert_eq!(read("19001"), json!(19001));
        assert_eq!(read("0x4A39"), json!(19001));
        assert_eq!(read("{a: 1, b: ['c',]}"), json!({"a": 1, "b": ["c"]}));
        assert_eq!(read("\"quoted\""), json!("quoted"));
        assert_eq!(read("true"), json!(true));
        for text in [
            "[x]",
            "2h",
            "it's {x}",
            "",
            "  spaced ",
            "// only a comment",
            "a b",
        ] {
            assert_eq!(read(text), json!(text), "{text}");
        }
        assert!(value_of("Infinity").is_err());
        assert!(value_of("{a: NaN}").is_err());
    }

    #[test]
    fn a_strict_value_is_json() {
        assert_eq!(strict_value_of(" [1] ", "VALUE").unwrap(), json!([1]));
        for text in ["{a: 1}", "text", "[1,]", ""] {
            assert!(strict_value_of(text, "VALUE").is_err(), "{text}");
        }
    }
}

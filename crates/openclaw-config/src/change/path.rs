//! How a place in the config is typed: `gateway.port`, `skills[0]`, `groups["-100"]`, `a\.b.c`.

use std::fmt;

use crate::document::Document;

/// An index above this one is a typing error.
const MAX_INDEX: usize = 100_000;

/// Keys that TypeScript OpenClaw can neither read nor write.
const UNWRITABLE: [&str; 3] = ["__proto__", "prototype", "constructor"];

/// A place in the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigPath {
    steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The key, or the index in writing.
    pub key: String,
    /// How it was typed.
    pub typed: Typed,
}

/// How a step was typed, which decides what is made of a number where there is nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Between dots; a number may be an index or a key.
    Plain,
    /// A number in brackets: an index.
    Index,
    /// In quotes: a key, even if it is a number.
    Quoted,
}

/// Why a path cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is nothing.
    #[error("the path is empty")]
    Empty,
    /// Two dots in a row, or one at the end.
    #[error(
        "`{0}` is no path: between two dots, before the first or after the last there is nothing"
    )]
    EmptyStep(String),
    /// A `[` without its `]`.
    #[error("`{0}` is no path: a `]` is missing")]
    Unclosed(String),
    /// `[]`.
    #[error("`{0}` is no path: there is nothing between `[` and `]`")]
    EmptyBrackets(String),
    /// Something else than `.` or `[` after a `]`.
    #[error("`{0}` is no path: after `]` comes a `.` or a `[`")]
    NoSeparator(String),
    /// What stands in quotes cannot be read.
    #[error("`{0}` is no path: the text in quotes is not well formed")]
    Quotes(String),
    /// A `\` with nothing behind it.
    #[error("`{0}` is no path: after `\\` comes the character that it is for")]
    Escape(String),
    /// A key that must not be.
    #[error("`{0}` cannot be a key of the config")]
    Unwritable(String),
}

impl ConfigPath {
    /// Reads a path as it was typed.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(PathError::Empty);
        }
        let mut reader = Reader {
            whole: text,
            rest: trimmed,
            steps: Vec::new(),
        };
        reader.read()?;
        Self::of(reader.steps)
    }

    /// Makes a path of keys that were not typed.
    pub fn from_keys(keys: &[String]) -> Result<Self, PathError> {
        let step = |key: &String| Step {
            key: key.clone(),
            typed: Typed::Quoted,
        };
        Self::of(keys.iter().map(step).collect())
    }

    fn of(steps: Vec<Step>) -> Result<Self, PathError> {
        let unwritable = steps
            .iter()
            .find(|step| UNWRITABLE.contains(&step.key.as_str()));
        match unwritable {
            Some(step) => Err(PathError::Unwritable(step.key.clone())),
            None => Ok(Self { steps }),
        }
    }

    /// Returns the steps; there is at least one.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the keys and indexes.
    pub fn keys(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.key.clone()).collect()
    }
}

/// In the form in which it can be typed.
impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.steps.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_$:-".contains(c);
            let starts = |c: char| c.is_ascii_alphabetic() || "_$".contains(c);
            let bare = step.key.starts_with(starts) && step.key.chars().all(plain);
            match step.typed {
                Typed::Index => write!(f, "[{}]", step.key)?,
                _ if bare && n > 0 => write!(f, ".{}", step.key)?,
                _ if bare => f.write_str(&step.key)?,
                _ => write!(f, "[{}]", serde_json::Value::from(step.key.as_str()))?,
            }
        }
        Ok(())
    }
}

/// Reads an index as it is written in a path: digits, without a zero in front.
pub(super) fn index(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    let index = canonical.then(|| text.parse().ok())??;
    (index <= MAX_INDEX).then_some(index)
}

struct Reader<'a> {
    whole: &'a str,
    rest: &'a str,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), PathError> {
        loop {
            let known = self.steps.len();
            self.key()?;
            // Brackets may begin the path, and follow a key or other brackets.
            if known == 0 || self.steps.len() > known {
                self.brackets()?;
            }
            if self.steps.len() == known {
                return Err(PathError::EmptyStep(self.whole.to_owned()));
            }
            match self.rest.strip_prefix('.') {
                Some(rest) => self.rest = rest,
                None if self.rest.is_empty() => return Ok(()),
                None => return Err(PathError::NoSeparator(self.whole.to_owned())),
            }
        }
    }

    /// Reads a key up to a dot, a bracket or the end.
    fn key(&mut self) -> Result<(), PathError> {
        let mut key = String::new();
        let mut rest = self.rest.chars();
        loop {
            let before = rest.as_str();
            match rest.next() {
                Some('\\') => {
                    let escaped = rest.next();
                    key.push(escaped.ok_or_else(|| PathError::Escape(self.whole.to_owned()))?);
                }
                None | Some('.' | '[') => {
                    self.rest = before;
                    break;
                }
                Some(other) => key.push(other),
            }
        }
        if key.is_empty() {
            return Ok(());
        }
        let key = key.trim();
        if key.is_empty() {
            return Err(PathError::EmptyStep(self.whole.to_owned()));
        }
        self.steps.push(Step {
            key: key.to_owned(),
            typed: Typed::Plain,
        });
        Ok(())
    }

    /// Reads what stands in brackets, as often as that follows.
    fn brackets(&mut self) -> Result<(), PathError> {
        while let Some(rest) = self.rest.strip_prefix('[') {
            let (inside, behind) =
                split_at_close(rest).ok_or_else(|| PathError::Unclosed(self.whole.to_owned()))?;
            self.rest = behind;
            let step = self.bracketed(inside.trim())?;
            self.steps.push(step);
        }
        Ok(())
    }

    fn bracketed(&self, inside: &str) -> Result<Step, PathError> {
        if inside.is_empty() {
            return Err(PathError::EmptyBrackets(self.whole.to_owned()));
        }
        if inside.starts_with(['"', '\'']) {
            // JSON5 has the same strings, in either kind of quotes.
            let read = Document::parse(inside).map(|text| text.value());
            let key = read.ok().and_then(|text| text.as_str().map(str::to_owned));
            let key = key.filter(|key| !key.trim().is_empty());
            let key = key.ok_or_else(|| PathError::Quotes(self.whole.to_owned()))?;
            return Ok(Step {
                key,
                typed: Typed::Quoted,
            });
        }
        let typed = match index(inside) {
            Some(_) => Typed::Index,
            None => Typed::Plain,
        };
        Ok(Step {
            key: inside.to_owned(),
            typed,
        })
    }
}

/// Splits a text at the `]` that is not in quotes.
fn split_at_close(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if let Some(open) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == open {
                quote = None;
            }
        } else if c == ']' {
            let (inside, rest) = text.split_at_checked(at)?;
            return Some((inside, rest.strip_prefix(']')?));
        } else if matches!(c, '"' | '\'') {
            let first = text
                .get(..at)
                .is_some_and(|before| before.trim().is_empty());
            quote = first.then_some(c);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        ConfigPath::parse(text).unwrap().keys()
    }

    #[test]
    fn keys_are_typed_between_dots_or_in_brackets() {
        assert_eq!(keys("gateway.port"), ["gateway", "port"]);
        assert_eq!(keys(" gateway . port "), ["gateway", "port"]);
        assert_eq!(keys("a.skills[0]"), ["a", "skills", "0"]);
        assert_eq!(keys("groups[\"-100\"].x"), ["groups", "-100", "x"]);
        assert_eq!(
            keys("providers['a.b'].models[ 1 ]"),
            ["providers", "a.b", "models", "1"]
        );
        assert_eq!(keys(r"providers.a\.b.id"), ["providers", "a.b", "id"]);
        assert_eq!(keys("groups[-100]"), ["groups", "-100"]);
        assert_eq!(keys(r#"x["a\"]b"][0][1]"#), ["x", "a\"]b", "0", "1"]);
        assert_eq!(keys("[0]"), ["0"]);
        assert_eq!(keys("anthropic/claude-opus-4"), ["anthropic/claude-opus-4"]);
    }

    #[test]
    fn a_number_in_quotes_is_no_index() {
        let typed = |text| {
            ConfigPath::parse(text)
                .unwrap()
                .steps()
                .last()
                .unwrap()
                .typed
        };
        assert_eq!(typed("a[1]"), Typed::Index);
        assert_eq!(typed("a.1"), Typed::Plain);
        assert_eq!(typed("a['1']"), Typed::Quoted);
        assert_eq!(typed("a[01]"), Typed::Plain);
    }

    #[test]
    fn what_is_no_path_is_said_so() {
        let failed = |text: &str| ConfigPath::parse(text).unwrap_err();
        let whole = |text: &str| text.to_owned();
        assert_eq!(failed("  "), PathError::Empty);
        for text in ["a..b", ".a", "a.", "a.[0]", "a. .b"] {
            assert_eq!(failed(text), PathError::EmptyStep(whole(text)), "{text}");
        }
        assert_eq!(failed("a[]"), PathError::EmptyBrackets(whole("a[]")));
        for text in ["a[", "a[\"x]", "a[0"] {
            assert_eq!(failed(text), PathError::Unclosed(whole(text)), "{text}");
        }
        assert_eq!(failed("a[0]b"), PathError::NoSeparator(whole("a[0]b")));
        assert_eq!(failed("a['x'y]"), PathError::Quotes(whole("a['x'y]")));
        assert_eq!(failed("a[' ']"), PathError::Quotes(whole("a[' ']")));
        assert_eq!(failed(r"a\"), PathError::Escape(whole(r"a\")));
        assert_eq!(
            failed("a.__proto__.b"),
            PathError::Unwritable(whole("__proto__"))
        );
    }

    #[test]
    fn a_path_is_shown_as_it_can_be_typed_again() {
        for text in [
            "gateway.port",
            "a.skills[0]",
            r#"g["-100"].x"#,
            r#"p["a.b"].m[1].id"#,
            r#"["1"]"#,
        ] {
            let path = ConfigPath::parse(text).unwrap();
            assert_eq!(path.to_string(), text);
            assert_eq!(
                ConfigPath::parse(&path.to_string()).unwrap().keys(),
                path.keys()
            );
        }
    }
}

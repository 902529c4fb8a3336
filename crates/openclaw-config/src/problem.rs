//! What is wrong, or odd, in a config, and where.

use std::fmt;
use std::path::PathBuf;

/// The way from the root of the document to a value: keys of objects and indexes of arrays.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    /// Returns the path of the document itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Returns the path of a member below this one.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(key.to_owned());
        Self(segments)
    }

    /// Returns the path of an array's element below this one.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.key(&index.to_string())
    }

    /// Returns the keys and indexes, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Returns the path without its last segment; `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.0.split_last()?;
        Some(Self(parent.to_vec()))
    }
}

impl<S: Into<String>> FromIterator<S> for KeyPath {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

/// Segments are joined by dots, as OpenClaw prints them; the root is empty.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// Returns the file and the line, as people write them.
    pub fn in_short(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// One thing that is wrong with a config, or that its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of keys to it; the root for the file as a whole.
    pub path: KeyPath,
    /// What is wrong, what was found and what is allowed. Never holds a secret.
    pub message: String,
    /// The values that are allowed, where they can be listed.
    pub allowed: Vec<String>,
    /// The known key that is nearest to an unknown one.
    pub nearest: Option<String>,
    /// Where it stands, where that is known.
    pub place: Option<Place>,
}

impl Problem {
    /// Makes a problem at a path.
    pub fn new(path: KeyPath, message: impl Into<String>) -> Self {
        Self {
            path,
            message: message.into(),
            allowed: Vec::new(),
            nearest: None,
            place: None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { file, line, column }) = &self.place {
            write!(f, "{}:{line}:{column}: ", file.display())?;
        }
        if !self.path.segments().is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(nearest) = &self.nearest {
            write!(f, "; did you mean `{nearest}`?")?;
        }
        Ok(())
    }
}

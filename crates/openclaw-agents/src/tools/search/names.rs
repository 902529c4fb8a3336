//! Which names a glob means.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use openclaw_core::decode::excerpt;

/// The longest glob.
const MAX_BYTES: usize = 4096;

/// A glob, as of a shell: without a slash it is about names, with one about whole paths.
#[derive(Debug)]
pub(crate) struct Names {
    glob: GlobMatcher,
    is_about_paths: bool,
    /// Whether all names are meant but those that fit.
    is_negated: bool,
}

/// What is wrong with a glob.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NamesError {
    /// It is too long.
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLong,
    /// It is none.
    #[error("`{glob}` is no glob: {problem}")]
    Glob {
        /// How it begins.
        glob: String,
        /// What is wrong.
        problem: String,
    },
}

impl Names {
    /// Reads a glob; `!` before it means all others.
    pub(crate) fn parse(text: &str) -> Result<Self, NamesError> {
        if text.len() > MAX_BYTES {
            return Err(NamesError::TooLong);
        }
        let (text, is_negated) = match text.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let text = text.strip_prefix("./").unwrap_or(text);
        let is_about_paths = text.contains('/');
        let glob = GlobBuilder::new(text.strip_prefix('/').unwrap_or(text))
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|err| NamesError::Glob {
                glob: excerpt(text),
                problem: err.kind().to_string(),
            })?;
        Ok(Self {
            glob: glob.compile_matcher(),
            is_about_paths,
            is_negated,
        })
    }

    /// Says whether a path is meant.
    pub(crate) fn mean(&self, path: &Path) -> bool {
        let fits = if self.is_about_paths {
            self.glob.is_match(path)
        } else {
            path.file_name()
                .is_some_and(|name| self.glob.is_match(Path::new(name)))
        };
        fits != self.is_negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_is_about_names_or_about_paths() {
        for (glob, path, means) in [
            ("*.rs", "src/deep/a.rs", true),
            ("*.rs", "a.rs.bak", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/deep/a.rs", false),
            ("./src/**/*.rs", "src/deep/a.rs", true),
            ("/src/*.rs", "src/a.rs", true),
            ("**/a.*", "a.rs", true),
            ("*.{rs,toml}", "x/Cargo.toml", true),
            ("!*.rs", "a.rs", false),
            ("!*.rs", "a.md", true),
        ] {
            let names = Names::parse(glob).unwrap();
            assert_eq!(names.mean(Path::new(path)), means, "{glob} {path}");
        }
        assert!(Names::parse("[").is_err());
        assert!(Names::parse(&"x".repeat(MAX_BYTES + 1)).is_err());
    }
}

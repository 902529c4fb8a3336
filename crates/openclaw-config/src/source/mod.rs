//! The config as its files say it: includes merged, variables filled in.
//!
//! The rules are those of TypeScript OpenClaw 2026.9, so that the same files mean the same thing.

mod dotenv;
mod file;
mod fill;
mod include;
mod names;
mod part;
mod roots;
mod variables;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::env::Env;
use serde_json::Value;

use self::file::{Demands, FileFault, Links};
use self::fill::{Fillings, apply_config_env};
use self::include::Includes;
pub(crate) use self::include::{INCLUDE, Included, Overlay, SourceFile};
use self::part::{Part, Shape};
use self::roots::Roots;
pub(crate) use self::roots::normal;
use crate::document::{Document, NonFinite};
use crate::problem::{KeyPath, Place, Problem};

/// The largest config file that is read, in bytes.
pub const MAX_SIZE: u64 = 10_000_000;

/// What the config's files say, together.
#[derive(Clone)]
pub struct Source {
    /// The document: includes merged, `${VAR}` filled in. An empty object when there is no file.
    pub value: Value,
    /// What is odd, such as a variable that is not set; each with its place.
    pub warnings: Vec<Problem>,
    /// The files that were read or looked for, the config itself first: what to watch for changes.
    pub files: Vec<PathBuf>,
    written: Value,
    env: Env,
    part: Part,
    sources: Vec<SourceFile>,
    included: Vec<Included>,
    fillings: Fillings,
    non_finite: Vec<NonFinite>,
}

// The values may be secrets, so that only the names of files are printed.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

/// Reads a config file with everything that it includes; a missing file is an empty document.
///
/// `.env` files are read first, and `env` in the config adds variables that are not set.
pub fn read(file: &Path, env: &Env) -> Result<Source, Vec<Problem>> {
    compose(file, env, &Overlay::new())
}

/// Reads a config, with other texts for some of its files.
pub(crate) fn compose(file: &Path, env: &Env, overlay: &Overlay) -> Result<Source, Vec<Problem>> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    let file = normal(&file);
    let mut env = env.clone();
    let mut warnings = Vec::new();
    let env_files = dotenv::load(&file, &mut env, &mut warnings);
    let mut includes = Includes::new(Roots::new(&file, &env), overlay);
    let part = root(&file, &mut includes)?;
    if !includes.problems.is_empty() {
        return Err(includes.problems);
    }
    let written = part.value();
    apply_config_env(&written, &mut env);
    let mut fillings = Fillings::default();
    let value = fillings.fill(&written, &KeyPath::root(), &env);
    let mut source = Source {
        value,
        warnings,
        files: includes.looked_for.into_iter().chain(env_files).collect(),
        written,
        env,
        non_finite: non_finite(&part),
        part,
        sources: includes.files,
        included: includes.followed,
        fillings,
    };
    for (path, message) in source.fillings.missing() {
        let problem = Problem::new(path, message);
        source.warnings.push(source.locate(problem));
    }
    source.warnings.extend(source.unfaithful());
    Ok(source)
}

/// Reads the config's own file.
fn root(file: &Path, includes: &mut Includes<'_>) -> Result<Part, Vec<Problem>> {
    let demands = Demands {
        max_size: MAX_SIZE,
        links: Links::Any,
    };
    let whole = |message: String, place| {
        vec![Problem {
            place,
            ..Problem::new(KeyPath::root(), message)
        }]
    };
    let text = match includes.text(file, demands) {
        Ok(text) => text,
        Err(FileFault::Missing) => return Ok(Part::empty(part::Spot { file: 0, at: 0 })),
        Err(fault) => {
            let message = format!("cannot read the config `{}`: {fault}", file.display());
            return Err(whole(message, None));
        }
    };
    if let Ok(real) = file.canonicalize()
        && real != file
    {
        includes.looked_for.push(real);
    }
    let document = Document::parse(&text.text).map_err(|err| {
        let place = Place {
            file: file.to_path_buf(),
            line: err.line,
            column: err.column,
        };
        whole(err.to_string(), Some(place))
    })?;
    Ok(includes.add_root(SourceFile {
        path: file.to_path_buf(),
        document: Arc::new(document),
        faithful: text.faithful,
    }))
}

fn non_finite(part: &Part) -> Vec<NonFinite> {
    fn look(part: &Part, path: &KeyPath, found: &mut Vec<NonFinite>) {
        match &part.shape {
            Shape::Scalar(_) => {}
            Shape::NonFinite(number) => found.push(NonFinite {
                path: path.clone(),
                number: *number,
            }),
            Shape::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    look(element, &path.index(index), found);
                }
            }
            Shape::Object(members) => {
                for (key, member) in members.iter() {
                    look(member, &path.key(key), found);
                }
            }
        }
    }
    let mut found = Vec::new();
    look(part, &KeyPath::root(), &mut found);
    found
}

impl Source {
    /// Returns whether the config file is there.
    pub fn exists(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Returns where a value stands, through includes.
    ///
    /// For a path that does not exist it is the place of the nearest parent that does.
    pub fn place(&self, path: &KeyPath) -> Option<Place> {
        let mut part = &self.part;
        for segment in path.segments() {
            match part.child(segment) {
                Some(child) => part = child,
                None => break,
            }
        }
        include::place(&self.sources, part.spot)
    }

    /// Returns the environment with what `.env` files and the config's `env` add: secrets are
    /// resolved from this one.
    pub const fn env(&self) -> &Env {
        &self.env
    }

    /// Returns the document with includes merged and `${VAR}` as written: what may be shown.
    pub const fn written(&self) -> &Value {
        &self.written
    }

    /// Returns the numbers that `value` cannot hold, by their path in the merged document.
    pub fn non_finite(&self) -> &[NonFinite] {
        &self.non_finite
    }

    /// Returns a problem with its place, and without values that came from the environment.
    ///
    /// # Security
    ///
    /// Whoever judges [`Source::value`] passes each problem through this before showing it.
    #[must_use]
    pub fn locate(&self, mut problem: Problem) -> Problem {
        if problem.place.is_none() {
            problem.place = self.place(&problem.path);
        }
        problem.message = self.fillings.veil(&problem.message, &self.env);
        for allowed in &mut problem.allowed {
            *allowed = self.fillings.veil(allowed, &self.env);
        }
        problem
    }

    /// Returns the files that were read with their texts, the config's own file first.
    pub fn texts(&self) -> impl Iterator<Item = (&Path, &str)> {
        let files = self.sources.iter();
        files.map(|file| (file.path.as_path(), file.document.text()))
    }

    /// Returns the files in the order in which they were read, the config first.
    pub(crate) fn sources(&self) -> &[SourceFile] {
        &self.sources
    }

    /// Returns every `$include` that was followed.
    pub(crate) fn included(&self) -> &[Included] {
        &self.included
    }

    fn unfaithful(&self) -> Vec<Problem> {
        let bad = self.sources.iter().filter(|file| !file.faithful);
        bad.map(|file| {
            let message = format!(
                "`{}` is not UTF-8; what cannot be read is taken for U+FFFD",
                file.path.display()
            );
            Problem::new(KeyPath::root(), message)
        })
        .collect()
    }
}

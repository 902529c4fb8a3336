//! Writing a config file: one change at a time, atomically, with what was there before kept.
//!
//! Everything here blocks, on the disk and on other processes that change the same file.

mod draft;
mod lock;
mod replace;

use std::io;
use std::path::{Path, PathBuf};

use openclaw_core::Kind;
use openclaw_core::env::{self, Env};

pub use self::draft::Draft;
use self::lock::Lock;
use self::replace::{Replacement, beside};
use crate::document::EditError;
use crate::problem::{KeyPath, Problem};
use crate::source::Source;

/// A config file that can be changed.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    env: Env,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The files that changed; none when the edit came to nothing.
    pub files: Vec<PathBuf>,
    /// The copies of these files as they were before; none for a file that was not there.
    pub backups: Vec<PathBuf>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Somebody manages the config elsewhere.
    #[error("the config is managed elsewhere: `{variable}` is set")]
    ReadOnly {
        /// The variable that says so.
        variable: &'static str,
    },
    /// The files as they are cannot be read.
    #[error("the config cannot be read: {}", list(.0))]
    Unreadable(Vec<Problem>),
    /// A file has bytes that are no text, which an edit would lose.
    #[error("`{file}` is not UTF-8, so that it cannot be edited")]
    NotText {
        /// The file.
        file: PathBuf,
    },
    /// The change cannot be made in this document.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Included files say what the path is, and not in a way that one edit could change.
    #[error("`{path}` comes from `{file}`, {reason}; edit that file, or its `$include`")]
    Included {
        /// The path that was to be changed.
        path: KeyPath,
        /// The file that has a say in it.
        file: PathBuf,
        /// What stands in the way.
        reason: &'static str,
    },
    /// The config would be wrong with this change.
    #[error("the config would be invalid: {}", list(.0))]
    Refused(Vec<Problem>),
    /// Another process is changing the config and does not come to an end.
    #[error("another process is changing the config: `{lock}` is held")]
    Busy {
        /// What it holds.
        lock: PathBuf,
    },
    /// Somebody changed a file in between without asking for the lock.
    #[error("`{file}` was changed by somebody else at the same time")]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// A file or folder cannot be used.
    #[error("cannot write `{path}`")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl SaveError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::ReadOnly { .. } => Kind::Denied,
            Self::Unreadable(_) | Self::NotText { .. } => Kind::Config,
            Self::Edit(_) | Self::Included { .. } | Self::Refused(_) => Kind::Invalid,
            Self::Busy { .. } => Kind::Busy,
            Self::Changed { .. } => Kind::Conflict,
            Self::Io { .. } => Kind::Unavailable,
        }
    }
}

impl ConfigFile {
    /// Names the file; it need not exist yet.
    pub fn new(path: impl Into<PathBuf>, env: Env) -> Self {
        Self {
            path: path.into(),
            env,
        }
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the last config that a gateway ran with is kept.
    pub fn last_good(&self) -> PathBuf {
        beside(&self.path, ".last-good")
    }

    /// Changes the file: nobody else does meanwhile, `check` judges the result before anything is
    /// written, and on any failure every file is byte for byte as it was.
    pub fn edit(
        &self,
        change: impl FnOnce(&mut Draft) -> Result<(), SaveError>,
        check: impl FnOnce(&Source) -> Result<(), Vec<Problem>>,
    ) -> Result<Saved, SaveError> {
        let read_only = [env::OPENCLAW_CONFIG_READONLY, env::OPENCLAW_NIX_MODE];
        for variable in read_only {
            if self.env.get(variable.name) == Some("1") {
                let variable = variable.name;
                return Err(SaveError::ReadOnly { variable });
            }
        }
        let _lock = Lock::take(&self.path)?;
        let draft = self.drafted(change, check)?;
        let replacements: Vec<_> = draft.changes().map(Replacement::from).collect();
        replace::all(&replacements)
    }

    /// Does everything that [`ConfigFile::edit`] does, but for the writing; returns what the
    /// config would be.
    pub fn rehearse(
        &self,
        change: impl FnOnce(&mut Draft) -> Result<(), SaveError>,
        check: impl FnOnce(&Source) -> Result<(), Vec<Problem>>,
    ) -> Result<Draft, SaveError> {
        self.drafted(change, check)
    }

    /// Keeps a config as the last one that a gateway ran with; its own file only, as it was read.
    pub fn keep_as_good(&self, source: &Source) -> Result<(), SaveError> {
        let Some(file) = source.sources().first() else {
            return Ok(());
        };
        replace::write(&self.last_good(), file.document.text())
    }

    fn drafted(
        &self,
        change: impl FnOnce(&mut Draft) -> Result<(), SaveError>,
        check: impl FnOnce(&Source) -> Result<(), Vec<Problem>>,
    ) -> Result<Draft, SaveError> {
        let mut draft = Draft::read(&self.path, &self.env)?;
        change(&mut draft)?;
        if draft.changes().next().is_some() {
            check(draft.source()).map_err(SaveError::Refused)?;
        }
        Ok(draft)
    }
}

fn list(problems: &[Problem]) -> String {
    let all: Vec<_> = problems.iter().map(Problem::to_string).collect();
    all.join("; ")
}

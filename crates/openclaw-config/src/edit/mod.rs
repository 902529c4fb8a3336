//! Writing a config file: one change at a time, atomically, with what was there before kept.

use std::path::PathBuf;

use openclaw_core::Kind;
use openclaw_core::env::Env;
use serde_json::Value;

use crate::document::EditError;
use crate::problem::{KeyPath, Problem};
use crate::source::Source;

/// A config file that can be changed.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    env: Env,
}

/// The files of a config while they are being changed; nothing is on disk yet.
#[derive(Debug)]
pub struct Draft {}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The files that changed; none when the edit came to nothing.
    pub files: Vec<PathBuf>,
    /// The copy of the config as it was before.
    pub backup: Option<PathBuf>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The files as they are cannot be read.
    #[error("the config cannot be read")]
    Unreadable(Vec<Problem>),
    /// The change cannot be made in this document.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The config would be wrong with this change.
    #[error("the config would be invalid")]
    Refused(Vec<Problem>),
}

impl SaveError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
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

    /// Changes the file: nobody else does meanwhile, `check` judges the result before anything is
    /// written, and on any failure every file is byte for byte as it was.
    pub fn edit(
        &self,
        change: impl FnOnce(&mut Draft) -> Result<(), SaveError>,
        check: impl FnOnce(&Source) -> Result<(), Vec<Problem>>,
    ) -> Result<Saved, SaveError> {
        todo!("{} {:?}", self.path.display(), self.env)
    }

    /// Does everything that [`ConfigFile::edit`] does, but for the writing.
    pub fn rehearse(
        &self,
        change: impl FnOnce(&mut Draft) -> Result<(), SaveError>,
        check: impl FnOnce(&Source) -> Result<(), Vec<Problem>>,
    ) -> Result<Source, SaveError> {
        todo!()
    }

    /// Keeps a copy of the config as the last one that a gateway ran with (`<file>.last-good`).
    pub fn keep_as_good(&self) -> Result<(), SaveError> {
        todo!()
    }
}

impl Draft {
    /// Returns the merged document as it is now, with `${VAR}` as written.
    pub fn value(&self) -> &Value {
        todo!()
    }

    /// Sets a value, in the file that owns the path.
    pub fn set(&mut self, path: &KeyPath, value: &Value) -> Result<(), SaveError> {
        todo!("{path} {value}")
    }

    /// Removes a value from the file that owns it; returns whether there was one.
    pub fn unset(&mut self, path: &KeyPath) -> Result<bool, SaveError> {
        todo!("{path}")
    }

    /// Makes the merged document say `value`, with as few edits as that takes.
    pub fn reshape(&mut self, value: &Value) -> Result<(), SaveError> {
        todo!("{value}")
    }
}

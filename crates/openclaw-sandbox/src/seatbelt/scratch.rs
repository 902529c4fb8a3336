//! The private folder of one run.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A home that is also the place for temporary files, made for a run; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    _folder: TempDir,
    path: PathBuf,
}

impl Scratch {
    /// Makes it where this user has temporary files. Blocks on the file system.
    pub(super) fn make() -> io::Result<Self> {
        // Nobody else may enter a folder that is made so.
        let folder = TempDir::with_prefix("openclaw-")?;
        // The kernel compares paths without symlinks, and the usual place lies behind one.
        let path = fs::canonicalize(folder.path())?;
        Ok(Self {
            _folder: folder,
            path,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

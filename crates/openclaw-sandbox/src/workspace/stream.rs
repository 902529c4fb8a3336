//! Reading a file piece by piece.

use std::{
    io::{self, Read},
    path::Path,
};

use cap_std::fs::{Dir, File};

use super::{Fault, FileError, Workspace, regular};

/// A regular file of a workspace that is open for reading.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    size: u64,
}

impl OpenFile {
    pub(super) fn open(dir: &Dir, path: &Path) -> Result<Self, Fault> {
        let file = regular(dir, path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }

    /// Returns how many bytes it had when it was opened.
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Workspace {
    /// Opens the regular file at `path` and lets `work` read it, where that holds nobody up.
    ///
    /// # Cancel safety
    /// When the future is dropped, `work` goes on to its end; it has to look itself whether it
    /// should.
    pub async fn read_with<T: Send + 'static>(
        &self,
        path: impl AsRef<Path>,
        work: impl FnOnce(OpenFile) -> io::Result<T> + Send + 'static,
    ) -> Result<T, FileError> {
        self.with("reading", path, move |folder, path| {
            Ok(work(OpenFile::open(&folder.dir, path)?)?)
        })
        .await
    }
}

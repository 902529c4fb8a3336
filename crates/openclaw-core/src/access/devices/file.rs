//! The book on disk: one file, readable by its owner only, replaced as a whole.
//!
//! There is no secret in it: keys of devices are public, and of tokens it has the hashes.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::book::Book;
use crate::kind::Kind;
use crate::state_dir::{private_file, read_file, sync_folder};

/// The most bytes that the file may have.
const MAX_FILE: u64 = 16 << 20;

/// Why the devices cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DeviceFileError {
    /// The system refuses.
    #[error("cannot use the devices in `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It is not a file of this program's.
    #[error("the devices in `{path}` are damaged: move the file away to pair them anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl DeviceFileError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Io { .. } => Kind::Unavailable,
            Self::Damaged { .. } => Kind::Config,
        }
    }
}

#[derive(Debug)]
pub(super) struct DeviceFile(PathBuf);

impl DeviceFile {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn read(&self) -> Result<Book, DeviceFileError> {
        let text = match read_file(&self.0, MAX_FILE) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
            Err(source) => return Err(self.failed(source)),
        };
        serde_json::from_slice(&text).map_err(|source| DeviceFileError::Damaged {
            path: self.0.clone(),
            source,
        })
    }

    pub(super) fn write(&self, book: &Book) -> Result<(), DeviceFileError> {
        let text = serde_json::to_vec(book).map_err(|err| self.failed(err.into()))?;
        // One process writes at a time, so that what a crash has left is written over.
        let draft = self.0.with_extension("tmp");
        if let Err(err) = fs::remove_file(&draft)
            && err.kind() != io::ErrorKind::NotFound
        {
            return Err(self.failed(err));
        }
        let written = private_file(&draft).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &self.0)?;
            sync_folder(&self.0)
        });
        written.map_err(|source| {
            // It may not be there; then there is nothing to take away.
            drop(fs::remove_file(&draft));
            self.failed(source)
        })
    }

    fn failed(&self, source: io::Error) -> DeviceFileError {
        DeviceFileError::Io {
            path: self.0.clone(),
            source,
        }
    }
}

//! The book on disk: one encrypted file, replaced as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::grant::Grant;
use crate::kind::Kind;
use crate::sealing::SealingKey;
use crate::state_dir::{private_file, read_file, sync_folder};

/// What the file is bound to: its purpose and the version of its form.
const ASSOCIATED: &[u8] = b"openclaw-rs tokens 1";
/// The most bytes that the file may have.
const MAX_FILE: u64 = 256 << 20;

/// Why the tokens cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// The system refuses.
    #[error("cannot use the tokens in `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file was changed, or the key beside it is another.
    #[error(
        "the tokens in `{path}` are damaged, or their key is another: move the file away to start without tokens"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl TokenFileError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Io { .. } => Kind::Unavailable,
            Self::Damaged { .. } => Kind::Config,
        }
    }
}

#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    key: SealingKey,
}

#[derive(Deserialize)]
struct Read {
    grants: Vec<Grant>,
}

#[derive(Serialize)]
struct Written<'a> {
    grants: &'a [&'a Grant],
}

impl TokenFile {
    pub(super) fn new(path: &Path, key: SealingKey) -> Self {
        Self {
            path: path.to_owned(),
            key,
        }
    }

    pub(super) fn read(&self) -> Result<Vec<Grant>, TokenFileError> {
        let damaged = || TokenFileError::Damaged {
            path: self.path.clone(),
        };
        let sealed = match read_file(&self.path, MAX_FILE) {
            Ok(sealed) => sealed,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.failed(source)),
        };
        let text = self
            .key
            .open(ASSOCIATED, &sealed)
            .map_err(|_not_ours| damaged())?;
        let read: Read = serde_json::from_slice(&text).map_err(|_quotes_it| damaged())?;
        Ok(read.grants)
    }

    pub(super) fn write(&self, grants: &[&Grant]) -> Result<(), TokenFileError> {
        let failed = |err: io::Error| self.failed(err);
        let text = serde_json::to_vec(&Written { grants }).map_err(|err| failed(err.into()))?;
        let sealed = self
            .key
            .seal(ASSOCIATED, &text)
            .map_err(|err| failed(io::Error::other(err)))?;
        // One process writes at a time, so that what a crash has left is written over.
        let draft = self.path.with_extension("tmp");
        if let Err(err) = fs::remove_file(&draft)
            && err.kind() != io::ErrorKind::NotFound
        {
            return Err(failed(err));
        }
        let written = private_file(&draft).and_then(|mut file| {
            file.write_all(&sealed)?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)?;
            sync_folder(&self.path)
        });
        written.map_err(|source| {
            // It may not be there; then there is nothing to take away.
            drop(fs::remove_file(&draft));
            failed(source)
        })
    }

    fn failed(&self, source: io::Error) -> TokenFileError {
        TokenFileError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

//! The folder on disk: how files get there whole, and one change at a time.
//!
//! A file is written beside the one that it will replace (`NAME.enc+next`), synced, and renamed over
//! it. Nothing here knows what is in the files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::CredentialError;
use super::name::{self, Name};
#[cfg(test)]
use super::tests::fault::step;
use crate::state_dir::{private_dir, private_file, sync_folder};

pub(super) const HEADER: &str = "master.salt";
const LOCK: &str = "master.lock";
/// What the file beside another ends with; no record's name can have the `+`.
const BESIDE: &str = "+next";

/// How long another process may take for its change.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(2);

/// The folder of a store.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// The right to change what is in the folder; it ends when this is dropped, or with the process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// A file that a change left beside the one that it was to replace.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Leftover {
    /// Beside the header.
    Header,
    /// Beside a record's file.
    Record(Name),
}

impl Folder {
    /// Makes the folder if it is missing, and takes everybody's rights to it but the owner's.
    pub(super) fn prepare(path: &Path) -> Result<Self, CredentialError> {
        let prepare = || -> io::Result<()> {
            if !path.exists() {
                private_dir(path)?;
                // The mask of this process may have taken the owner's rights too.
                set_mode(path, 0o700)?;
                step();
                sync_folder(path)?;
            }
            tighten(path)
        };
        prepare().map_err(failed(path))?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the header's path, for errors.
    pub(super) fn header(&self) -> PathBuf {
        self.0.join(HEADER)
    }

    /// Returns the path of a record's file, for errors.
    pub(super) fn record(&self, name: &Name) -> PathBuf {
        self.0.join(name.file())
    }

    /// Tells whether a folder has a header.
    pub(super) fn has_header(path: &Path) -> bool {
        path.join(HEADER).symlink_metadata().is_ok()
    }

    /// Waits until nobody else changes anything in the folder.
    pub(super) fn lock(&self) -> Result<Lock, CredentialError> {
        let path = self.0.join(LOCK);
        let open = || match private_file(&path) {
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                regular(&path)?;
                OpenOptions::new().write(true).open(&path)
            }
            Err(err) => Err(err),
            Ok(file) => set_mode(&path, 0o600).map(|()| file),
        };
        let file = open().map_err(failed(&path))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::Error(err)) => return Err(failed(&path)(err)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= PATIENCE => {
                    return Err(CredentialError::Busy { path });
                }
                // The system tells nobody that a lock is free without making them wait for ever.
                Err(TryLockError::WouldBlock) => thread::park_timeout(PAUSE),
            }
        }
    }

    /// Tells whether anything has this name, a file or not.
    pub(super) fn is_taken(&self, file: &str) -> bool {
        self.0.join(file).symlink_metadata().is_ok()
    }

    /// Returns a file's bytes, at most one more than `limit`; nothing if there is no file.
    pub(super) fn read(
        &self,
        file: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, CredentialError> {
        let path = self.0.join(file);
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = || -> io::Result<Vec<u8>> {
            regular(&path)?;
            let mut bytes = Vec::new();
            File::open(&path)?.take(most).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(failed(&path)(err)),
        }
    }

    /// Writes a file beside the one that it will replace, down to the disk.
    pub(super) fn write_beside(&self, file: &str, bytes: &[u8]) -> Result<(), CredentialError> {
        let draft = beside(file);
        self.remove(&draft)?;
        let path = self.0.join(draft);
        let write = || -> io::Result<()> {
            let mut file = private_file(&path)?;
            set_mode(&path, 0o600)?;
            step();
            let (begin, end) = bytes.split_at(bytes.len() / 2);
            file.write_all(begin)?;
            step();
            file.write_all(end)?;
            step();
            file.sync_all()
        };
        if let Err(err) = write() {
            // On a full disk, what is left of it would keep the disk full.
            drop(fs::remove_file(&path));
            return Err(failed(&path)(err));
        }
        step();
        Ok(())
    }

    /// Gives what is beside a file that file's name; [`Folder::sync`] makes it last.
    pub(super) fn replace(&self, file: &str) -> Result<(), CredentialError> {
        let path = self.0.join(file);
        fs::rename(self.0.join(beside(file)), &path).map_err(failed(&path))?;
        step();
        Ok(())
    }

    /// Removes a file, if it is there; [`Folder::sync`] makes it last.
    pub(super) fn remove(&self, file: &str) -> Result<(), CredentialError> {
        let path = self.0.join(file);
        match fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(failed(&path)(err)),
            _ => {
                step();
                Ok(())
            }
        }
    }

    /// Brings the names in the folder down to the disk.
    pub(super) fn sync(&self) -> Result<(), CredentialError> {
        sync_folder(&self.header()).map_err(failed(&self.0))?;
        step();
        Ok(())
    }

    /// Returns what changes left behind; while one goes on, its own file is among them.
    pub(super) fn leftovers(&self) -> Result<Vec<Leftover>, CredentialError> {
        let mut found = Vec::new();
        for file in self.files()? {
            match file.strip_suffix(BESIDE) {
                Some(HEADER) => found.push(Leftover::Header),
                Some(file) => found.extend(Name::parse_file(file).ok().map(Leftover::Record)),
                None => {}
            }
        }
        Ok(found)
    }

    /// Returns the names of files that end like a record's, legal or not, in order.
    pub(super) fn record_files(&self) -> Result<Vec<String>, CredentialError> {
        let mut files = self.files()?;
        files.retain(|file| name::has_suffix(file));
        files.sort_unstable();
        Ok(files)
    }

    /// Returns the name of every regular file that has one in UTF-8, as ours have.
    fn files(&self) -> Result<Vec<String>, CredentialError> {
        let files = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.0)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    names.extend(entry.file_name().into_string());
                }
            }
            Ok(names)
        };
        files().map_err(failed(&self.0))
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> CredentialError + use<> {
    let path = path.to_owned();
    move |source| CredentialError::Io { path, source }
}

/// Returns the name of the file that is to replace another.
pub(super) fn beside(file: &str) -> String {
    format!("{file}{BESIDE}")
}

/// Refuses what is no regular file: a pipe would make us wait for ever, a link may lead anywhere.
fn regular(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_file() {
        return Ok(());
    }
    Err(io::Error::other("it is not a regular file"))
}

/// Takes the rights to a folder from everybody but its owner.
///
/// TypeScript OpenClaw shares the folder and runs as the same user, so it loses nothing by it.
fn tighten(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = fs::metadata(path)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            set_mode(path, permissions.mode() & !0o077)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
const fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// A place between two changes to the disk, where tests end the process.
#[cfg(not(test))]
const fn step() {}

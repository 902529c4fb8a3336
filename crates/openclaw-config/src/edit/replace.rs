//! Putting a file in the place of another: whole or not at all, with the old one kept.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::draft::Change;
use super::{SaveError, Saved};

/// How many older copies there are besides `.bak`.
const OLDER: usize = 4;
/// How many symbolic links are followed to a file that is not there.
const MAX_LINKS: usize = 40;

/// A file that is to be replaced.
pub(super) struct Replacement<'a> {
    path: &'a Path,
    before: Option<&'a str>,
    after: &'a str,
}

impl<'a> From<Change<'a>> for Replacement<'a> {
    fn from(change: Change<'a>) -> Self {
        Self {
            path: change.path,
            before: change.before,
            after: change.after,
        }
    }
}

/// Returns a path with something added to its file's name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the file that a path leads to, also where that is not there yet.
pub(super) fn target(path: &Path) -> Result<PathBuf, SaveError> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(next) => {
                let base = path.parent().unwrap_or_else(|| Path::new("/"));
                path = base.join(next);
            }
            Err(_) => return Ok(path),
        }
    }
    let source = io::Error::other("its symbolic links lead in a circle");
    Err(SaveError::Io { path, source })
}

/// Replaces files; when one cannot be, those that were are put back.
pub(super) fn all(replacements: &[Replacement<'_>]) -> Result<Saved, SaveError> {
    let mut saved = Saved::default();
    // Whatever can fail early does, before any file has changed.
    for replacement in replacements {
        unchanged(replacement)?;
    }
    for (done, replacement) in replacements.iter().enumerate() {
        match one(replacement) {
            Ok(backup) => {
                saved.files.push(replacement.path.to_path_buf());
                saved.backups.extend(backup);
            }
            Err(err) => {
                for replacement in replacements.iter().take(done) {
                    put_back(replacement);
                }
                return Err(err);
            }
        }
    }
    Ok(saved)
}

/// Writes a file, readable by its owner only, in the place of whatever is there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), SaveError> {
    let target = target(path)?;
    let temporary = prepare(&target, text)?;
    publish(&temporary, &target)
}

fn one(replacement: &Replacement<'_>) -> Result<Option<PathBuf>, SaveError> {
    let target = target(replacement.path)?;
    let temporary = prepare(&target, replacement.after)?;
    let ready = || {
        let backup = match replacement.before {
            Some(before) => Some(keep(replacement.path, before)?),
            None => None,
        };
        unchanged(replacement)?;
        Ok(backup)
    };
    match ready() {
        Ok(backup) => {
            publish(&temporary, &target)?;
            Ok(backup)
        }
        Err(err) => {
            discard(&temporary);
            Err(err)
        }
    }
}

/// Refuses if the file is not what the edit began with.
fn unchanged(replacement: &Replacement<'_>) -> Result<(), SaveError> {
    let same = match (fs::read(replacement.path), replacement.before) {
        (Ok(found), Some(before)) => found == before.as_bytes(),
        (Err(err), None) => err.kind() == io::ErrorKind::NotFound,
        (Ok(_), None) | (Err(_), Some(_)) => false,
    };
    if same {
        return Ok(());
    }
    let file = replacement.path.to_path_buf();
    Err(SaveError::Changed { file })
}

/// Keeps what a file has in a chain of copies: `.bak` is the newest, `.bak.1` the one before.
fn keep(path: &Path, text: &str) -> Result<PathBuf, SaveError> {
    let newest = beside(path, ".bak");
    let temporary = prepare(&newest, text)?;
    let place = |age: usize| match age {
        0 => newest.clone(),
        age => beside(path, &format!(".bak.{age}")),
    };
    for age in (0..OLDER).rev() {
        let (from, to) = (place(age), place(age.saturating_add(1)));
        match fs::rename(&from, &to) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => {
                discard(&temporary);
                return Err(failed(&from, err));
            }
            _ => {}
        }
    }
    publish(&temporary, &newest)?;
    Ok(newest)
}

/// Writes a text to a new file in the folder of the one that it is to replace.
fn prepare(target: &Path, text: &str) -> Result<PathBuf, SaveError> {
    let name = format!(".{}.tmp", Uuid::new_v4().simple());
    let temporary = beside(target, &name);
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })();
    written.map_err(|err| {
        discard(&temporary);
        failed(&temporary, err)
    })?;
    Ok(temporary)
}

fn publish(temporary: &Path, target: &Path) -> Result<(), SaveError> {
    fs::rename(temporary, target).map_err(|err| {
        discard(temporary);
        failed(target, err)
    })?;
    // The new name is on the disk only when the folder is. It is in place already, so that a disk
    // that cannot be synced is told and undoes nothing.
    let folder = target.parent().unwrap_or_else(|| Path::new("/"));
    if let Err(err) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::warn!(path = %folder.display(), %err, "cannot sync the folder of the config");
    }
    Ok(())
}

fn put_back(replacement: &Replacement<'_>) {
    let result = match replacement.before {
        Some(before) => write(replacement.path, before),
        None => fs::remove_file(replacement.path).map_err(|err| failed(replacement.path, err)),
    };
    if let Err(err) = result {
        let path = replacement.path.display();
        tracing::error!(%path, %err, "a file stays changed though the edit failed; see its `.bak`");
    }
}

fn discard(temporary: &Path) {
    match fs::remove_file(temporary) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %temporary.display(), %err, "a temporary file stays behind");
        }
        _ => {}
    }
}

fn failed(path: &Path, source: io::Error) -> SaveError {
    SaveError::Io {
        path: path.to_path_buf(),
        source,
    }
}

//! What the mounts of a run have to show inside, so that no path was exchanged on the way there.
//!
//! Bubblewrap takes paths and follows symlinks. Between the survey and the mount, a command that
//! may write the folder around a workspace could put a symlink in its place. So the survey notes
//! which file or folder it saw, and the first program inside looks for the same before the command
//! begins.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, StatVfsMountFlags, fstat, fstatvfs, openat2},
    io,
};
use serde::{Deserialize, Serialize};

use super::folder::Folder;
use crate::{PlaceFault, SandboxError};

/// What has to be at one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) path: PathBuf,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) shown: Shown,
}

/// How it has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shown {
    /// The same file or folder.
    Same,
    /// The same, and not to be written.
    ReadOnly,
    /// Something else, from another file system.
    Replaced,
}

/// Looks for everything at its place, without following any symlink, and returns the first path
/// at which it is not.
pub(crate) fn check(seen: &[Seen]) -> Result<(), &Path> {
    match seen.iter().find(|one| !one.holds().unwrap_or(false)) {
        Some(one) => Err(&one.path),
        None => Ok(()),
    }
}

/// Returns what lies at paths that were judged a moment ago, each to be shown and not written.
pub(crate) fn identities(folders: &[PathBuf]) -> Result<Vec<Seen>, SandboxError> {
    let identity = |path: &PathBuf| {
        let itself = Folder::open(path).and_then(|folder| folder.itself());
        match itself {
            Ok(itself) => Ok(itself.shown(path, Shown::ReadOnly)),
            Err(err) => Err(SandboxError::BadReadable {
                path: path.clone(),
                fault: PlaceFault::Unreadable(err),
            }),
        }
    };
    folders.iter().map(identity).collect()
}

impl Seen {
    /// The same where nothing is mounted, so that it only has to be the same.
    pub(crate) fn unmounted(&self) -> Option<Self> {
        (self.shown != Shown::Replaced).then(|| Self {
            shown: Shown::Same,
            ..self.clone()
        })
    }

    /// Opens what is there by its path alone, if it is what it was.
    pub(crate) fn open(&self) -> Option<OwnedFd> {
        let there = self.there().ok()?;
        let stat = fstat(&there).ok()?;
        ((stat.st_dev, stat.st_ino) == (self.device, self.inode)).then_some(there)
    }

    fn there(&self) -> io::Result<OwnedFd> {
        openat2(
            CWD,
            &self.path,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::NO_SYMLINKS,
        )
    }

    fn holds(&self) -> io::Result<bool> {
        let there = self.there()?;
        let stat = fstat(&there)?;
        let same = (stat.st_dev, stat.st_ino) == (self.device, self.inode);
        Ok(match self.shown {
            Shown::Same => same,
            Shown::ReadOnly => same && fstatvfs(&there)?.f_flag.contains(StatVfsMountFlags::RDONLY),
            Shown::Replaced => stat.st_dev != self.device,
        })
    }
}

//! The look at the workspaces before a run.
//!
//! It is bounded, because everybody waits for it: see [`walk`]. [`repository`] knows what git acts
//! upon, [`others`] the same of its likes, [`links`] where hooks lead to, and [`sockets`] finds what listens in a workspace.

mod links;
mod note;
mod others;
mod repository;
mod sockets;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags, openat},
    io::Errno,
};

use super::{
    NAMES, Protection, ProtectionFault, Where,
    folder::Folder,
    placeholder::{self, Placeholder, Taken},
    relics::Watch,
    seen::Shown,
    settings::lexical,
};
use crate::SandboxError;
use note::{Note, What};

/// How often to look again at what changes while it is looked at.
const LOOKS: u32 = 8;

/// What was found so far.
pub(super) struct Survey<'a> {
    workspaces: &'a [PathBuf],
    notes: BTreeMap<PathBuf, Note>,
    placeholders: Vec<Placeholder>,
    relics: Vec<Watch>,
    /// The repositories that were looked at, by device and inode.
    repositories: BTreeSet<(u64, u64)>,
    /// The records of version control that were found, and the working trees of git that they, or
    /// those around the workspaces, belong to.
    records: BTreeSet<PathBuf>,
    tops: BTreeSet<PathBuf>,
    sockets: usize,
    /// What was not looked at or not protected, because there is too much of it.
    left_out: Vec<PathBuf>,
}

/// What to do about a name that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    /// It may be made.
    Left,
    /// It must not be made.
    Closed,
    /// It must not be made, and an empty file says the same as none. For what makes a program die
    /// that finds a folder there.
    Filled,
}

impl<'a> Survey<'a> {
    /// Looks at the workspaces, outer ones first.
    pub(super) fn of(
        workspaces: &'a [PathBuf],
        extra: &[PathBuf],
        toolchains: &[PathBuf],
    ) -> Result<Protection, SandboxError> {
        let mut survey = Self {
            workspaces,
            notes: BTreeMap::new(),
            placeholders: Vec::new(),
            relics: Vec::new(),
            repositories: BTreeSet::new(),
            records: BTreeSet::new(),
            tops: BTreeSet::new(),
            sockets: 0,
            left_out: Vec::new(),
        };
        let mut seen = Vec::new();
        for path in workspaces {
            let root = Folder::open(path).map_err(at(path))?;
            let itself = root.itself().map_err(at(path))?;
            seen.push(itself.shown(path, Shown::Same));
            survey.top(&root, extra)?;
            survey.walk(&root)?;
        }
        for path in toolchains {
            let itself = Folder::open(path).and_then(|folder| folder.itself());
            survey.note(path, What::ReadOnly, itself.map_err(at(path))?)?;
        }
        Ok(survey.finish(seen))
    }

    /// Protects what lies at the top of a workspace, and what the owner names.
    fn top(&mut self, root: &Folder, extra: &[PathBuf]) -> Result<(), SandboxError> {
        let mut missing = Vec::new();
        for (name, place) in NAMES {
            if *place != Where::Closed && is_missing(root, name).map_err(at(&root.path))? {
                missing.push(name.into());
                continue;
            }
            match place {
                Where::Closed => self.protect(root, name.as_ref(), Absent::Closed)?,
                Where::Kept | Where::Top if leads_nowhere(root, name) => {}
                Where::Kept | Where::Top => self.protect(root, name.as_ref(), Absent::Left)?,
                Where::Records => self.records(root, name)?,
            }
        }
        self.relics.push(Watch::Links(root.path.clone(), missing));
        self.without_records(root)?;
        for path in extra {
            let fault = || SandboxError::ProtectedPath {
                path: path.clone(),
                fault: ProtectionFault::BadName,
            };
            let within = relative(path).ok_or_else(fault)?;
            self.named(root, &within, Absent::Closed)?;
        }
        Ok(())
    }

    /// Protects the path `within` a folder, or the first part of it that does not exist.
    fn named(
        &mut self,
        folder: &Folder,
        within: &Path,
        absent: Absent,
    ) -> Result<(), SandboxError> {
        let mut folder = folder.clone();
        let mut parts = within.components().map(Component::as_os_str).peekable();
        while let Some(name) = parts.next() {
            if parts.peek().is_some()
                && let Some(child) = folder.child(name).map_err(at(&folder.path))?
            {
                folder = child;
            } else {
                let last = parts.peek().is_none();
                let absent = if last || absent == Absent::Left {
                    absent
                } else {
                    // A folder that is empty says as little as one that is missing.
                    Absent::Closed
                };
                return self.protect(&folder, name, absent);
            }
        }
        Ok(())
    }

    /// Protects `name` in a folder.
    fn protect(
        &mut self,
        folder: &Folder,
        name: &OsStr,
        absent: Absent,
    ) -> Result<(), SandboxError> {
        let path = folder.path.join(name);
        let fault = |fault| SandboxError::ProtectedPath {
            path: path.clone(),
            fault,
        };
        let failed = at(&path);
        for _ in 0..LOOKS {
            let Some(found) = folder.find(name).map_err(&failed)? else {
                match self.keep_out(folder, name, absent)? {
                    Closed::Done => return Ok(()),
                    Closed::Occupied => continue,
                }
            };
            if found.kind == FileType::Symlink {
                return Err(fault(ProtectionFault::Symlink));
            }
            // A folder that may not be read is mounted all the same.
            let child = match found.kind {
                FileType::Directory => folder.child(name).ok().flatten(),
                _ => None,
            };
            if let Some(child) = &child
                && absent == Absent::Closed
                && placeholder::is_one(child).map_err(&failed)?
            {
                match self.close(folder, name)? {
                    Closed::Done => return Ok(()),
                    Closed::Occupied => continue,
                }
            }
            self.note(&path, What::ReadOnly, found)?;
            return child.map_or(Ok(()), |child| self.links(&child));
        }
        Err(fault(ProtectionFault::Busy))
    }

    /// Sees to it that `name`, which does not exist, is not made.
    fn keep_out(
        &mut self,
        folder: &Folder,
        name: &OsStr,
        absent: Absent,
    ) -> Result<Closed, SandboxError> {
        match absent {
            Absent::Left => Ok(Closed::Done),
            Absent::Closed => self.close(folder, name),
            Absent::Filled => match fill(folder, name) {
                Ok(()) | Err(Errno::EXIST) => Ok(Closed::Occupied),
                Err(err) if is_refused(err) => Ok(Closed::Done),
                Err(err) => Err(at(&folder.path.join(name))(err.into())),
            },
        }
    }

    /// Has an empty folder in the place of `name`, which does not exist or is such a folder.
    fn close(&mut self, folder: &Folder, name: &OsStr) -> Result<Closed, SandboxError> {
        let path = folder.path.join(name);
        match Placeholder::take(folder, name) {
            Ok(Taken::Shared(placeholder)) => {
                self.placeholders.push(placeholder);
                let around = folder.itself().map_err(at(&path))?;
                self.note(&path, What::Nothing, around)?;
                Ok(Closed::Done)
            }
            Ok(Taken::Occupied) => Ok(Closed::Occupied),
            Ok(Taken::Busy) => Err(SandboxError::ProtectedPath {
                path,
                fault: ProtectionFault::Busy,
            }),
            // Then the command, which has the same rights or fewer, cannot make it either.
            Err(err) if Errno::from_io_error(&err).is_some_and(is_refused) => Ok(Closed::Done),
            Err(err) => Err(at(&path)(err)),
        }
    }

    /// Returns the innermost workspace that a path lies in, and the path within it.
    ///
    /// Symlinks on the way there from outside are followed, those within the workspace are left.
    fn inside(&self, path: &Path) -> Option<(PathBuf, PathBuf)> {
        let split = |path: &Path| {
            let root = self.workspaces.iter().rev();
            let root = root.into_iter().find(|root| path.starts_with(root))?;
            let within = path.strip_prefix(root).ok()?;
            (!within.as_os_str().is_empty()).then(|| (root.clone(), within.to_path_buf()))
        };
        split(&lexical(path)).or_else(|| split(&fs::canonicalize(path).ok()?))
    }
}

/// What came of closing a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    Done,
    /// Something is there by now.
    Occupied,
}

/// Returns how a failure of the operating system at `path` is told.
fn at(path: &Path) -> impl Fn(io::Error) -> SandboxError + '_ {
    move |err| SandboxError::ProtectedPath {
        path: path.to_path_buf(),
        fault: ProtectionFault::Io(err),
    }
}

/// Returns how it is told that what a command left at `path` cannot be removed.
pub(in crate::protected) fn stays(path: &Path) -> impl Fn(io::Error) -> SandboxError + '_ {
    move |err| SandboxError::ProtectedPath {
        path: path.to_path_buf(),
        fault: ProtectionFault::Relic(err),
    }
}

fn is_missing(folder: &Folder, name: &str) -> io::Result<bool> {
    Ok(folder.find(name)?.is_none())
}

/// Says whether `name` is a symlink that leads to nothing. What may be made where it is missing may
/// be made there as well.
fn leads_nowhere(folder: &Folder, name: &str) -> bool {
    let path = folder.path.join(name);
    path.is_symlink()
        && fs::metadata(path).is_err_and(|err| {
            let looped = Errno::from_io_error(&err) == Some(Errno::LOOP);
            looped || err.kind() == io::ErrorKind::NotFound
        })
}

fn fill(folder: &Folder, name: &OsStr) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(&folder.handle, name, flags, Mode::from_raw_mode(0o644)).map(drop)
}

const fn is_refused(err: Errno) -> bool {
    matches!(err, Errno::ACCESS | Errno::PERM | Errno::ROFS)
}

/// Returns a path of the settings if it leads to something within a workspace.
fn relative(path: &Path) -> Option<PathBuf> {
    let mut within = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => within.push(name),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!within.as_os_str().is_empty()).then_some(within)
}

#[cfg(test)]
mod tests;

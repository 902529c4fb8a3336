//! What a command can make that no mount can keep it from, and that is taken away when the run has
//! ended.
//!
//! Git dies where it finds a folder under most of these names, so nothing can be mounted there.

use std::{
    ffi::{OsStr, OsString},
    io::{
        self,
        ErrorKind::{NotADirectory, NotFound},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, unlinkat},
    io::Errno,
};

use super::folder::Folder;

/// The file that names the repository of a linked worktree. In the folder of a repository itself it
/// makes git take hooks and settings from where it says.
pub(super) const COMMONDIR: &str = "commondir";

/// The file that makes a folder a repository, together with [`PARTS`] or [`COMMONDIR`].
pub(super) const HEAD: &str = "HEAD";

/// The folders without which git takes no folder for a repository.
pub(super) const PARTS: [&str; 2] = ["objects", "refs"];

/// A name that did not exist when the run began, and that no program makes in earnest.
///
/// The folder is opened again in the end, because a workspace may have hundreds and open files are
/// few. It is a mount in the sandbox, so the command does not rename it.
#[derive(Debug)]
pub(super) enum Watch {
    /// [`COMMONDIR`] in the folder of a repository.
    Commondir(PathBuf),
    /// [`HEAD`] at the top of a working tree: with the rest, git takes it for a repository when
    /// it finds `.git` damaged, and the settings are those beside it.
    Bare(PathBuf),
    /// Symlinks under these names, which would have every further run refused.
    Links(PathBuf, Vec<OsString>),
}

impl Watch {
    fn folder(&self) -> &Path {
        let (Self::Commondir(folder) | Self::Bare(folder) | Self::Links(folder, _)) = self;
        folder
    }

    fn remove(&self) -> io::Result<()> {
        let folder = match Folder::open(self.folder()) {
            Ok(folder) => folder,
            // It was moved or removed from outside, or was never made as a folder.
            Err(err) if matches!(err.kind(), NotFound | NotADirectory) => return Ok(()),
            Err(err) => return Err(err),
        };
        match self {
            Self::Commondir(_) => remove(&folder, COMMONDIR.as_ref()),
            // Without `.git` it is a repository that a command made, as it may.
            Self::Bare(_) if folder.find(".git")?.is_some() && is_bare(&folder)? => {
                remove(&folder, HEAD.as_ref())
            }
            Self::Bare(_) => Ok(()),
            Self::Links(_, names) => names.iter().try_for_each(|name| {
                let found = folder.find(name)?;
                match found.map(|found| found.kind) {
                    Some(FileType::Symlink) => remove(&folder, name),
                    Some(_) | None => Ok(()),
                }
            }),
        }
    }
}

fn remove(folder: &Folder, name: &OsStr) -> io::Result<()> {
    match unlinkat(&folder.handle, name, AtFlags::empty()) {
        Ok(()) => {
            let path = folder.path.join(name);
            let path = path.display();
            tracing::warn!(%path, "a command made this, which makes programs take settings and \
                hooks from elsewhere; it was removed");
            Ok(())
        }
        Err(Errno::NOENT) => Ok(()),
        Err(err) => Err(err.into()),
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Err(err) = self.remove() {
            let path = self.folder().display();
            tracing::warn!(%path, error = %err, "the folder was left as the command made it");
        }
    }
}

/// Says whether git could take the folder itself for a repository.
///
/// What its `HEAD` says is not looked at: git and we might not agree about it.
pub(super) fn is_bare(folder: &Folder) -> io::Result<bool> {
    // Git follows symlinks here, so a part needs not be a folder.
    let has = |name| Ok::<_, io::Error>(folder.find(name)?.map(|found| found.kind));
    let has_head = !matches!(has(HEAD)?, None | Some(FileType::Directory));
    let [objects, refs] = PARTS;
    let has_parts = |objects, refs| {
        let part = |kind| matches!(kind, Some(FileType::Directory | FileType::Symlink));
        part(objects) && part(refs)
    };
    Ok(has_head && (has(COMMONDIR)?.is_some() || has_parts(has(objects)?, has(refs)?)))
}

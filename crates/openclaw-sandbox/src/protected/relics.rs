//! What a command can make that no mount can keep it from, and that is taken away when the run has
//! ended.
//!
//! Git dies where it finds a folder under most of these names, so nothing can be mounted there.

use std::{
    ffi::{OsStr, OsString},
    io::{
        self,
        ErrorKind::{NotADirectory, NotFound},
        Read as _,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, openat, renameat_with, symlinkat, unlinkat},
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

/// How much git reads of a `HEAD`.
const HEAD_SIZE: u64 = 256;

/// Under which names a folder is put aside that cannot be removed.
const ASIDE: &str = "openclaw-removed-";
const ASIDES: u32 = 1000;

/// A name that did not exist when the run began, and that no program makes in earnest.
///
/// The folder is opened again in the end, because a workspace may have hundreds and open files are
/// few. It is a mount in the sandbox, so the command does not rename it.
#[derive(Debug)]
pub(super) enum Watch {
    /// A name in a folder of version control that has programs look for settings elsewhere, such
    /// as [`COMMONDIR`].
    Made(PathBuf, &'static str),
    /// [`HEAD`] at the top of a working tree: with the rest, git takes it for a repository when
    /// it finds `.git` damaged, and the settings are those beside it.
    Bare(PathBuf),
    /// Symlinks under these names, which would have every further run refused.
    Links(PathBuf, Vec<OsString>),
    /// A symlink by which a hook leads to its program, and where it led to.
    Way(PathBuf, PathBuf),
}

impl Watch {
    /// Returns where it is looked.
    pub(super) fn path(&self) -> &Path {
        let (Self::Made(path, _) | Self::Bare(path) | Self::Links(path, _) | Self::Way(path, _)) =
            self;
        path
    }

    /// Puts in order what a command has made.
    pub(super) fn settle(&self) -> io::Result<()> {
        let path = match self {
            Self::Way(link, _) => link.parent().unwrap_or(link),
            Self::Made(folder, _) | Self::Bare(folder) | Self::Links(folder, _) => folder,
        };
        let folder = match Folder::open(path) {
            Ok(folder) => folder,
            // It was moved or removed from outside, or was never made as a folder.
            Err(err) if matches!(err.kind(), NotFound | NotADirectory) => return Ok(()),
            Err(err) if Errno::from_io_error(&err) == Some(Errno::LOOP) => return Ok(()),
            Err(err) => return Err(err),
        };
        match self {
            Self::Made(_, name) => remove(&folder, name.as_ref()),
            // Without `.git` it is a repository that a command made, as it may.
            Self::Bare(_) if folder.find(".git")?.is_some() && is_bare(&folder)? => {
                remove(&folder, HEAD.as_ref())
            }
            Self::Bare(_) => Ok(()),
            Self::Links(_, names) => names.iter().try_for_each(|name| remove_link(&folder, name)),
            Self::Way(link, target) => {
                let name = link.file_name().unwrap_or_default();
                if folder.link(name)?.as_deref() == Some(target) {
                    return Ok(());
                }
                remove(&folder, name)?;
                Ok(symlinkat(target, &folder.handle, name)?)
            }
        }
    }
}

/// Removes what a command made under a name, whatever permissions it has taken away before.
pub(super) fn remove(folder: &Folder, name: &OsStr) -> io::Result<()> {
    let removed = match unlink(folder, name) {
        Err(Errno::ACCESS | Errno::PERM) => {
            folder.mend()?;
            unlink(folder, name)
        }
        removed => removed,
    };
    match removed {
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

/// Removes a symlink that a command made under a name.
pub(super) fn remove_link(folder: &Folder, name: impl AsRef<OsStr>) -> io::Result<()> {
    let name = name.as_ref();
    match folder.find(name)?.map(|found| found.kind) {
        Some(FileType::Symlink) => remove(folder, name),
        Some(_) | None => Ok(()),
    }
}

fn unlink(folder: &Folder, name: &OsStr) -> Result<(), Errno> {
    match unlinkat(&folder.handle, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {}
        done => return done,
    }
    match unlinkat(&folder.handle, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => put_aside(folder, name),
        done => done,
    }
}

/// Gives a folder another name. What is in it can be without end, and under any other name it says
/// nothing.
fn put_aside(folder: &Folder, name: &OsStr) -> Result<(), Errno> {
    for number in 0..ASIDES {
        let aside = format!("{ASIDE}{number}");
        let keep = rustix::fs::RenameFlags::NOREPLACE;
        match renameat_with(&folder.handle, name, &folder.handle, &aside, keep) {
            Err(Errno::EXIST) => {}
            done => return done,
        }
    }
    Err(Errno::EXIST)
}

/// Says whether git takes the folder itself for a repository.
///
/// To git a part is whatever may be executed; who may is changed as easily as all else here, so it
/// is not looked at.
pub(super) fn is_bare(folder: &Folder) -> io::Result<bool> {
    let has = |name: &str| folder.find(name).map(|found| found.is_some());
    let [objects, refs] = PARTS;
    let head = folder.find(HEAD)?.map(|found| found.kind);
    let has_head = !matches!(head, None | Some(FileType::Directory));
    let has_parts = || Ok::<_, io::Error>(has(COMMONDIR)? || has(objects)? && has(refs)?);
    Ok(has_head && has_parts()? && is_head(folder)?)
}

/// Says whether `HEAD` says something to git: where it leads, or the name of an object.
fn is_head(folder: &Folder) -> io::Result<bool> {
    if let Some(target) = folder.link(HEAD)? {
        return Ok(target.starts_with(PARTS[1]));
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let head = match openat(&folder.handle, HEAD, flags, Mode::empty()) {
        Ok(head) => std::fs::File::from(head),
        Err(Errno::NOENT) => return Ok(false),
        // Whoever can read it can say more.
        Err(Errno::ACCESS | Errno::LOOP) => return Ok(true),
        Err(err) => return Err(err.into()),
    };
    let mut text = Vec::new();
    head.take(HEAD_SIZE).read_to_end(&mut text)?;
    let text = text.trim_ascii_start();
    let object = text.iter().take_while(|byte| byte.is_ascii_hexdigit());
    Ok(text.starts_with(b"ref:") || object.count() >= 40)
}

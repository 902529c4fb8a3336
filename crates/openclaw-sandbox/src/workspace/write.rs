//! Writing a file whole or not at all.

use std::{
    ffi::OsStr,
    io::{self, ErrorKind, Write as _},
    path::{Component, Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use cap_std::fs::{Dir, File, OpenOptions, Permissions};

use super::{EntryKind, Fault, Folder, expect_file};
use crate::protected::{self, Settings};

/// The settings of the repository in a workspace, and how much of them is read.
const GIT_CONFIG: &str = ".git/config";
const LONGEST_CONFIG: u64 = 64 * 1024;

/// How many names are tried for the temporary file; one is enough unless somebody plays with us.
const NAMES: u32 = 16;

impl Folder {
    /// Writes beside the file and renames over it, so that a reader sees the old or the new one.
    pub(super) fn write(
        &self,
        path: &Path,
        content: &[u8],
        protected: &[PathBuf],
    ) -> Result<(), Fault> {
        let target = self.target(path, protected)?;
        let permissions = match self.dir.metadata(&target) {
            Ok(metadata) => {
                expect_file(metadata.file_type())?;
                Some(metadata.permissions())
            }
            Err(err) if err.kind() == ErrorKind::NotFound => None,
            Err(err) => return Err(err.into()),
        };
        let Some(name) = target.file_name() else {
            return Err(Fault::NotAFile(EntryKind::Directory));
        };
        let parent = self.descend(target.parent().unwrap_or(Path::new("")))?;
        let (temporary, file) = create(&parent)?;
        let done = fill(file, content, permissions)
            .and_then(|()| parent.rename(&temporary, &parent, Path::new(name)));
        if done.is_err() {
            // The first error is the one to tell of.
            drop(parent.remove_file(&temporary));
        }
        Ok(done?)
    }

    /// Creates a directory and those on the way there.
    pub(super) fn create_directories(
        &self,
        path: &Path,
        protected: &[PathBuf],
    ) -> Result<(), Fault> {
        let target = self.target(path, protected)?;
        self.descend(&target).map(drop)
    }

    /// Returns where a path really leads, as far as it exists; nothing of it is a symlink.
    fn target(&self, path: &Path, protected: &[PathBuf]) -> Result<PathBuf, Fault> {
        // As it is written, too: what it names may be a thing that does not exist yet.
        self.permit(path, protected)?;
        let mut missing = Vec::new();
        let mut here = path;
        let mut target = loop {
            match self.dir.canonicalize(here) {
                Ok(real) => break real,
                Err(err) if err.kind() == ErrorKind::NotFound => {}
                Err(err) => return Err(err.into()),
            }
            // A link that leads nowhere would be replaced rather than followed.
            if self.dir.symlink_metadata(here).is_ok() {
                return Err(Fault::NotAFile(EntryKind::Symlink));
            }
            let Some(name) = here.file_name() else {
                return Err(io::Error::from(ErrorKind::NotFound).into());
            };
            missing.push(name);
            here = match here.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                Some(_) | None => Path::new("."),
            };
        };
        target.extend(missing.into_iter().rev());
        self.permit(&target, protected)?;
        Ok(target)
    }

    fn permit(&self, path: &Path, protected: &[PathBuf]) -> Result<(), Fault> {
        if protected::is_protected(path, protected)
            || protected::is_protected(path, &self.named_by_git())
        {
            Err(Fault::Protected)
        } else {
            Ok(())
        }
    }

    /// Returns the hooks and settings of git that lie in the working tree.
    fn named_by_git(&self) -> Vec<PathBuf> {
        let text = self.read(Path::new(GIT_CONFIG), LONGEST_CONFIG);
        let text = text.unwrap_or_default();
        Settings::of(&String::from_utf8_lossy(&text)).beneath(&self.root)
    }

    /// Opens a directory, made as far as it does not exist, and follows no symlink on the way: what
    /// was found to be unprotected is not exchanged meanwhile.
    fn descend(&self, path: &Path) -> Result<Dir, Fault> {
        let mut here = self.dir.try_clone()?;
        for part in path.components() {
            match part {
                Component::Normal(name) => {
                    match here.create_dir(name) {
                        Err(err) if err.kind() != ErrorKind::AlreadyExists => {
                            return Err(err.into());
                        }
                        Ok(()) | Err(_) => {}
                    }
                    here = open_real(&here, name)?;
                }
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(Fault::Outside);
                }
            }
        }
        Ok(here)
    }
}

/// Opens a directory that is no symlink.
#[cfg(unix)]
fn open_real(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    use rustix::fs::{Mode, OFlags, openat};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = openat(parent, name, flags, Mode::empty())?;
    Ok(Dir::from_std_file(handle.into()))
}

/// Opens a directory. To make a symlink takes a privilege that commands here do not have.
#[cfg(not(unix))]
fn open_real(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    parent.open_dir(name)
}

fn create(parent: &Dir) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut tries = 0;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = PathBuf::from(format!(".openclaw-{}-{number}.tmp", process::id()));
        match parent.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
            Ok(file) => return Ok((name, file)),
            Err(err) if err.kind() == ErrorKind::AlreadyExists && tries < NAMES => tries += 1,
            Err(err) => return Err(err),
        }
    }
}

fn fill(mut file: File, content: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    file.write_all(content)?;
    if let Some(permissions) = permissions {
        file.set_permissions(ordinary(&permissions))?;
    }
    // Renamed before its content is on the disk, a file could be empty after a power loss.
    file.sync_data()
}

/// Leaves out the bits that would let the new content run as another user.
#[cfg(unix)]
fn ordinary(permissions: &Permissions) -> Permissions {
    use cap_std::fs::PermissionsExt as _;
    Permissions::from_mode(permissions.mode() & 0o777)
}

#[cfg(not(unix))]
fn ordinary(permissions: &Permissions) -> Permissions {
    permissions.clone()
}

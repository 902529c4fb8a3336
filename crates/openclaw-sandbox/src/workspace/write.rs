//! Where a file may be written, and the parts of writing it.

use std::{
    ffi::OsStr,
    io::{self, ErrorKind, Write as _},
    path::{Component, Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use cap_std::fs::{Dir, File, OpenOptions, Permissions};

use super::{EntryKind, Fault, Folder};
use crate::protected;

/// What makes git take a folder for a repository; a command could have made the rest of it.
const HEAD: &str = "HEAD";
const COMMONDIR: &str = "commondir";
const PARTS: [&str; 2] = ["objects", "refs"];

/// How many names are tried for the temporary file; one is enough unless somebody plays with us.
const NAMES: u32 = 16;

impl Folder {
    /// Creates a directory and those on the way there.
    pub(super) fn create_directories(
        &self,
        path: &Path,
        protected: &[PathBuf],
    ) -> Result<(), Fault> {
        let target = self.target(path, protected)?;
        self.descend(&target, &mut Vec::new()).map(drop)
    }

    /// Returns where a path really leads, as far as it exists; nothing of it is a symlink.
    pub(super) fn target(&self, path: &Path, protected: &[PathBuf]) -> Result<PathBuf, Fault> {
        // As it is written, too: what it names may be a thing that does not exist yet.
        self.permit(path, protected)?;
        let target = self.real(path)?;
        self.permit(&target, protected)?;
        Ok(target)
    }

    pub(super) fn real(&self, path: &Path) -> Result<PathBuf, Fault> {
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
        // The folder itself is called by a dot.
        let plain = |part: &Component<'_>| !matches!(part, Component::CurDir);
        Ok(target.components().filter(plain).collect())
    }

    fn permit(&self, path: &Path, protected: &[PathBuf]) -> Result<(), Fault> {
        // Settings that cannot be looked at could name anything.
        let Ok(named) = protected::named_around(&self.root, path) else {
            return Err(Fault::Protected);
        };
        if protected::is_protected(path, protected)
            || protected::is_protected(path, &named)
            || self.makes_repository(path)
        {
            Err(Fault::Protected)
        } else {
            Ok(())
        }
    }

    /// Says whether this could make a repository of the folder itself or of a working tree in it.
    fn makes_repository(&self, path: &Path) -> bool {
        let parts: Vec<_> = path.components().collect();
        let mut folder = PathBuf::new();
        parts.iter().enumerate().any(|(depth, part)| {
            let is = |known: &str| part.as_os_str().eq_ignore_ascii_case(known);
            let has = |name: &str| self.dir.symlink_metadata(folder.join(name)).is_ok();
            let is_top = folder.as_os_str().is_empty() || has(".git");
            let is_last = depth + 1 == parts.len();
            let makes = is_top
                && (is_last && (is(HEAD) || is(COMMONDIR))
                    || PARTS.into_iter().any(is) && has(HEAD));
            folder.push(part);
            makes
        })
    }

    /// Opens a directory, made as far as it does not exist, and follows no symlink on the way: what
    /// was found to be unprotected is not exchanged meanwhile. What it had to make is added to
    /// `made`.
    pub(super) fn descend(&self, path: &Path, made: &mut Vec<PathBuf>) -> Result<Dir, Fault> {
        let mut here = self.dir.try_clone()?;
        let mut reached = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => {
                    reached.push(name);
                    match here.create_dir(name) {
                        Ok(()) => made.push(reached.clone()),
                        Err(err) if err.kind() == ErrorKind::AlreadyExists => {}
                        Err(err) => return Err(err.into()),
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
pub(super) fn open_real(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    use rustix::fs::{Mode, OFlags, openat};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = openat(parent, name, flags, Mode::empty())?;
    Ok(Dir::from_std_file(handle.into()))
}

/// Opens a directory. To make a symlink takes a privilege that commands here do not have.
#[cfg(not(unix))]
pub(super) fn open_real(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    parent.open_dir(name)
}

/// Opens a file of a name that nothing has yet.
pub(super) fn create(parent: &Dir) -> io::Result<(PathBuf, File)> {
    fresh(|name| parent.open_with(name, OpenOptions::new().write(true).create_new(true)))
}

/// Makes something under a name that nothing has yet.
pub(super) fn fresh<T>(make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut tries = 0;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = PathBuf::from(format!(".openclaw-{}-{number}.tmp", process::id()));
        match make(&name) {
            Ok(made) => return Ok((name, made)),
            Err(err) if err.kind() == ErrorKind::AlreadyExists && tries < NAMES => tries += 1,
            Err(err) => return Err(err),
        }
    }
}

/// Writes all of a file.
pub(super) fn fill(
    mut file: File,
    content: &[u8],
    permissions: Option<Permissions>,
) -> io::Result<()> {
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

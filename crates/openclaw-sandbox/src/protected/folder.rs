//! An open folder of a workspace, in which no symlink is ever followed.

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{
        AtFlags, CWD, FileType, Mode, OFlags, RawDir, ResolveFlags, SeekFrom, Stat, chmod, fstat,
        openat, openat2, readlinkat, seek, statat,
    },
    io::Errno,
    process::geteuid,
};

/// How many bytes of entries are read at once.
const ENTRIES_SIZE: usize = 16 * 1024;

/// A folder that stays the one it was when it was opened, whatever happens to its path.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) handle: Arc<OwnedFd>,
    /// Where it was: absolute, and without symlinks up to the workspace.
    pub(super) path: PathBuf,
}

/// What lies in a folder under one name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: FileType,
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Folder {
    /// Opens the folder at an absolute path that has no symlinks.
    ///
    /// A command has the rights of our user and can take them from its folders, to have nobody look
    /// into them. So where a folder of that user may not be used, here and below, its user may again.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let no_symlinks = ResolveFlags::NO_SYMLINKS;
        let handle = match openat2(CWD, path, folder(), Mode::empty(), no_symlinks) {
            Err(Errno::ACCESS) => reach(path)?,
            opened => opened?,
        };
        Ok(Self {
            handle: Arc::new(handle),
            path: path.to_path_buf(),
        })
    }

    /// Opens the folder `name` in this one; nothing, if it is none or is gone.
    pub(super) fn child(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Self>> {
        let name = name.as_ref();
        let opened = match openat(&self.handle, name, folder(), Mode::empty()) {
            Err(Errno::ACCESS) => {
                step(self.handle.as_fd(), name).and_then(|child| readable(&child))
            }
            opened => opened,
        };
        match opened {
            Ok(handle) => Ok(Some(Self {
                handle: Arc::new(handle),
                path: self.path.join(name),
            })),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    /// Says what is there under `name`.
    pub(super) fn find(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Found>> {
        let look = || statat(&self.handle, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW);
        let seen = match look() {
            Err(Errno::ACCESS) => mend(self.handle.as_fd()).and_then(|()| look()),
            seen => seen,
        };
        match seen {
            Ok(stat) => Ok(Some(Found::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    /// Opens the folder `within` this one; nothing, if it is none or is gone.
    pub(super) fn descendant(&self, within: &Path) -> io::Result<Option<Self>> {
        if within.as_os_str().is_empty() {
            return Ok(Some(self.clone()));
        }
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match openat2(&self.handle, within, folder(), Mode::empty(), resolve) {
            Ok(handle) => Ok(Some(Self {
                handle: Arc::new(handle),
                path: self.path.join(within),
            })),
            Err(Errno::ACCESS) => self.stepwise(within),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    fn stepwise(&self, within: &Path) -> io::Result<Option<Self>> {
        let mut folder = self.clone();
        for part in within.components() {
            match folder.child(part)? {
                Some(child) => folder = child,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// Returns where the symlink `name` leads to; nothing, if it is none.
    pub(super) fn link(&self, name: impl AsRef<OsStr>) -> io::Result<Option<PathBuf>> {
        match readlinkat(&self.handle, name.as_ref(), Vec::new()) {
            Ok(target) => Ok(Some(OsStr::from_bytes(target.to_bytes()).into())),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(err) => Err(err.into()),
        }
    }

    /// Sees to it that something can be removed from this folder and made in it.
    pub(super) fn mend(&self) -> io::Result<()> {
        Ok(mend(self.handle.as_fd())?)
    }

    /// Says what this folder is.
    pub(super) fn itself(&self) -> io::Result<Found> {
        Ok(Found::of(&fstat(&self.handle)?))
    }

    /// Calls `each` with the name and kind of the entries until it says that it is enough.
    pub(super) fn entries(
        &self,
        mut each: impl FnMut(&OsStr, FileType) -> io::Result<Next>,
    ) -> io::Result<()> {
        // By the open handle itself, which is a third faster than to open the folder once more.
        seek(&self.handle, SeekFrom::Start(0))?;
        let mut room = Vec::with_capacity(ENTRIES_SIZE);
        let mut entries = RawDir::new(&self.handle, room.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Not every file system says it with the name.
                FileType::Unknown => match self.find(name)? {
                    Some(found) => found.kind,
                    None => continue,
                },
                kind => kind,
            };
            if each(name, kind)? == Next::Enough {
                break;
            }
        }
        Ok(())
    }
}

/// Whether more entries are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    More,
    Enough,
}

impl Found {
    fn of(stat: &Stat) -> Self {
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }

    /// Says whether both are the same file or folder.
    pub(super) fn is(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// Opens a folder by its path, with what [`mend`] does on the way.
fn reach(path: &Path) -> Result<OwnedFd, Errno> {
    let mut here = openat(CWD, "/", handle(), Mode::empty())?;
    for part in path.components() {
        match part {
            Component::RootDir => {}
            Component::Normal(name) => here = step(here.as_fd(), name)?,
            Component::CurDir | Component::ParentDir | Component::Prefix(_) => {
                return Err(Errno::INVAL);
            }
        }
    }
    readable(&here)
}

/// Opens the folder `name`, if only to go on from there.
fn step(here: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    let go = || openat(here, name, handle(), Mode::empty());
    match go() {
        Err(Errno::ACCESS) => mend(here).and_then(|()| go()),
        gone => gone,
    }
}

/// Opens a folder once more, to read what is in it.
fn readable(here: &OwnedFd) -> Result<OwnedFd, Errno> {
    let read = || openat(here, ".", folder(), Mode::empty());
    match read() {
        Err(Errno::ACCESS) => mend(here.as_fd()).and_then(|()| read()),
        read => read,
    }
}

/// Gives a folder's user back what that user may do with it, if that is our user.
fn mend(folder: BorrowedFd<'_>) -> Result<(), Errno> {
    let stat = fstat(folder)?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    if stat.st_uid != geteuid().as_raw() || mode.contains(Mode::RWXU) {
        return Err(Errno::ACCESS);
    }
    // By this name, because a handle that may not be read changes nothing itself.
    chmod(
        format!("/proc/self/fd/{}", folder.as_raw_fd()),
        mode | Mode::RWXU,
    )
}

fn handle() -> OFlags {
    OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn folder() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

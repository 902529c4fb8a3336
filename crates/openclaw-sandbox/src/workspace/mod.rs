//! Files beneath one folder, and nothing else.
//!
//! The operating system resolves each path relative to an open handle of the folder, so no path,
//! symlink or rename between a check and its use leads out. Hard links are not looked at: whoever
//! can make one can read the file anyway.

mod change;
mod error;
mod list;
mod stream;
mod walk;
mod write;

use std::{
    fs, io,
    io::{ErrorKind, Read as _},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, FileType, OpenOptions},
};

pub use self::{
    change::{Before, Change, Changed},
    error::FileError,
    list::{Entry, Listing},
    stream::OpenFile,
    walk::{Found, Inside, Next, Visitor, WalkBounds, WalkEnd, Walked},
};

/// A folder whose files may be read and written.
#[derive(Clone, Debug)]
pub struct Workspace {
    folder: Arc<Folder>,
    /// What may not be written beside the usual names.
    protected: Arc<[PathBuf]>,
}

#[derive(Debug)]
struct Folder {
    dir: Dir,
    /// Where the folder is, without symlinks.
    root: PathBuf,
    /// Where the folder is, as it was named.
    named: PathBuf,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symlink, wherever it leads.
    Symlink,
    /// A device, a socket or a pipe.
    Special,
}

impl Workspace {
    /// Opens the folder at `path`, which may itself be reached through symlinks.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let named = path.as_ref().to_path_buf();
        blocking("opening", named.clone(), move || {
            let folder = fs::canonicalize(&named).and_then(|root| {
                Ok(Folder {
                    dir: Dir::open_ambient_dir(&root, ambient_authority())?,
                    root,
                    named,
                })
            })?;
            Ok(Self {
                folder: Arc::new(folder),
                protected: Arc::default(),
            })
        })
        .await
    }

    /// Opens the folder at `path`, which must not be reached through symlinks.
    ///
    /// Whoever was shown the path before is sure to get that place or none.
    pub async fn open_exactly(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let root = path.as_ref().to_path_buf();
        blocking("opening", root.clone(), move || {
            let folder = Folder {
                dir: exactly(&root)?,
                named: root.clone(),
                root,
            };
            Ok(Self {
                folder: Arc::new(folder),
                protected: Arc::default(),
            })
        })
        .await
    }

    /// Protects paths of the folder, relative to it, beside the usual ones.
    #[must_use]
    pub fn with_protected(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protected = paths.into_iter().collect();
        self
    }

    /// Returns where the folder is, without symlinks.
    pub fn root(&self) -> &Path {
        &self.folder.root
    }

    /// Returns the content of the regular file at `path`, if it is at most `max_bytes` long.
    pub async fn read(&self, path: impl AsRef<Path>, max_bytes: u64) -> Result<Vec<u8>, FileError> {
        self.with("reading", path, move |folder, path| {
            folder.read(path, max_bytes)
        })
        .await
    }

    /// Writes the regular file at `path`, whole or not at all, and the folders that it needs.
    ///
    /// A file that exists keeps its permissions; a symlink is followed while it stays inside. What
    /// programs of the owner act upon is not written, by whatever path.
    pub async fn write(
        &self,
        path: impl AsRef<Path>,
        content: impl Into<Vec<u8>>,
    ) -> Result<(), FileError> {
        let change = Change {
            path: path.as_ref().to_path_buf(),
            before: Before::Anything,
            after: Some(content.into()),
            like: None,
        };
        self.change(vec![change]).await.map(drop)
    }

    /// Returns where a path leads, relative to the folder and without symlinks; what does not exist
    /// of it stands as it is named.
    pub async fn real(&self, path: impl AsRef<Path>) -> Result<PathBuf, FileError> {
        self.with("looking at", path, Folder::real).await
    }

    /// Creates the directory at `path` and those on the way there, as far as they do not exist.
    pub async fn create_directories(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        let protected = Arc::clone(&self.protected);
        self.with("creating", path, move |folder, path| {
            folder.create_directories(path, &protected)
        })
        .await
    }

    async fn with<T: Send + 'static>(
        &self,
        action: &'static str,
        path: impl AsRef<Path>,
        work: impl FnOnce(&Folder, &Path) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, FileError> {
        let folder = Arc::clone(&self.folder);
        let path = path.as_ref().to_path_buf();
        let given = path.clone();
        let done = blocking(action, path, move || {
            let within = folder.relative(&given)?;
            work(&folder, &within)
        });
        done.await.map_err(|err| self.named(err))
    }

    /// Says of which workspace an error speaks.
    fn named(&self, err: FileError) -> FileError {
        match err {
            FileError::Outside { path, .. } => FileError::Outside {
                path,
                workspace: self.folder.root.clone(),
            },
            err => err,
        }
    }
}

/// What went wrong, before it is known at which path.
#[derive(Debug)]
enum Fault {
    Outside,
    Protected,
    Changed,
    Exists,
    NotAFile(EntryKind),
    TooLarge(u64),
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(err: io::Error) -> Self {
        Self::Io(err)
    }
}

impl Fault {
    fn at(self, action: &'static str, path: PathBuf) -> FileError {
        match self {
            Self::Outside => FileError::Outside {
                path,
                workspace: PathBuf::new(),
            },
            Self::Protected => FileError::Protected { path },
            Self::Changed => FileError::Changed { path },
            Self::Exists => FileError::Exists { path },
            Self::NotAFile(found) => FileError::NotAFile { path, found },
            Self::TooLarge(limit) => FileError::TooLarge { path, limit },
            Self::Io(source) => match source.kind() {
                ErrorKind::NotFound => FileError::Missing { path },
                ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
                    FileError::BadPath { path, source }
                }
                ErrorKind::NotADirectory => FileError::NotADirectory { path },
                // The refusal of an escape comes from the library and has no number of the system.
                ErrorKind::PermissionDenied if source.raw_os_error().is_none() => {
                    Self::Outside.at(action, path)
                }
                ErrorKind::PermissionDenied => FileError::NotPermitted { path, source },
                _ => FileError::Io {
                    action,
                    path,
                    source,
                },
            },
        }
    }
}

impl Folder {
    /// Returns `path` relative to the folder. That it stays inside is for the open handle to see to.
    fn relative(&self, path: &Path) -> Result<PathBuf, Fault> {
        let within = if path.is_absolute() {
            path.strip_prefix(&self.root)
                .or_else(|_| path.strip_prefix(&self.named))
                .ok()
                .ok_or(Fault::Outside)?
        } else {
            path
        };
        let plain = |part: &Component<'_>| !matches!(part, Component::CurDir);
        let within: PathBuf = within.components().filter(plain).collect();
        Ok(if within.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            within
        })
    }

    fn read(&self, path: &Path, max_bytes: u64) -> Result<Vec<u8>, Fault> {
        let file = self.regular(path)?;
        if file.metadata()?.len() > max_bytes {
            return Err(Fault::TooLarge(max_bytes));
        }
        // The file may grow while it is read.
        let mut content = Vec::new();
        file.take(max_bytes.saturating_add(1))
            .read_to_end(&mut content)?;
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if length > max_bytes {
            Err(Fault::TooLarge(max_bytes))
        } else {
            Ok(content)
        }
    }

    fn regular(&self, path: &Path) -> Result<File, Fault> {
        regular(&self.dir, path)
    }
}

impl EntryKind {
    fn of(found: FileType) -> Self {
        if found.is_file() {
            Self::File
        } else if found.is_dir() {
            Self::Directory
        } else if found.is_symlink() {
            Self::Symlink
        } else {
            Self::Special
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Symlink => "a symlink that leads nowhere",
            Self::Special => "a device, a socket or a pipe",
        }
    }
}

/// Opens a regular file for reading; anything else is refused without waiting for it.
fn regular(dir: &Dir, path: &Path) -> Result<File, Fault> {
    // To open a device may already do something, so it is looked at first.
    expect_file(dir.metadata(path)?.file_type())?;
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe that has taken the file's place meanwhile must not make us wait for a writer.
    #[cfg(unix)]
    cap_std::fs::OpenOptionsExt::custom_flags(&mut options, nonblocking());
    let file = dir.open_with(path, &options)?;
    expect_file(file.metadata()?.file_type())?;
    Ok(file)
}

fn expect_file(found: FileType) -> Result<(), Fault> {
    match EntryKind::of(found) {
        EntryKind::File => Ok(()),
        other => Err(Fault::NotAFile(other)),
    }
}

/// Opens a directory without following a symlink anywhere in its path.
#[cfg(target_os = "linux")]
fn exactly(path: &Path) -> Result<Dir, Fault> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(CWD, path, flags, Mode::empty(), resolve) {
        Ok(opened) => Ok(Dir::from_std_file(fs::File::from(opened))),
        Err(rustix::io::Errno::LOOP) => Err(Fault::Outside),
        Err(err) => Err(io::Error::from(err).into()),
    }
}

/// Opens a directory if there is no symlink in its path afterwards.
#[cfg(not(target_os = "linux"))]
fn exactly(path: &Path) -> Result<Dir, Fault> {
    let dir = Dir::open_ambient_dir(path, ambient_authority())?;
    if fs::canonicalize(path)? == path {
        Ok(dir)
    } else {
        Err(Fault::Outside)
    }
}

#[cfg(unix)]
fn nonblocking() -> i32 {
    use rustix::fs::OFlags;
    i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default()
}

/// Runs `work`, which waits for the file system, where it holds nobody up.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    path: PathBuf,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, FileError> {
    let done = match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(err) => Err(Fault::Io(io::Error::other(err))),
    };
    done.map_err(|fault| fault.at(action, path))
}

//! Reading files that stay inside of one folder, whatever links lead out of it.
//!
//! These reads happen between turns, in a thread that may wait for the disk. The path is resolved
//! first, and then opened beneath an open handle of the folder, so that a link which changes in
//! between leads nowhere else. What a tool reads goes through
//! [`Workspace`](openclaw_sandbox::Workspace) instead.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt as _};

/// A folder that files are read from, without symlinks in its path.
#[derive(Debug)]
pub(crate) struct Confined {
    root: PathBuf,
    dir: Dir,
}

/// What tells one content of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// A file that is open for reading.
#[derive(Debug)]
pub(crate) struct Opened {
    file: cap_std::fs::File,
    /// What its content is known by.
    pub(crate) stamp: Stamp,
    /// How many names the file has.
    pub(crate) links: u64,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfinedError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// The file is elsewhere.
    #[error("it leads out of `{0}`")]
    Outside(PathBuf),
    /// The path is a directory, a device or a pipe.
    #[error("it is no regular file")]
    NotAFile,
    /// The file is too large.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// The system refuses.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
}

impl From<io::Error> for ConfinedError {
    fn from(err: io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Io(err),
        }
    }
}

impl Confined {
    /// Opens a folder, which may itself be reached through symlinks.
    pub(crate) fn open(folder: &Path) -> Result<Self, ConfinedError> {
        let root = fs::canonicalize(folder)?;
        let dir = Dir::open_ambient_dir(&root, ambient_authority())?;
        Ok(Self { root, dir })
    }

    /// Returns where the folder is, without symlinks.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Opens a file; a symlink is followed while it stays inside.
    pub(crate) fn file(&self, path: &Path) -> Result<Opened, ConfinedError> {
        let real = fs::canonicalize(self.root.join(path))?;
        let within = real
            .strip_prefix(&self.root)
            .map_err(|_elsewhere| ConfinedError::Outside(self.root.clone()))?;
        // To open a device may already do something, so it is looked at first.
        let is_folder = within.as_os_str().is_empty();
        if is_folder || !self.dir.symlink_metadata(within)?.is_file() {
            return Err(ConfinedError::NotAFile);
        }
        let mut options = OpenOptions::new();
        options.read(true);
        // A pipe that has taken the file's place meanwhile must not make us wait for a writer.
        #[cfg(unix)]
        options.custom_flags(nonblocking());
        let file = self.dir.open_with(within, &options)?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(ConfinedError::NotAFile);
        }
        Ok(Opened {
            stamp: Stamp {
                modified: about
                    .modified()
                    .ok()
                    .map(cap_std::time::SystemTime::into_std),
                size: about.len(),
                inode: about.ino(),
            },
            links: about.nlink(),
            file,
        })
    }
}

impl Opened {
    /// Reads the whole file; what is not UTF-8 is replaced.
    pub(crate) fn text(self, max_bytes: u64) -> Result<String, ConfinedError> {
        if self.stamp.size > max_bytes {
            return Err(ConfinedError::TooLarge(max_bytes));
        }
        // The file may grow while it is read.
        let mut bytes = Vec::new();
        self.file
            .take(max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|size| size > max_bytes) {
            return Err(ConfinedError::TooLarge(max_bytes));
        }
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned()))
    }
}

#[cfg(unix)]
fn nonblocking() -> i32 {
    use rustix::fs::OFlags;
    i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(folder: &Path, path: &str) -> Result<String, ConfinedError> {
        Confined::open(folder)?.file(Path::new(path))?.text(10)
    }

    #[test]
    fn follows_links_inside_and_none_that_lead_out() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(place.path().join("outside"), "secret").unwrap();
        fs::write(folder.join("inside"), "text").unwrap();
        symlink("inside", folder.join("near")).unwrap();
        symlink(folder.join("inside"), folder.join("absolute")).unwrap();
        symlink("../outside", folder.join("far")).unwrap();
        assert_eq!(read(&folder, "near").unwrap(), "text");
        assert_eq!(read(&folder, "absolute").unwrap(), "text");
        assert!(matches!(
            read(&folder, "far"),
            Err(ConfinedError::Outside(_))
        ));
        assert!(matches!(read(&folder, "none"), Err(ConfinedError::Missing)));
        assert!(matches!(read(&folder, ""), Err(ConfinedError::NotAFile)));
    }

    #[test]
    fn reads_no_more_than_it_may_and_no_pipe() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("long"), "x".repeat(11)).unwrap();
        assert!(matches!(
            read(folder.path(), "long"),
            Err(ConfinedError::TooLarge(10))
        ));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(matches!(
            read(folder.path(), "pipe"),
            Err(ConfinedError::NotAFile)
        ));
    }
}

//! Reading one file that somebody else wrote: whatever stands there, within bounds and at once.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// What is asked of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands {
    /// How many bytes it may have.
    pub(super) max_size: u64,
    /// Which other names it may have.
    pub(super) links: Links,
}

/// Which other names a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Any,
    /// No hard link: a second name could lie outside of where files are allowed.
    Single,
}

/// A file's text.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    /// Whether the bytes are exactly those of the text; otherwise some were no UTF-8.
    pub(super) faithful: bool,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileFault {
    #[error("there is no such file")]
    Missing,
    #[error("it is a directory, not a file")]
    Directory,
    #[error("it is {0}, not a file")]
    Special(&'static str),
    #[error("its symbolic links lead in a circle")]
    Loop,
    #[error("this user may not read it")]
    Denied,
    #[error("it has more than {max_size} bytes")]
    TooLarge { max_size: u64 },
    #[error("it has a second name (a hard link)")]
    HardLink,
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for FileFault {
    fn from(err: io::Error) -> Self {
        match (err.kind(), Errno::from_io_error(&err)) {
            (_, Some(Errno::LOOP)) => Self::Loop,
            // A pipe or socket at the other end of nothing.
            (_, Some(Errno::NXIO)) => Self::Special("a socket"),
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, _) => Self::Missing,
            (io::ErrorKind::PermissionDenied, _) => Self::Denied,
            (io::ErrorKind::IsADirectory, _) => Self::Directory,
            _ => Self::Io(err),
        }
    }
}

impl From<Errno> for FileFault {
    fn from(err: Errno) -> Self {
        Self::from(io::Error::from(err))
    }
}

/// Reads a file. Never waits for anybody: a pipe is refused, not opened for reading.
pub(super) fn read(path: &Path, demands: Demands) -> Result<Text, FileFault> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    check(&std::fs::metadata(path)?, demands)?;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    // What was looked at may have been replaced before it was opened.
    check(&file.metadata()?, demands)?;
    let mut bytes = Vec::new();
    file.take(demands.max_size.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > demands.max_size) {
        return Err(too_large(demands));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Text {
            text,
            faithful: true,
        },
        Err(err) => Text {
            text: String::from_utf8_lossy(err.as_bytes()).into_owned(),
            faithful: false,
        },
    })
}

fn check(metadata: &std::fs::Metadata, demands: Demands) -> Result<(), FileFault> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(FileFault::Directory);
    }
    if !kind.is_file() {
        return Err(FileFault::Special(if kind.is_fifo() {
            "a pipe"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        }));
    }
    if demands.links == Links::Single && metadata.nlink() > 1 {
        return Err(FileFault::HardLink);
    }
    if metadata.len() > demands.max_size {
        return Err(too_large(demands));
    }
    Ok(())
}

const fn too_large(demands: Demands) -> FileFault {
    FileFault::TooLarge {
        max_size: demands.max_size,
    }
}

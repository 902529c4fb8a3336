//! The home of a command that has no mounts of its own.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::{
    fs::{CWD, FlockOperation, Mode, OFlags, flock, openat},
    io::Errno,
    process::{Pid, geteuid, test_kill_process},
};

/// How the folders are called, before the number of the process and one of its own.
const PREFIX: &str = "openclaw-run-";

/// A private folder that goes with the run.
///
/// It is locked as long as its process lives, so that another one can tell what was left behind.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes a folder that nobody else can look into, under a name that was not taken.
    pub(super) fn make() -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        static SWEPT: Once = Once::new();
        let base = fs::canonicalize(std::env::temp_dir())?;
        SWEPT.call_once(|| sweep(&base));
        let process = std::process::id();
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("{PREFIX}{process}-{number}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let lock = File::open(&path)?;
                    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
                    return Ok(Self { path, _lock: lock });
                }
                Err(err) if err.kind() == ErrorKind::AlreadyExists => {}
                Err(err) => return Err(err),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(err) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%err, folder = %self.path.display(), "the home of a command is left behind");
        }
    }
}

/// Removes what killed processes of this user left.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if is_left(&path) && fs::remove_dir_all(&path).is_ok() {
            tracing::info!(folder = %path.display(), "removed the home of a command of a killed process");
        }
    }
}

/// Says whether a folder is the home of a command whose process is gone.
fn is_left(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let process = name
        .and_then(|name| name.strip_prefix(PREFIX)?.split_once('-'))
        .and_then(|(process, _)| Pid::from_raw(process.parse().ok()?));
    let Some(process) = process else {
        return false;
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(folder) = openat(CWD, path, flags, Mode::empty()).map(File::from) else {
        return false;
    };
    let own = folder
        .metadata()
        .is_ok_and(|known| known.uid() == geteuid().as_raw());
    // Its number may be another process's by now, and in a container that shares the folder it may
    // mean nothing: then the lock is still held.
    let is_gone = test_kill_process(process) == Err(Errno::SRCH);
    own && is_gone && flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok()
}

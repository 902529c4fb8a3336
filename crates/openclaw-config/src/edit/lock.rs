//! One change at a time, over all processes: ours and those of TypeScript OpenClaw.
//!
//! Two things are held. A lock on the directory of the file, which the system drops when the
//! process ends, keeps our own processes apart; it is on the directory because the file itself is
//! replaced. The file `<config>.lock`, which names its owner, is what TypeScript OpenClaw looks at.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::process::Pid;
use serde_json::{Value, json};

use super::SaveError;
use super::replace::{beside, target};

/// How long another process may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a lock file without an owner's number is respected: it is being written, or broken.
const ANONYMOUS: Duration = Duration::from_secs(5);

/// The right to change a config; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    // Closing the directory releases the lock on it.
    _directory: File,
    sidecar: PathBuf,
    mine: String,
}

impl Lock {
    /// Waits until nobody else changes the file; makes its directory if that is missing.
    pub(super) fn take(path: &Path) -> Result<Self, SaveError> {
        let directory = target(path)?;
        let directory = directory.parent().unwrap_or_else(|| Path::new("/"));
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| SaveError::Io { path, source }
        };
        for dir in [Some(directory), path.parent()].into_iter().flatten() {
            let mut builder = DirBuilder::new();
            let made = builder.recursive(true).mode(0o700).create(dir);
            made.map_err(failed(dir))?;
        }
        let deadline = Deadline::new();
        let directory_file = File::open(directory).map_err(failed(directory))?;
        while let Err(err) =
            rustix::fs::flock(&directory_file, FlockOperation::NonBlockingLockExclusive)
        {
            if err != Errno::WOULDBLOCK && err != Errno::INTR {
                return Err(failed(directory)(err.into()));
            }
            deadline.wait(directory)?;
        }
        let sidecar = beside(path, ".lock");
        let mine = payload();
        loop {
            match create(&sidecar, &mine) {
                Ok(()) => break,
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                    if !remove_if_abandoned(&sidecar, &deadline) {
                        deadline.wait(&sidecar)?;
                    }
                }
                Err(err) => return Err(failed(&sidecar)(err)),
            }
        }
        Ok(Self {
            _directory: directory_file,
            sidecar,
            mine,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Whoever found it abandoned may have put another one there.
        let own = fs::read_to_string(&self.sidecar).is_ok_and(|found| found == self.mine);
        if own && let Err(err) = fs::remove_file(&self.sidecar) {
            tracing::warn!(path = %self.sidecar.display(), %err, "the lock of the config stays behind");
        }
    }
}

struct Deadline(Instant);

impl Deadline {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn wait(&self, lock: &Path) -> Result<(), SaveError> {
        if self.0.elapsed() >= PATIENCE {
            let lock = lock.to_path_buf();
            return Err(SaveError::Busy { lock });
        }
        // There is no event to wait for: the holder may be a process that knows nothing of us.
        thread::park_timeout(PAUSE);
        Ok(())
    }
}

fn create(sidecar: &Path, mine: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(sidecar)?;
    file.write_all(mine.as_bytes())
}

/// Says who holds the lock, in the form that TypeScript OpenClaw reads.
fn payload() -> String {
    let pid = std::process::id();
    let mut payload = json!({ "pid": pid });
    if let (Some(started), Some(members)) = (started(pid), payload.as_object_mut()) {
        members.insert("starttime".to_owned(), started.into());
    }
    payload.to_string()
}

/// Removes a lock file whose owner has ended; returns whether it is gone.
fn remove_if_abandoned(sidecar: &Path, waited: &Deadline) -> bool {
    let Ok(found) = fs::read_to_string(sidecar) else {
        // It has just been removed, or cannot be read and will be waited for.
        return !sidecar.exists();
    };
    let owner: Value = serde_json::from_str(&found).unwrap_or_default();
    let pid = owner.get("pid").and_then(Value::as_u64);
    let abandoned = match pid.and_then(|pid| u32::try_from(pid).ok()) {
        Some(pid) => {
            let then = owner.get("starttime").and_then(Value::as_u64);
            let replaced = then.is_some_and(|then| started(pid).is_some_and(|now| now != then));
            replaced || has_ended(pid)
        }
        None => waited.0.elapsed() >= ANONYMOUS,
    };
    // Our own processes are kept apart by the directory's lock, so that nobody removes a lock that
    // one of us has just made in its place.
    abandoned
        && fs::read_to_string(sidecar).is_ok_and(|again| again == found)
        && fs::remove_file(sidecar).is_ok()
}

fn has_ended(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_none_or(|pid| rustix::process::test_kill_process(pid) == Err(Errno::SRCH))
}

/// Returns when a process began, in the system's ticks: a later one may have the same number.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name is in brackets and may itself have blanks and brackets.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_a_process_that_has_ended_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("openclaw.json");
        let sidecar = beside(&config, ".lock");
        let own = std::process::id();
        for payload in [
            r#"{"pid":2147483646,"createdAt":"2026-01-01T00:00:00Z"}"#.to_owned(),
            format!(r#"{{"pid":{own},"starttime":1}}"#),
        ] {
            fs::write(&sidecar, payload).unwrap();
            let lock = Lock::take(&config).unwrap();
            assert_eq!(fs::read_to_string(&sidecar).unwrap(), lock.mine);
            drop(lock);
            assert!(!sidecar.exists());
        }
    }

    #[test]
    fn a_process_knows_when_it_began() {
        assert!(started(std::process::id()).is_some_and(|ticks| ticks > 0));
        assert_eq!(started(u32::MAX), None);
        assert!(!has_ended(std::process::id()));
    }
}

//! Which files of a workspace have changed since a moment, as far as a bounded look can tell.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use openclaw_core::Clock;
use tokio::task;

use super::written::last_change;

/// How many files and folders are looked at.
const MOST_ENTRIES: usize = 50_000;
/// How long that may take.
const MOST_TIME: Duration = Duration::from_secs(2);
/// How many files are named one by one; of more, the folders at the top are.
const MOST_NAMED: usize = 64;
/// How far the clock that file systems use lags behind at most.
const TICK: Duration = Duration::from_millis(20);

/// A moment after which files of a workspace may change.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    workspace: PathBuf,
    since: Timestamp,
    /// The folders that were there, and which they were; not known if nobody looked.
    folders: Option<HashMap<PathBuf, Identity>>,
}

/// Which file or folder something is, whatever it is called: its device and its number there.
pub(super) type Identity = (u64, u64);

/// What stands at a path, as far as it shows whether that was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Missing,
    There {
        identity: Identity,
        changed: Option<(i64, i64)>,
    },
    Unknown,
}

/// Whether a folder is where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    Before,
    /// It was written to; what lies in it may have come with it, and shows nothing of that in its
    /// own times.
    Perhaps,
    /// It is new by its name, which is part of what was written, with all that is in it.
    Since,
}

impl Changed {
    /// Begins to watch a workspace.
    pub(crate) fn from_now(workspace: &Path) -> Self {
        let now = Clock::system().now();
        Self {
            workspace: workspace.to_owned(),
            since: now.checked_sub(TICK).unwrap_or(now),
            folders: None,
        }
    }

    /// Goes on with a watch that somebody else began.
    pub(crate) fn since_then(workspace: &Path, since: Timestamp) -> Self {
        Self {
            workspace: workspace.to_owned(),
            since,
            folders: None,
        }
    }

    /// Remembers which folders there are, so that one that is only written to is not taken for one
    /// that has moved.
    pub(crate) async fn with_folders(mut self) -> Self {
        if self.folders.is_some() {
            return self;
        }
        let workspace = self.workspace.clone();
        let look = task::spawn_blocking(move || folders(&workspace));
        self.folders = look.await.ok();
        self
    }

    /// Returns the workspace.
    pub(crate) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Returns the moment.
    pub(crate) const fn since(&self) -> Timestamp {
        self.since
    }

    /// Returns what has changed, relative to the workspace: files, folders where they are too
    /// many, or the workspace itself when it is too large to be looked at.
    pub(crate) async fn paths(self) -> Vec<PathBuf> {
        task::spawn_blocking(move || self.look())
            .await
            .unwrap_or_else(|_lost| vec![PathBuf::new()])
    }

    fn look(&self) -> Vec<PathBuf> {
        let began = Instant::now();
        let (mut changed, mut seen) = (Vec::new(), 0_usize);
        let mut folders = vec![(self.workspace.clone(), Came::Before)];
        while let Some((folder, came)) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                // What nobody can look into may have anything new in it.
                changed.extend(self.inner(&folder).filter(|_| came != Came::Before));
                continue;
            };
            for entry in entries.flatten() {
                seen = seen.saturating_add(1);
                if seen > MOST_ENTRIES || began.elapsed() > MOST_TIME {
                    return vec![PathBuf::new()];
                }
                let Ok(metadata) = entry.metadata() else {
                    continue;
                };
                if metadata.is_dir() {
                    let path = entry.path();
                    match came.max(self.came(&path, &metadata)) {
                        Came::Since => changed.extend(self.inner(&path)),
                        came => folders.push((path, came)),
                    }
                } else if came == Came::Perhaps || self.is_newer(&metadata) {
                    changed.extend(self.inner(&entry.path()));
                }
            }
        }
        fewer(changed)
    }

    fn inner(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.workspace).ok().map(Path::to_owned)
    }

    /// Tells whether this very folder had this path.
    fn came(&self, path: &Path, metadata: &Metadata) -> Came {
        if !self.is_newer(metadata) {
            return Came::Before;
        }
        match &self.folders {
            Some(known) if known.get(path) == Some(&identity(metadata)) => Came::Before,
            Some(_) => Came::Since,
            None if self.was_made(metadata) => Came::Since,
            None => Came::Perhaps,
        }
    }

    /// Tells whether something was made since then, as far as the file system knows.
    fn was_made(&self, metadata: &Metadata) -> bool {
        let made = metadata.created().ok();
        made.and_then(|time| Timestamp::try_from(time).ok())
            .is_some_and(|time| time >= self.since)
    }

    /// A command may set the time of its change, but not that of its inode's.
    #[cfg(unix)]
    fn is_newer(&self, metadata: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let since = (
            self.since.as_second(),
            self.since.subsec_nanosecond().into(),
        );
        (metadata.ctime(), metadata.ctime_nsec()) >= since
    }

    #[cfg(not(unix))]
    fn is_newer(&self, metadata: &Metadata) -> bool {
        let changed = metadata.modified().ok();
        changed
            .and_then(|time| Timestamp::try_from(time).ok())
            .is_none_or(|time| time >= self.since)
    }
}

/// Returns the folders of a workspace, as far as a bounded look gets.
fn folders(workspace: &Path) -> HashMap<PathBuf, Identity> {
    let began = Instant::now();
    let (mut found, mut seen) = (HashMap::new(), 0_usize);
    let mut next = vec![workspace.to_owned()];
    while let Some(folder) = next.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            seen = seen.saturating_add(1);
            if seen > MOST_ENTRIES || began.elapsed() > MOST_TIME {
                return found;
            }
            // Most entries are files, of which nothing more is asked.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if let Ok(metadata) = entry.metadata() {
                found.insert(entry.path(), identity(&metadata));
                next.push(entry.path());
            }
        }
    }
    found
}

/// Returns which file or folder something is.
#[cfg(unix)]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Looks at what stands at a path.
pub(super) fn state(path: &Path) -> State {
    match path.symlink_metadata() {
        Ok(metadata) => State::There {
            identity: identity(&metadata),
            changed: last_change(&metadata),
        },
        Err(err) if err.kind() == io::ErrorKind::NotFound => State::Missing,
        Err(_) => State::Unknown,
    }
}

/// Files have no numbers here.
#[cfg(not(unix))]
pub(super) fn identity(_metadata: &Metadata) -> Identity {
    (0, 0)
}

/// Names the folders at the top in place of very many files.
fn fewer(mut changed: Vec<PathBuf>) -> Vec<PathBuf> {
    if changed.len() > MOST_NAMED {
        for path in &mut changed {
            let top = path
                .components()
                .next()
                .map(|top| PathBuf::from(top.as_os_str()));
            *path = top.unwrap_or_default();
        }
    }
    changed.sort_unstable();
    changed.dedup();
    if changed.len() > MOST_NAMED {
        return vec![PathBuf::new()];
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn inode_time(path: &Path) -> (i64, i64) {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = path.metadata().unwrap();
        (metadata.ctime(), metadata.ctime_nsec())
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn finds_what_was_written_even_with_an_old_date_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("notes")).unwrap();
        let old = dir.path().join("old.txt");
        fs::write(&old, "old").unwrap();
        let (seconds, nanos) = inode_time(&old);
        let since = Timestamp::new(seconds, i32::try_from(nanos).unwrap()).unwrap();
        let changed = Changed {
            workspace: dir.path().to_owned(),
            since: since.checked_add(Duration::from_nanos(1)).unwrap(),
            folders: None,
        }
        .with_folders()
        .await;
        let new = dir.path().join("notes/new.txt");
        // The clock of a file system moves on in steps.
        while !new.exists() || inode_time(&new) == (seconds, nanos) {
            fs::write(&new, "new").unwrap();
        }
        let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let file = fs::File::options().write(true).open(&new).unwrap();
        file.set_modified(long_ago).unwrap();
        assert_eq!(changed.paths().await, [PathBuf::from("notes/new.txt")]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_folder_that_moved_counts_with_all_that_is_in_it_and_one_that_was_written_to_does_not()
     {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["moved/deep", "stays"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let old = dir.path().join("stays/old.txt");
        fs::write(dir.path().join("moved/deep/evil.md"), "evil").unwrap();
        fs::write(&old, "old").unwrap();
        let (seconds, nanos) = inode_time(&old);
        let since = Timestamp::new(seconds, i32::try_from(nanos).unwrap()).unwrap();
        let changed = Changed {
            workspace: dir.path().to_owned(),
            since: since.checked_add(Duration::from_nanos(1)).unwrap(),
            folders: None,
        };
        let changed = changed.with_folders().await;
        let (new, probe) = (dir.path().join("stays/new.txt"), dir.path().join("probe"));
        // The clock of a file system moves on in steps.
        while !probe.exists() || inode_time(&probe) == (seconds, nanos) {
            fs::write(&probe, "probe").unwrap();
        }
        fs::remove_file(probe).unwrap();
        fs::write(new, "new").unwrap();
        fs::rename(dir.path().join("moved"), dir.path().join("here")).unwrap();
        let expected = ["here", "stays/new.txt"].map(PathBuf::from);
        assert_eq!(changed.paths().await, expected);
    }

    #[test]
    fn very_many_files_are_named_by_their_folder() {
        let many = (0..100).map(|n| PathBuf::from(format!("target/{n}")));
        let one = PathBuf::from("a.txt");
        assert_eq!(
            fewer(many.chain([one.clone()]).collect()),
            [one, PathBuf::from("target")]
        );
    }
}

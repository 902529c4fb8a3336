//! Taking control groups away again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// How often, and after how long, a group is tried again in which something still dies.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// The name of a group, which says who answers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) process: u32,
    pub(super) number: u64,
}

impl Name {
    pub(super) fn text(self) -> String {
        format!("openclaw-{}-{}", self.process, self.number)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (process, number) = text.strip_prefix("openclaw-")?.split_once('-')?;
        let name = Self {
            process: process.parse().ok()?,
            number: number.parse().ok()?,
        };
        (name.text() == text).then_some(name)
    }
}

/// The directories of a group. Dropping this removes them where that holds nobody up.
#[derive(Debug, Default)]
pub(super) struct Directories(pub(super) Vec<PathBuf>);

impl Drop for Directories {
    fn drop(&mut self) {
        let left = Left(std::mem::take(&mut self.0));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // A runtime that shuts down drops this unrun, which removes them just the same.
            drop(runtime.spawn_blocking(move || drop(left)));
        }
    }
}

/// Directories that are removed by whoever drops this, if that takes a while.
struct Left(Vec<PathBuf>);

impl Drop for Left {
    fn drop(&mut self) {
        for directory in &self.0 {
            if let Err(err) = remove(directory) {
                tracing::debug!(%err, directory = %directory.display(), "a control group is left");
            }
        }
    }
}

fn remove(directory: &Path) -> io::Result<()> {
    for _ in 1..TRIES {
        match fs::remove_dir(directory) {
            Err(err) if err.kind() == io::ErrorKind::ResourceBusy => thread::park_timeout(PAUSE),
            done => return done,
        }
    }
    fs::remove_dir(directory)
}

/// Removes the groups in `parent` whose process is gone, or was another one with the number of
/// this one. The kernel keeps those that still hold somebody.
pub(super) fn sweep(parent: &Path, this_process: u32) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name().to_str().and_then(Name::parse);
        let abandoned = name.is_some_and(|name| {
            name.process == this_process
                || !Path::new("/proc").join(name.process.to_string()).exists()
        });
        if abandoned && let Err(err) = fs::remove_dir(entry.path()) {
            tracing::debug!(%err, group = %entry.path().display(), "a control group is left");
        }
    }
}

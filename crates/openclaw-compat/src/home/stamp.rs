//! Whether anything has changed in a home since it was looked through.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The state of the files that have transcripts: their names, lengths and times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<(PathBuf, u64, Option<SystemTime>)>);

pub(super) fn of(root: &Path) -> Stamp {
    let mut stamp = Stamp::default();
    stamp.folder(&root.join("sessions"));
    for agent in entries(&root.join("agents")) {
        stamp.folder(&agent.join("sessions"));
        let database = agent.join("agent").join("openclaw-agent.sqlite");
        stamp.file(&agent.join("agent").join("openclaw-agent.sqlite-wal"));
        stamp.file(&database);
    }
    stamp
}

impl Stamp {
    fn folder(&mut self, folder: &Path) {
        for path in entries(folder) {
            self.file(&path);
        }
    }

    fn file(&mut self, path: &Path) {
        if let Ok(found) = fs::metadata(path) {
            let modified = found.modified().ok();
            self.0.push((path.to_owned(), found.len(), modified));
        }
    }
}

/// Returns what is in a folder, in the order of the names; a folder that cannot be read has nothing.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

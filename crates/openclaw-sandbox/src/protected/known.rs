//! What was found in the workspaces by earlier looks of this process.
//!
//! A look is bounded, and a command can make so many files that the next look does not come to what
//! the owner had before. So what was found once is looked for by name, before all else.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use parking_lot::{Mutex, const_mutex};

/// Paths within a workspace, by workspace.
type Known = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// How many workspaces are remembered, and how many paths of each.
const WORKSPACES: usize = 256;
const PATHS: usize = 1024;

static KNOWN: Mutex<Known> = const_mutex(BTreeMap::new());

/// Returns what is known of a workspace.
pub(super) fn of(workspace: &Path) -> BTreeSet<PathBuf> {
    KNOWN.lock().get(workspace).cloned().unwrap_or_default()
}

/// Remembers what was found in a workspace. What is known already stays, and what was looked for
/// and is `gone` goes.
pub(super) fn keep(workspace: &Path, found: BTreeSet<PathBuf>, gone: &BTreeSet<PathBuf>) {
    let mut known = KNOWN.lock();
    if found.is_empty() && gone.is_empty()
        || known.len() >= WORKSPACES && !known.contains_key(workspace)
    {
        return;
    }
    let paths = known.entry(workspace.to_path_buf()).or_default();
    paths.retain(|path| !gone.contains(path));
    for path in found {
        if paths.len() >= PATHS {
            break;
        }
        paths.insert(path);
    }
}

//! What `grep` and `find` have in common: which names are meant, which are passed over, and how a
//! search that did not see everything says so.

mod ignored;
mod names;

use std::path::{Path, PathBuf};

use openclaw_sandbox::WalkEnd;

use super::page::count;

pub(super) use self::ignored::Ignored;
pub(super) use self::names::Names;

/// Returns a path beneath the one that was asked for, as the model may name it again.
pub(super) fn named(asked: &str, path: &Path) -> PathBuf {
    let asked = Path::new(asked);
    if path.as_os_str().is_empty() {
        asked.to_path_buf()
    } else if asked == Path::new(".") {
        path.to_path_buf()
    } else {
        asked.join(path)
    }
}

/// Says why a walk did not show everything, if it did not.
pub(super) fn incomplete(end: WalkEnd, unreadable: usize) -> Vec<String> {
    let why = match end {
        WalkEnd::Whole | WalkEnd::Stopped => None,
        WalkEnd::TooDeep => Some("folders that lie very deep were left out"),
        WalkEnd::TooMany => {
            Some("incomplete, because there are too many files: name a folder within")
        }
        WalkEnd::TooLong => Some("incomplete, because it took too long: name a folder within"),
        WalkEnd::Cancelled => Some("incomplete, because it was cancelled"),
    };
    let mut said: Vec<String> = why.into_iter().map(str::to_owned).collect();
    if unreadable > 0 {
        said.push(format!(
            "{} cannot be read",
            count(unreadable, "folder", "folders")
        ));
    }
    said
}

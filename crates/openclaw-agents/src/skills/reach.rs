//! Whether a folder of skills has to do with the workspace, where a command can put a link in place
//! of any folder.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// How many links are followed to find out where a path goes through.
const MAX_LINKS: usize = 40;

/// Where a skill is, as seen from the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the workspace.
    Workspace,
    /// Outside, where a link in the workspace leads.
    LinkedOut,
    /// Outside.
    Beside,
}

/// The workspace, where commands can put a link in place of any folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    named: &'a Path,
    real: Option<&'a Path>,
}

impl<'a> Reach<'a> {
    /// Makes it of the workspace as it was named, and of the same without symlinks.
    pub(super) const fn new(named: &'a Path, real: Option<&'a Path>) -> Self {
        Self { named, real }
    }

    /// Tells whether a path lies in the workspace.
    pub(super) fn holds(&self, path: &Path) -> bool {
        path.starts_with(self.named) || self.real.is_some_and(|real| path.starts_with(real))
    }

    /// Tells whether a path goes through the workspace on its way to where it leads.
    pub(super) fn is_on_the_way(&self, path: &Path) -> bool {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut links = 0;
        let mut at = PathBuf::new();
        let mut ahead = reversed(&path);
        while let Some(part) = ahead.pop() {
            if part == ".." {
                at.pop();
                continue;
            }
            at.push(part);
            if self.holds(&at) {
                return true;
            }
            if let Ok(to) = fs::read_link(&at) {
                links += 1;
                if links > MAX_LINKS {
                    return true;
                }
                at.pop();
                ahead.extend(reversed(&to));
            }
        }
        false
    }
}

/// Returns the parts of a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev();
    parts.map(|part| part.as_os_str().to_owned()).collect()
}

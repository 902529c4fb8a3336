//! Regular expressions for the protected paths of a workspace.
//!
//! A rule by name is not enough on a Mac: its file system takes `.EnvRC` for `.envrc`, and a rule
//! sees the name of a file that does not exist yet as the command spells it. So the names are
//! expressions in which every spelling counts. They consist of a few harmless ASCII characters,
//! whatever the paths are made of: what is neither a letter nor a digit is replaced by an expression
//! for any character, which at worst protects more than was meant.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    path::{Component, Path, PathBuf},
};

use crate::protected::{NAMES, Where};

/// What git and hg act upon in the folder of a repository.
///
/// The rest is what commits consist of, and written by every one.
const RECORDS: [&str; 5] = ["commondir", "config", "config.worktree", "hgrc", "hooks"];

/// Any folders in between, or none.
const ANYWHERE: &str = "([^/]+/)*";

/// What of a workspace cannot be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Patterns {
    /// With all that lies in them.
    pub(super) closed: Vec<String>,
    /// Not what lies in them: as folders they may be written in, not renamed or removed.
    pub(super) fixed: Vec<String>,
}

impl Patterns {
    /// Adds those of one workspace; `extra` are paths relative to it.
    ///
    /// Of a repository at the top of the workspace, hooks and settings are protected where `exists`
    /// says that it is there. Where it is not, a command may make one.
    pub(super) fn add(
        &mut self,
        workspace: &Path,
        exists: impl Fn(&Path) -> bool,
        extra: &[PathBuf],
    ) {
        let start = begin(workspace);
        for (plain, place) in NAMES {
            let name = spellings(OsStr::new(plain));
            match place {
                Where::Closed | Where::Kept => {
                    self.closed.push(format!("{start}{ANYWHERE}{name}($|/)"));
                }
                Where::Top => self.closed.push(format!("{start}{name}($|/)")),
                Where::Records if exists(&workspace.join(plain)) => {
                    self.records(&format!("{start}{name}"));
                }
                Where::Records => {}
            }
        }
        // Git takes a folder with this file, among others, for a repository.
        self.closed
            .push(format!("{start}{}$", spellings(OsStr::new("HEAD"))));
        for path in extra {
            self.path(&start, path);
        }
    }

    fn records(&mut self, folder: &str) {
        self.fixed.push(format!("{folder}$"));
        let names = RECORDS.map(|name| spellings(OsStr::new(name))).join("|");
        let modules = spellings(OsStr::new("modules"));
        self.closed
            .push(format!("{folder}/({modules}/{ANYWHERE})?({names})($|/)"));
    }

    fn path(&mut self, start: &str, path: &Path) {
        let mut pattern = start.to_owned();
        let mut folders = Vec::new();
        for component in path.components() {
            let Component::Normal(name) = component else {
                continue;
            };
            if pattern != start {
                folders.push(format!("{pattern}$"));
                pattern.push('/');
            }
            pattern.push_str(&spellings(name));
        }
        if pattern != start {
            self.closed.push(format!("{pattern}($|/)"));
            self.fixed.extend(folders);
        }
    }
}

/// Returns an expression for the beginning of every path in a folder.
fn begin(folder: &Path) -> String {
    let mut pattern = "^/".to_owned();
    for component in folder.components() {
        if let Component::Normal(name) = component {
            pattern.push_str(&spellings(name));
            pattern.push('/');
        }
    }
    pattern
}

/// Returns an expression for all names that a Mac takes for this one.
fn spellings(name: &OsStr) -> String {
    let mut pattern = String::new();
    let mut bytes = name.as_encoded_bytes().iter().peekable();
    while let Some(&byte) = bytes.next() {
        // What is not ASCII is written in several ways, with more or fewer bytes, and may begin
        // with an ASCII letter that the rest is a mark on.
        if bytes.next_if(|next| !next.is_ascii()).is_some() || !byte.is_ascii() {
            while bytes.next_if(|next| !next.is_ascii()).is_some() {}
            pattern.push_str("[^/]+");
            continue;
        }
        let [low, high] = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()].map(char::from);
        // Writing to a string cannot fail.
        match low {
            // Each of these letters has a third form, which is not ASCII.
            'k' | 's' => write!(pattern, "([{low}{high}]|[^ -~]+)").unwrap_or_default(),
            'a'..='z' => write!(pattern, "[{low}{high}]").unwrap_or_default(),
            '.' => pattern.push_str("[.]"),
            '-' | '_' | '0'..='9' => pattern.push(low),
            _ => pattern.push_str("[^/]"),
        }
    }
    pattern
}

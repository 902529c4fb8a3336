//! The files of a workspace that were written while something untrusted was in view.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use openclaw_core::EventStore;
use openclaw_core::events::StoreError;
use openclaw_core::provenance::{Mark, Source};
use openclaw_core::redaction::{REDACTED, masked};
use tokio::task;

use super::given::given;
use super::{Origin, TaintRules};

/// How many of them are named to whoever is asked.
const MOST_NAMED: usize = 3;

/// The files of a workspace that carry marks, and are still there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WrittenFiles {
    files: Vec<Written>,
    /// What of them a model is given without asking for it.
    given: Vec<Source>,
}

/// A file, or a folder with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    path: PathBuf,
    marks: Vec<Mark>,
    /// When it changed last, as far as that is known.
    changed: Option<(i64, i64)>,
}

impl WrittenFiles {
    /// Reads which they are.
    pub(crate) async fn of(store: &EventStore, workspace: &Path) -> Result<Self, StoreError> {
        let written = store.written(workspace).await?;
        if written.is_empty() {
            return Ok(Self::default());
        }
        let marks = written.iter().map(|(_, marks)| marks.clone());
        let marks: Vec<Mark> = marks.flatten().collect();
        let root = workspace.to_owned();
        let look = task::spawn_blocking(move || Self::look(&root, written));
        // Whatever goes wrong with the look, marks must not be lost over it.
        let whole = || {
            let path = PathBuf::new();
            let given = vec![Source::Written { path: shown(&path) }];
            let whole = Written {
                path,
                marks,
                changed: None,
            };
            Self {
                files: vec![whole],
                given,
            }
        };
        Ok(look.await.unwrap_or_else(|_lost| whole()))
    }

    /// Says that all of a workspace carries marks, as nobody knows which files do.
    pub(crate) fn unknown() -> Self {
        Self {
            files: vec![Written {
                path: PathBuf::new(),
                marks: Vec::new(),
                changed: None,
            }],
            given: Vec::new(),
        }
    }

    /// Adds those that carried marks at another moment.
    pub(crate) fn or(mut self, other: Self) -> Self {
        for file in other.files {
            if !self.files.iter().any(|known| known.path == file.path) {
                self.files.push(file);
            }
        }
        self
    }

    /// Leaves out those that are as they were left at a moment.
    ///
    /// When a folder changed is not known; it counts as left.
    pub(crate) fn without(&self, left: &[(PathBuf, Timestamp)]) -> Self {
        let as_left = |file: &Written| {
            left.iter().any(|(path, at)| {
                // Events tell the time in milliseconds.
                let until = at.checked_add(Duration::from_millis(1)).unwrap_or(*at);
                let until = (until.as_second(), i64::from(until.subsec_nanosecond()));
                *path == file.path && file.changed.is_none_or(|changed| changed <= until)
            })
        };
        let others = self.files.iter().filter(|file| !as_left(file));
        Self {
            files: others.cloned().collect(),
            given: self.given.clone(),
        }
    }

    fn look(root: &Path, written: Vec<(PathBuf, Vec<Mark>)>) -> Self {
        let mut there = Vec::new();
        for (path, marks) in written {
            if is_there(root, &path) {
                // A folder changes with whatever is put into it.
                let changed = root.join(&path).metadata().ok();
                let changed = changed.filter(Metadata::is_file);
                let changed = changed.and_then(|metadata| last_change(&metadata));
                there.push(Written {
                    path,
                    marks,
                    changed,
                });
            }
        }
        let paths: Vec<&Path> = there.iter().map(|file| file.path.as_path()).collect();
        Self {
            given: given(root, &paths),
            files: there,
        }
    }

    /// Returns the marks of all of them, if anything is made of such marks at all.
    pub(crate) fn marks(&self, rules: &TaintRules) -> Vec<Mark> {
        let mut marks = Vec::new();
        if rules.untrusted.contains(&Origin::Written) {
            for file in &self.files {
                add_all(&mut marks, file.marks.clone());
            }
        }
        marks
    }

    /// Returns the marks that a file carries.
    pub(super) fn marks_of(&self, path: &Path) -> Vec<Mark> {
        let recorded = PathBuf::from(masked(path.to_string_lossy().into_owned()));
        let covering = self
            .files
            .iter()
            .filter(|file| recorded.starts_with(&file.path));
        covering.flat_map(|file| file.marks.clone()).collect()
    }

    /// Tells whether a file carries all of these marks already.
    pub(super) fn carries(&self, path: &Path, marks: &[Mark]) -> bool {
        let known = self.marks_of(path);
        !known.is_empty() && marks.iter().all(|mark| known.contains(mark))
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Returns the names of some of them, for whoever is asked; nothing if there are none.
    pub(crate) fn names(&self) -> Option<String> {
        let some: Vec<String> = self.paths().take(MOST_NAMED).map(shown).collect();
        let more = self.files.len().saturating_sub(MOST_NAMED);
        match (some.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(some.join(", ")),
            (false, more) => Some(format!("{} and {more} more", some.join(", "))),
        }
    }

    /// Returns one of them, if there is any.
    pub(super) fn any(&self) -> Option<String> {
        self.paths().next().map(shown)
    }

    /// Returns what marks a file: itself, or a folder that it lies in.
    pub(super) fn covering(&self, path: &Path) -> Option<String> {
        let recorded = PathBuf::from(masked(path.to_string_lossy().into_owned()));
        let found = self.paths().find(|written| recorded.starts_with(written));
        found.map(shown)
    }

    /// Returns one whose name, or that of a folder that it lies in, occurs in a text.
    pub(super) fn named_in(&self, text: &str) -> Option<String> {
        let named = |path: &&Path| {
            let said = |name: &OsStr| text.contains(name.to_string_lossy().as_ref());
            is_vague(path) || path.as_os_str().is_empty() || path.iter().any(said)
        };
        self.paths().find(named).map(shown)
    }

    /// Returns those that a model is given without asking for them.
    pub(crate) fn given(&self) -> impl Iterator<Item = Source> {
        self.given.iter().cloned()
    }

    /// Tells whether exactly this file carries marks, and no other can be meant by them.
    pub(crate) fn has(&self, path: &Path) -> bool {
        !is_vague(path) && self.paths().any(|written| written == path)
    }
}

/// Tells whether a recorded path may not be the name of the file that it was recorded for: what is
/// no text in a name is not on record, nor is a secret.
pub(super) fn is_vague(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains(char::REPLACEMENT_CHARACTER) || text.contains(REDACTED)
}

/// Tells whether a file may still be there.
fn is_there(root: &Path, path: &Path) -> bool {
    if is_vague(path) {
        return true;
    }
    match root.join(path).symlink_metadata() {
        Ok(_) => true,
        Err(err) => err.kind() != io::ErrorKind::NotFound,
    }
}

/// Adds marks to others, each once.
pub(crate) fn add_all(marks: &mut Vec<Mark>, more: Vec<Mark>) {
    for mark in more {
        if !marks.contains(&mark) {
            marks.push(mark);
        }
    }
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems may not know when a file changed"
)]
pub(super) fn last_change(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
pub(super) fn last_change(metadata: &Metadata) -> Option<(i64, i64)> {
    let changed = Timestamp::try_from(metadata.modified().ok()?).ok()?;
    Some((changed.as_second(), changed.subsec_nanosecond().into()))
}

pub(super) fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return ".".to_owned();
    }
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(paths: &[&str]) -> WrittenFiles {
        let paths = paths.iter().map(|path| Written {
            path: PathBuf::from(path),
            marks: Vec::new(),
            changed: None,
        });
        WrittenFiles {
            files: paths.collect(),
            given: Vec::new(),
        }
    }

    #[test]
    fn a_folder_marks_what_is_in_it_and_a_name_is_found_in_a_listing() {
        let files = written(&["target", "notes/a.md"]);
        assert_eq!(
            files.covering(Path::new("target/debug/x")).as_deref(),
            Some("target")
        );
        assert_eq!(files.covering(Path::new("notes/b.md")), None);
        assert_eq!(files.covering(Path::new("targets")), None);
        for text in ["a.md  b.md", "notes/"] {
            assert_eq!(files.named_in(text).as_deref(), Some("notes/a.md"));
        }
        assert_eq!(files.named_in("b.md"), None);
        assert_eq!(
            written(&[""]).covering(Path::new("x")).as_deref(),
            Some(".")
        );
    }

    #[test]
    fn a_file_whose_name_could_not_be_recorded_keeps_its_mark() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["n\u{fffd}.md", "of [REDACTED]/a.md"] {
            assert!(is_there(dir.path(), Path::new(path)), "{path}");
            let files = written(&[path]);
            // A clean file of that name clears nothing: another one may be meant.
            assert!(!files.has(Path::new(path)), "{path}");
            assert_eq!(files.named_in("anything").as_deref(), Some(path));
        }
        assert!(!is_there(dir.path(), Path::new("gone.md")));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_whose_name_is_no_text_or_a_secret_is_found_as_it_was_recorded() {
        use std::os::unix::ffi::OsStrExt as _;
        openclaw_core::redaction::learn_text("cnry-of-a-path-0123456789");
        let files = written(&["n\u{fffd}.md", "of [REDACTED]"]);
        let raw = Path::new(OsStr::from_bytes(b"n\xff.md"));
        assert_eq!(files.covering(raw).as_deref(), Some("n\u{fffd}.md"));
        let secret = Path::new("of cnry-of-a-path-0123456789/a.md");
        assert_eq!(files.covering(secret).as_deref(), Some("of [REDACTED]"));
    }
}

//! The files of a workspace that were written while something untrusted was in view.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use openclaw_core::EventStore;
use openclaw_core::events::StoreError;
use openclaw_core::provenance::Source;
use openclaw_core::redaction::{REDACTED, masked};
use tokio::task;

use crate::workspace;

/// The folders of a workspace that skills are read from.
const SKILLS: [&str; 2] = ["skills", ".agents/skills"];

/// The files of a workspace that carry marks, and are still there.
#[derive(Clone, Debug, Default)]
pub(crate) struct WrittenFiles(Vec<PathBuf>);

impl WrittenFiles {
    /// Reads which they are.
    pub(crate) async fn of(store: &EventStore, workspace: &Path) -> Result<Self, StoreError> {
        let written = store.written(workspace).await?;
        if written.is_empty() {
            return Ok(Self::default());
        }
        let root = workspace.to_owned();
        let there = move || {
            let paths = written.into_iter().map(|(path, _)| path);
            paths.filter(|path| is_there(&root, path)).collect()
        };
        // Whatever goes wrong with the look, marks must not be lost over it.
        let whole = || vec![PathBuf::new()];
        Ok(Self(
            task::spawn_blocking(there)
                .await
                .unwrap_or_else(|_lost| whole()),
        ))
    }

    /// Returns one of them, if there is any.
    pub(super) fn any(&self) -> Option<String> {
        self.0.first().map(|path| shown(path))
    }

    /// Returns what marks a file: itself, or a folder that it lies in.
    pub(super) fn covering(&self, path: &Path) -> Option<String> {
        let recorded = PathBuf::from(masked(path.to_string_lossy().into_owned()));
        let found = self.0.iter().find(|written| recorded.starts_with(written));
        found.map(|path| shown(path))
    }

    /// Returns one whose name occurs in a text.
    pub(super) fn named_in(&self, text: &str) -> Option<String> {
        let named = |path: &&PathBuf| {
            let said = |name: &OsStr| text.contains(name.to_string_lossy().as_ref());
            is_vague(path) || path.file_name().is_none_or(said)
        };
        self.0.iter().find(named).map(|path| shown(path))
    }

    /// Returns those that a model is given without asking for them.
    pub(super) fn given(&self) -> impl Iterator<Item = Source> {
        self.0.iter().filter_map(|path| {
            let skill = SKILLS
                .iter()
                .find_map(|folder| path.strip_prefix(folder).ok())
                .and_then(|inside| inside.components().next());
            if let Some(name) = skill {
                let name = name.as_os_str().to_string_lossy().into_owned();
                return Some(Source::Skill { name });
            }
            let given = path.as_os_str().is_empty() || workspace::is_given(path);
            given.then(|| Source::Written { path: shown(path) })
        })
    }

    /// Tells whether exactly this file carries marks, and no other can be meant by them.
    pub(crate) fn has(&self, path: &Path) -> bool {
        !is_vague(path) && self.0.iter().any(|written| written == path)
    }
}

/// Tells whether a recorded path may not be the name of the file that it was recorded for: what is
/// no text in a name is not on record, nor is a secret.
fn is_vague(path: &Path) -> bool {
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

fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return ".".to_owned();
    }
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(paths: &[&str]) -> WrittenFiles {
        WrittenFiles(paths.iter().map(PathBuf::from).collect())
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
        assert_eq!(files.named_in("a.md  b.md").as_deref(), Some("notes/a.md"));
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

    #[test]
    fn what_a_model_is_given_unasked_counts_from_the_start() {
        let files = written(&["AGENTS.md", "notes.md", "skills/mail/SKILL.md"]);
        let given: Vec<Source> = files.given().collect();
        assert_eq!(
            given,
            [
                Source::Written {
                    path: "AGENTS.md".to_owned()
                },
                Source::Skill {
                    name: "mail".to_owned()
                },
            ]
        );
    }
}

//! The files of a workspace that were written while something untrusted was in view.

use std::io;
use std::path::{Path, PathBuf};

use openclaw_core::EventStore;
use openclaw_core::events::StoreError;
use openclaw_core::provenance::Source;
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
            paths.filter(|path| is_there(&root.join(path))).collect()
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
        let found = self.0.iter().find(|written| path.starts_with(written));
        found.map(|path| shown(path))
    }

    /// Returns one whose name occurs in a text.
    pub(super) fn named_in(&self, text: &str) -> Option<String> {
        let named = |path: &&PathBuf| {
            path.file_name()
                .is_none_or(|name| text.contains(name.to_string_lossy().as_ref()))
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

    /// Tells whether exactly this file carries marks.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.0.iter().any(|written| written == path)
    }
}

fn is_there(path: &Path) -> bool {
    match path.symlink_metadata() {
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

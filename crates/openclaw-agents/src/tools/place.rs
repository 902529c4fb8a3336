//! Where a path lies that a tool may read: in the workspace, or in a folder beside it.

use std::fs;
use std::path::{Path, PathBuf};

use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::redaction::mask;
use openclaw_sandbox::{FileError, Workspace};
use tokio::task;

use super::{ToolCx, ToolError};

/// What makes a skill of a folder.
const SKILL: &str = "SKILL.md";

/// How many marks one result has of files; one is enough to make it somebody else's.
const MAX_MARKS: usize = 16;

/// A place that a tool may read.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder that it lies in.
    pub(super) folder: Workspace,
    /// Where it is there, as it is to be opened.
    pub(super) path: PathBuf,
    within: Within,
}

/// Which folder a place lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// One that the tool was made for.
    Own,
    /// The agent's workspace.
    Workspace,
    /// Another one that may be read.
    Beside,
}

impl Place {
    /// Finds a path in the workspace or in a folder that may be read.
    pub(super) async fn find(cx: &ToolCx, path: &str) -> Result<Self, ToolError> {
        let outside = match cx.workspace.real(path).await {
            Err(err @ FileError::Outside { .. }) => Some(err),
            // Whoever opens it says what else is wrong with it.
            Ok(_) | Err(_) => None,
        };
        let Some(outside) = outside else {
            return Ok(Self {
                folder: cx.workspace.clone(),
                path: path.into(),
                within: Within::Workspace,
            });
        };
        let Some((folder, path)) = beside(&cx.readable, path).await else {
            return Err(outside.into());
        };
        Ok(Self {
            // The folder was judged a moment ago, and a link in its place leads nowhere now.
            folder: Workspace::open_exactly(folder).await?,
            path,
            within: Within::Beside,
        })
    }

    /// Makes a place of a path in a folder that a tool was made for.
    pub(super) fn own(folder: Workspace, path: &str) -> Self {
        Self {
            folder,
            path: path.into(),
            within: Within::Own,
        }
    }

    /// Returns where text from here came from, as far as that does not follow from the tool.
    pub(super) async fn marks(&self, cx: &ToolCx) -> Vec<Mark> {
        self.marks_of(cx, &[PathBuf::new()]).await
    }

    /// As [`marks`](Self::marks), for text from these paths beneath the place.
    pub(super) async fn marks_of(&self, cx: &ToolCx, shown: &[PathBuf]) -> Vec<Mark> {
        match self.within {
            Within::Own => Vec::new(),
            Within::Workspace => self.written(cx, shown).await,
            Within::Beside => vec![self.mark_beside().await],
        }
    }

    async fn mark_beside(&self) -> Mark {
        let root = self.folder.root();
        let is_skill = self.folder.read_with(SKILL, |_file| Ok(())).await.is_ok();
        match root.file_name() {
            // The folders of skills that the owner put beside the workspace.
            Some(name) if is_skill => Mark {
                source: Source::Skill {
                    name: name.to_string_lossy().into_owned(),
                },
                trust: Trust::Trusted,
            },
            Some(_) | None => Mark {
                source: Source::File {
                    path: root.join(&self.path).display().to_string(),
                },
                trust: Trust::Untrusted,
            },
        }
    }

    /// Returns marks of what was written here while something untrusted was in view.
    async fn written(&self, cx: &ToolCx, shown: &[PathBuf]) -> Vec<Mark> {
        let root = self.folder.root();
        let Ok(real) = self.folder.real(&self.path).await else {
            // It is not there, so nothing of it was shown.
            return Vec::new();
        };
        let Ok(known) = cx.world.store.written(root).await else {
            // What cannot be looked up could be anybody's.
            return vec![written_mark(&self.path)];
        };
        let mut marks = Vec::new();
        for path in shown {
            let path: PathBuf = real.join(path).components().collect();
            // What is recorded of a path has no secrets in it.
            let recorded = mask(&path.to_string_lossy()).into_owned();
            // Something may stand for the whole folder that a file is in.
            let is_known = known
                .iter()
                .any(|(known, _)| Path::new(&recorded).starts_with(known));
            if is_known && marks.len() < MAX_MARKS {
                marks.push(written_mark(&path));
            }
        }
        marks
    }
}

fn written_mark(path: &Path) -> Mark {
    Mark {
        source: Source::Written {
            path: path.display().to_string(),
        },
        trust: Trust::Untrusted,
    }
}

/// Returns the folder that holds a path, and the path as it is known there.
async fn beside(folders: &[PathBuf], path: &str) -> Option<(PathBuf, PathBuf)> {
    let holding = |path: PathBuf| {
        let folder = folders.iter().find(|folder| path.starts_with(folder))?;
        Some((folder.clone(), path))
    };
    let named = PathBuf::from(path);
    if folders.is_empty() || !named.is_absolute() {
        return None;
    }
    if let Some(held) = holding(named.clone()) {
        return Some(held);
    }
    // A skill may be known by a name that leads to its folder.
    let real = task::spawn_blocking(move || fs::canonicalize(named)).await;
    holding(real.ok()?.ok()?)
}

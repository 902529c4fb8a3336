//! What a call leaves behind: files that carry a stranger's words from now on, or no longer.
//!
//! What it may write is on record before it does, so that no end of the program comes between a
//! file and its mark: by name where that is known, and as a watch over the workspace where a
//! command runs. What did not come about is taken back afterwards.

use std::path::{Path, PathBuf};

use openclaw_core::EventStore;
use openclaw_core::events::Change;
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_sandbox::{SandboxConfig, SandboxLevel, Workspace};

use super::changed::{State, state};
use super::written::add_all;
use super::{Changed, TaintRules, View, WrittenFiles};
use crate::tools::Touch;

/// What is known of a call before it runs.
#[derive(Debug)]
pub(crate) struct Footprint {
    workspace: PathBuf,
    /// What files carry that it writes; nothing when it is the principal's own work.
    marks: Vec<Mark>,
    changed: Option<Changed>,
    /// Whether it writes whole files and says which.
    replaces: Replaces,
    /// What it is going to write, as far as it is known and news.
    intended: Vec<Intended>,
}

/// A call that may leave something behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaving<'a> {
    /// The name that this program has for its tool.
    pub(crate) kind: &'a str,
    pub(crate) touch: Touch,
    /// The files that it names.
    pub(crate) writes: &'a [String],
}

/// Whether nothing is left of what a file held before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replaces {
    Everything,
    Parts,
}

/// A file that is going to be written, or the first folder on the way there that does not exist.
#[derive(Debug)]
struct Intended {
    path: PathBuf,
    before: State,
}

/// Whether a call is known to be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Yes,
    /// It was told to stop, and may still be at it.
    Perhaps,
}

impl Footprint {
    /// Begins to watch what a call leaves behind.
    ///
    /// What a command writes may be what it found in the workspace, by whatever way: it carries
    /// the marks of all files there.
    pub(crate) async fn of(
        rules: &TaintRules,
        (view, written): (&View, &WrittenFiles),
        call: Leaving<'_>,
        (workspace, sandbox): (&Workspace, &SandboxConfig),
    ) -> Self {
        let mut marks = view.marks().to_vec();
        let runs = call.touch == Touch::Commands;
        if runs {
            add_all(&mut marks, written.marks(rules));
        }
        if runs && marks.is_empty() && reaches_out(sandbox) {
            let mark = rules.mark(Source::Command);
            marks.extend((mark.trust == Trust::Untrusted).then_some(mark));
        }
        let mut changed = runs.then(|| Changed::from_now(workspace.root()));
        if let Some(watched) = changed.take() {
            changed = Some(if marks.is_empty() {
                watched
            } else {
                watched.with_folders().await
            });
        }
        let mut footprint = Self {
            workspace: workspace.root().to_owned(),
            changed,
            marks,
            replaces: if call.kind == "write" {
                Replaces::Everything
            } else {
                Replaces::Parts
            },
            intended: Vec::new(),
        };
        footprint.intend(workspace, call.writes, written).await;
        footprint
    }

    /// Finds out what a call is going to write.
    async fn intend(&mut self, workspace: &Workspace, writes: &[String], written: &WrittenFiles) {
        let mut paths = Vec::new();
        for path in writes {
            // What leads out of the workspace, or nowhere, is not written.
            if let Ok(real) = workspace.real(path).await {
                paths.push(real.components().collect::<PathBuf>());
            }
        }
        let before = self.marks.len();
        if self.replaces == Replaces::Parts {
            // One of them may be moved to the place of another.
            for path in &paths {
                add_all(&mut self.marks, written.marks_of(path));
            }
        }
        if self.marks.is_empty() {
            return;
        }
        for path in paths {
            let is_news = before > 0 || written.covering(&path).is_none();
            if !is_news || written.carries(&path, &self.marks) {
                continue;
            }
            let path = new_from(&self.workspace, &path);
            if !self.intended.iter().any(|known| known.path == path) {
                let before = state(&self.workspace.join(&path));
                self.intended.push(Intended { path, before });
            }
        }
    }

    /// Returns since when the workspace is watched and what its new files carry, if the call is a
    /// command.
    pub(crate) fn watch(&self) -> Option<(Changed, Vec<Mark>)> {
        let changed = self.changed.as_ref()?;
        Some((changed.clone(), self.marks.clone()))
    }

    /// Returns what the files carry that the call writes.
    pub(crate) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Returns what is to be recorded before the call begins.
    pub(crate) fn intended(&self) -> Vec<Change> {
        let intended = self.intended.iter();
        let written = |intended: &Intended| {
            Change::file_written(&self.workspace, &intended.path, self.marks.clone())
        };
        intended.map(written).collect()
    }

    /// Returns what is to be recorded of a command that nobody watches any more; `store` has what
    /// others have written meanwhile.
    pub(crate) async fn left_by_command(
        mut self,
        rules: &TaintRules,
        wrote: &[PathBuf],
        store: &EventStore,
    ) -> Vec<Change> {
        let mut paths = self.inner(wrote);
        match WrittenFiles::of(store, &self.workspace).await {
            Ok(now) => add_all(&mut self.marks, now.marks(rules)),
            Err(err) => tracing::error!(%err, "the marks of a workspace could not be read anew"),
        }
        if let Some(changed) = self.changed.take().filter(|_| !self.marks.is_empty()) {
            paths.extend(changed.paths().await);
        }
        self.marked(paths)
    }

    /// Returns what is to be recorded of files that a tool says that it wrote, and of those that it
    /// did not write after all.
    pub(crate) fn left(
        mut self,
        wrote: &[PathBuf],
        written: &WrittenFiles,
        over: Over,
    ) -> Vec<Change> {
        let paths = self.inner(wrote);
        if self.replaces == Replaces::Parts {
            for path in &paths {
                add_all(&mut self.marks, written.marks_of(path));
            }
        }
        if self.replaces == Replaces::Everything && self.marks.is_empty() {
            let cleared = paths.iter().filter(|path| written.has(path));
            return cleared
                .map(|path| Change::file_cleared(&self.workspace, path))
                .collect();
        }
        let intended = std::mem::take(&mut self.intended);
        let is_on_record = |path: &PathBuf| {
            written.carries(path, &self.marks)
                || intended.iter().any(|known| path.starts_with(&known.path))
        };
        let paths = paths
            .into_iter()
            .filter(|path| !is_on_record(path))
            .collect();
        let untouched = intended.into_iter().filter(|intended| {
            let now = state(&self.workspace.join(&intended.path));
            over == Over::Yes
                && now == intended.before
                && written.covering(&intended.path).is_none()
        });
        let mut changes: Vec<Change> = untouched
            .map(|intended| Change::file_cleared(&self.workspace, &intended.path))
            .collect();
        changes.extend(self.marked(paths));
        changes
    }

    fn inner(&self, wrote: &[PathBuf]) -> Vec<PathBuf> {
        let relative = wrote
            .iter()
            .map(|path| path.strip_prefix(&self.workspace).unwrap_or(path));
        relative.map(Path::to_owned).collect()
    }

    fn marked(self, paths: Vec<PathBuf>) -> Vec<Change> {
        if self.marks.is_empty() {
            return Vec::new();
        }
        let written =
            |path: PathBuf| Change::file_written(&self.workspace, &path, self.marks.clone());
        paths.into_iter().map(written).collect()
    }
}

/// Returns what comes into being with a file: the first folder on the way there that does not
/// exist, as its name is written as well, or the file itself.
fn new_from(workspace: &Path, path: &Path) -> PathBuf {
    let mut reached = PathBuf::new();
    for part in path {
        reached.push(part);
        if state(&workspace.join(&reached)) == State::Missing {
            break;
        }
    }
    reached
}

/// Tells whether a command that is confined like this can reach more than the workspace.
pub(super) const fn reaches_out(sandbox: &SandboxConfig) -> bool {
    match sandbox.level {
        SandboxLevel::None => true,
        SandboxLevel::Relaxed | SandboxLevel::Strict => sandbox.network_access,
    }
}

//! What a call leaves behind: files that carry a stranger's words from now on, or no longer.

use std::path::{Path, PathBuf};

use openclaw_core::EventStore;
use openclaw_core::events::Change;
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_sandbox::{SandboxConfig, SandboxLevel};

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
}

/// Whether nothing is left of what a file held before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replaces {
    Everything,
    Parts,
}

impl Footprint {
    /// Begins to watch what a call leaves behind.
    ///
    /// What a command writes may be what it found in the workspace, by whatever way: it carries
    /// the marks of all files there.
    pub(crate) async fn of(
        rules: &TaintRules,
        (view, written): (&View, &WrittenFiles),
        call: (&str, Touch),
        (workspace, sandbox): (&Path, &SandboxConfig),
    ) -> Self {
        let (kind, touch) = call;
        let mut marks = view.marks().to_vec();
        let runs = touch == Touch::Commands;
        if runs {
            add_all(&mut marks, written.marks(rules));
        }
        if runs && marks.is_empty() && reaches_out(sandbox) {
            let mark = rules.mark(Source::Command);
            marks.extend((mark.trust == Trust::Untrusted).then_some(mark));
        }
        let mut changed = runs.then(|| Changed::from_now(workspace));
        if let Some(watched) = changed.take() {
            changed = Some(if marks.is_empty() {
                watched
            } else {
                watched.with_folders().await
            });
        }
        Self {
            workspace: workspace.to_owned(),
            changed,
            marks,
            replaces: if kind == "write" {
                Replaces::Everything
            } else {
                Replaces::Parts
            },
        }
    }

    /// Returns since when the workspace is watched and what its new files carry, if the call is a
    /// command.
    pub(crate) fn watch(&self) -> Option<(Changed, Vec<Mark>)> {
        let changed = self.changed.as_ref()?;
        Some((changed.clone(), self.marks.clone()))
    }

    /// Returns what is to be recorded of it; `wrote` is what the tool says that it wrote.
    pub(crate) async fn left(
        mut self,
        rules: &TaintRules,
        wrote: &[PathBuf],
        (store, written): (&EventStore, &WrittenFiles),
    ) -> Vec<Change> {
        let relative = wrote
            .iter()
            .map(|path| path.strip_prefix(&self.workspace).unwrap_or(path));
        let mut paths: Vec<PathBuf> = relative.map(Path::to_owned).collect();
        let Some(changed) = self.changed.take() else {
            return self.wrote(paths, written);
        };
        // Another session may have written to the workspace while the command ran.
        match WrittenFiles::of(store, &self.workspace).await {
            Ok(now) => add_all(&mut self.marks, now.marks(rules)),
            Err(err) => tracing::error!(%err, "the marks of a workspace could not be read anew"),
        }
        if !self.marks.is_empty() {
            paths.extend(changed.paths().await);
        }
        self.marked(paths)
    }

    /// Returns what is to be recorded of files that a tool says that it wrote.
    fn wrote(mut self, paths: Vec<PathBuf>, written: &WrittenFiles) -> Vec<Change> {
        if self.replaces == Replaces::Everything && self.marks.is_empty() {
            let cleared = paths.iter().filter(|path| written.has(path));
            return cleared
                .map(|path| Change::file_cleared(&self.workspace, path))
                .collect();
        }
        if self.replaces == Replaces::Everything {
            return self.marked(paths);
        }
        // One of them may have been moved to the place of another.
        let before = self.marks.len();
        for path in &paths {
            add_all(&mut self.marks, written.marks_of(path));
        }
        let is_news = |path: &PathBuf| before > 0 || written.covering(path).is_none();
        let paths = paths.into_iter().filter(is_news).collect();
        self.marked(paths)
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

/// Tells whether a command that is confined like this can reach more than the workspace.
pub(super) const fn reaches_out(sandbox: &SandboxConfig) -> bool {
    match sandbox.level {
        SandboxLevel::None => true,
        SandboxLevel::Relaxed | SandboxLevel::Strict => sandbox.network_access,
    }
}

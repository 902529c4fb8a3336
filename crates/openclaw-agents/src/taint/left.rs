//! What a call leaves behind: files that carry a stranger's words from now on, or no longer.

use std::path::{Path, PathBuf};

use openclaw_core::events::Change;
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_sandbox::{SandboxConfig, SandboxLevel};

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
    pub(crate) fn of(
        rules: &TaintRules,
        view: &View,
        call: (&str, Touch),
        (workspace, sandbox): (&Path, &SandboxConfig),
    ) -> Self {
        let (kind, touch) = call;
        let mut marks = view.marks().to_vec();
        let runs = touch == Touch::Commands;
        if runs && marks.is_empty() && reaches_out(sandbox) {
            let mark = rules.mark(Source::Command);
            marks.extend((mark.trust == Trust::Untrusted).then_some(mark));
        }
        Self {
            workspace: workspace.to_owned(),
            changed: (runs && !marks.is_empty()).then(|| Changed::from_now(workspace)),
            marks,
            replaces: if kind == "write" {
                Replaces::Everything
            } else {
                Replaces::Parts
            },
        }
    }

    /// Returns what is to be recorded of it; `wrote` is what the tool says that it wrote.
    pub(crate) async fn left(self, wrote: &[PathBuf], written: &WrittenFiles) -> Vec<Change> {
        let relative = wrote
            .iter()
            .map(|path| path.strip_prefix(&self.workspace).unwrap_or(path));
        if self.marks.is_empty() {
            if self.replaces == Replaces::Parts {
                return Vec::new();
            }
            let cleared = relative.filter(|path| written.has(path));
            return cleared
                .map(|path| Change::file_cleared(&self.workspace, path))
                .collect();
        }
        let mut paths: Vec<PathBuf> = relative.map(Path::to_owned).collect();
        if let Some(changed) = self.changed {
            paths.extend(changed.paths().await);
        }
        let marks = self.marks;
        paths
            .into_iter()
            .map(|path| Change::file_written(&self.workspace, &path, marks.clone()))
            .collect()
    }
}

/// Tells whether a command that is confined like this can reach more than the workspace.
pub(super) const fn reaches_out(sandbox: &SandboxConfig) -> bool {
    match sandbox.level {
        SandboxLevel::None => true,
        SandboxLevel::Relaxed | SandboxLevel::Strict => sandbox.network_access,
    }
}

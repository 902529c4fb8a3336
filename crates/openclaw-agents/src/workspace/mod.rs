//! The files of a workspace that the model is given with every turn: who it is, whom it works
//! for, and what it shall remember.
//!
//! `audience` decides what a session may see, `cut` what of long files fits, `seed` makes the
//! files of a new workspace. A file is read again when its time or size has changed, so what an
//! agent or its user writes is there in the next turn.

mod audience;
mod cut;
mod seed;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use openclaw_core::SessionKey;
use parking_lot::Mutex;

pub use audience::Audience;
pub use seed::{SeedError, Seeding, seed};

use crate::confined::{Confined, ConfinedError, Stamp};

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// The folder of notes by day.
const DIARY: &str = "memory";

/// What happens when a file is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    /// The model is told that it is missing.
    Told,
    /// Nothing is said.
    Silent,
}

/// A file that the model is given.
#[derive(Clone, Copy, Debug)]
struct Known {
    name: &'static str,
    /// The name that it had earlier.
    formerly: Option<&'static str>,
    absence: Absence,
    /// How long it may be, if less than others.
    max_chars: Option<usize>,
}

const fn known(name: &'static str, absence: Absence) -> Known {
    Known {
        name,
        formerly: None,
        absence,
        max_chars: None,
    }
}

/// The files, in the order in which the model gets them.
///
/// OpenClaw 2026.9 no longer makes TOOLS.md and HEARTBEAT.md; workspaces of earlier releases have
/// them.
const FILES: [Known; 8] = [
    known("AGENTS.md", Absence::Told),
    known("SOUL.md", Absence::Told),
    known("IDENTITY.md", Absence::Told),
    Known {
        max_chars: Some(4_000),
        ..known("USER.md", Absence::Silent)
    },
    known("TOOLS.md", Absence::Silent),
    known("HEARTBEAT.md", Absence::Silent),
    known("BOOTSTRAP.md", Absence::Silent),
    Known {
        formerly: Some("memory.md"),
        ..known("MEMORY.md", Absence::Silent)
    },
];

/// Returns the names of the files that the model is given.
pub(crate) fn given_names() -> impl Iterator<Item = &'static str> {
    FILES
        .iter()
        .flat_map(|known| std::iter::once(known.name).chain(known.formerly))
}

/// Tells whether a file of a workspace, by its path there, is one that the model is given.
pub(crate) fn is_given(path: &Path) -> bool {
    given_names().any(|name| path == Path::new(name))
}

/// How much of the workspace's files the model is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextLimits {
    /// The most characters of one file (`bootstrapMaxChars`).
    pub max_chars: usize,
    /// The most characters of all files (`bootstrapTotalMaxChars`).
    pub total_max_chars: usize,
}

impl Default for ContextLimits {
    fn default() -> Self {
        Self {
            max_chars: 20_000,
            total_max_chars: 60_000,
        }
    }
}

/// The files of one agent's workspace, read anew whenever they have changed.
#[derive(Clone, Debug, Default)]
pub struct ContextFiles(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    limits: ContextLimits,
    read: Mutex<HashMap<&'static str, (Stamp, Arc<str>)>>,
}

/// What of a workspace goes into one system prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// The files, in order.
    pub(crate) files: Vec<ContextFile>,
    /// Whether any of them was cut.
    pub(crate) is_cut: bool,
    /// Whether there are notes by day that this session may read.
    pub(crate) has_diary: bool,
}

/// A file as the model is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContextFile {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

impl ContextFiles {
    /// Makes the files of an agent; without this, the model is given none.
    pub fn new(limits: ContextLimits) -> Self {
        Self(Some(Arc::new(Inner {
            limits,
            read: Mutex::default(),
        })))
    }

    /// Reads what a session is given. Blocks on the file system.
    pub(crate) fn load(&self, workspace: &Path, session: &SessionKey) -> Context {
        let Some(inner) = &self.0 else {
            return Context::default();
        };
        inner.load(workspace, Audience::of(session))
    }
}

impl Inner {
    fn load(&self, workspace: &Path, audience: Audience) -> Context {
        let folder = match Confined::open(workspace) {
            Ok(folder) => folder,
            Err(err) => {
                tracing::warn!(workspace = %workspace.display(), %err, "the workspace cannot be read");
                return Context::default();
            }
        };
        let mut context = Context {
            has_diary: audience.may_remember() && folder.root().join(DIARY).is_dir(),
            ..Context::default()
        };
        let mut left = self.limits.total_max_chars;
        for known in FILES.iter().filter(|known| audience.may_see(known.name)) {
            let Some(text) = self.text(&folder, known) else {
                continue;
            };
            let most = known
                .max_chars
                .unwrap_or(usize::MAX)
                .min(self.limits.max_chars);
            let Some(cut) = cut::fit(known.name, &text, most.min(left)) else {
                context.is_cut = true;
                break;
            };
            left = left.saturating_sub(crate::skills::length(&cut.text));
            context.is_cut |= cut.is_cut;
            context.files.push(ContextFile {
                name: known.name,
                text: cut.text,
            });
        }
        context
    }

    /// Returns a file's text, or what is said in its place; nothing if nothing is said.
    fn text(&self, folder: &Confined, known: &Known) -> Option<Arc<str>> {
        let read = |name| self.read(folder, known.name, name);
        let found = match (read(known.name), known.formerly) {
            (Err(ConfinedError::Missing), Some(formerly)) => read(formerly),
            (found, _) => found,
        };
        match (found, known.absence) {
            (Ok(text), _) => Some(text).filter(|text| !text.trim().is_empty()),
            (Err(ConfinedError::Missing), Absence::Silent) => None,
            (Err(ConfinedError::Missing), Absence::Told) => {
                Some(format!("[there is no {} in the workspace]", known.name).into())
            }
            (Err(err), _) => {
                tracing::warn!(file = known.name, %err, "a file of the workspace cannot be read");
                Some(format!("[{} cannot be given to you: {err}]", known.name).into())
            }
        }
    }

    fn read(
        &self,
        folder: &Confined,
        key: &'static str,
        name: &str,
    ) -> Result<Arc<str>, ConfinedError> {
        let opened = folder.file(Path::new(name))?;
        let stamp = opened.stamp;
        if let Some((known, text)) = self.read.lock().get(key)
            && *known == stamp
        {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = opened.text(MAX_FILE_BYTES)?.into();
        self.read.lock().insert(key, (stamp, Arc::clone(&text)));
        Ok(text)
    }
}

#[cfg(test)]
mod tests;

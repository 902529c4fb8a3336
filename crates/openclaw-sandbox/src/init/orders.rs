//! What the first program of a sandbox is told, in a file that exists only in memory.

use std::{os::fd::RawFd, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Everything to do before the command begins, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Orders {
    /// Who wrote them; an executable of another version does not follow them.
    pub(crate) version: String,
    /// Where to write what could not be done, and that the command begins.
    pub(crate) report: RawFd,
    /// The control groups to enter: each is a `cgroup.procs`, open for writing.
    pub(crate) groups: Vec<RawFd>,
    /// The way out: a socket that takes the listener of the egress proxy.
    pub(crate) egress: Option<RawFd>,
    /// Resource limits, of this process and all that it starts.
    pub(crate) limits: Vec<Limit>,
    /// What Landlock leaves of the file system; without it Landlock is left out.
    pub(crate) files: Option<Files>,
    /// Whether system calls are filtered.
    pub(crate) filter: bool,
    /// Whether to go on without a guard that this kernel does not have.
    pub(crate) degradable: bool,
    /// What follows.
    pub(crate) then: Then,
}

/// One resource limit; the hard limit never exceeds the one in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    pub(crate) resource: Resource,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// What is limited, by the names of setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Resource {
    Core,
    Cpu,
    Data,
    Fsize,
    Nofile,
    Nproc,
}

/// The trees that may be used; everything else of the file system may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Files {
    /// May be read and executed.
    pub(crate) read: Vec<PathBuf>,
    /// May be written, too.
    pub(crate) write: Vec<PathBuf>,
}

/// What the first program does when it has given everything up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Then {
    /// Become the command in the arguments.
    Command,
    /// Try to escape; the `openclaw sandbox test` of this machine.
    Attempts(Vec<String>),
}

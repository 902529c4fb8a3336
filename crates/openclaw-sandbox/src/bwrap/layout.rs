//! What of this host is shown inside a sandbox, read-only.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The directories of programs and libraries beside `/usr`, which on most systems are links to it.
const PROGRAMS: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Files that tell of the whole machine rather than of the sandbox, and read as errors inside.
const MASKED: [&str; 9] = [
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/key-users",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/sched_debug",
    "/proc/slabinfo",
    "/proc/timer_list",
    "/proc/vmallocinfo",
];

/// How one of the directories beside `/usr` exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// As a symlink to this.
    Link(PathBuf),
    /// As a directory of its own.
    Directory,
}

/// What this host has of the things that not every host has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The directories of programs beside `/usr`.
    pub(crate) roots: Vec<(PathBuf, Root)>,
    /// The files of `/proc` to hide; one that does not exist could not be mounted over.
    pub(crate) masked: Vec<PathBuf>,
}

impl Layout {
    /// Looks at this host. Blocks on the file system.
    pub(crate) fn of_this_host() -> Self {
        let roots = PROGRAMS
            .iter()
            .filter_map(|path| Some((PathBuf::from(path), root(Path::new(path))?)))
            .collect();
        let masked = MASKED
            .iter()
            .map(PathBuf::from)
            .filter(|path| path.exists())
            .collect();
        Self { roots, masked }
    }
}

fn root(path: &Path) -> Option<Root> {
    fs::read_link(path)
        .map(Root::Link)
        .ok()
        .or_else(|| path.is_dir().then_some(Root::Directory))
}

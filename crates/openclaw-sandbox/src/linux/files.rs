//! Which trees Landlock leaves to a command.

use std::path::{Path, PathBuf};

use super::{Access, Run, Scratch};
use crate::{
    bwrap::{
        arguments::PRIVATE,
        layout::{self, ETC},
    },
    init::orders::Files,
};

/// Devices that hold nothing, and the terminal.
const DEVICES: [&str; 8] = [
    "/dev/full",
    "/dev/null",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
];

/// Where the system keeps programs and libraries, and the kernel what it says of processes.
const SYSTEM: [&str; 2] = ["/usr", "/proc"];

/// Files of `/etc` that bubblewrap replaces by others of the same names.
const REPLACED: [&str; 3] = ["group", "hosts", "passwd"];

/// Returns what a run may use.
pub(super) fn of(run: &Run<'_>) -> Files {
    let mut read: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    read.extend(layout::roots().into_iter().map(|(path, _)| path));
    read.extend(run.places.read_only.iter().cloned());
    let mut write = run.places.workspaces.clone();
    let mut list = Vec::new();
    match run.scratch.map(Scratch::path) {
        // What mounts leave of these folders is meant for the command.
        None => {
            list.push(PathBuf::from("/"));
            read.extend(["/dev", "/etc"].map(PathBuf::from));
            write.extend(PRIVATE.iter().map(|(path, _, _)| PathBuf::from(path)));
        }
        Some(home) => {
            let etc = ETC.iter().chain(&REPLACED);
            read.extend(etc.map(|name| Path::new("/etc").join(name)));
            if matches!(run.access, Access::Host) {
                read.push(PathBuf::from("/etc/resolv.conf"));
            }
            write.push(home.to_owned());
        }
    }
    Files {
        list,
        read,
        write,
        devices: DEVICES.iter().map(PathBuf::from).collect(),
    }
}

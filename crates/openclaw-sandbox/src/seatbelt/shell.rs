//! The shell that gives up what a command must not have, and becomes the command.
//!
//! Resource limits have to be set by the process that is to have them, and inherited descriptors
//! closed by it. The shell does both, inside the sandbox, and says so before the command begins.

use std::{ffi::OsString, fmt::Write as _, os::fd::RawFd};

use rustix::process::{Resource as Name, getrlimit};

use crate::limits::{Limit, Resource};

/// Named by its own name: `/bin/sh` is one of three shells here, with units of their own.
pub(super) const SHELL: &str = "/bin/bash";

/// What the shell writes when everything is given up.
pub(super) const BEGAN: &str = "began";

/// The most open files for which a Mac can be asked, where no limit is in force.
const OPEN_FILES: u64 = 10_240;

/// Closes all descriptors but the standard ones; the kernel lists them by their numbers.
const CLOSE: &str = "for d in /dev/fd/*; do n=${d##*/}; case $n in [0-2] | *[!0-9]*) ;; *) eval \
                     \"exec $n>&-\" ;; esac; done";

/// Returns the arguments that run `argv` with these limits.
///
/// [`BEGAN`] is written to the descriptor `report`, which the command does not inherit.
pub(super) fn limited(limits: &[Limit], argv: &[OsString], report: RawFd) -> Vec<OsString> {
    let script = script(limits, ceiling, report);
    // With -p the shell takes neither functions nor a start file from the environment.
    let own = [SHELL, "-p", "-c", &script, "sandbox"].map(OsString::from);
    own.into_iter().chain(argv.iter().cloned()).collect()
}

/// The hard limit of this process, which no child can exceed; asking for more would be an error.
fn ceiling(resource: Resource) -> u64 {
    let name = match resource {
        Resource::Core => Name::Core,
        Resource::Cpu => Name::Cpu,
        Resource::Data => Name::Data,
        Resource::Fsize => Name::Fsize,
        Resource::Nofile => Name::Nofile,
        Resource::Nproc => Name::Nproc,
    };
    let hard = getrlimit(name).maximum.unwrap_or(u64::MAX);
    match resource {
        Resource::Nofile => hard.min(OPEN_FILES),
        Resource::Core | Resource::Cpu | Resource::Data | Resource::Fsize | Resource::Nproc => hard,
    }
}

/// A limit that cannot be set ends the shell before the command begins.
pub(super) fn script(limits: &[Limit], ceiling: impl Fn(Resource) -> u64, report: RawFd) -> String {
    let mut script = String::new();
    for limit in limits {
        let (flag, unit) = match limit.resource {
            Resource::Core => ("-c", 1024),
            Resource::Cpu => ("-t", 1),
            // The kernel of a Mac counts address space here, of which every program takes more
            // than it uses, and refuses a limit below what is taken already.
            Resource::Data => continue,
            Resource::Fsize => ("-f", 1024),
            Resource::Nofile => ("-n", 1),
            Resource::Nproc => ("-u", 1),
        };
        let most = ceiling(limit.resource);
        for (kind, value) in [("-S", limit.soft), ("-H", limit.hard)] {
            let value = value.min(most) / unit;
            // Writing to a string cannot fail.
            write!(script, "ulimit {kind} {flag} {value} && ").unwrap_or_default();
        }
    }
    write!(
        script,
        "echo {BEGAN} >&{report} && {{ {CLOSE}; exec -- \"$@\"; }}"
    )
    .unwrap_or_default();
    script
}

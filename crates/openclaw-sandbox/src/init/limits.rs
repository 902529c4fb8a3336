//! Resource limits, as the kernel takes them.

use rustix::{
    io,
    process::{Resource as Name, Rlimit, getrlimit, setrlimit},
};

use crate::limits::{Limit, Resource};

/// Sets one limit, soft and hard, so that the command cannot raise it again.
pub(super) fn set(limit: Limit) -> io::Result<()> {
    let name = name(limit.resource);
    // Asking for more than is in force would be an error, and is nothing that the limit is for.
    let ceiling = getrlimit(name).maximum.unwrap_or(u64::MAX);
    let hard = limit.hard.min(ceiling);
    setrlimit(
        name,
        Rlimit {
            current: Some(limit.soft.min(hard)),
            maximum: Some(hard),
        },
    )
}

/// Does something with as many descriptors allowed as can be.
///
/// The kernel refuses to send descriptors when more are on their way over sockets of this user than
/// the limit of the sender, and a command may have brought that about within its own.
pub(super) fn lifted<T>(what: impl FnOnce() -> T) -> io::Result<T> {
    let usual = getrlimit(Name::Nofile);
    setrlimit(
        Name::Nofile,
        Rlimit {
            current: usual.maximum,
            ..usual
        },
    )?;
    let done = what();
    setrlimit(Name::Nofile, usual)?;
    Ok(done)
}

fn name(resource: Resource) -> Name {
    match resource {
        Resource::Core => Name::Core,
        Resource::Cpu => Name::Cpu,
        Resource::Data => Name::Data,
        Resource::Fsize => Name::Fsize,
        Resource::Nofile => Name::Nofile,
        Resource::Nproc => Name::Nproc,
    }
}

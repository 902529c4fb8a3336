//! The sandbox of Linux: bubblewrap.
//!
//! [`find`] looks the program up, [`layout`] notes what of this host is shown inside,
//! [`arguments`] turns a plan into bubblewrap's arguments, and [`report`] reads what bubblewrap
//! says about its own work. Landlock, seccomp and control groups are not used here.

pub(crate) mod arguments;
pub(crate) mod find;
pub(crate) mod layout;
pub(crate) mod report;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Seek as _, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
    process,
};

use command_fds::CommandFdExt as _;
use rustix::fs::{MemfdFlags, memfd_create};

use self::{
    arguments::{Descriptors, Network, Plan},
    layout::Layout,
};
use crate::{
    Command, SandboxConfig, SandboxError, SandboxLevel, launcher, limits,
    places::Places,
    variables::{self, HOME},
};

/// Users that exist inside; the host's are nobody's business there.
const PASSWD: &str = "agent:x:1000:1000:agent:/home/agent:/bin/sh\n\
                      nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "agent:x:1000:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost ip6-loopback\n";

/// Bubblewrap ready to be started.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) process: process::Command,
    /// Where bubblewrap writes what it did; read it by [`report::read`] when bubblewrap has ended.
    pub(crate) report: File,
}

/// Prepares bubblewrap at `program` for a run of `command`. Blocks on the file system.
pub(crate) fn prepare(
    program: &Path,
    config: &SandboxConfig,
    command: &Command,
    places: &Places,
) -> Result<Prepared, SandboxError> {
    let broken = |source| SandboxError::Io {
        action: "preparing the sandbox",
        source,
    };
    let report = memory("report", b"").map_err(broken)?;
    let passwd = memory("passwd", PASSWD.as_bytes()).map_err(broken)?;
    let group = memory("group", GROUP.as_bytes()).map_err(broken)?;
    let hosts = memory("hosts", HOSTS.as_bytes()).map_err(broken)?;
    let plan = Plan {
        layout: &Layout::of_this_host(),
        places,
        variables: &variables::environment(config.level, command),
        network: match config.level {
            SandboxLevel::Relaxed if config.network_access => Network::Shared,
            SandboxLevel::None | SandboxLevel::Relaxed | SandboxLevel::Strict => Network::Unshared,
        },
        descriptors: Descriptors {
            report: report.as_raw_fd(),
            passwd: passwd.as_raw_fd(),
            group: group.as_raw_fd(),
            hosts: hosts.as_raw_fd(),
        },
    };
    let arguments = memory("arguments", &joined(&arguments::of(&plan))).map_err(broken)?;

    let mut process = launcher::command(program);
    process.current_dir("/");
    // Arguments by descriptor do not show in the host's process list, where variables and paths
    // would be for everyone to read.
    process.arg("--args").arg(arguments.as_raw_fd().to_string());
    process.arg("--").args(limits::limited(config, command));
    let ours = report.try_clone().map_err(broken)?;
    // Each descriptor keeps its number in the child. A chosen number might be that of the pipe by
    // which the standard library learns that the program did not start.
    let passed = [arguments, report, passwd, group, hosts].map(OwnedFd::from);
    process.preserved_fds(Vec::from(passed));
    Ok(Prepared {
        process,
        report: ours,
    })
}

/// Returns a file that exists only in memory, positioned at its beginning.
fn memory(name: &str, content: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}

fn joined(arguments: &[OsString]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for argument in arguments {
        bytes.extend_from_slice(argument.as_bytes());
        bytes.push(0);
    }
    bytes
}

const _: () = assert!(
    matches!(HOME.as_bytes(), b"/home/agent"),
    "PASSWD names the same home"
);

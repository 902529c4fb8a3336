//! The sandbox of Linux: bubblewrap.
//!
//! [`find`] looks the program up, [`layout`] notes what of this host is shown inside,
//! [`arguments`] turns a plan into bubblewrap's arguments, and [`report`] reads what bubblewrap
//! says about its own work. What comes after bubblewrap is the work of [`crate::init`].

pub(crate) mod arguments;
pub(crate) mod find;
pub(crate) mod layout;
pub(crate) mod report;

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
    process::{self, Output},
    time::Duration,
};

use command_fds::CommandFdExt as _;
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

use self::{
    arguments::{Init, Network, Plan},
    layout::Layout,
};
use crate::{
    SandboxError,
    init::{find::Source, memory},
    launcher,
    places::Places,
    sandbox::PATIENCE,
    variables::HOME,
};

/// Users that exist inside; the host's are nobody's business there.
const PASSWD: &str = "agent:x:1000:1000:agent:/home/agent:/bin/sh\n\
                      nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "agent:x:1000:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost ip6-loopback\n";

/// What bubblewrap is put around.
#[derive(Debug)]
pub(crate) struct Enclosure<'a> {
    /// Bubblewrap itself.
    pub(crate) program: &'a Path,
    /// The first program inside.
    pub(crate) init: Source,
    pub(crate) places: &'a Places,
    pub(crate) network: Network,
    pub(crate) variables: &'a [(OsString, OsString)],
    /// What the first program becomes.
    pub(crate) argv: &'a [OsString],
}

/// Returns bubblewrap ready to be started, and where it writes what it did; read that by
/// [`report::read`] when bubblewrap has ended. Blocks on the file system.
pub(crate) fn prepare(enclosure: Enclosure<'_>) -> io::Result<(process::Command, File)> {
    let report = memory::file("bubblewrap", b"")?;
    let layout = Layout::of_this_host();
    let files = files(&layout)?;
    let numbers: Vec<(PathBuf, RawFd)> = files
        .iter()
        .map(|(path, file)| (path.clone(), file.as_raw_fd()))
        .collect();
    let plan = Plan {
        layout: &layout,
        init: match &enclosure.init {
            Source::Path(path) => Init::Path(path),
            Source::Content(file) => Init::Content(file.as_raw_fd()),
        },
        places: enclosure.places,
        variables: enclosure.variables,
        network: enclosure.network,
        files: &numbers,
        report: report.as_raw_fd(),
    };
    let arguments = memory::file("arguments", &joined(&arguments::of(&plan)))?;

    let mut process = launcher::command(enclosure.program);
    process.current_dir("/");
    // Arguments by descriptor do not show in the host's process list, where variables and paths
    // would be for everyone to read.
    process.arg("--args").arg(arguments.as_raw_fd().to_string());
    process.arg("--").arg(arguments::init());
    process.arg("--").args(enclosure.argv);
    let ours = report.try_clone()?;
    // Each descriptor keeps its number in the child. A chosen number might be that of the pipe by
    // which the standard library learns that the program did not start.
    let mut passed = vec![arguments, report];
    passed.extend(files.into_iter().map(|(_, file)| file));
    if let Source::Content(file) = enclosure.init {
        passed.push(file);
    }
    process.preserved_fds(passed.into_iter().map(OwnedFd::from).collect());
    Ok((process, ours))
}

/// Returns the files that are in the sandbox as copies: those that are made up, and those of this
/// host that are small. What cannot be read here is not there for the command, either.
fn files(layout: &Layout) -> io::Result<Vec<(PathBuf, File)>> {
    let made_up = [
        ("/etc/passwd", PASSWD),
        ("/etc/group", GROUP),
        ("/etc/hosts", HOSTS),
    ];
    let mut files = Vec::new();
    for (path, content) in made_up {
        files.push((PathBuf::from(path), memory::file(path, content.as_bytes())?));
    }
    for path in &layout.copied {
        if let Ok(file) = File::open(path) {
            files.push((path.clone(), file));
        }
    }
    Ok(files)
}

/// Finds out whether bubblewrap can make namespaces here, by making some.
pub(crate) fn attempt(program: &Path) -> Result<(), SandboxError> {
    let mut process = launcher::command(program);
    process.args(arguments::ISOLATION).arg("--unshare-net");
    process.args(["--ro-bind", "/", "/", "--", "true"]);
    let output = within(PATIENCE, process).map_err(|source| SandboxError::Spawn {
        program: program.to_owned(),
        source,
    })?;
    let Some(output) = output else {
        return Err(SandboxError::SetupFailed {
            detail: format!("bubblewrap takes longer than {PATIENCE:?}"),
        });
    };
    if output.status.success() {
        return Ok(());
    }
    Err(report::complaint(&output.stderr))
}

/// Runs a program and returns its output, unless it takes longer than this.
fn within(limit: Duration, mut process: process::Command) -> io::Result<Option<Output>> {
    let mut child = process.spawn()?;
    let group = Pid::from_child(&child);
    let ended = pidfd_open(group, PidfdFlags::empty()).and_then(|watch| {
        let mut ended = [PollFd::new(&watch, PollFlags::IN)];
        poll(&mut ended, Some(&limit.try_into().unwrap_or_default()))
    });
    // Until the leader is waited for, its group cannot be another one.
    kill_process_group(group, Signal::KILL).unwrap_or_default();
    if ended? == 0 {
        child.wait()?;
        return Ok(None);
    }
    child.wait_with_output().map(Some)
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

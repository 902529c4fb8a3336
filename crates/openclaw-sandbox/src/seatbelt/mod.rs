//! The sandbox of macOS: Seatbelt, by the system's own `sandbox-exec`.
//!
//! [`profile`] renders what a command may do from [`allowed`], which is the same for every command,
//! and from the folders of the run; [`pattern`] is about the protected paths. [`shell`] sets limits,
//! and [`scratch`] is the home and the place for temporary files.
//!
//! There are no namespaces on a Mac, so a profile takes away and replaces nothing: a command sees
//! the processes, users and addresses of the machine as they are where it may see them at all, what
//! listens on the loopback device is that of the machine, and a process that leaves the process group
//! of the run outlives it, still inside the sandbox. Nothing limits the memory of a command.

mod allowed;
mod pattern;
mod profile;
mod scratch;
mod shell;

#[cfg(test)]
mod tests;

#[cfg(target_os = "macos")]
mod run;

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _},
    net::{Ipv4Addr, TcpListener},
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
    process,
};

use command_fds::CommandFdExt as _;

#[cfg(target_os = "macos")]
pub(crate) use self::run::prepare as prepare_run;
use self::{
    pattern::Patterns,
    profile::{Folders, Network, Profile},
    scratch::Scratch,
};
use crate::{
    Command, Egress, Guard, Reach, SandboxConfig, SandboxError, SandboxLevel, launcher, limits,
    protected::{NAMES, ProtectionFault},
    variables::{self, Additions},
};

/// What puts a program into a sandbox; its place is not one that a search path could change.
pub(crate) const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// Where the package manager of most Macs puts programs.
const PROGRAMS: &str = "/opt/homebrew/bin";

/// Variables by which the loader takes code into every program, the one above among them.
const LOADER: &str = "DYLD_";

/// Everything that a sandbox is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) config: &'a SandboxConfig,
    pub(crate) command: &'a Command,
    /// What may be written; absolute, without symlinks, and existing.
    pub(crate) workspaces: &'a [PathBuf],
    /// What may be read besides, folders of programs among it.
    pub(crate) read_only: &'a [PathBuf],
    /// Folders of programs; each may have a `bin`.
    pub(crate) toolchains: &'a [PathBuf],
    /// Paths of every workspace that are protected beside the usual ones.
    pub(crate) protected: &'a [PathBuf],
    pub(crate) cwd: Option<&'a Path>,
    pub(crate) reach: &'a Reach,
}

/// A run that is ready to be started.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) program: &'static str,
    pub(crate) process: process::Command,
    pub(crate) means: Means,
}

/// What belongs to a run until it has ended.
#[derive(Debug)]
pub(crate) struct Means {
    /// What is served to the command on a port of the loopback device, and by whom.
    pub(crate) proxy: Option<(TcpListener, Egress)>,
    /// What this system does not have of what was asked for.
    pub(crate) degraded: Vec<Guard>,
    report: File,
    level: SandboxLevel,
    scratch: Option<Scratch>,
}

impl Means {
    /// Refuses if the command never began; to be asked when its first process has ended.
    ///
    /// What the system said about it is at the beginning of `stderr`.
    pub(crate) fn check(&mut self, stderr: &[u8]) -> Result<(), SandboxError> {
        let mut said = [0; shell::BEGAN.len()];
        // The shell is the only one that ever writes here, and it has closed its end.
        match self.report.read_exact(&mut said) {
            Ok(()) => Ok(()),
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => {
                Err(SandboxError::GuardMissing {
                    guard: match self.level {
                        SandboxLevel::None => Guard::Limits,
                        SandboxLevel::Relaxed | SandboxLevel::Strict => Guard::Seatbelt,
                    },
                    detail: String::from_utf8_lossy(stderr).trim().to_owned(),
                })
            }
            Err(source) => Err(broken(source)),
        }
    }
}

/// Prepares a run of a command. Blocks on the file system.
pub(crate) fn prepare(plan: &Plan<'_>) -> Result<Prepared, SandboxError> {
    let (report, theirs) = io::pipe().map_err(broken)?;
    let theirs = OwnedFd::from(theirs);
    let limits = limits::of(plan.config, &plan.command.limits);
    let argv = shell::limited(&limits, &plan.command.argv, theirs.as_raw_fd());
    let memory = plan.config.max_memory.map(|_| Guard::Limits);
    let mut means = Means {
        proxy: None,
        degraded: memory.into_iter().collect(),
        report: File::from(OwnedFd::from(report)),
        level: plan.config.level,
        scratch: None,
    };
    let (program, mut process) = match plan.config.level {
        SandboxLevel::None => (shell::SHELL, outside(plan, &argv)),
        SandboxLevel::Relaxed | SandboxLevel::Strict => (PROGRAM, inside(plan, &argv, &mut means)?),
    };
    process.preserved_fds(vec![theirs]);
    Ok(Prepared {
        program,
        process,
        means,
    })
}

/// Returns a run that has limits, and no sandbox.
fn outside(plan: &Plan<'_>, argv: &[OsString]) -> process::Command {
    let mut process = launcher::command(Path::new(shell::SHELL));
    // The first of them is the shell's name.
    process.args(argv.iter().skip(1));
    process.envs(environment(plan, &Additions::default()));
    if let Some(cwd) = plan.cwd {
        process.current_dir(cwd);
    }
    process
}

fn inside(
    plan: &Plan<'_>,
    argv: &[OsString],
    means: &mut Means,
) -> Result<process::Command, SandboxError> {
    let scratch = Scratch::make().map_err(broken)?;
    let (network, proxy) = network(plan.config, plan.reach)?;
    let profile = profile(plan, scratch.path(), network)?;
    let mut process = launcher::command(Path::new(PROGRAM));
    process.arg("-p").arg(profile.text);
    for (name, path) in profile.parameters {
        let mut parameter = OsString::from(name);
        parameter.push("=");
        parameter.push(path);
        process.arg("-D").arg(parameter);
    }
    process.args(argv);
    let toolchains = plan.toolchains.iter().map(|folder| folder.join("bin"));
    let additions = Additions {
        programs: toolchains.chain([PathBuf::from(PROGRAMS)]).collect(),
        proxy: match network {
            Network::Proxy(port) => Some(port),
            Network::Nothing | Network::Host => None,
        },
        home: Some(scratch.path()),
    };
    process.envs(environment(plan, &additions));
    process.current_dir(plan.cwd.unwrap_or(scratch.path()));
    means.proxy = proxy;
    means.scratch = Some(scratch);
    Ok(process)
}

/// Returns what a configuration comes to, and the proxy if there is to be one.
fn network(
    config: &SandboxConfig,
    reach: &Reach,
) -> Result<(Network, Option<(TcpListener, Egress)>), SandboxError> {
    if !config.network_access {
        return Ok((Network::Nothing, None));
    }
    match reach {
        Reach::Nowhere => Err(SandboxError::NoEgress),
        Reach::Host => Ok((Network::Host, None)),
        Reach::Proxy(egress) => {
            let listen = || {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                listener.set_nonblocking(true)?;
                Ok((listener.local_addr()?.port(), listener))
            };
            let (port, listener) = listen().map_err(broken)?;
            Ok((Network::Proxy(port), Some((listener, egress.clone()))))
        }
    }
}

fn profile(plan: &Plan<'_>, scratch: &Path, network: Network) -> Result<Profile, SandboxError> {
    let mut patterns = Patterns::default();
    for workspace in plan.workspaces {
        symlinks(workspace, plan.protected)?;
        let exists = |path: &Path| path.symlink_metadata().is_ok();
        patterns.add(workspace, exists, plan.protected);
    }
    let mut written = plan.workspaces.to_vec();
    written.push(scratch.to_owned());
    let folders = Folders {
        written: &written,
        read: plan.read_only,
    };
    Ok(profile::render(folders, network, &patterns))
}

/// Refuses protected paths that are symlinks: a rule is about where they lead to.
fn symlinks(workspace: &Path, extra: &[PathBuf]) -> Result<(), SandboxError> {
    let names = NAMES.iter().map(|(name, _)| Path::new(name));
    for path in names.chain(extra.iter().map(PathBuf::as_path)) {
        let path = workspace.join(path);
        if path.is_symlink() {
            return Err(SandboxError::ProtectedPath {
                path,
                fault: ProtectionFault::Symlink,
            });
        }
    }
    Ok(())
}

fn environment(
    plan: &Plan<'_>,
    additions: &Additions<'_>,
) -> impl Iterator<Item = (OsString, OsString)> {
    variables::environment(plan.config.level, plan.command, additions)
        .into_iter()
        .filter(|(name, _)| !name.as_encoded_bytes().starts_with(LOADER.as_bytes()))
}

fn broken(source: io::Error) -> SandboxError {
    SandboxError::Io {
        action: "preparing the sandbox",
        source,
    }
}

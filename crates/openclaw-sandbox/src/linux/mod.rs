//! How a run is put together on Linux.
//!
//! Whatever the level, the command is started by our own first program; see [`crate::init`]. At
//! level None that does nothing but set limits. At the others bubblewrap is around it, or, where
//! bubblewrap is missing and may be, Landlock and the filter of system calls stand alone.
//!
//! [`prepare`] does it, [`access`] is how far the network reaches, [`files`] which trees Landlock
//! leaves, [`input`] the standard input, and [`scratch`] the home of a command that has no mounts
//! of its own.

mod access;
mod files;
mod input;
mod scratch;

use std::{
    ffi::OsString,
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{self, Stdio},
};

use command_fds::CommandFdExt as _;

pub(crate) use self::input::{Input, Terminal, feed};
use self::{access::Access, scratch::Scratch};
use crate::{
    Command, Egress, Guard, Sandbox, SandboxConfig, SandboxError, SandboxLevel, Stdin,
    bwrap::{self, Enclosure},
    cgroup::Group,
    init::{
        NAME,
        find::{self, Found, Wish},
        handover::Handover,
        memory,
        orders::{Orders, Privileges, Surroundings, Then},
        report::Account,
    },
    launcher, limits,
    places::Places,
    prepared::Prepared,
    protected::Seen,
    variables::{self, Additions},
};

/// Where the proxy listens, seen from inside; nothing else is on that loopback device.
const PROXY_PORT: u16 = 3128;

/// What belongs to a run until it has ended.
#[derive(Debug)]
pub(crate) struct Means {
    /// What bubblewrap says, if there is one.
    pub(crate) bubblewrap: Option<fs::File>,
    /// What the first program says; see [`Account`].
    account: fs::File,
    /// Where the listener of the proxy comes from, and who serves it.
    pub(crate) proxy: Option<(UnixStream, Egress)>,
    missing: Option<Guard>,
    // What is dropped only with the run.
    pub(crate) group: Option<Group>,
    places: Places,
    _scratch: Option<Scratch>,
}

impl Means {
    /// Returns what the first program has said so far.
    pub(crate) fn account(&self) -> Result<Account, SandboxError> {
        Account::read(&self.account).map_err(|source| SandboxError::Io {
            action: "reading the sandbox's report",
            source,
        })
    }

    /// Puts the workspaces in order when every process of the run has ended; the error is what
    /// could not be.
    pub(crate) async fn settle(&mut self) -> Result<(), SandboxError> {
        let mut protection = std::mem::take(&mut self.places.protection);
        let settled = tokio::task::spawn_blocking(move || protection.settle());
        settled.await.unwrap_or(Err(SandboxError::Lost {
            task: "the look at the workspace",
        }))
    }

    /// Returns every guard that was left out.
    pub(crate) fn degraded(&self, account: &Account) -> Vec<Guard> {
        self.missing
            .into_iter()
            .chain(account.missing.iter().copied())
            .collect()
    }
}

/// One run before it is started.
#[derive(Debug)]
struct Run<'a> {
    sandbox: &'a Sandbox,
    config: &'a SandboxConfig,
    command: &'a Command,
    places: &'a Places,
    /// The bubblewrap around it.
    bubblewrap: Option<&'a Path>,
    access: &'a Access,
    scratch: Option<&'a Scratch>,
}

/// Puts a run together. Blocks on the file system.
pub(crate) fn prepare(
    sandbox: &Sandbox,
    config: &SandboxConfig,
    command: &Command,
    places: Places,
    then: Then,
) -> Result<Prepared, SandboxError> {
    let (bubblewrap, missing) = enclosure(sandbox, config, &places)?;
    let access = Access::of(config, &sandbox.reach, bubblewrap.as_deref())?;
    let scratch = match missing {
        Some(_) => Some(Scratch::make().map_err(broken)?),
        None => None,
    };
    let group = group(config, command);
    let run = Run {
        sandbox,
        config,
        command,
        places: &places,
        bubblewrap: bubblewrap.as_deref(),
        access: &access,
        scratch: scratch.as_ref(),
    };
    let found = find::init(Wish {
        named: sandbox.init.as_deref(),
        search: &sandbox.search,
        writable: &places.workspaces,
    })?;
    let account = memory::file("report", b"").map_err(broken)?;
    let (stdin, input) = input::open(&command.stdin).map_err(broken)?;
    let given = Handover {
        orders: &run.orders(then),
        report: &account,
        stdin,
        groups: group.as_ref().map_or(&[], Group::procs),
    }
    .give()
    .map_err(broken)?;
    let (program, mut process, report) = run.process(found)?;
    process.stdin(Stdio::from(OwnedFd::from(given.theirs)));
    if !given.inherited.is_empty() {
        process.preserved_fds(given.inherited);
    }
    Ok(Prepared {
        program,
        process,
        input,
        means: Some(Means {
            bubblewrap: report,
            account,
            proxy: access.egress().map(|egress| (given.ours, egress)),
            missing,
            group,
            places,
            _scratch: scratch,
        }),
    })
}

/// Returns the bubblewrap to use, or what is missing and may be.
fn enclosure(
    sandbox: &Sandbox,
    config: &SandboxConfig,
    places: &Places,
) -> Result<(Option<PathBuf>, Option<Guard>), SandboxError> {
    if config.level == SandboxLevel::None {
        return Ok((None, None));
    }
    let found = bwrap::find::bwrap(&sandbox.search, &places.workspaces).and_then(|program| {
        // Whether there are namespaces shows only in the attempt; where they have to be there, the
        // run itself is that.
        if sandbox.degradable {
            bwrap::attempt(&program)?;
        }
        Ok(program)
    });
    match found {
        Ok(program) => Ok((Some(program), None)),
        Err(SandboxError::BubblewrapMissing { .. }) if sandbox.degradable => {
            Ok((None, Some(Guard::Bubblewrap)))
        }
        Err(SandboxError::NamespacesUnavailable { .. }) if sandbox.degradable => {
            Ok((None, Some(Guard::Namespaces)))
        }
        Err(err) => Err(err),
    }
}

/// Returns a control group for the run, where one can be had.
fn group(config: &SandboxConfig, command: &Command) -> Option<Group> {
    match Group::make(config, &command.limits) {
        Ok(group) => group,
        Err(err) => {
            tracing::warn!(%err, "a command gets no control group, so each process is limited by itself");
            None
        }
    }
}

impl Run<'_> {
    fn orders(&self, then: Then) -> Orders {
        let contained = self.config.level != SandboxLevel::None;
        let has = |guard| contained && !self.sandbox.left_out.contains(&guard);
        Orders {
            version: Orders::VERSION.to_owned(),
            proxy: self.access.egress().map(|_| PROXY_PORT),
            seen: self.seen(),
            limits: limits::of(self.config, &self.command.limits),
            files: has(Guard::Landlock).then(|| files::of(self)),
            privileges: if contained {
                Privileges::None
            } else {
                Privileges::Kept
            },
            filter: has(Guard::Seccomp).then_some(match (self.bubblewrap, self.access) {
                (Some(_), _) => Surroundings::Namespaces,
                (None, Access::Host) => Surroundings::Machine,
                (None, Access::None | Access::Proxy(_)) => Surroundings::MachineOffline,
            }),
            // Bubblewrap sees to it where there is one.
            parent: (contained && self.bubblewrap.is_none()).then(process::id),
            degradable: self.sandbox.degradable,
            terminal: matches!(self.command.stdin, Stdin::Terminal(_)),
            then,
        }
    }

    /// Returns what the first program has to find at its place.
    fn seen(&self) -> Vec<Seen> {
        if self.config.level == SandboxLevel::None {
            return Vec::new();
        }
        let places = self.places;
        let seen = places.protection.seen().iter().chain(&places.identities);
        match self.bubblewrap {
            Some(_) => seen.cloned().collect(),
            None => seen.filter_map(Seen::unmounted).collect(),
        }
    }

    /// Returns the program and the process to start, and where bubblewrap will write its report.
    fn process(
        &self,
        found: Found,
    ) -> Result<(PathBuf, process::Command, Option<fs::File>), SandboxError> {
        let environment = variables::environment(
            self.config.level,
            self.command,
            &Additions {
                programs: programs(&self.places.toolchains),
                proxy: self.access.egress().map(|_| PROXY_PORT),
                home: self.scratch.map(Scratch::path),
            },
        );
        let Some(bubblewrap) = self.bubblewrap else {
            let process = self.bare(&found.program, environment);
            return Ok((found.program, process, None));
        };
        let (process, report) = bwrap::prepare(Enclosure {
            program: bubblewrap,
            init: found.source,
            places: self.places,
            network: self.access.network(),
            variables: &environment,
            argv: &self.command.argv,
        })
        .map_err(broken)?;
        Ok((bubblewrap.to_owned(), process, Some(report)))
    }

    /// The first program without anything around it.
    fn bare(&self, program: &Path, environment: Vec<(OsString, OsString)>) -> process::Command {
        let mut process = launcher::command(program);
        process
            .arg0(NAME)
            .arg("--")
            .args(&self.command.argv)
            .envs(environment);
        let cwd = self.places.cwd.as_deref();
        if let Some(cwd) = cwd.or(self.scratch.map(Scratch::path)) {
            process.current_dir(cwd);
        }
        process
    }
}

/// Returns where the programs of toolchains are.
fn programs(toolchains: &[PathBuf]) -> Vec<PathBuf> {
    let folders = toolchains.iter();
    let programs = folders.map(|folder| {
        let programs = folder.join("bin");
        if programs.is_dir() {
            programs
        } else {
            folder.clone()
        }
    });
    programs.collect()
}

fn broken(source: io::Error) -> SandboxError {
    SandboxError::Io {
        action: "preparing the sandbox",
        source,
    }
}

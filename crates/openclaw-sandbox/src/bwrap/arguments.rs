//! From a plan to bubblewrap's arguments; nothing here touches the system.
//!
//! The order matters: a mount hides what was mounted beneath its path before it.

use std::{
    ffi::OsString,
    os::fd::RawFd,
    path::{Path, PathBuf},
};

use super::layout::{Layout, Root};
use crate::{init, places::Places, protected::Mount, variables::HOME};

/// Writable directories that begin empty and go with the run: mode and size in bytes.
pub(crate) const PRIVATE: [(&str, &str, u64); 5] = [
    ("/tmp", "1777", 256 * MIB),
    ("/var/tmp", "1777", 64 * MIB),
    ("/run", "0755", 16 * MIB),
    ("/dev/shm", "1777", 64 * MIB),
    (HOME, "0700", 256 * MIB),
];

const MIB: u64 = 1024 * 1024;

/// The folder of the first program inside.
const INIT: &str = "/run/openclaw";

/// The user and group inside, whoever runs the gateway: never root.
const AGENT: &str = "1000";

/// What makes a sandbox one, in every case.
pub(crate) const ISOLATION: [&str; 10] = [
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--disable-userns",
    "--uid",
    AGENT,
    "--gid",
    AGENT,
];

/// Whether the sandbox has a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// The one of this host.
    Shared,
    /// A loopback device of its own and nothing else.
    Unshared,
}

/// Where the first program inside comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Init<'a> {
    /// This file.
    Path(&'a Path),
    /// The content of an open one.
    Content(RawFd),
}

/// Everything that a sandbox is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) init: Init<'a>,
    pub(crate) places: &'a Places,
    pub(crate) variables: &'a [(OsString, OsString)],
    pub(crate) network: Network,
    /// Files inside, each a copy of an open one.
    pub(crate) files: &'a [(PathBuf, RawFd)],
    /// Where bubblewrap writes what it did.
    pub(crate) report: RawFd,
}

/// Returns the path of the first program inside.
pub(crate) fn init() -> PathBuf {
    Path::new(INIT).join(init::NAME)
}

/// Returns the arguments that come before the command.
pub(crate) fn of(plan: &Plan<'_>) -> Vec<OsString> {
    let mut argv = Argv::default();
    isolation(&mut argv, plan);
    system(&mut argv, plan);
    private(&mut argv);
    match plan.init {
        Init::Path(path) => argv.add("--ro-bind").add(path),
        Init::Content(descriptor) => argv
            .add("--perms")
            .add("0755")
            .add("--ro-bind-data")
            .add(descriptor.to_string()),
    };
    argv.add(init());
    for folder in &plan.places.read_only {
        argv.add("--ro-bind").add(folder).add(folder);
    }
    // After those, so that a workspace within one of them can be written.
    for workspace in &plan.places.workspaces {
        argv.add("--bind").add(workspace).add(workspace);
    }
    for mount in plan.places.protection.mounts() {
        protect(&mut argv, mount);
    }
    // Mount points are made in the root, so it can be closed only now. What is mounted beneath
    // keeps its own mode.
    for path in ["/dev", "/proc", "/"] {
        argv.add("--remount-ro").add(path);
    }
    let cwd = plan.places.cwd.as_deref().unwrap_or(Path::new(HOME));
    argv.add("--chdir").add(cwd);
    argv.add("--clearenv");
    for (name, value) in plan.variables {
        argv.add("--setenv").add(name).add(value);
    }
    argv.0
}

fn isolation(argv: &mut Argv, plan: &Plan<'_>) {
    argv.add("--json-status-fd").add(plan.report.to_string());
    for flag in ISOLATION {
        argv.add(flag);
    }
    match plan.network {
        Network::Unshared => argv.add("--unshare-net"),
        Network::Shared => argv,
    };
    argv.add("--hostname").add("sandbox");
    argv.add("--cap-drop").add("ALL");
    argv.add("--new-session").add("--die-with-parent");
}

fn system(argv: &mut Argv, plan: &Plan<'_>) {
    argv.add("--ro-bind").add("/usr").add("/usr");
    for (path, root) in &plan.layout.roots {
        match root {
            Root::Link(target) => argv.add("--symlink").add(target).add(path),
            Root::Directory => argv.add("--ro-bind").add(path).add(path),
        };
    }
    for path in &plan.layout.mounted {
        argv.add("--ro-bind").add(path).add(path);
    }
    if plan.network == Network::Shared {
        argv.add("--ro-bind-try")
            .add("/etc/resolv.conf")
            .add("/etc/resolv.conf");
    }
    // They lie in the root, which is closed like a mount of their own would be.
    for (path, descriptor) in plan.files {
        argv.add("--perms").add("0444");
        argv.add("--file").add(descriptor.to_string()).add(path);
    }
    argv.add("--proc").add("/proc");
    for path in &plan.layout.masked {
        argv.add("--ro-bind").add("/dev/null").add(path);
    }
    argv.add("--dev").add("/dev");
}

fn private(argv: &mut Argv) {
    for (path, mode, size) in PRIVATE {
        argv.add("--perms")
            .add(mode)
            .add("--size")
            .add(size.to_string());
        argv.add("--tmpfs").add(path);
    }
}

fn protect(argv: &mut Argv, mount: &Mount) {
    match mount {
        Mount::Own(path) => argv.add("--bind").add(path).add(path),
        Mount::ReadOnly(path) => argv.add("--ro-bind").add(path).add(path),
        Mount::Nothing(path) => {
            // It belongs to this sandbox and goes with it, so whoever makes it writable changes
            // nothing that stays.
            argv.add("--perms").add("0555").add("--size").add("4096");
            argv.add("--tmpfs").add(path)
        }
        Mount::Covered(path) => argv.add("--ro-bind").add("/dev/null").add(path),
    };
}

#[derive(Debug, Default)]
struct Argv(Vec<OsString>);

impl Argv {
    fn add(&mut self, argument: impl Into<OsString>) -> &mut Self {
        self.0.push(argument.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn lines(network: Network, places: &Places) -> String {
        let layout = Layout {
            roots: vec![
                ("/bin".into(), Root::Link("usr/bin".into())),
                ("/lib64".into(), Root::Directory),
            ],
            copied: Vec::new(),
            mounted: vec!["/etc/ssl/certs".into()],
            masked: vec!["/proc/keys".into()],
        };
        let argv = of(&Plan {
            layout: &layout,
            init: Init::Path(Path::new("/usr/bin/openclaw")),
            places,
            variables: &[
                ("PATH".into(), "/usr/bin".into()),
                ("NOTE".into(), "a b".into()),
            ],
            network,
            files: &[("/etc/passwd".into(), 11), ("/etc/os-release".into(), 12)],
            report: 10,
        });
        let mut lines = String::new();
        for argument in argv {
            let argument = argument.into_string().unwrap();
            let gap = if argument.starts_with("--") {
                "\n"
            } else {
                " "
            };
            lines.push_str(gap);
            lines.push_str(&argument);
        }
        lines
    }

    #[test]
    fn shows_little_of_the_host_and_lets_only_the_workspaces_be_written() {
        let workspaces = vec![PathBuf::from("/srv/a"), PathBuf::from("/srv/a/b c")];
        let places = Places {
            cwd: Some("/srv/a/b c".into()),
            read_only: vec![PathBuf::from("/srv/skills/s")],
            workspaces,
            ..Places::default()
        };
        insta::assert_snapshot!(lines(Network::Unshared, &places));
    }

    #[test]
    fn shares_the_network_by_leaving_one_namespace_out_and_naming_the_resolver() {
        let places = Places {
            cwd: None,
            read_only: Vec::new(),
            workspaces: Vec::new(),
            ..Places::default()
        };
        let lines = |network| -> Vec<String> {
            lines(network, &places).lines().map(str::to_owned).collect()
        };
        let (shared, unshared) = (lines(Network::Shared), lines(Network::Unshared));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .filter(|line| !those.contains(line))
                .cloned()
                .collect()
        };
        assert_eq!(only(&unshared, &shared), ["--unshare-net"]);
        assert_eq!(
            only(&shared, &unshared),
            ["--ro-bind-try /etc/resolv.conf /etc/resolv.conf"]
        );
    }
}

//! From a plan to a Seatbelt profile; nothing here touches the system.
//!
//! A profile is a list of rules, of which the last that fits an operation decides. Paths are not
//! part of its text: they are parameters, which the text refers to by names of ours.

use std::{
    ffi::OsString,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{
    allowed::{
        CONFIGURATION, KERNEL, KERNEL_PREFIXES, NETWORK_FILES, NETWORK_SERVICES, READ_DEVICES,
        SERVICES, SYSTEM, WAYS, WRITTEN_DEVICES,
    },
    pattern::Patterns,
};

/// What of the network a command gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Nothing.
    Nothing,
    /// This port of the loopback device, on which there is a proxy.
    Proxy(u16),
    /// All that this Mac has.
    Host,
}

/// The folders that a profile is about; absolute and without symlinks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Folders<'a> {
    /// May be written.
    pub(super) written: &'a [PathBuf],
    /// May be read, and programs in them run.
    pub(super) read: &'a [PathBuf],
}

/// A profile with its parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) text: String,
    /// Names of ours, and paths.
    pub(super) parameters: Vec<(String, OsString)>,
}

/// What an operation is done to.
#[derive(Clone, Debug)]
enum Filter {
    /// A file or folder by a path of ours.
    Literal(&'static str),
    /// The same with all that lies in it.
    Subpath(&'static str),
    /// A file or folder by the name of a parameter.
    LiteralParameter(String),
    /// The same with all that lies in it.
    SubpathParameter(String),
    /// Paths by an expression.
    Pattern(String),
    /// A service by its name.
    Service(&'static str),
    /// A variable of the kernel by its name.
    Variable(&'static str),
    /// Variables of the kernel by how their names begin.
    VariablePrefix(&'static str),
    /// A filter of ours without anything variable in it.
    Other(&'static str),
    /// A port of the loopback device.
    Port(u16),
}

/// Renders the profile of a run.
pub(super) fn render(folders: Folders<'_>, network: Network, patterns: &Patterns) -> Profile {
    let mut profile = Profile::default();
    profile.text.push_str("(version 1)\n(deny default)\n");
    // These are allowed even then, unless they are denied by name.
    profile.always("deny", "iokit-get-properties nvram* process-info*");
    profile.processes();
    profile.kernel();
    profile.files(folders);
    profile.network(network);
    profile.protection(patterns);
    profile
}

impl Profile {
    fn processes(&mut self) {
        self.always("allow", "process-fork");
        let own = [Filter::Other("(target same-sandbox)")];
        self.rule("allow", "process-info* signal", &own);
        // Python's locks between processes; the names are those of no other program.
        let locks = [Filter::Other("(ipc-posix-name-regex #\"^/mp-\")")];
        self.rule("allow", "ipc-posix-sem", &locks);
        let changes = [Filter::Other(
            "(ipc-posix-name \"apple.shm.notification_center\")",
        )];
        self.rule("allow", "ipc-posix-shm-read-data", &changes);
    }

    fn kernel(&mut self) {
        let mut variables: Vec<Filter> = KERNEL.map(Filter::Variable).into();
        variables.extend(KERNEL_PREFIXES.map(Filter::VariablePrefix));
        self.rule("allow", "sysctl-read", &variables);
        self.rule("allow", "mach-lookup", &SERVICES.map(Filter::Service));
    }

    fn files(&mut self, folders: Folders<'_>) {
        let written = self.subpaths("WRITTEN", folders.written);
        let read = self.subpaths("READ", folders.read);
        let mut ways: Vec<Filter> = WAYS.map(Filter::Literal).into();
        ways.extend(self.ways(folders));

        let run: Vec<Filter> = SYSTEM
            .map(Filter::Subpath)
            .into_iter()
            .chain(read)
            .chain(written.iter().cloned())
            .collect();
        self.rule(
            "allow",
            "file-map-executable file-read* process-exec*",
            &run,
        );
        self.rule("allow", "file-read*", &CONFIGURATION.map(Filter::Subpath));
        // Every program looks at the root when it starts.
        self.rule("allow", "file-read*", &[Filter::Literal("/")]);
        self.rule("allow", "file-read-metadata", &ways);
        let mut devices: Vec<Filter> = READ_DEVICES.map(Filter::Literal).into();
        devices.push(Filter::Subpath("/dev/fd"));
        self.rule("allow", "file-read*", &devices);
        self.rule(
            "allow",
            "file-write-data",
            &WRITTEN_DEVICES.map(Filter::Literal),
        );
        self.rule("allow", "file-write*", &written);
        // A second name of a file would be a way around what is denied of the first.
        self.always("deny", "file-link file-write-setugid");
    }

    fn network(&mut self, network: Network) {
        match network {
            Network::Nothing => {}
            Network::Proxy(port) => {
                self.rule("allow", "network-outbound", &[Filter::Port(port)]);
            }
            Network::Host => {
                self.always("allow", "network* system-socket");
                self.rule(
                    "allow",
                    "mach-lookup",
                    &NETWORK_SERVICES.map(Filter::Service),
                );
                self.rule("allow", "file-read*", &NETWORK_FILES.map(Filter::Literal));
            }
        }
    }

    fn protection(&mut self, patterns: &Patterns) {
        let filters = |patterns: &[String]| -> Vec<Filter> {
            patterns.iter().cloned().map(Filter::Pattern).collect()
        };
        self.rule("deny", "file-write*", &filters(&patterns.closed));
        // Renaming counts as removing where something was.
        let fixed = filters(&patterns.fixed);
        self.rule("deny", "file-write-data file-write-unlink", &fixed);
    }

    /// Adds a rule about operations, whatever they are done to.
    fn always(&mut self, action: &str, operations: &str) {
        // Writing to a string cannot fail.
        writeln!(self.text, "({action} {operations})").unwrap_or_default();
    }

    /// Adds a rule about operations on what fits one of the filters; without any it says nothing.
    fn rule(&mut self, action: &str, operations: &str, filters: &[Filter]) {
        // A rule without a filter would be one about everything.
        if filters.is_empty() {
            return;
        }
        // Writing to a string cannot fail.
        write!(self.text, "({action} {operations}").unwrap_or_default();
        for filter in filters {
            self.text.push_str("\n  ");
            self.text.push_str(&filter.text());
        }
        self.text.push_str(")\n");
    }

    fn subpaths(&mut self, name: &str, paths: &[PathBuf]) -> Vec<Filter> {
        let names = paths.iter().enumerate().map(|(n, path)| {
            let name = format!("{name}_{n}");
            self.parameters.push((name.clone(), path.into()));
            Filter::SubpathParameter(name)
        });
        names.collect()
    }

    /// Returns what leads to the folders: the system looks at each folder above a path.
    fn ways(&mut self, folders: Folders<'_>) -> Vec<Filter> {
        let mut ways: Vec<&Path> = folders
            .written
            .iter()
            .chain(folders.read)
            .flat_map(|folder| folder.ancestors().skip(1))
            .collect();
        ways.sort_unstable();
        ways.dedup();
        let names = ways.into_iter().enumerate().map(|(n, path)| {
            let name = format!("WAY_{n}");
            self.parameters.push((name.clone(), path.into()));
            Filter::LiteralParameter(name)
        });
        names.collect()
    }
}

impl Filter {
    fn text(&self) -> String {
        match self {
            Self::Literal(path) => format!("(literal \"{path}\")"),
            Self::Subpath(path) => format!("(subpath \"{path}\")"),
            Self::LiteralParameter(name) => format!("(literal (param \"{name}\"))"),
            Self::SubpathParameter(name) => format!("(subpath (param \"{name}\"))"),
            Self::Pattern(pattern) => format!("(regex #\"{pattern}\")"),
            Self::Service(name) => format!("(global-name \"{name}\")"),
            Self::Variable(name) => format!("(sysctl-name \"{name}\")"),
            Self::VariablePrefix(name) => format!("(sysctl-name-prefix \"{name}\")"),
            Self::Other(text) => (*text).to_owned(),
            Self::Port(port) => format!("(remote tcp \"localhost:{port}\")"),
        }
    }
}

//! Why a command was not run, and what the user can do about it.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use openclaw_core::Kind;

use crate::{CommandFault, Guard, PlaceFault, ProtectionFault, SandboxLevel};

/// The command was not run, or nothing certain can be said about how it ended.
///
/// What a command itself does wrong is no error here: see [`Status`](crate::Status).
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// There is no bubblewrap to build the sandbox with.
    #[error(
        "the sandbox needs bubblewrap, and there is no `bwrap` in {}",
        list(searched)
    )]
    BubblewrapMissing {
        /// The directories that were searched.
        searched: Vec<PathBuf>,
    },
    /// The system does not let bubblewrap create namespaces.
    #[error("this system does not let bubblewrap create namespaces: {detail}")]
    NamespacesUnavailable {
        /// What bubblewrap said.
        detail: String,
    },
    /// The kernel does not have one of the guards.
    #[error("the sandbox needs {guard}: {detail}")]
    GuardMissing {
        /// Which one.
        guard: Guard,
        /// What was found instead.
        detail: String,
    },
    /// There is no executable that can act as the first program inside.
    #[error("the sandbox needs the `openclaw` program inside, and there is none {searched}")]
    InitMissing {
        /// Where it was looked for, in words.
        searched: String,
    },
    /// The command is to use the network, and nothing serves it.
    #[error("network access is asked for, and no proxy is set up for it")]
    NoEgress,
    /// Bubblewrap, or the first program inside, ended before the command began.
    #[error("the sandbox could not be set up: {detail}")]
    SetupFailed {
        /// What it said.
        detail: String,
    },
    /// This operating system has no sandbox here.
    #[error("sandbox level {level} is not available on {os}")]
    Unsupported {
        /// The level that was asked for.
        level: SandboxLevel,
        /// The operating system.
        os: &'static str,
    },
    /// Level Strict and network access exclude each other.
    #[error("sandbox level strict has no network, yet network access is configured")]
    NetworkAtStrict,
    /// An allowed path cannot be given to a command.
    #[error("`{}` cannot be a workspace: {fault}", path.display())]
    BadWorkspace {
        /// The path as it was configured.
        path: PathBuf,
        /// What is wrong with it.
        fault: PlaceFault,
    },
    /// A folder that a command is to read cannot be shown to it.
    #[error("`{}` cannot be shown to a command: {fault}", path.display())]
    BadReadable {
        /// The path as it was named.
        path: PathBuf,
        /// What is wrong with it.
        fault: PlaceFault,
    },
    /// A folder of programs cannot be shown to commands.
    #[error("the toolchain `{}` cannot be used: {fault}", path.display())]
    BadToolchain {
        /// The path as it was configured.
        path: PathBuf,
        /// What is wrong with it.
        fault: PlaceFault,
    },
    /// A path of a workspace cannot be kept from being changed.
    #[error("`{}` cannot be protected: {fault}", path.display())]
    ProtectedPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        fault: ProtectionFault,
    },
    /// The working directory cannot be used.
    #[error("`{}` cannot be the working directory: {fault}", path.display())]
    BadDirectory {
        /// The path as the command gave it.
        path: PathBuf,
        /// What is wrong with it.
        fault: PlaceFault,
    },
    /// The command cannot be handed to an operating system.
    #[error("this is no command: {fault}")]
    BadCommand {
        /// What is wrong with it.
        fault: CommandFault,
    },
    /// The operating system did not start the program.
    #[error("`{}` did not start", program.display())]
    Spawn {
        /// The program that was to be started: bubblewrap, or at level None the shell.
        program: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Something that a run needs of the operating system failed.
    #[error("{action} failed")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The run was cancelled before it began.
    #[error("the command was cancelled before it began")]
    Cancelled,
    /// A task or thread of this crate ended before its work was done.
    #[error("{task} ended before the command did")]
    Lost {
        /// Which one.
        task: &'static str,
    },
}

impl SandboxError {
    /// Returns the kind of the failure; every refusal is [`Kind::Denied`].
    pub fn kind(&self) -> Kind {
        match self {
            Self::BubblewrapMissing { .. }
            | Self::NamespacesUnavailable { .. }
            | Self::SetupFailed { .. }
            | Self::GuardMissing { .. }
            | Self::InitMissing { .. }
            | Self::NoEgress
            | Self::Unsupported { .. }
            | Self::NetworkAtStrict
            | Self::BadWorkspace { .. }
            | Self::BadReadable { .. }
            | Self::BadToolchain { .. }
            | Self::ProtectedPath { .. }
            | Self::BadDirectory { .. } => Kind::Denied,
            Self::BadCommand { .. } => Kind::Invalid,
            Self::Spawn { source, .. } if source.kind() == ErrorKind::ArgumentListTooLong => {
                Kind::Invalid
            }
            Self::Spawn { .. } | Self::Io { .. } => Kind::Unavailable,
            Self::Cancelled => Kind::Cancelled,
            Self::Lost { .. } => Kind::Internal,
        }
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::BubblewrapMissing { .. } => Some(Guard::Bubblewrap.remedy()),
            Self::NamespacesUnavailable { .. } => Some(Guard::Namespaces.remedy()),
            Self::GuardMissing { guard, .. } => Some(guard.remedy()),
            Self::InitMissing { .. } => {
                Some("put the `openclaw` program beside this one or in PATH")
            }
            Self::NoEgress => Some("set `sandbox.network` to \"proxy\", or do without the network"),
            Self::SetupFailed { detail } if detail.contains("Unknown option") => {
                Some("install bubblewrap 0.8.0 or newer")
            }
            Self::SetupFailed { .. } => {
                Some("run `bwrap --ro-bind / / --unshare-all true` to see whether bubblewrap works")
            }
            Self::Unsupported { .. } => {
                Some("run this on Linux, or choose level none for commands that you trust")
            }
            Self::NetworkAtStrict => {
                Some("choose level relaxed for a command that needs the network")
            }
            Self::BadWorkspace { .. } => Some("name an existing folder that is meant for the work"),
            Self::BadReadable { .. } => Some("name a folder that holds no more than is needed"),
            Self::BadToolchain { .. } => Some(
                "take it out of `sandbox.toolchains` or `--toolchain`, or name a folder of programs",
            ),
            Self::ProtectedPath { fault, .. } => Some(fault.remedy()),
            Self::BadDirectory { .. } => Some("name a folder within the allowed paths"),
            Self::Spawn { source, .. } if source.kind() == ErrorKind::ArgumentListTooLong => {
                Some("pass long arguments through a file or the standard input")
            }
            Self::BadCommand { .. }
            | Self::Spawn { .. }
            | Self::Io { .. }
            | Self::Cancelled
            | Self::Lost { .. } => None,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "PATH, which names no absolute directory".to_owned();
    }
    let paths: Vec<_> = paths
        .iter()
        .map(|path| Path::display(path).to_string())
        .collect();
    paths.join(", ")
}

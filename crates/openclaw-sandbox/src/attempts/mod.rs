//! Escape attempts: what the sandbox of this very machine is worth, tried rather than believed.
//!
//! Every attempt is made three times over, so to speak: a `stage` on the host sets out what is
//! to be taken (a secret, a listener, a process), the attempt is made inside, and the same attempt
//! is made at level None, where it has to succeed for a refusal to mean anything.
//!
//! Reading order: `attempt` is what an attempt is, `table` lists them, and the modules that
//! are named for a [`Group`] hold them; `stage` and `targets` are the host's side and what the
//! inside is told of it; `trial` makes one attempt, `inside` is the half of it that runs in
//! the first program of the sandbox, and `call` the half that needs an interpreter.

#[cfg(target_os = "linux")]
mod attempt;
#[cfg(target_os = "linux")]
mod call;
#[cfg(target_os = "linux")]
mod errno;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod secrets;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod targets;
#[cfg(test)]
mod tests;
#[cfg(target_os = "linux")]
mod trial;
#[cfg(target_os = "linux")]
mod workspace;

use std::time::Duration;

use serde::Serialize;

use crate::{Sandbox, SandboxError, SandboxLevel};

#[cfg(target_os = "linux")]
pub(crate) use self::inside::run;

/// What an attempt is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Files of the host outside the workspace.
    Files,
    /// Files of the workspace that other programs of its owner act upon.
    Workspace,
    /// Services of the host and of its network.
    Network,
    /// Other processes of the host.
    Processes,
    /// Calls by which a process changes its own surroundings.
    Kernel,
    /// More than the limits of a run allow.
    Limits,
    /// What the gateway knows and a command must not.
    Secrets,
}

impl Group {
    /// Every group, in the order in which they are tried.
    pub const ALL: [Self; 7] = [
        Self::Files,
        Self::Workspace,
        Self::Network,
        Self::Processes,
        Self::Kernel,
        Self::Limits,
        Self::Secrets,
    ];

    /// Returns the name as results write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Workspace => "workspace",
            Self::Network => "network",
            Self::Processes => "processes",
            Self::Kernel => "kernel",
            Self::Limits => "limits",
            Self::Secrets => "secrets",
        }
    }
}

/// One attempt and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the attempt, which stays the same from one version to the next.
    pub id: &'static str,
    /// What it is after.
    pub group: Group,
    /// What it tries, in one line.
    pub title: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What came of the same attempt without the sandbox.
    pub control: Control,
    /// How long both took.
    pub duration: Duration,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was refused; this is how.
    Refused(String),
    /// It succeeded; this is what it got.
    Escaped(String),
    /// It could not be made; this is why.
    Skipped(String),
}

/// What came of the same attempt without the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// It succeeded, so it is the sandbox that refuses it.
    Open,
    /// It was refused there, too: this user or this kernel does not allow it anyway.
    Closed(String),
    /// It was not made; this is why.
    Untried(String),
}

impl Sandbox {
    /// Tries to escape from the sandbox at `level`; `hear` is told how many attempts of how many
    /// are over.
    ///
    /// At level None the attempts succeed: that is what is open without a sandbox. An error is the
    /// reason why nothing can be run at that level at all.
    #[cfg(target_os = "linux")]
    pub async fn self_test(
        &self,
        level: SandboxLevel,
        hear: impl FnMut(u64, u64),
    ) -> Result<Vec<Finding>, SandboxError> {
        trial::all(self, level, hear).await
    }

    /// Refuses: the attempts are those of Linux.
    #[cfg(not(target_os = "linux"))]
    pub async fn self_test(
        &self,
        level: SandboxLevel,
        _hear: impl FnMut(u64, u64),
    ) -> Result<Vec<Finding>, SandboxError> {
        Err(SandboxError::Unsupported {
            level,
            os: std::env::consts::OS,
        })
    }
}

//! The policy: how much a command may do. It is the same on every system; only the means differ.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// How strongly a command is contained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxLevel {
    /// No sandbox: the command runs with the privileges of this process.
    ///
    /// The environment is still reduced to a few variables, and limits still apply.
    None,
    /// Writes only to the workspace; the network only if [`SandboxConfig::network_access`] is set.
    Relaxed,
    /// Writes only to the workspace, no network, isolated from the processes of the machine.
    #[default]
    Strict,
}

impl SandboxLevel {
    /// Every level, the weakest first.
    pub const ALL: [Self; 3] = [Self::None, Self::Relaxed, Self::Strict];

    /// Returns the level's name, as configuration and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Relaxed => "relaxed",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is no sandbox level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no sandbox level `{name}`; the levels are none, relaxed and strict")]
pub struct ParseLevelError {
    /// The name as it was written.
    pub name: String,
}

impl FromStr for SandboxLevel {
    type Err = ParseLevelError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == name)
            .ok_or_else(|| ParseLevelError {
                name: name.to_owned(),
            })
    }
}

/// What a command may touch and use up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxConfig {
    /// How strongly the command is contained; Strict unless said otherwise.
    pub level: SandboxLevel,
    /// The folders that the command may write, each seen inside at its own absolute path.
    ///
    /// The first is the working directory of a command that names none. A folder that is missing,
    /// is no directory, or belongs to the system is refused; see [`PlaceFault`](crate::PlaceFault).
    pub allowed_paths: Vec<PathBuf>,
    /// Whether level Relaxed shares the network of this machine.
    ///
    /// Relaxed has no network without it: a level alone never opens one. Strict with it is a
    /// contradiction and refused, rather than resolved in favour of either. At level None it means
    /// nothing.
    pub network_access: bool,
    /// The processor time after which a process of the command is killed, in whole seconds.
    ///
    /// It counts per process; [`Limits::wall_time`](crate::Limits) bounds the command as a whole.
    pub max_cpu_time: Option<Duration>,
    /// The bytes of memory that each process of the command may allocate.
    pub max_memory: Option<u64>,
}

impl SandboxConfig {
    /// The memory limit of a configuration that names none: room for a compiler, no more.
    pub const DEFAULT_MAX_MEMORY: u64 = 1536 * 1024 * 1024;
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            level: SandboxLevel::Strict,
            allowed_paths: Vec::new(),
            network_access: false,
            max_cpu_time: None,
            max_memory: Some(Self::DEFAULT_MAX_MEMORY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_survives_the_trip_through_its_name() {
        for level in SandboxLevel::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
            assert_eq!(format!("{level:>8}").trim(), level.as_str());
        }
        assert_eq!(
            "Strict".parse::<SandboxLevel>().unwrap_err().to_string(),
            "no sandbox level `Strict`; the levels are none, relaxed and strict"
        );
    }
}

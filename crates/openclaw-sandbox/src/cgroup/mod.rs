//! Control groups: limits on memory and processes that hold for a command as a whole.
//!
//! A resource limit counts the memory of each process by itself, and does not count the processes
//! of root at all. A control group counts everything that a command started, whoever runs it.
//!
//! [`place`] finds out where this process may make groups, [`group`] makes one for a run,
//! [`kill`] ends what is in it, and [`removal`] takes it away again, with those that processes left
//! behind that were killed.
//! Without root, groups can be made where somebody handed some down, such as systemd does for a
//! service with `Delegate=yes`; elsewhere there are none, and what is left are resource limits.

#[cfg(target_os = "linux")]
mod group;
#[cfg(target_os = "linux")]
mod kill;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod removal;
#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests;

use std::{io, path::PathBuf};

use crate::Sandbox;

#[cfg(target_os = "linux")]
pub(crate) use self::group::Group;

/// Whether commands get a control group of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// In the first version of control groups: one hierarchy for each controller.
    V1,
    /// In the second version.
    V2,
    /// They get none.
    None(Obstacle),
}

/// Why commands get no control group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The system has none, or they are not mounted.
    #[error("control groups for memory and processes are not mounted")]
    NotMounted,
    /// This user may not make any.
    #[error("this user may not make control groups in `{}`", path.display())]
    NotPermitted {
        /// The group of this process.
        path: PathBuf,
    },
    /// The group of this process has other processes too, so its controllers cannot be handed on.
    #[error("the control group `{}` also holds other processes", path.display())]
    Shared {
        /// The group of this process.
        path: PathBuf,
    },
    /// The group of this process is not given the controllers.
    #[error("the control group `{}` does not control memory and processes", path.display())]
    NoControllers {
        /// The group of this process.
        path: PathBuf,
    },
    /// The only place for a group lies outside of a limit that this process has.
    #[error(
        "a control group would have to lie outside of `{}`, which is limited",
        path.display()
    )]
    Limited {
        /// The group with the limit.
        path: PathBuf,
    },
    /// The kernel did not let one be made.
    #[error("a control group in `{}` was refused: {kind}", path.display())]
    Refused {
        /// Where it was to be made.
        path: PathBuf,
        /// How the kernel refused it.
        kind: io::ErrorKind,
    },
}

impl Obstacle {
    /// Returns what the user can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotMounted => {
                "mount control groups at /sys/fs/cgroup; until then each process of a command is \
                 limited by itself"
            }
            Self::NotPermitted { .. }
            | Self::Shared { .. }
            | Self::NoControllers { .. }
            | Self::Limited { .. }
            | Self::Refused { .. } => {
                "run the gateway as a service of systemd with `Delegate=yes`; until then each \
                 process of a command is limited by itself"
            }
        }
    }
}

impl Sandbox {
    /// Says whether commands that this process starts get a control group. Blocks on the file
    /// system, and changes nothing.
    pub fn control_groups() -> Availability {
        #[cfg(target_os = "linux")]
        return place::ours().map_or_else(Availability::None, |place| place.version());
        #[cfg(not(target_os = "linux"))]
        return Availability::None(Obstacle::NotMounted);
    }
}

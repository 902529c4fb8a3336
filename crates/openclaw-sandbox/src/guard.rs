//! The means that stand between a command and this machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the means that make up a sandbox on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// The program that builds the namespaces and mounts.
    Bubblewrap,
    /// User namespaces, without which bubblewrap builds nothing.
    Namespaces,
    /// Landlock, which names the trees that may be used once more.
    Landlock,
    /// The filter of system calls.
    Seccomp,
}

impl Guard {
    /// Returns the name as settings, results and the audit stream write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }

    /// Returns what the user can do where it is missing.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Bubblewrap => {
                "install bubblewrap (Debian, Ubuntu: `apt-get install bubblewrap`; Fedora: `dnf \
                 install bubblewrap`) or add its directory to PATH"
            }
            Self::Namespaces => {
                "allow user namespaces (sysctl user.max_user_namespaces, \
                 kernel.unprivileged_userns_clone, or an AppArmor profile for bwrap), or run where \
                 they are allowed"
            }
            Self::Landlock => {
                "run a kernel that has Landlock (5.13 or newer) with `landlock` in its list of \
                 security modules (`lsm=`)"
            }
            Self::Seccomp => "run a kernel that has seccomp filters (CONFIG_SECCOMP_FILTER)",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

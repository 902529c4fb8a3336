//! The means that stand between a command and this machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the means that make up a sandbox, or something that only other systems have means for.
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
    /// The sandbox of macOS.
    Seatbelt,
    /// Keeping a command to its folders, which Windows does not.
    Files,
    /// Keeping a command from the network, which Windows does not.
    Network,
    /// Limits on memory, processor time, processes and files.
    Limits,
}

impl Guard {
    /// Returns the name as settings, results and the audit stream write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Seatbelt => "seatbelt",
            Self::Files => "files",
            Self::Network => "network",
            Self::Limits => "limits",
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
            Self::Seatbelt => {
                "see that `/usr/bin/sandbox-exec -p '(version 1)(allow default)' /usr/bin/true` \
                 works, and that this program is not inside a sandbox itself"
            }
            Self::Files | Self::Network => {
                "run this on Linux (on Windows: in WSL 2 or a virtual machine), or set \
                 `sandbox.allowDegraded` for commands that you trust"
            }
            Self::Limits => "run this on Linux where limits matter",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

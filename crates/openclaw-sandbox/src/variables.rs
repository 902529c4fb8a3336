//! The few environment variables that a command gets, and the one place that reads ours.

use std::ffi::OsString;

use crate::{Command, SandboxLevel};

/// Where programs are searched for inside the sandbox, and outside when PATH is not set.
pub(crate) const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The home inside the sandbox: empty, writable, gone with the run.
pub(crate) const HOME: &str = "/home/agent";

/// Returns a variable of this process, if it is set to something.
pub(crate) fn inherited(name: &str) -> Option<OsString> {
    // The workspace's one reader of configuration is core's `config::env`; these variables
    // configure nothing of ours, they describe the login that this process runs in.
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the whole environment of a command; of two equal names the later counts.
pub(crate) fn environment(level: SandboxLevel, command: &Command) -> Vec<(OsString, OsString)> {
    let base: Vec<(OsString, OsString)> = match level {
        // What a sandboxed command sees must not depend on who started the gateway.
        SandboxLevel::Relaxed | SandboxLevel::Strict => [
            ("PATH", PROGRAMS),
            ("HOME", HOME),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec(),
        SandboxLevel::None => ["PATH", "HOME", "LANG", "TERM", "USER"]
            .into_iter()
            .filter_map(|name| Some((name.into(), inherited(name)?)))
            .collect(),
    };
    let own = command
        .env
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    base.into_iter().chain(own).collect()
}

//! The few environment variables that a command gets, and the one place that reads ours.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use crate::{Command, SandboxLevel};

/// Where programs are searched for inside the sandbox, and outside when PATH is not set.
pub(crate) const PROGRAMS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The home inside the sandbox: empty, writable, gone with the run.
pub(crate) const HOME: &str = "/home/agent";

/// What a command without a sandbox gets of the variables of this process.
#[cfg(not(windows))]
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "TERM", "USER"];
/// The same on Windows, where hardly a program works without these.
#[cfg(windows)]
const INHERITED: &[&str] = &[
    "PATH",
    "COMSPEC",
    "PATHEXT",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// Names by which programs look for a proxy; not all of them know both cases.
const PROXY: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Names of what is to be reached without it.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What a run adds to the usual variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Additions<'a> {
    /// Where programs are searched for before the usual places.
    pub(crate) programs: Vec<PathBuf>,
    /// The port of the loopback device on which there is a proxy.
    pub(crate) proxy: Option<u16>,
    /// The home, where it is not [`HOME`]; temporary files go there, too.
    pub(crate) home: Option<&'a Path>,
}

/// Returns a variable of this process, if it is set to something.
pub(crate) fn inherited(name: &str) -> Option<OsString> {
    // The workspace's one reader of configuration is core's `config::env`; these variables
    // configure nothing of ours, they describe the login that this process runs in.
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the whole environment of a command; of two equal names the later counts.
pub(crate) fn environment(
    level: SandboxLevel,
    command: &Command,
    additions: &Additions<'_>,
) -> Vec<(OsString, OsString)> {
    let mut all: Vec<(OsString, OsString)> = match level {
        // What a sandboxed command sees must not depend on who started the gateway.
        SandboxLevel::Relaxed | SandboxLevel::Strict => [
            ("PATH", PROGRAMS),
            ("HOME", HOME),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec(),
        SandboxLevel::None => INHERITED
            .iter()
            .copied()
            .filter_map(|name| Some((name.into(), inherited(name)?)))
            .collect(),
    };
    for (name, value) in &mut all {
        if name == "PATH"
            && let Some(longer) = before(&additions.programs, value)
        {
            *value = longer;
        }
    }
    let mut add = |name: &str, value: &OsStr| all.push((name.into(), value.into()));
    if let Some(home) = additions.home {
        add("HOME", home.as_os_str());
        add("TMPDIR", home.as_os_str());
    }
    if let Some(port) = additions.proxy {
        let url = OsString::from(format!("http://127.0.0.1:{port}"));
        for name in PROXY {
            add(name, &url);
        }
        for name in NO_PROXY {
            add(name, OsStr::new("localhost,127.0.0.1,::1"));
        }
        // Node.js looks at the others only when it is told to.
        add("NODE_USE_ENV_PROXY", OsStr::new("1"));
    }
    let own = command.env.iter();
    all.extend(own.map(|(name, value)| (name.into(), value.into())));
    all
}

/// Returns the names of the variables that a command has which adds none.
pub(crate) fn names(level: SandboxLevel, additions: &Additions<'_>) -> Vec<String> {
    let all = environment(level, &Command::new("true"), additions);
    all.into_iter()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect()
}

/// Returns the search path with these folders at its beginning; one with a colon in it has none.
fn before(folders: &[PathBuf], path: &OsStr) -> Option<OsString> {
    let path: Vec<_> = std::env::split_paths(path).collect();
    std::env::join_paths(folders.iter().chain(&path)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_adds_programs_and_a_proxy_and_the_command_has_the_last_word() {
        let additions = Additions {
            programs: vec!["/opt/node/bin".into()],
            proxy: Some(3128),
            home: None,
        };
        let command = Command::new("true").env("NO_PROXY", "");
        let environment = environment(SandboxLevel::Strict, &command, &additions);
        let last = |name: &str| {
            let mut values = environment.iter().rev();
            values.find_map(|(n, value)| (n == name).then(|| value.to_str().unwrap()))
        };
        assert_eq!(
            last("PATH"),
            Some(format!("/opt/node/bin:{PROGRAMS}").as_str())
        );
        assert_eq!(last("https_proxy"), Some("http://127.0.0.1:3128"));
        assert_eq!(last("no_proxy"), Some("localhost,127.0.0.1,::1"));
        assert_eq!(last("NO_PROXY"), Some(""));
        assert_eq!(last("HOME"), Some(HOME));
    }
}

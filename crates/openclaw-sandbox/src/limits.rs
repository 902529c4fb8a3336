//! Resource limits, set by a shell that then becomes the command.
//!
//! The shell is the portable way to set limits in the process that is to have them without unsafe
//! code. It comes after bubblewrap, so that bubblewrap itself is not limited. An init of our own
//! inside the sandbox may take its place.

use std::{ffi::OsString, fmt::Write as _};

use crate::{Command, SandboxConfig, SandboxLevel};

/// The shell that sets the limits.
pub(crate) const SHELL: &str = "/bin/sh";

/// How many files a process may have open.
const OPEN_FILES: u64 = 4096;

/// How many processes may exist in one sandbox; the kernel exempts those of root.
const PROCESSES: u64 = 4096;

/// Returns the arguments that run `command` with the limits of `config`.
pub(crate) fn limited(config: &SandboxConfig, command: &Command) -> Vec<OsString> {
    let mut argv: Vec<OsString> = vec![
        SHELL.into(),
        "-c".into(),
        script(config, Ceiling::ours()).into(),
        "sh".into(),
    ];
    argv.extend(command.argv.iter().cloned());
    argv
}

/// The hard limits of this process, which no child can exceed; asking for more would be an error.
#[derive(Clone, Copy, Debug)]
struct Ceiling {
    cpu_seconds: u64,
    data_bytes: u64,
    files: u64,
}

impl Ceiling {
    #[cfg(unix)]
    fn ours() -> Self {
        use rustix::process::{Resource, getrlimit};
        let hard = |resource| getrlimit(resource).maximum.unwrap_or(u64::MAX);
        Self {
            cpu_seconds: hard(Resource::Cpu),
            data_bytes: hard(Resource::Data),
            files: hard(Resource::Nofile),
        }
    }

    #[cfg(not(unix))]
    fn ours() -> Self {
        Self {
            cpu_seconds: u64::MAX,
            data_bytes: u64::MAX,
            files: u64::MAX,
        }
    }
}

/// A limit that cannot be set ends the shell before the command begins.
fn script(config: &SandboxConfig, ceiling: Ceiling) -> String {
    let mut script = "ulimit -c 0".to_owned();
    let mut add = |flags: &str, value: u64| {
        // Writing to a string cannot fail.
        write!(script, " && ulimit {flags} {value}").unwrap_or_default();
    };
    if let Some(time) = config.max_cpu_time {
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let soft = seconds.max(1).min(ceiling.cpu_seconds);
        // The soft limit ends a process by SIGXCPU; the hard one a second later, if it ignores that.
        add("-S -t", soft);
        add("-H -t", soft.saturating_add(1).min(ceiling.cpu_seconds));
    }
    if let Some(bytes) = config.max_memory {
        // The data limit counts what is allocated; one on the address space would stop programs
        // that reserve much and use little, such as Node.js.
        add("-d", bytes.min(ceiling.data_bytes) / 1024);
    }
    if config.level != SandboxLevel::None {
        add("-n", OPEN_FILES.min(ceiling.files));
        // Shells differ in the letter for this one, and some have neither.
        let processes = PROCESSES;
        write!(
            script,
            " && {{ ulimit -u {processes} || ulimit -p {processes} || :; }} 2>/dev/null"
        )
        .unwrap_or_default();
    }
    script.push_str(" && exec \"$@\"");
    script
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OPEN: Ceiling = Ceiling {
        cpu_seconds: u64::MAX,
        data_bytes: u64::MAX,
        files: u64::MAX,
    };

    #[test]
    fn sets_every_limit_before_the_command_begins() {
        let config = SandboxConfig {
            max_cpu_time: Some(Duration::from_millis(2500)),
            max_memory: Some(64 * 1024 * 1024),
            ..SandboxConfig::default()
        };
        assert_eq!(
            script(&config, OPEN),
            "ulimit -c 0 && ulimit -S -t 3 && ulimit -H -t 4 && ulimit -d 65536 && ulimit -n 4096 \
             && { ulimit -u 4096 || ulimit -p 4096 || :; } 2>/dev/null && exec \"$@\""
        );
    }

    #[test]
    fn never_asks_for_more_than_this_process_may_give() {
        let config = SandboxConfig {
            level: SandboxLevel::None,
            max_cpu_time: Some(Duration::from_mins(1)),
            max_memory: Some(u64::MAX),
            ..SandboxConfig::default()
        };
        let low = Ceiling {
            cpu_seconds: 10,
            data_bytes: 2048,
            files: 64,
        };
        assert_eq!(
            script(&config, low),
            "ulimit -c 0 && ulimit -S -t 10 && ulimit -H -t 10 && ulimit -d 2 && exec \"$@\""
        );
    }
}

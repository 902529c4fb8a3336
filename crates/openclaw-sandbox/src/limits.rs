//! Resource limits: from the policy to what the system is told, in the process that is to have
//! them.
//!
//! On Linux the first program sets them; see [`crate::init`]. Elsewhere a shell does, which is the
//! portable way without unsafe code.

use serde::{Deserialize, Serialize};

use crate::{Limits, SandboxConfig, SandboxLevel};

/// One resource limit; where the hard limit in force is lower, that one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    pub(crate) resource: Resource,
    pub(crate) soft: u64,
    pub(crate) hard: u64,
}

/// What is limited, by the names of setrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Resource {
    Core,
    Cpu,
    Data,
    Fsize,
    Nofile,
    Nproc,
}

/// The least size of files that can be asked for, which is enough to say that the command begins.
const LEAST_FILE: u64 = 4096;

/// Returns the limits of a run.
pub(crate) fn of(config: &SandboxConfig, limits: &Limits) -> Vec<Limit> {
    let equal = |resource, value| Limit {
        resource,
        soft: value,
        hard: value,
    };
    let mut all = vec![equal(Resource::Core, 0)];
    if let Some(time) = config.max_cpu_time {
        let seconds = time
            .as_secs()
            .saturating_add(u64::from(time.subsec_nanos() > 0))
            .max(1);
        // The soft limit ends a process by SIGXCPU; the hard one a second later, if it ignores that.
        all.push(Limit {
            resource: Resource::Cpu,
            soft: seconds,
            hard: seconds.saturating_add(1),
        });
    }
    // The data limit counts what is allocated; one on the address space would stop programs that
    // reserve much and use little, such as Node.js.
    all.extend(config.max_memory.map(|bytes| equal(Resource::Data, bytes)));
    all.extend(
        limits
            .file_size
            .map(|bytes| equal(Resource::Fsize, bytes.max(LEAST_FILE))),
    );
    all.extend(limits.open_files.map(|n| equal(Resource::Nofile, n)));
    // Without a sandbox every process of this user counts, which is no matter of the command.
    if config.level != SandboxLevel::None {
        all.extend(limits.processes.map(|n| equal(Resource::Nproc, n)));
    }
    all
}

/// The shell that sets the limits where no program of ours does.
#[cfg(any(test, all(unix, not(any(target_os = "linux", target_os = "macos")))))]
pub(crate) const SHELL: &str = "/bin/sh";

/// Returns the arguments that run `argv` with these limits.
#[cfg(any(test, all(unix, not(any(target_os = "linux", target_os = "macos")))))]
pub(crate) fn shell(limits: &[Limit], argv: &[std::ffi::OsString]) -> Vec<std::ffi::OsString> {
    let mut shell: Vec<std::ffi::OsString> = vec![
        SHELL.into(),
        "-c".into(),
        script(limits).into(),
        "sh".into(),
    ];
    shell.extend(argv.iter().cloned());
    shell
}

/// A limit that is above the one in force stays as it is, and so does one that the shell does not
/// know.
#[cfg(any(test, all(unix, not(any(target_os = "linux", target_os = "macos")))))]
fn script(limits: &[Limit]) -> String {
    let mut words = Vec::new();
    for limit in limits {
        let (flag, unit) = match limit.resource {
            Resource::Core => ("-c", 1),
            Resource::Cpu => ("-t", 1),
            Resource::Data => ("-d", 1024),
            Resource::Fsize => ("-f", 512),
            Resource::Nofile => ("-n", 1),
            Resource::Nproc => ("-u", 1),
        };
        for (kind, value) in [("-S", limit.soft), ("-H", limit.hard)] {
            words.push(format!("ulimit {kind} {flag} {} 2>/dev/null", value / unit));
        }
    }
    words.push("exec \"$@\"".to_owned());
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shown(config: &SandboxConfig) -> Vec<(Resource, u64, u64)> {
        of(config, &Limits::default())
            .iter()
            .map(|limit| (limit.resource, limit.soft, limit.hard))
            .collect()
    }

    #[test]
    fn the_policy_becomes_one_limit_for_each_resource() {
        let config = SandboxConfig {
            max_cpu_time: Some(Duration::from_millis(2500)),
            max_memory: Some(64 * 1024 * 1024),
            ..SandboxConfig::default()
        };
        let gib = 1024 * 1024 * 1024;
        let all = [
            (Resource::Core, 0, 0),
            (Resource::Cpu, 3, 4),
            (Resource::Data, 64 * 1024 * 1024, 64 * 1024 * 1024),
            (Resource::Fsize, 4 * gib, 4 * gib),
            (Resource::Nofile, 4096, 4096),
            (Resource::Nproc, 1024, 1024),
        ];
        assert_eq!(shown(&config), all);
        let unconfined = SandboxConfig {
            level: SandboxLevel::None,
            ..config
        };
        assert_eq!(shown(&unconfined), all[..5]);
    }

    #[test]
    fn a_shell_sets_what_it_can_and_becomes_the_command() {
        let limits = [
            Limit {
                resource: Resource::Cpu,
                soft: 3,
                hard: 4,
            },
            Limit {
                resource: Resource::Data,
                soft: 4096,
                hard: 4096,
            },
        ];
        assert_eq!(
            shell(&limits, &["true".into(), "a b".into()]),
            [
                "/bin/sh",
                "-c",
                "ulimit -S -t 3 2>/dev/null; ulimit -H -t 4 2>/dev/null; ulimit -S -d 4 \
                 2>/dev/null; ulimit -H -d 4 2>/dev/null; exec \"$@\"",
                "sh",
                "true",
                "a b"
            ]
        );
    }
}

//! What bubblewrap says about its own work, and what follows for the run.
//!
//! Bubblewrap's exit code alone does not tell its own failure from the command's. It writes the
//! command's code to a descriptor that the command does not have, and only if the command began.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    process::ExitStatus,
};

use rustix::process::Pid;
use serde::Deserialize;

use crate::{SandboxError, Status, running};

/// How much of the report is read; bubblewrap writes about a hundred bytes.
const LENGTH: u64 = 16 * 1024;

/// How much of what bubblewrap complains about is passed on.
const DETAIL: usize = 500;

/// What bubblewrap wrote to its status descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Report {
    child_pid: Option<i32>,
    exit_code: Option<i32>,
}

impl Report {
    /// Returns the sandbox's first process, as the host numbers it.
    pub(crate) fn first_process(self) -> Option<Pid> {
        self.child_pid.and_then(Pid::from_raw)
    }
}

/// Reads the report from its beginning.
pub(crate) fn read(file: &mut File) -> io::Result<Report> {
    let mut text = Vec::new();
    file.rewind()?;
    file.take(LENGTH).read_to_end(&mut text)?;
    Ok(parse(&text))
}

fn parse(text: &[u8]) -> Report {
    // One object per line. What cannot be read is treated as not written, which is a refusal.
    serde_json::Deserializer::from_slice(text)
        .into_iter::<Report>()
        .map_while(Result::ok)
        .fold(Report::default(), |report, next| Report {
            child_pid: next.child_pid.or(report.child_pid),
            exit_code: next.exit_code.or(report.exit_code),
        })
}

/// Returns how the command ended, or that it never began.
pub(crate) fn conclude(
    report: Report,
    exit: ExitStatus,
    stderr: &[u8],
) -> Result<Status, SandboxError> {
    if let Some(code) = report.exit_code {
        return Ok(shell_status(code));
    }
    // Bubblewrap itself was killed, and the sandbox with it.
    if let (Status::Signaled(signal), Some(_)) = (running::status(exit), report.child_pid) {
        return Ok(Status::Signaled(signal));
    }
    Err(complaint(stderr))
}

/// Returns what bubblewrap's last words mean.
pub(crate) fn complaint(stderr: &[u8]) -> SandboxError {
    let detail = detail(stderr);
    let lower = detail.to_lowercase();
    // The loopback device is the first thing that a half-permitted namespace fails at.
    let namespaces = ["namespace", "uid map", "gid map", "loopback"];
    if namespaces.iter().any(|word| lower.contains(word)) {
        return SandboxError::NamespacesUnavailable { detail };
    }
    SandboxError::SetupFailed { detail }
}

/// Bubblewrap gives a death by a signal the code that a shell would.
fn shell_status(code: i32) -> Status {
    match code {
        129..=192 => Status::Signaled(code - 128),
        _ => Status::Exited(code),
    }
}

fn detail(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text: String = text.trim().chars().take(DETAIL).collect();
    let text = text.strip_prefix("bwrap: ").unwrap_or(&text);
    if text.is_empty() {
        "bwrap said nothing".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    const CHILD: &[u8] = b"{ \"child-pid\": 7, \"mnt-namespace\": 1 }\n";
    const ENDED: &[u8] = b"{ \"child-pid\": 7 }\n{ \"exit-code\": 3 }\n";

    fn concluded(report: &[u8], wait_status: i32, stderr: &str) -> Result<Status, String> {
        conclude(
            parse(report),
            ExitStatus::from_raw(wait_status),
            stderr.as_bytes(),
        )
        .map_err(|err| err.to_string())
    }

    #[test]
    fn believes_the_report_and_not_the_exit_code() {
        assert_eq!(concluded(ENDED, 1 << 8, ""), Ok(Status::Exited(3)));
        assert_eq!(
            concluded(
                CHILD,
                1 << 8,
                "bwrap: execvp /bin/sh: No such file or directory\n"
            ),
            Err(
                "the sandbox could not be set up: execvp /bin/sh: No such file or \
                 directory"
                    .into()
            )
        );
        assert_eq!(
            concluded(b"", 0, ""),
            Err("the sandbox could not be set up: bwrap said nothing".into())
        );
        assert_eq!(
            concluded(
                b"not json",
                0,
                "bwrap: setting up uid map: Permission denied"
            ),
            Err(
                "this system does not let bubblewrap create namespaces: setting up uid map: \
                 Permission denied"
                    .into()
            )
        );
    }

    #[test]
    fn tells_a_death_by_a_signal() {
        assert_eq!(
            concluded(b"{\"exit-code\": 137}", 137 << 8, ""),
            Ok(Status::Signaled(9))
        );
        assert_eq!(concluded(CHILD, 9, ""), Ok(Status::Signaled(9)));
        assert!(concluded(b"", 9, "").is_err());
    }
}

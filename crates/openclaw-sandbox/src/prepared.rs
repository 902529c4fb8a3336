//! A process that is ready to be started, with what belongs to it.

use std::path::PathBuf;

use crate::{Command, SandboxError, SandboxLevel, launcher, running::Job};

#[cfg(windows)]
pub(crate) use crate::job_objects::Means;
#[cfg(target_os = "linux")]
pub(crate) use crate::linux::{Input, Means};
#[cfg(target_os = "macos")]
pub(crate) use crate::seatbelt::Means;

/// A process that is ready to be started.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) program: PathBuf,
    pub(crate) process: std::process::Command,
    #[cfg(target_os = "linux")]
    pub(crate) input: Input,
    /// Nothing belongs to a program that is no command of anybody's.
    #[cfg(any(target_os = "linux", target_os = "macos", windows))]
    pub(crate) means: Option<Means>,
}

impl Prepared {
    /// Starts it; `command` is what it was made of.
    pub(crate) async fn start(
        self,
        level: SandboxLevel,
        command: &Command,
    ) -> Result<Job, SandboxError> {
        #[cfg(target_os = "linux")]
        let process = self.process;
        #[cfg(not(target_os = "linux"))]
        let (process, input) = with_input(self.process, &command.stdin);
        let program = self.program;
        let tree = launcher::spawn(process)
            .await
            .map_err(|source| SandboxError::Spawn { program, source })?;
        Ok(Job {
            tree,
            level,
            #[cfg(target_os = "linux")]
            input: self.input,
            #[cfg(not(target_os = "linux"))]
            input,
            limits: command.limits.clone(),
            #[cfg(any(target_os = "linux", target_os = "macos", windows))]
            means: self.means,
        })
    }
}

/// Sets the standard input of a process, and returns what is to be written to it.
#[cfg(not(target_os = "linux"))]
fn with_input(
    mut process: std::process::Command,
    stdin: &crate::Stdin,
) -> (std::process::Command, Option<Vec<u8>>) {
    use std::process::Stdio;

    use crate::Stdin;

    let input = match stdin {
        Stdin::Null => None,
        Stdin::Inherit => {
            process.stdin(Stdio::inherit());
            None
        }
        Stdin::Bytes(bytes) => {
            process.stdin(Stdio::piped());
            Some(bytes.clone())
        }
        // What is not written to it stays with whoever writes.
        Stdin::Open | Stdin::Terminal(_) => {
            process.stdin(Stdio::piped());
            None
        }
    };
    (process, input)
}

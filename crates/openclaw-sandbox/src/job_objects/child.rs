//! A process in a job of its own.

use std::{io, process::ExitStatus};

use process_wrap::tokio::{ChildWrapper, CommandWrap, JobObject, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

/// A process that was in its job before its first instruction.
///
/// Dropping it closes the job, which ends every process in it; the system does the same when this
/// process ends.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
    job: Box<dyn ChildWrapper>,
}

/// Starts `command` suspended, puts it into a new job that nothing can leave, and lets it run.
pub(crate) fn start(command: std::process::Command) -> io::Result<Child> {
    let mut job = CommandWrap::from(tokio::process::Command::from(command))
        // With it, the job ends its processes when it is closed.
        .wrap(KillOnDrop)
        .wrap(JobObject)
        .spawn()?;
    Ok(Child {
        stdin: job.stdin().take(),
        stdout: job.stdout().take(),
        stderr: job.stderr().take(),
        job,
    })
}

impl Child {
    /// Waits for the first process, not for those that it left behind in the job.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.job.inner_mut().wait().await
    }

    /// Ends every process of the job.
    pub(crate) fn start_kill(&mut self) -> io::Result<()> {
        self.job.start_kill()
    }
}

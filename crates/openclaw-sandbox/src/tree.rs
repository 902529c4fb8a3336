//! A started process and everything that it started in turn.

use std::{io, process::ExitStatus};

#[cfg(not(windows))]
use tokio::process::Child;
#[cfg(not(target_os = "linux"))]
use tokio::process::ChildStdin;
use tokio::process::{ChildStderr, ChildStdout};

#[cfg(windows)]
use crate::job_objects::Child;

/// A process that leads its own process group; dropping this kills the group.
///
/// Bubblewrap's group holds the first process of the sandbox's process namespace, with which
/// everything inside dies, whatever groups and sessions it made. At level None a process that
/// leaves the group is out of reach.
#[derive(Debug)]
pub(crate) struct Tree {
    child: Child,
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

impl Tree {
    pub(crate) fn new(child: Child) -> Self {
        Self {
            #[cfg(unix)]
            group: child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw),
            child,
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    pub(crate) fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits until the leader has ended, and leaves it unreaped where the system can.
    ///
    /// While the leader is unreaped its id is not given away, so [`Tree::kill`] cannot hit another
    /// group.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    pub(crate) async fn leader_ended(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(leader) = self.group
            && ended(leader).await.is_ok()
        {
            return;
        }
        // The result is kept by the child and handed out by `reap`.
        drop(self.child.wait().await);
    }

    /// Kills everything that the system lets us reach; once is enough, later calls do nothing.
    pub(crate) fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.group.take() {
            let killed = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            if let Err(err) = killed {
                // Mostly there is nobody left; no other error can be acted upon either.
                tracing::debug!(%err, "a process group was not killed");
            }
        }
        #[cfg(not(unix))]
        drop(self.child.start_kill());
    }

    /// Waits for the leader and returns how it ended.
    pub(crate) async fn reap(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until the process has ended, without reaping it; a process that does not exist has.
#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "sound for an owned descriptor, which stays open as long as the watch; what replaces \
              it is unsafe code"
)]
pub(crate) async fn ended(process: rustix::process::Pid) -> io::Result<()> {
    use rustix::{
        io::Errno,
        process::{PidfdFlags, pidfd_open},
    };
    use tokio::io::{Interest, unix::AsyncFd};

    let watch = match pidfd_open(process, PidfdFlags::empty()) {
        Ok(watch) => watch,
        Err(Errno::SRCH) => return Ok(()),
        Err(err) => return Err(err.into()),
    };
    AsyncFd::with_interest(watch, Interest::READABLE)?
        .readable()
        .await
        .map(drop)
}

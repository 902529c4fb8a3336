//! Ending what a run left behind in its control group.

use std::{fs, io, path::Path, time::Duration};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::group::Group;

/// Ends the whole group at once; only the second version has it.
const KILL: &str = "cgroup.kill";

/// The processes of a group.
const PROCESSES: &str = "cgroup.procs";

/// How long to wait between two looks at what is dying.
const PAUSE: Duration = Duration::from_millis(2);

/// Whether anything of a run is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// It was killed a moment ago.
    Dying,
}

impl Group {
    /// Kills every process in the group and waits until there is none.
    ///
    /// # Cancel safety
    /// Dropping the future leaves alive what was not killed yet.
    pub(crate) async fn clear(&self) {
        loop {
            match self.kill() {
                Ok(Left::Nothing) => return,
                Ok(Left::Dying) => tokio::time::sleep(PAUSE).await,
                Err(err) => {
                    tracing::warn!(%err, "what a command left behind may live on");
                    return;
                }
            }
        }
    }

    /// Kills what is in the group, and sees to it that no more is started there.
    fn kill(&self) -> io::Result<Left> {
        let mut left = Left::Nothing;
        for directory in self.directories() {
            if listed(directory)?.is_empty() {
                continue;
            }
            left = Left::Dying;
            let whole = directory.join(KILL);
            if whole.exists() {
                fs::write(whole, "1")?;
                continue;
            }
            let most = directory.join("pids.max");
            if most.exists() {
                fs::write(most, "0")?;
            }
            each(directory)?;
        }
        Ok(left)
    }
}

/// Kills the processes of a group one by one.
fn each(directory: &Path) -> io::Result<()> {
    // A number may be given to another process at any time. What is still in the group when there
    // is a descriptor for it is meant by the descriptor.
    let mut open = Vec::new();
    for process in listed(directory)? {
        if let Ok(descriptor) = pidfd_open(process, PidfdFlags::empty()) {
            open.push((process, descriptor));
        }
    }
    let still = listed(directory)?;
    for (process, descriptor) in open {
        if still.contains(&process) {
            // It may have ended meanwhile; no other error can be acted upon.
            pidfd_send_signal(descriptor, Signal::KILL).unwrap_or_default();
        }
    }
    Ok(())
}

/// Returns the processes of a group but for this one.
fn listed(directory: &Path) -> io::Result<Vec<Pid>> {
    let text = fs::read_to_string(directory.join(PROCESSES))?;
    let numbers = text.lines().filter_map(|line| line.trim().parse().ok());
    let own = rustix::process::getpid();
    Ok(numbers
        .filter_map(Pid::from_raw)
        .filter(|process| *process != own)
        .collect())
}

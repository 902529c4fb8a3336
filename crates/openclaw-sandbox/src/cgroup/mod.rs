//! Control groups: limits on memory and processes that hold for a command as a whole.

use std::{fs::File, io};

use crate::{Limits, SandboxConfig};

/// A control group of one run; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Group {
    procs: Vec<File>,
}

impl Group {
    /// Makes a group with the limits of a run, where this process may make one.
    ///
    /// Blocks on the file system.
    pub(crate) fn make(_config: &SandboxConfig, _limits: &Limits) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// The files to enter the group by: `cgroup.procs` of each hierarchy, open for writing.
    pub(crate) fn procs(&self) -> &[File] {
        &self.procs
    }
}

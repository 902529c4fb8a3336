//! From a sandbox and its configuration to a run on this Mac.

use std::path::PathBuf;

use super::Plan;
use crate::{Command, Sandbox, SandboxConfig, SandboxError, places::Places, prepared::Prepared};

/// Prepares a run of a command. Blocks on the file system.
pub(crate) fn prepare(
    sandbox: &Sandbox,
    config: &SandboxConfig,
    command: &Command,
    places: &Places,
) -> Result<Prepared, SandboxError> {
    let super::Prepared {
        program,
        process,
        means,
    } = super::prepare(&Plan {
        config,
        command,
        workspaces: &places.workspaces,
        read_only: &places.read_only,
        toolchains: &sandbox.toolchains,
        protected: &sandbox.protected,
        cwd: places.cwd.as_deref(),
        reach: &sandbox.reach,
    })?;
    Ok(Prepared {
        program: PathBuf::from(program),
        process,
        means: Some(means),
    })
}

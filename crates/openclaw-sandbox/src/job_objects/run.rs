//! From a sandbox and its configuration to a run on this machine.

use std::path::PathBuf;

use super::missing::{missing, refusal};
use crate::{
    Command, Guard, Sandbox, SandboxConfig, SandboxError, SandboxLevel, launcher,
    places::Places,
    prepared::Prepared,
    variables::{self, Additions},
};

/// What belongs to a run until it has ended.
#[derive(Debug)]
pub(crate) struct Means {
    /// What this system does not have of what was asked for.
    pub(crate) degraded: Vec<Guard>,
}

/// Prepares a run of a command, or refuses it.
pub(crate) fn prepare(
    sandbox: &Sandbox,
    config: &SandboxConfig,
    command: &Command,
    places: &Places,
) -> Result<Prepared, SandboxError> {
    let degraded = missing(config, &command.limits, &sandbox.reach);
    if !sandbox.degradable
        && let Some(refusal) = refusal(config.level, &degraded)
    {
        return Err(refusal);
    }
    let mut argv = command.argv.iter();
    let program = PathBuf::from(argv.next().cloned().unwrap_or_default());
    let mut process = launcher::command(&program);
    process.args(argv);
    let additions = Additions {
        programs: sandbox
            .toolchains
            .iter()
            .map(|folder| folder.join("bin"))
            .collect(),
        ..Additions::default()
    };
    // Nothing here has a home or programs of its own, whatever the level.
    process.envs(variables::environment(
        SandboxLevel::None,
        command,
        &additions,
    ));
    if let Some(cwd) = &places.cwd {
        process.current_dir(cwd);
    }
    Ok(Prepared {
        program,
        process,
        means: Some(Means { degraded }),
    })
}

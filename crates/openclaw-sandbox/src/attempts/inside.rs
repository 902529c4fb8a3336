//! The half of an attempt that runs in the first program of the sandbox, after it has given
//! everything up.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use nix::sched::CloneFlags;
use rustix::mount::{MountPropagationFlags, mount_change};

use super::{
    attempt::{Tried, Way},
    errno, table,
    targets::Targets,
};

/// Makes the attempts of these names, in this order, and writes what came of each to standard
/// output as a line of JSON; standard input holds the targets.
pub(crate) fn run(names: &[String]) -> ExitCode {
    let targets: Targets = match serde_json::from_reader(io::stdin().lock()) {
        Ok(targets) => targets,
        Err(err) => return say(&Tried::Unable(format!("it was told nonsense: {err}"))),
    };
    if targets.room
        && let Err(why) = room()
    {
        return say(&Tried::Refused(why));
    }
    for name in names {
        let tried = match table::find(name).map(|attempt| attempt.way) {
            Some(Way::Inside(attempt)) => attempt(&targets),
            Some(Way::Call(_) | Way::Script(_)) | None => {
                Tried::Unable(format!("`{name}` is no attempt of this program"))
            }
        };
        if say(&tried) != ExitCode::SUCCESS {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Moves this process where it may do as it likes, because nobody else is there.
fn room() -> Result<(), String> {
    let own = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    nix::sched::unshare(own).map_err(|err| format!("{} at the namespaces", errno::of(err)))?;
    // Without it a mount would spread to where this process comes from.
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).map_err(|err| format!("{} at the root", errno::of(err)))
}

fn say(tried: &Tried) -> ExitCode {
    let line = serde_json::to_string(tried).map(|line| line + "\n");
    let said = line
        .map_err(io::Error::from)
        .and_then(|line| io::stdout().lock().write_all(line.as_bytes()));
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

//! Whether a gateway would start with the config as its files are now.

use std::io;

use openclaw_config::change::{ChangeError, Form, valid};
use openclaw_config::{Config, Problem};
use openclaw_core::env::Env;
use openclaw_core::state_dir::StateDir;

use crate::models::not_followed;

/// What the author of a valid config should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The warnings.
    pub warnings: Vec<Problem>,
    /// What is accepted and has no effect.
    pub not_followed: Vec<Problem>,
}

/// Checks the config of a home. Blocks on the file system.
///
/// # Errors
/// Returns what is wrong with it, or that there is none.
pub fn checked(state: &StateDir, env: &Env) -> Result<Checked, ChangeError> {
    let file = state.config_file();
    // A link that leads nowhere is told by whoever reads it.
    if file
        .symlink_metadata()
        .is_err_and(|err| err.kind() == io::ErrorKind::NotFound)
    {
        return Err(ChangeError::NoFile(file.to_owned()));
    }
    let (_, verdict) = valid(env, state)?;
    // The file of this program's own settings counts, too: the gateway reads both.
    let config = Config::load(state, env).map_err(|err| ChangeError::Invalid {
        file: err.path,
        problems: err.problems,
        form: Form::Current,
    })?;
    Ok(Checked {
        warnings: verdict.warnings,
        not_followed: not_followed(&config),
    })
}

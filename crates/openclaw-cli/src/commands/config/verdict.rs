//! Whether a config is valid, and what to say when it is not.

use openclaw_config::rules::Verdict;
use openclaw_config::source::{self, Source};
use openclaw_config::{Judged, judge};
use openclaw_core::env::Env;
use openclaw_core::state_dir::StateDir;

use super::failure::{ConfigFailure, Form};

/// Reads a home's config, which has to be valid as it stands.
pub(super) fn valid(env: &Env, state: &StateDir) -> Result<(Source, Verdict), ConfigFailure> {
    let read = source::read(state.config_file(), env);
    let source = read.map_err(|problems| ConfigFailure::Invalid {
        file: state.config_file().to_owned(),
        problems,
        form: Form::Current,
    })?;
    let verdict = judged_valid(&source, state)?;
    Ok((source, verdict))
}

/// Judges a config, which has to be valid as it stands.
pub(super) fn judged_valid(source: &Source, state: &StateDir) -> Result<Verdict, ConfigFailure> {
    let verdict = judge(source, state, Judged::AsItStands);
    if verdict.is_valid() {
        return Ok(verdict);
    }
    let migrated = judge(source, state, Judged::AfterMigration);
    Err(ConfigFailure::Invalid {
        file: state.config_file().to_owned(),
        problems: verdict.problems,
        form: if migrated.is_valid() {
            Form::Earlier
        } else {
            Form::Current
        },
    })
}

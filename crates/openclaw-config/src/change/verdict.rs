//! Whether a config is valid and has what is looked for, and what to say when not.

use openclaw_core::env::Env;
use openclaw_core::state_dir::StateDir;
use serde_json::Value;

use super::{ChangeError, ConfigPath, Form, lookup};
use crate::rules::Verdict;
use crate::source::{self, Source};
use crate::{Judged, judge, schema};

/// Reads a home's config, which has to be valid as it stands.
pub fn valid(env: &Env, state: &StateDir) -> Result<(Source, Verdict), ChangeError> {
    let read = source::read(state.config_file(), env);
    let source = read.map_err(|problems| ChangeError::Invalid {
        file: state.config_file().to_owned(),
        problems,
        form: Form::Current,
    })?;
    let verdict = judged_valid(&source, state)?;
    Ok((source, verdict))
}

/// Judges a config, which has to be valid as it stands.
pub(super) fn judged_valid(source: &Source, state: &StateDir) -> Result<Verdict, ChangeError> {
    let verdict = judge(source, state, Judged::AsItStands);
    if verdict.is_valid() {
        return Ok(verdict);
    }
    let migrated = judge(source, state, Judged::AfterMigration);
    Err(ChangeError::Invalid {
        file: state.config_file().to_owned(),
        problems: verdict.problems,
        form: if migrated.is_valid() {
            Form::Earlier
        } else {
            Form::Current
        },
    })
}

/// Returns what stands at a path of a config as it is shown; `typed` is how it was asked for.
///
/// # Errors
/// Returns whether there could be something.
pub fn found<'a>(
    shown: &'a Value,
    path: &ConfigPath,
    typed: &str,
) -> Result<&'a Value, ChangeError> {
    let keys = path.keys();
    if let Some(value) = lookup(shown, &keys) {
        return Ok(value);
    }
    if schema::knows(&keys) {
        return Err(ChangeError::NotSet(typed.to_owned()));
    }
    let nearest = schema::nearest(&keys);
    let nearest = nearest.and_then(|keys| ConfigPath::from_keys(&keys).ok());
    Err(ChangeError::Unknown {
        path: typed.to_owned(),
        nearest: nearest.map(|path| path.to_string()),
    })
}

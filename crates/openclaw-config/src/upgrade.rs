//! Writing a config that is in the form of an earlier release in the current one.
//!
//! The gateway understands earlier forms and changes no file unasked; this is for those who ask:
//! `openclaw doctor --fix` and `openclaw migrate`.

use std::path::Path;

use openclaw_core::env::{Env, HOME};
use openclaw_core::state_dir::StateDir;
use serde_json::{Map, Value};

use crate::edit::{ConfigFile, Draft, SaveError, Saved};
use crate::migration::{self, Change, Migrated};
use crate::problem::{KeyPath, Problem};
use crate::settings::{Judged, OWN_FILE, judge};
use crate::source::{self, Source};

/// What would be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What would change, in order; nothing for a config in the current form.
    pub changes: Vec<Change>,
    /// What would stand in the way: what is wrong with the config in either form.
    pub obstacles: Vec<Problem>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upgraded {
    /// What changed, in order.
    pub changes: Vec<Change>,
    /// The files of the config, and the copies of them as they were before.
    pub config: Saved,
    /// The same for `openclaw-rs.json5`, which has what only this program knows.
    pub own: Saved,
}

impl Plan {
    /// Looks at the config of a home; nothing is written.
    ///
    /// # Errors
    /// Fails when the config cannot be read.
    pub fn of(state: &StateDir, env: &Env) -> Result<Self, Vec<Problem>> {
        let source = source::read(state.config_file(), env)?;
        let Migrated { changes, .. } = migrated(source.written(), state, env);
        let obstacles = match changes.as_slice() {
            [] => Vec::new(),
            _ => judge(&source, state, Judged::AfterMigration).problems,
        };
        Ok(Self { changes, obstacles })
    }

    /// Tells whether there is something to write, and nothing in the way of it.
    pub fn is_possible(&self) -> bool {
        !self.changes.is_empty() && self.obstacles.is_empty()
    }
}

/// Writes the config of a home in the current form: comments stay, and there is a copy of each
/// file as it was before. A config in the current form is left as it is.
///
/// # Errors
/// Fails when the result would not be valid, or cannot be written; the config is then as it was.
pub fn apply(state: &StateDir, env: &Env) -> Result<Upgraded, SaveError> {
    let file = ConfigFile::new(state.config_file(), env.clone());
    let check = |source: &Source| match judge(source, state, Judged::AsItStands).problems {
        problems if problems.is_empty() => Ok(()),
        problems => Err(problems),
    };
    // What moves to the other file is there before it is taken away here.
    let mut outcome = Migrated::default();
    file.rehearse(|draft| reshape(draft, &mut outcome, state, env), check)?;
    let own = keep_own(state, env, &outcome.own)?;
    let config = file.edit(|draft| reshape(draft, &mut outcome, state, env), check)?;
    Ok(Upgraded {
        changes: outcome.changes,
        config,
        own,
    })
}

fn reshape(
    draft: &mut Draft,
    outcome: &mut Migrated,
    state: &StateDir,
    env: &Env,
) -> Result<(), SaveError> {
    *outcome = migrated(draft.value(), state, env);
    if outcome.changes.is_empty() {
        return Ok(());
    }
    draft.reshape(&outcome.value)
}

/// Variables stay as they are written.
fn migrated(written: &Value, state: &StateDir, env: &Env) -> Migrated {
    let user = env.get_os(HOME.name).unwrap_or_default();
    let home = migration::Home {
        user: Path::new(user),
        state_dir: state.root(),
    };
    migration::migrate_in(written.clone(), home)
}

/// Adds settings to this program's own file; what stands there already counts.
fn keep_own(state: &StateDir, env: &Env, own: &Value) -> Result<Saved, SaveError> {
    let Some(members) = own.as_object().filter(|members| !members.is_empty()) else {
        return Ok(Saved::default());
    };
    let file = ConfigFile::new(state.config_file().with_file_name(OWN_FILE), env.clone());
    file.edit(
        |draft| add(draft, &KeyPath::root(), members),
        |_source| Ok(()),
    )
}

fn add(draft: &mut Draft, at: &KeyPath, members: &Map<String, Value>) -> Result<(), SaveError> {
    for (key, value) in members {
        let path = at.key(key);
        let mut segments = path.segments().iter();
        let existing = segments.try_fold(draft.value(), |value, key| value.get(key));
        match (existing, value) {
            (None, value) => draft.set(&path, value)?,
            (Some(Value::Object(_)), Value::Object(members)) => add(draft, &path, members)?,
            (Some(_), _) => {}
        }
    }
    Ok(())
}

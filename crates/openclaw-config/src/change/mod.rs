//! Changing a config by paths: what is asked for, whether that may be, and doing it.
//!
//! Everything is checked first, then all of it is written, or nothing. [`ConfigPath`] is how a place
//! is typed, [`of_patch`] reads many changes from one object, [`Changer`] makes them.

mod apply;
mod error;
mod patch;
mod path;
mod reference;
mod roster;
mod verdict;

use std::fmt;

use openclaw_core::env::Env;
use openclaw_core::state_dir::StateDir;
use serde_json::Value;

use crate::edit::{ConfigFile, Draft, SaveError, Saved};
use crate::problem::Problem;
use crate::source::Source;
use crate::{Judged, judge};

pub use self::apply::lookup;
pub use self::error::{ChangeError, Form};
pub use self::patch::of_patch;
pub use self::path::{ConfigPath, PathError, Step, Typed};
pub use self::reference::{
    ALIAS, SOURCES, VARIABLE, is_alias, is_reference, is_variable, reference, reference_of,
};
pub use self::verdict::{found, valid};

use self::verdict::judged_valid;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Where.
    pub path: ConfigPath,
    /// What.
    pub action: Action,
}

/// What is to be done at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The value is to stand there; entries that people add one by one are not to be lost.
    Set(Value),
    /// The value is to be merged into what stands there.
    Merge(Value),
    /// The value is to stand there, whatever is lost.
    Replace(Value),
    /// What stands there is to be removed; it is a failure when there is nothing.
    Unset,
    /// Nothing is to stand there.
    Clear,
}

impl Action {
    /// Returns the value that is to stand at the path, if one is.
    pub const fn value(&self) -> Option<&Value> {
        match self {
            Self::Set(value) | Self::Merge(value) | Self::Replace(value) => Some(value),
            Self::Unset | Self::Clear => None,
        }
    }
}

/// What has to be so for a change to be made.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// Nothing stands at the path of the one operation.
    Nothing,
    /// This value stands there, with variables filled in.
    Value(Value),
}

/// What came of the operations, beside what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Credentials that were removed because nothing uses them any more.
    pub pruned: Vec<String>,
    /// The settings that a running gateway takes up at its next start only.
    pub waiting: Vec<&'static str>,
    /// What the author should know about the config as it is now.
    pub warnings: Vec<Problem>,
}

/// Makes changes to the config of a home.
#[derive(Clone, Copy)]
pub struct Changer<'a> {
    /// The home.
    pub state: &'a StateDir,
    /// The environment that the config is read with.
    pub env: &'a Env,
    /// Tells which providers there are beside those of the config and of OpenClaw.
    pub knows_provider: &'a dyn Fn(&str) -> bool,
    /// Tells whether the config is still the one that the change is meant for.
    pub is_meant: &'a dyn Fn(&Source) -> bool,
}

impl fmt::Debug for Changer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changer")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Changer<'_> {
    /// Makes all changes, or none. Blocks on the file system, and on others who change the config.
    ///
    /// # Errors
    /// Returns why nothing was written.
    pub fn write(
        &self,
        operations: &[Operation],
        expectation: Option<&Expectation>,
    ) -> Result<(Saved, Effects), ChangeError> {
        let mut effects = Effects::default();
        let mut failure = None;
        let mut warnings = Vec::new();
        let saved = self.file(operations)?.edit(
            |draft| {
                let made = self.apply(draft, operations, expectation);
                kept(&mut failure, made.map(|done| effects = done))
            },
            |source| self.check(source, &mut warnings),
        );
        let saved = saved.map_err(|err| self.failure(failure, err))?;
        effects.warnings = warnings;
        Ok((saved, effects))
    }

    /// Does everything that [`Changer::write`] does, but for the writing; returns what the config
    /// would be.
    ///
    /// # Errors
    /// As for [`Changer::write`].
    pub fn rehearse(&self, operations: &[Operation]) -> Result<(Draft, Effects), ChangeError> {
        let mut effects = Effects::default();
        let mut failure = None;
        let mut warnings = Vec::new();
        let draft = self.file(operations)?.rehearse(
            |draft| {
                let made = self.apply(draft, operations, None);
                kept(&mut failure, made.map(|done| effects = done))
            },
            |source| self.check(source, &mut warnings),
        );
        let draft = draft.map_err(|err| self.failure(failure, err))?;
        effects.warnings = warnings;
        Ok((draft, effects))
    }

    fn file(&self, operations: &[Operation]) -> Result<ConfigFile, ChangeError> {
        operations.iter().try_for_each(apply::editable)?;
        Ok(ConfigFile::new(self.state.config_file(), self.env.clone()))
    }

    fn apply(
        &self,
        draft: &mut Draft,
        operations: &[Operation],
        expectation: Option<&Expectation>,
    ) -> Result<Effects, ChangeError> {
        if !(self.is_meant)(draft.source()) {
            return Err(ChangeError::Moved);
        }
        judged_valid(draft.source(), self.state)?;
        if let (Some(expectation), [operation]) = (expectation, operations) {
            as_expected(draft.source(), operation, expectation)?;
        }
        let old = draft.value().clone();
        for operation in operations {
            apply::apply(draft, operation)?;
        }
        let pruned = apply::prune_auth(draft, operations)?;
        apply::models_have_providers(&old, draft.value(), self.knows_provider)?;
        Ok(Effects {
            pruned,
            waiting: waiting(&old, draft.value()),
            warnings: Vec::new(),
        })
    }

    fn check(&self, source: &Source, warnings: &mut Vec<Problem>) -> Result<(), Vec<Problem>> {
        let verdict = judge(source, self.state, Judged::AsItStands);
        warnings.clone_from(&verdict.warnings);
        if verdict.is_valid() {
            Ok(())
        } else {
            Err(verdict.problems)
        }
    }

    fn failure(&self, own: Option<ChangeError>, err: SaveError) -> ChangeError {
        let file = self.state.config_file().to_owned();
        match (own, err) {
            (Some(failure), _) => failure,
            (None, SaveError::Refused(problems)) => ChangeError::WouldBeInvalid { file, problems },
            (None, SaveError::Unreadable(problems)) => ChangeError::Invalid {
                file,
                problems,
                form: Form::Current,
            },
            (None, err) => ChangeError::Save(err),
        }
    }
}

fn as_expected(
    before: &Source,
    operation: &Operation,
    expectation: &Expectation,
) -> Result<(), ChangeError> {
    let found = lookup(&before.value, &operation.path.keys());
    let as_expected = match expectation {
        Expectation::Nothing => found.is_none(),
        Expectation::Value(value) => found == Some(value),
    };
    if as_expected {
        return Ok(());
    }
    Err(ChangeError::NotAsExpected(operation.path.to_string()))
}

/// Keeps a failure that the writer of config files has no word for.
fn kept(
    place: &mut Option<ChangeError>,
    outcome: Result<(), ChangeError>,
) -> Result<(), SaveError> {
    outcome.map_err(|failure| match failure {
        ChangeError::Save(err) => err,
        failure => {
            *place = Some(failure);
            SaveError::Refused(Vec::new())
        }
    })
}

/// Returns the changed settings that a running gateway does not take up.
fn waiting(old: &Value, new: &Value) -> Vec<&'static str> {
    const AT_START: [&str; 2] = ["/gateway/port", "/gateway/bind"];
    if new
        .pointer("/gateway/reload/mode")
        .is_some_and(|mode| mode == "off")
        && old != new
    {
        return vec!["/gateway/reload/mode"];
    }
    let differs = |path: &&str| old.pointer(path) != new.pointer(path);
    AT_START.into_iter().filter(differs).collect()
}

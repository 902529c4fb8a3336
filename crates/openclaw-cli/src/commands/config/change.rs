//! What `set`, `unset` and `patch` have in common: everything is checked, then all of it is
//! written, or nothing.

use std::process::ExitCode;

use clap::Args;
use openclaw_config::edit::{ConfigFile, Draft, SaveError, Saved};
use openclaw_config::source::Source;
use openclaw_config::{Judged, Problem, judge};
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::Running;
use openclaw_gateway::audit::record_config_changes;
use serde_json::{Value, json};

use super::apply;
use super::failure::{ConfigFailure, Form};
use super::operation::Operation;
use super::rehearsal;
use super::verdict::judged_valid;
use crate::commands::Cx;
use crate::commands::sessions::existing_log;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};

/// What somebody asked to be done.
#[derive(Debug)]
pub(super) struct Asked {
    /// By which command.
    pub(super) verb: Verb,
    /// What, in order.
    pub(super) operations: Vec<Operation>,
    /// What has to be so for it to be done.
    pub(super) expectation: Option<Expectation>,
    /// Whether it is done or only tried.
    pub(super) writing: Writing,
}

/// The command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Set,
    Unset,
    Patch,
    /// A command outside `config`, by its name.
    Other(&'static str),
}

/// What has to stand at the path for it to be changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expectation {
    /// Nothing.
    Nothing,
    /// This value, with variables filled in.
    Value(Value),
}

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Really,
    Rehearsal,
}

/// What came of the operations, before anything is written.
#[derive(Debug, Default)]
struct Effects {
    /// Credentials that were removed because nothing uses them any more.
    pruned: Vec<String>,
    /// The settings that a running gateway takes up at its next start only.
    waiting: Vec<&'static str>,
    /// What the author should know about the config as it is now.
    warnings: Vec<Problem>,
}

impl Verb {
    /// Who changes the config, for the audit stream.
    const fn by(self) -> &'static str {
        match self {
            Self::Set => "openclaw config set",
            Self::Unset => "openclaw config unset",
            Self::Patch => "openclaw config patch",
            Self::Other(name) => name,
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Set | Self::Patch | Self::Other(_) => "updated",
            Self::Unset => "removed",
        }
    }
}

/// The flags by which a change is only tried.
#[derive(Debug, Args)]
pub(super) struct WritingArgs {
    /// Write nothing; say whether it would work
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: also ask programs for the secrets that they keep
    #[arg(long)]
    allow_exec: bool,
}

impl WritingArgs {
    /// Returns what the flags ask for.
    pub(super) fn writing(&self) -> Result<Writing, ConfigFailure> {
        match (self.dry_run, self.allow_exec) {
            (false, true) => Err(ConfigFailure::Flags("--allow-exec needs --dry-run")),
            (true, _) => Ok(Writing::Rehearsal),
            (false, false) => Ok(Writing::Really),
        }
    }
}

/// Does what was asked.
pub(super) fn run(cx: Cx<'_>, asked: Asked) -> Result<ExitCode, ConfigFailure> {
    asked.operations.iter().try_for_each(apply::editable)?;
    let state = StateDir::locate(cx.env, cx.overrides).map_err(CliError::from)?;
    let change = Change {
        cx,
        file: ConfigFile::new(state.config_file(), cx.env.clone()),
        state,
        asked,
    };
    match change.asked.writing {
        Writing::Really => change.write(),
        Writing::Rehearsal => change.rehearse(),
    }
}

struct Change<'a> {
    cx: Cx<'a>,
    state: StateDir,
    file: ConfigFile,
    asked: Asked,
}

impl Change<'_> {
    fn write(&self) -> Result<ExitCode, ConfigFailure> {
        let mut effects = Effects::default();
        let mut failure = None;
        let mut warnings = Vec::new();
        let saved = self.file.edit(
            |draft| kept(&mut failure, self.apply(draft).map(|done| effects = done)),
            |source| self.check(source, &mut warnings),
        );
        let saved = saved.map_err(|err| self.failure(failure, err))?;
        effects.warnings = warnings;
        self.tell(&saved, &effects)?;
        Ok(ExitCode::SUCCESS)
    }

    fn rehearse(&self) -> Result<ExitCode, ConfigFailure> {
        let mut failure = None;
        let rehearsed = self.file.rehearse(
            |draft| kept(&mut failure, self.apply(draft).map(drop)),
            |source| self.check(source, &mut Vec::new()),
        );
        let rehearsed = rehearsed.map_err(|err| self.failure(failure, err));
        let document = rehearsal::document(&self.state, self.cx.env, &self.asked, &rehearsed);
        if document.get("ok") != Some(&Value::Bool(true)) {
            // What is wrong with the config itself is told as everywhere.
            return match rehearsed {
                Err(failure @ (ConfigFailure::Invalid { .. } | ConfigFailure::Save(_))) => {
                    Err(failure)
                }
                Err(failure) if !self.cx.out.is_json() => Err(failure),
                _ => Err(ConfigFailure::Rehearsal(document)),
            };
        }
        if self.cx.out.is_json() {
            self.cx.out.document(&document)?;
        } else {
            let n = self.asked.operations.len();
            let text = format!(
                "this would work: {} of {n}; nothing was written",
                counted(n)
            );
            self.cx.out.line(self.cx.out.look(Look::Good, &text))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn apply(&self, draft: &mut Draft) -> Result<Effects, ConfigFailure> {
        judged_valid(draft.source(), &self.state)?;
        self.expected(draft.source())?;
        let old = draft.value().clone();
        for operation in &self.asked.operations {
            apply::apply(draft, operation)?;
        }
        let pruned = apply::prune_auth(draft, &self.asked.operations)?;
        apply::models_have_providers(&old, draft.value())?;
        Ok(Effects {
            pruned,
            waiting: waiting(&old, draft.value()),
            warnings: Vec::new(),
        })
    }

    fn expected(&self, before: &Source) -> Result<(), ConfigFailure> {
        let (Some(expectation), [operation]) =
            (&self.asked.expectation, self.asked.operations.as_slice())
        else {
            return Ok(());
        };
        let found = apply::lookup(&before.value, &operation.path.keys());
        let as_expected = match expectation {
            Expectation::Nothing => found.is_none(),
            Expectation::Value(value) => found == Some(value),
        };
        if as_expected {
            return Ok(());
        }
        Err(ConfigFailure::NotAsExpected(operation.path.to_string()))
    }

    fn check(&self, source: &Source, warnings: &mut Vec<Problem>) -> Result<(), Vec<Problem>> {
        let verdict = judge(source, &self.state, Judged::AsItStands);
        warnings.clone_from(&verdict.warnings);
        if verdict.is_valid() {
            Ok(())
        } else {
            Err(verdict.problems)
        }
    }

    fn failure(&self, own: Option<ConfigFailure>, err: SaveError) -> ConfigFailure {
        let file = self.state.config_file().to_owned();
        match (own, err) {
            (Some(failure), _) => failure,
            (None, SaveError::Refused(problems)) => {
                ConfigFailure::WouldBeInvalid { file, problems }
            }
            (None, SaveError::Unreadable(problems)) => ConfigFailure::Invalid {
                file,
                problems,
                form: Form::Current,
            },
            (None, err) => ConfigFailure::Save(err),
        }
    }

    fn tell(&self, saved: &Saved, effects: &Effects) -> Result<(), ConfigFailure> {
        let mut warnings: Vec<String> = Vec::new();
        if !saved.files.is_empty() {
            let recorded =
                runtime::block_on(Threads::One, record(&self.state, self.asked.verb.by()));
            warnings.extend(recorded.err().map(|err| {
                format!("the audit stream does not say that the config was changed: {err}")
            }));
        }
        warnings.extend(effects.warnings.iter().map(Problem::to_string));
        let effect = self.effect(saved, effects);
        let operations = &self.asked.operations;
        if self.cx.out.is_json() {
            let paths: Vec<String> = operations.iter().map(|one| one.path.to_string()).collect();
            let data = json!({
                "operations": operations.len(),
                "configPath": self.state.config_file(),
                "changed": !saved.files.is_empty(),
                "paths": paths,
                "removed": effects.pruned,
                "files": saved.files,
                "backup": saved.backups.first(),
                "effect": effect,
            });
            self.cx.out.answer(&data, &warnings)?;
            return Ok(());
        }
        for path in &effects.pruned {
            self.cx.out.line(format_args!(
                "removed {path}, which this gateway.auth.mode does not use"
            ))?;
        }
        let done = match operations.as_slice() {
            _ if saved.files.is_empty() => "no change".to_owned(),
            [one] => format!("{} {}", self.asked.verb.done(), one.path),
            many => format!(
                "{} {} of {}",
                self.asked.verb.done(),
                counted(many.len()),
                many.len()
            ),
        };
        self.cx.out.line(done)?;
        if let Some(effect) = effect {
            self.cx.out.note(self.cx.out.look_aside(Look::Dim, effect));
        }
        for warning in warnings {
            self.cx.out.warning(crate::text::one_line(&warning));
        }
        Ok(())
    }

    /// Says when the change has an effect; nothing where no gateway runs.
    fn effect(&self, saved: &Saved, effects: &Effects) -> Option<&'static str> {
        if saved.files.is_empty() || !matches!(Running::on(&self.state), Ok(Some(_))) {
            return None;
        }
        Some(if effects.waiting.is_empty() {
            "the running gateway takes it up by itself"
        } else {
            "restart the gateway to apply it"
        })
    }
}

/// Keeps a failure that the writer of config files has no word for.
fn kept(
    place: &mut Option<ConfigFailure>,
    outcome: Result<(), ConfigFailure>,
) -> Result<(), SaveError> {
    outcome.map_err(|failure| match failure {
        ConfigFailure::Save(err) => err,
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

fn counted(n: usize) -> &'static str {
    if n == 1 {
        "the one change"
    } else {
        "all changes"
    }
}

/// Puts the change on record where there is an event log already.
async fn record(state: &StateDir, by: &str) -> Result<(), CliError> {
    if let Some(store) = existing_log(state)? {
        record_config_changes(&store, &[state.config_file().to_owned()], by).await?;
    }
    Ok(())
}

//! What `set`, `unset` and `patch` have in common: doing it, or trying it, and telling what came of
//! it.

use std::process::ExitCode;

use clap::Args;
use openclaw_config::Problem;
use openclaw_config::change::{ChangeError, Changer, Effects, Expectation, Operation};
use openclaw_config::edit::Saved;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::Running;
use openclaw_gateway::audit::record_config_changes;
use openclaw_gateway::models::knows_provider;
use serde_json::{Value, json};

use super::failure::ConfigFailure;
use super::operation::Said;
use super::rehearsal;
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
    pub(super) operations: Vec<Said>,
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

/// Whether anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Really,
    Rehearsal,
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
    let state = StateDir::locate(cx.env, cx.overrides).map_err(CliError::from)?;
    let change = Change { cx, state, asked };
    match change.asked.writing {
        Writing::Really => change.write(),
        Writing::Rehearsal => change.rehearse(),
    }
}

struct Change<'a> {
    cx: Cx<'a>,
    state: StateDir,
    asked: Asked,
}

impl Change<'_> {
    fn changer(&self) -> Changer<'_> {
        Changer {
            state: &self.state,
            env: self.cx.env,
            knows_provider: &knows_provider,
            is_meant: &|_as_it_is| true,
        }
    }

    fn operations(&self) -> Vec<Operation> {
        let operations = self.asked.operations.iter();
        operations.map(|said| said.what.clone()).collect()
    }

    fn write(&self) -> Result<ExitCode, ConfigFailure> {
        let expectation = self.asked.expectation.as_ref();
        let (saved, effects) = self.changer().write(&self.operations(), expectation)?;
        self.tell(&saved, &effects)?;
        Ok(ExitCode::SUCCESS)
    }

    fn rehearse(&self) -> Result<ExitCode, ConfigFailure> {
        let rehearsed = self.changer().rehearse(&self.operations());
        let rehearsed = rehearsed.map(|(draft, _effects)| draft);
        let document = rehearsal::document(&self.state, self.cx.env, &self.asked, &rehearsed);
        if document.get("ok") != Some(&Value::Bool(true)) {
            // What is wrong with the config itself is told as everywhere.
            return match rehearsed {
                Err(
                    failure @ (ChangeError::Invalid { .. }
                    | ChangeError::Save(_)
                    | ChangeError::Managed { .. }),
                ) => Err(failure.into()),
                Err(failure) if !self.cx.out.is_json() => Err(failure.into()),
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
            let paths: Vec<String> = operations
                .iter()
                .map(|one| one.what.path.to_string())
                .collect();
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
            [one] => format!("{} {}", self.asked.verb.done(), one.what.path),
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

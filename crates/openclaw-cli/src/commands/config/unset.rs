//! `openclaw config unset`.

use std::process::ExitCode;

use clap::Args;
use openclaw_config::change::{Action, ConfigPath, Operation};

use super::change::{self, Asked, Verb, WritingArgs};
use super::failure::ConfigFailure;
use super::operation::{Mode, Said};
use crate::commands::Cx;

const EXAMPLES: &str = "\
Examples:
  openclaw config unset messages.responsePrefix
  openclaw config unset 'agents.entries.work.skills[0]' --dry-run";

/// The arguments of `config unset`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UnsetArgs {
    /// What to remove
    path: String,
    #[command(flatten)]
    writing: WritingArgs,
}

pub(super) fn run(cx: Cx<'_>, args: &UnsetArgs) -> Result<ExitCode, ConfigFailure> {
    let writing = args.writing.writing()?;
    let operation = Said {
        what: Operation {
            path: ConfigPath::parse(&args.path)?,
            action: Action::Unset,
        },
        mode: Mode::Unset,
    };
    change::run(
        cx,
        Asked {
            verb: Verb::Unset,
            operations: vec![operation],
            expectation: None,
            writing,
        },
    )
}

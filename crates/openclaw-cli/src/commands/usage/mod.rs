//! `openclaw usage`: what models cost, and the caps on it.

mod caps;
mod money;
mod raise;
mod sums;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(crate) use self::caps::in_a_line;
pub(crate) use self::sums::cost_of_calls;

use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};

const EXAMPLES: &str = "\
Examples:
  openclaw usage
  openclaw usage --by day --days 7
  openclaw usage --by session --since 2026-11-01 --until 2026-11-30 --json";

const CAPS_EXAMPLES: &str = "\
Examples:
  openclaw usage caps
  openclaw usage caps --session agent:main:main --json";

const RAISE_EXAMPLES: &str = "\
Examples:
  openclaw usage raise day --usd 20
  openclaw usage raise session --session agent:main:main --tokens 2000000

A cap of a day is raised until the day ends, and so is that of a turn or of an unattended run, for
all of the day; the cap of a session stays raised.";

/// The arguments of `usage`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct UsageArgs {
    #[command(flatten)]
    sums: sums::SumArgs,
    #[command(subcommand)]
    command: Option<UsageCommand>,
}

#[derive(Debug, Subcommand)]
enum UsageCommand {
    /// Show the caps, and how much of each is used
    #[command(after_help = CAPS_EXAMPLES)]
    Caps(caps::CapsArgs),
    /// Raise a cap for the current period
    #[command(after_help = RAISE_EXAMPLES)]
    Raise(raise::RaiseArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: UsageArgs) -> Result<ExitCode, CliError> {
    let home = cx.home_to_call()?;
    runtime::block_on(Threads::Two, async {
        match args.command {
            None => sums::run(cx, &home, args.sums).await,
            Some(UsageCommand::Caps(args)) => caps::run(cx, &home, args).await,
            Some(UsageCommand::Raise(args)) => raise::run(cx, &home, args).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

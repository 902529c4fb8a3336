//! `openclaw approvals`: what waits for somebody's consent, and what has it for good.

mod card;
mod files;
mod grants;
mod list;
mod resolve;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(crate) use self::card::{card, subject};
use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};

const LIST_EXAMPLES: &str = "\
Examples:
  openclaw approvals list
  openclaw approvals list --all --json";

const RESOLVE_EXAMPLES: &str = "\
Examples:
  openclaw approvals resolve 0198c5a2-8b20-7d55-a1c2-1d2e3f4a5b6c allow-once
  openclaw approvals resolve 0198c5a2-8b20-7d55-a1c2-1d2e3f4a5b6c deny

`allow-always` is about every later call of exactly the same shape, too: the same arguments, folder,
variables and policy. `openclaw approvals withdraw` takes it back.";

const GRANTS_EXAMPLES: &str = "\
Examples:
  openclaw approvals grants
  openclaw approvals grants --json";

const WITHDRAW_EXAMPLES: &str = "\
Examples:
  openclaw approvals withdraw 9c1185a5c5e9fc54612808977ee8f548b2258d31e5f0a8a7f5b5f3e7a0a1b2c3

A digest may be shortened as far as it is clear which one is meant.";

const FILES_EXAMPLES: &str = "\
Examples:
  openclaw approvals files
  openclaw approvals files --agent research --json";

const VOUCH_EXAMPLES: &str = "\
Examples:
  openclaw approvals vouch notes.md
  openclaw approvals vouch .

Read the file first: what is in it counts as your own words afterwards.";

/// The arguments of `approvals`.
#[derive(Debug, Args)]
pub(crate) struct ApprovalsArgs {
    #[command(subcommand)]
    command: ApprovalsCommand,
}

#[derive(Debug, Subcommand)]
enum ApprovalsCommand {
    /// List the calls that wait for somebody's consent
    #[command(after_help = LIST_EXAMPLES)]
    List(list::ListArgs),
    /// Decide whether a call may run
    #[command(after_help = RESOLVE_EXAMPLES)]
    Resolve(resolve::ResolveArgs),
    /// List the calls that run without being asked for
    #[command(after_help = GRANTS_EXAMPLES)]
    Grants,
    /// Take back what was allowed for good
    #[command(after_help = WITHDRAW_EXAMPLES)]
    Withdraw(grants::WithdrawArgs),
    /// List the files that were written while something untrusted was in view
    #[command(after_help = FILES_EXAMPLES)]
    Files(files::FilesArgs),
    /// Say that such a file is as good as your own
    #[command(after_help = VOUCH_EXAMPLES)]
    Vouch(files::VouchArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: ApprovalsArgs) -> Result<ExitCode, CliError> {
    let home = cx.home_to_call()?;
    runtime::block_on(Threads::Two, async {
        match args.command {
            ApprovalsCommand::List(args) => list::run(cx, &home, args).await,
            ApprovalsCommand::Resolve(args) => resolve::run(cx, &home, args).await,
            ApprovalsCommand::Grants => grants::list(cx, &home).await,
            ApprovalsCommand::Withdraw(args) => grants::withdraw(cx, &home, args).await,
            ApprovalsCommand::Files(args) => files::list(cx, &home, args).await,
            ApprovalsCommand::Vouch(args) => files::vouch(cx, &home, args).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

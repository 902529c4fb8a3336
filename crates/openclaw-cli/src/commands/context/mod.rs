//! `openclaw context`: what fills the model's window.

mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};

/// The arguments of `context`.
#[derive(Debug, Args)]
#[command(after_help = show::EXAMPLES)]
pub(crate) struct ContextArgs {
    #[command(subcommand)]
    command: ContextCommand,
}

#[derive(Debug, Subcommand)]
enum ContextCommand {
    /// Show every part of a session's next request, with its tokens
    #[command(after_help = show::EXAMPLES)]
    Show(show::ShowArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: ContextArgs) -> Result<ExitCode, CliError> {
    let home = cx.home_to_call()?;
    let ContextCommand::Show(args) = args.command;
    runtime::block_on(Threads::Two, show::run(cx, &home, args))?;
    Ok(ExitCode::SUCCESS)
}

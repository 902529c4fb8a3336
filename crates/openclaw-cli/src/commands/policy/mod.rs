//! `openclaw policy`: which tools may be called, by whom, and which setting says so.

mod explain;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};

/// The arguments of `policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Say whether a tool may be called, and which setting decided that
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::ExplainArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: PolicyArgs) -> Result<ExitCode, CliError> {
    let home = cx.home_to_call()?;
    runtime::block_on(Threads::Two, async {
        match args.command {
            PolicyCommand::Explain(args) => explain::run(cx, &home, args).await,
        }
    })
}

//! `openclaw sandbox`: commands in the sandbox, and what it is worth on this machine.

mod exec;
mod explain;
mod test;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Cx;
use crate::error::CliError;

/// The arguments of `sandbox`.
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Run a command in the sandbox
    #[command(after_help = exec::EXAMPLES)]
    Exec(exec::ExecArgs),
    /// Show what a tool of an agent may do, and which setting says so
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::ExplainArgs),
    /// Try to escape from the sandbox of this machine, and show how each attempt was refused
    #[command(after_help = test::EXAMPLES)]
    Test(test::TestArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: SandboxArgs) -> Result<ExitCode, CliError> {
    match args.command {
        SandboxCommand::Exec(args) => exec::run(cx, args),
        SandboxCommand::Explain(args) => explain::run(cx, &args),
        SandboxCommand::Test(args) => test::run(cx, &args),
    }
}

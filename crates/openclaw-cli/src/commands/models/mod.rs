//! `openclaw models`: which models there are, which one answers, and whether it does.
//!
//! One file for each subcommand: `list` and `status` look, `scan` and `test` ask the providers, and
//! `choose` changes the config. `view` is what they have in common. The documents of `list` and
//! `status` have the shape that TypeScript OpenClaw's scripts read.

mod choose;
mod list;
mod scan;
mod status;
mod test;
mod view;

use std::process::ExitCode;

pub(crate) use self::choose::ChoiceError;
pub(crate) use self::view::failing;

use clap::{Args, Subcommand};
use openclaw_gateway::Home;

use super::Cx;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  openclaw models status
  openclaw models list --all --provider anthropic
  openclaw models set anthropic/claude-opus-5
  openclaw models test";

const LIST_EXAMPLES: &str = "\
Examples:
  openclaw models list
  openclaw models list --all
  openclaw models list --provider openai --json";

const STATUS_EXAMPLES: &str = "\
Examples:
  openclaw models status
  openclaw models status --check && echo ready
  openclaw models status --json";

const SCAN_EXAMPLES: &str = "\
Examples:
  openclaw models scan
  openclaw models scan --provider ollama --json

What the providers say is kept in the state directory. It counts before what this program knows, and
after what the config says.";

const TEST_EXAMPLES: &str = "\
Examples:
  openclaw models test
  openclaw models test openai/gpt-5.5
  openclaw models test --all --json

Every key is tried with a real request of a few tokens, which costs a fraction of a cent.";

/// The arguments of `models`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ModelsArgs {
    /// Look at this agent; without it, at the default agent
    #[arg(long, global = true, value_name = "ID")]
    agent: Option<String>,
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List the models that are configured, or all that are known
    #[command(after_help = LIST_EXAMPLES)]
    List(list::ListArgs),
    /// Show which model answers, and which keys there are (also without `status`)
    #[command(after_help = STATUS_EXAMPLES)]
    Status(status::StatusArgs),
    /// Choose the model of all agents that have none of their own
    #[command(after_help = choose::SET_EXAMPLES)]
    Set(choose::SetArgs),
    /// Name models by short names
    Aliases(choose::AliasesArgs),
    /// Choose what stands in for the model
    Fallbacks(choose::FallbacksArgs),
    /// Ask the providers which models they have
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(scan::ScanArgs),
    /// Try models and keys with a real request
    #[command(after_help = TEST_EXAMPLES)]
    Test(test::TestArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: ModelsArgs) -> Result<ExitCode, CliError> {
    let status = || ModelsCommand::Status(status::StatusArgs::default());
    let home = || Home::open(cx.env.clone(), cx.overrides);
    let agent = args.agent.as_deref();
    match args.command.unwrap_or_else(status) {
        ModelsCommand::List(args) => list::run(cx, &home()?, agent, &args),
        ModelsCommand::Status(args) => status::run(cx, &home()?, agent, &args),
        ModelsCommand::Scan(args) => scan::run(cx, &home()?, agent, &args),
        ModelsCommand::Test(args) => test::run(cx, &home()?, agent, &args),
        ModelsCommand::Set(args) => choose::set(cx, &args),
        ModelsCommand::Aliases(args) => choose::aliases(cx, args),
        ModelsCommand::Fallbacks(args) => choose::fallbacks(cx, args),
    }
}

//! `openclaw config`: reading, checking and changing the user's config.
//!
//! Exit codes and JSON are those of TypeScript OpenClaw 2026.9.6, so that its scripts work; where
//! more is known (line, column, nearest key, what has no effect) members are added. An edit changes
//! the lines that it is about and nothing else.

mod change;
mod edit;
mod failure;
mod get;
mod input;
mod operation;
mod patch;
mod problems;
mod provider;
mod rehearsal;
mod secret;
mod set;
mod unset;
mod validate;

pub(crate) use self::edit::{Edit, edit};

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_config::schema;
use openclaw_core::state_dir::StateDir;
use serde_json::{Value, json};

use super::Cx;
use crate::error::CliError;

const FILE_EXAMPLES: &str = "\
Examples:
  openclaw config file
  $EDITOR \"$(openclaw config file)\"";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  openclaw config schema > openclaw.schema.json";

/// The arguments of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show a value
    Get(get::GetArgs),
    /// Set a value
    Set(Box<set::SetArgs>),
    /// Remove a value
    Unset(unset::UnsetArgs),
    /// Change many values at once
    Patch(patch::PatchArgs),
    /// Say whether the config is valid, and everything that is wrong with it
    Validate(validate::ValidateArgs),
    /// Print the JSON schema of the config
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
    /// Print the path of the config file
    #[command(after_help = FILE_EXAMPLES)]
    File,
}

pub(crate) fn run(cx: Cx<'_>, args: &ConfigArgs) -> Result<ExitCode, CliError> {
    let outcome = match &args.command {
        ConfigCommand::Get(args) => get::run(cx, args),
        ConfigCommand::Set(args) => set::run(cx, args),
        ConfigCommand::Unset(args) => unset::run(cx, args),
        ConfigCommand::Patch(args) => patch::run(cx, args),
        ConfigCommand::Validate(args) => return validate::run(cx, args),
        ConfigCommand::Schema => {
            cx.out
                .document(&schema::document().map_err(CliError::Json)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        ConfigCommand::File => {
            let state = StateDir::locate(cx.env, cx.overrides)?;
            let file = std::path::absolute(state.config_file());
            let file = file.unwrap_or_else(|_| state.config_file().to_owned());
            if cx.out.is_json() {
                cx.out.document(&json!({ "path": file }))?;
            } else {
                cx.out.line(file.display())?;
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    outcome.or_else(|failure| failure.tell(cx, &Value::Null))
}

//! `openclaw credentials set`: one secret goes in.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::error::CredentialsFailure;
use super::store::{Intake, Keyring, NewPassword, Stored};
use super::typed::Piped;
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw credentials set anthropic
  openclaw credentials set openai --stdin < key
  pass show telegram | openclaw credentials set anthropic_telegram_token

The record `anthropic` is the key of the provider of that name, unless the config has another one. In
the config, {{ ANTHROPIC_TELEGRAM_TOKEN }} and {source: \"store\", provider: \"default\",
id: \"ANTHROPIC_TELEGRAM_TOKEN\"} mean the record `anthropic_telegram_token`.";

/// What does it, in the audit stream.
const BY: &str = "openclaw credentials set";

/// The arguments of `credentials set`.
#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The name: a-z, 0-9, `.`, `_` and `-`
    name: String,
    // Taken so that it can be refused in words of its own, which do not repeat it.
    #[arg(hide = true)]
    argument: Vec<String>,
    /// Read the secret from standard input even at a terminal
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    new: NewPassword,
}

impl SetArgs {
    const fn piped(&self) -> Piped {
        if self.stdin {
            Piped::Always
        } else {
            Piped::WhereNoTerminal
        }
    }
}

pub(super) fn set(cx: Cx<'_>, args: &SetArgs) -> Result<ExitCode, CliError> {
    if !args.argument.is_empty() || args.name.contains('=') {
        return Err(CredentialsFailure::Argument.into());
    }
    let name = &args.name;
    let keyring = Keyring::locate(cx)?;
    // The password comes first: nobody should type a secret for nothing.
    let opened = keyring.open_or_make(cx, &args.new)?;
    let intake = Intake {
        name,
        what: "Secret",
        piped: args.piped(),
        by: BY,
    };
    let Stored { replaced, warning } = keyring.take(cx, &opened.store, &intake)?;
    let warnings: Vec<String> = opened.warnings.into_iter().chain(warning).collect();
    if cx.out.is_json() {
        let path = keyring.vault.path();
        let data = json!({ "name": name, "replaced": replaced, "path": path });
        cx.out.answer(&data, &warnings)?;
        return Ok(ExitCode::SUCCESS);
    }
    let done = if replaced { "replaced" } else { "stored" };
    cx.out
        .line(format_args!("{}  {name}", cx.out.look(Look::Good, done)))?;
    for warning in warnings {
        cx.out.warning(warning);
    }
    Ok(ExitCode::SUCCESS)
}

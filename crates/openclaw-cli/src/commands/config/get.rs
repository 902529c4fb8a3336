//! `openclaw config get`.

use std::process::ExitCode;

use clap::Args;
use openclaw_config::change::{ConfigPath, found, valid};
use openclaw_config::effective::shown;
use openclaw_core::state_dir::StateDir;
use serde_json::Value;

use super::failure::ConfigFailure;
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  openclaw config get gateway.port
  openclaw config get agents --json
  openclaw config get 'models.providers[\"a.b\"].baseUrl'

Secrets are shown as __OPENCLAW_REDACTED__. Defaults that are filled in are shown, too.";

/// The arguments of `config get`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GetArgs {
    /// Where, such as gateway.port or agents.entries.work.skills\[0\]
    path: String,
}

pub(super) fn run(cx: Cx<'_>, args: &GetArgs) -> Result<ExitCode, ConfigFailure> {
    let path = ConfigPath::parse(&args.path)?;
    let state = StateDir::locate(cx.env, cx.overrides).map_err(CliError::from)?;
    let (source, _verdict) = valid(cx.env, &state)?;
    let shown = shown(&source);
    let value = found(&shown, &path, &args.path)?;
    match value {
        Value::String(string) if !cx.out.is_json() => cx.out.line(text::escape(string))?,
        value => cx.out.document(value)?,
    }
    Ok(ExitCode::SUCCESS)
}

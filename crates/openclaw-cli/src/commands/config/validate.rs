//! `openclaw config validate`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use openclaw_config::Problem;
use openclaw_core::env::{Env, OPENCLAW_CONFIG_PATH, OPENCLAW_STATE_DIR};
use openclaw_core::state_dir::{Overrides, StateDir};
use openclaw_gateway::config::{Checked, checked};
use serde_json::json;

use super::failure::ConfigFailure;
use super::problems;
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::text;

const EXAMPLES: &str = "\
Examples:
  openclaw config validate
  openclaw config validate ./openclaw.json --json

The exit code is 0 for a config that OpenClaw 2026.9 accepts, and 1 for any other. What is accepted
but has no effect in this version is listed.";

/// The arguments of `config validate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ValidateArgs {
    /// The file, instead of the config that is in use
    file: Option<PathBuf>,
}

pub(super) fn run(cx: Cx<'_>, args: &ValidateArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let (state, env) = match &args.file {
        Some(file) => with_file(&state, file, cx.env)?,
        None => (state, cx.env.clone()),
    };
    let file = state.config_file();
    match checked(&state, &env).map_err(ConfigFailure::from) {
        Ok(Checked {
            warnings,
            not_followed,
        }) => {
            if cx.out.is_json() {
                cx.out.document(&json!({
                    "valid": true,
                    "path": file,
                    "warnings": problems::issues(&warnings),
                    "notFollowed": problems::issues(&not_followed),
                }))?;
            } else {
                tell(cx, file, &warnings, &not_followed)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => failure.tell(cx, &json!({ "valid": false, "path": file })),
    }
}

/// Returns the home with another config file in its place.
fn with_file(state: &StateDir, file: &Path, env: &Env) -> Result<(StateDir, Env), CliError> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let mut env = env.clone();
    env.set(OPENCLAW_STATE_DIR.name, state.root());
    env.set(OPENCLAW_CONFIG_PATH.name, file);
    Ok((StateDir::locate(&env, &Overrides::default())?, env))
}

fn tell(
    cx: Cx<'_>,
    file: &Path,
    warnings: &[Problem],
    not_followed: &[Problem],
) -> Result<(), CliError> {
    let well = format!("valid: {}", file.display());
    cx.out
        .line(cx.out.look(Look::Good, &text::one_line(&well)))?;
    for (title, problems) in [("warning", warnings), ("no effect", not_followed)] {
        for problem in problems {
            let title = cx.out.look(Look::Doubtful, title);
            let said = problem.to_string();
            cx.out
                .line(format_args!("{title}  {}", text::one_line(&said)))?;
        }
    }
    Ok(())
}

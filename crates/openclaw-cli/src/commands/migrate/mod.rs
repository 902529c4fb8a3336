//! `openclaw migrate`: what TypeScript OpenClaw has in a state directory, taken over.
//!
//! The source is only read. Each area of a home is one file here and one line in [`areas`]; its
//! report says what was taken, what was left and why. Running it again adds what is new.

mod error;
mod sessions;

pub(crate) use error::MigrateError;

use std::path::{self, PathBuf};
use std::process::ExitCode;

use clap::Args;
use openclaw_compat::Left;
use openclaw_core::state_dir::StateDir;
use serde::Serialize;
use serde_json::{Value, json};

use super::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  openclaw migrate --dry-run
  openclaw migrate
  openclaw migrate --from /mnt/old/.openclaw --json

Nothing in the source is changed, and OpenClaw may go on using it. What is added there later is
taken by running this again.";

/// How many lines of one sort are printed in an area.
const SHOWN: usize = 20;

/// The arguments of `migrate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MigrateArgs {
    /// The state directory to take over [default: the one that is used]
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Say what would be taken, and take nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of one area of a home.
#[derive(Debug, Serialize)]
struct Area {
    /// Its name.
    #[serde(rename = "area")]
    name: &'static str,
    /// What was taken, in the area's own terms.
    taken: Value,
    /// What stays where it is, and why.
    left: Vec<Left>,
    /// What was taken, though something about it is unusual.
    notes: Vec<Left>,
    /// What was taken, in one line for people.
    #[serde(skip)]
    summary: String,
}

/// What is taken from where, and whether it is.
#[derive(Debug)]
struct Migration<'a> {
    state: &'a StateDir,
    from: PathBuf,
    mode: openclaw_compat::Mode,
}

pub(crate) fn run(cx: Cx<'_>, args: MigrateArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let from = match args.from {
        Some(from) => path::absolute(&from).unwrap_or(from),
        None => state.root().to_owned(),
    };
    if !from.is_dir() {
        return Err(MigrateError::NoHome(from).into());
    }
    let mode = if args.dry_run {
        openclaw_compat::Mode::Look
    } else {
        openclaw_compat::Mode::Take
    };
    let migration = Migration {
        state: &state,
        from,
        mode,
    };
    let areas = runtime::block_on(Threads::One, areas(&migration))?;
    report(cx, &migration, &areas)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes the areas of a home, one after the other.
async fn areas(migration: &Migration<'_>) -> Result<Vec<Area>, CliError> {
    Ok(vec![sessions::take(migration).await?])
}

fn report(cx: Cx<'_>, migration: &Migration<'_>, areas: &[Area]) -> Result<(), CliError> {
    let dry_run = migration.mode == openclaw_compat::Mode::Look;
    if cx.out.is_json() {
        let data = json!({
            "from": migration.from,
            "dryRun": dry_run,
            "areas": areas,
        });
        return cx.out.answer(&data, &[]);
    }
    for area in areas {
        let name = cx.out.look(Look::Strong, area.name);
        cx.out
            .line(format_args!("{name}: {}", text::one_line(&area.summary)))?;
        lines(cx, "left", &area.left)?;
        lines(cx, "note", &area.notes)?;
    }
    if dry_run {
        cx.out.note("nothing was changed; run it without --dry-run");
    }
    Ok(())
}

fn lines(cx: Cx<'_>, name: &str, said: &[Left]) -> Result<(), CliError> {
    for Left { what, why } in said.iter().take(SHOWN) {
        let line = format!("{name}: {what}: {why}");
        cx.out.line(format_args!("  {}", text::one_line(&line)))?;
    }
    let more = said.len().saturating_sub(SHOWN);
    if more > 0 {
        cx.out
            .line(format_args!("  {name}: {more} more; see --json"))?;
    }
    Ok(())
}

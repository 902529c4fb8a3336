//! `openclaw migrate`: what TypeScript OpenClaw has in a state directory, taken over.
//!
//! Each area of a home has its place in [`areas`], and its report says what was taken, what was left
//! and why. Running it again adds what is new. Another home is only read; in the home that is used,
//! the config alone is written, in the current form and with a copy of what it was; with consent of
//! their own, sign-ins are encrypted and taken out of OpenClaw's files.

mod config;
mod error;
mod files;
mod sessions;
mod sign_ins;

pub(crate) use error::MigrateError;

use std::path::{self, Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use openclaw_compat::{Left, Mode};
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
  openclaw migrate --import-credentials --redact-credentials

Another home is only read, and OpenClaw may go on using it. In the home that is used, a config in the
form of an earlier release is written anew, with a copy beside it; sessions stay as they are. Keys in
plain text are encrypted, and taken out of OpenClaw's files, only with the two flags or when asked.
What is added later is taken by running this again.";

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
    #[command(flatten)]
    sign_ins: sign_ins::Consent,
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
    mode: Mode,
}

pub(crate) fn run(cx: Cx<'_>, args: MigrateArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let from = match args.from {
        Some(from) => path::absolute(&from).unwrap_or(from),
        None => state.root().to_owned(),
    };
    if !is_home(&from) {
        return Err(MigrateError::NoHome(from).into());
    }
    let mode = if args.dry_run { Mode::Look } else { Mode::Take };
    let migration = Migration {
        state: &state,
        from,
        mode,
    };
    // Somebody may be asked for a password, which is no work for an async thread.
    let sign_ins = sign_ins::take(cx, &migration, args.sign_ins)?;
    let areas = runtime::block_on(Threads::One, areas(cx, &migration, sign_ins))?;
    report(cx, &migration, &areas)?;
    Ok(ExitCode::SUCCESS)
}

/// Tells whether a folder has anything that a state directory has.
fn is_home(folder: &Path) -> bool {
    [
        "openclaw.json",
        "agents",
        "workspace",
        "skills",
        "state",
        "openclaw-rs",
    ]
    .iter()
    .any(|name| folder.join(name).exists())
}

/// Takes the areas of a home, one after the other.
async fn areas(
    cx: Cx<'_>,
    migration: &Migration<'_>,
    sign_ins: Area,
) -> Result<Vec<Area>, CliError> {
    let mut areas = vec![config::take(cx, migration)?];
    areas.extend(files::take(migration)?);
    areas.push(sign_ins);
    areas.push(sessions::take(migration).await?);
    Ok(areas)
}

impl Migration<'_> {
    /// Tells whether the home to take over is the one that is used.
    fn in_place(&self) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real(&self.from) == real(self.state.root())
    }

    /// Returns what is said of something that is taken.
    fn verb(&self, done: &str) -> String {
        match self.mode {
            Mode::Look => format!("would be {done}"),
            Mode::Take => done.to_owned(),
        }
    }
}

fn report(cx: Cx<'_>, migration: &Migration<'_>, areas: &[Area]) -> Result<(), CliError> {
    let dry_run = migration.mode == Mode::Look;
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

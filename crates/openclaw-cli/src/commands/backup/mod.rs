//! `openclaw backup`: the whole event log in one file, and back.

mod restore;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_core::events::{BackupError, BackupSummary, StoreError, verify_backup};
use openclaw_core::state_dir::{StateDir, private_dir};
use openclaw_core::{Clock, EventStore};
use openclaw_gateway::audit::first_finding;
use serde_json::{Value, json};

use super::Cx;
use super::audit::{AuditError, print_findings};
use crate::error::CliError;
use crate::output::Look;
use crate::progress;
use crate::runtime::{self, Threads};

const EXAMPLES: &str = "\
Examples:
  openclaw backup create
  openclaw backup create /mnt/usb/openclaw.sqlite
  openclaw backup verify /mnt/usb/openclaw.sqlite
  openclaw backup restore /mnt/usb/openclaw.sqlite";

const CREATE: &str = "\
Examples:
  openclaw backup create
  openclaw backup create /mnt/usb/openclaw.sqlite --json

The gateway may run meanwhile; the backup has what was recorded when the command began. It is an
SQLite database with everything that anybody said, so keep it where nobody else can read it.";

const VERIFY: &str = "\
Examples:
  openclaw backup verify /mnt/usb/openclaw.sqlite

The exit code is 0 when every event in it is as it was recorded, and 1 when not.";

/// The exit code when something was found.
const FINDINGS: u8 = 1;

/// The arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    command: BackupCommand,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Write the event log to a file that must not exist, and check it
    #[command(after_help = CREATE)]
    Create(CreateArgs),
    /// Check a backup
    #[command(after_help = VERIFY)]
    Verify(VerifyArgs),
    /// Put a backup in the place of the event log
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::RestoreArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The file [default: backups/openclaw-TIME.sqlite in the state directory]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The backup
    file: PathBuf,
}

pub(crate) fn run(cx: Cx<'_>, args: BackupArgs) -> Result<ExitCode, CliError> {
    runtime::block_on(Threads::One, async {
        match args.command {
            BackupCommand::Create(args) => create(cx, args).await,
            BackupCommand::Verify(args) => verify(cx, &args.file).await,
            BackupCommand::Restore(args) => restore::restore(cx, args).await,
        }
    })
}

async fn create(cx: Cx<'_>, args: CreateArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let log = state.event_log();
    if !log.exists() {
        return Err(AuditError::NoLog(log).into());
    }
    let file = match args.file {
        Some(file) => absolute(&file)?,
        None => default_file(&state)?,
    };
    let summary = EventStore::open(&log)?.backup(&file).await?;
    tell(cx, &summary, "backup")
}

async fn verify(cx: Cx<'_>, file: &Path) -> Result<ExitCode, CliError> {
    let summary = checked(cx, file).await?;
    tell(cx, &summary, "backup")
}

/// Checks a backup and shows how far that is.
async fn checked(cx: Cx<'_>, file: &Path) -> Result<BackupSummary, CliError> {
    let file = absolute(file)?;
    let check =
        |hear: progress::Hear| tokio::task::spawn_blocking(move || verify_backup(&file, hear));
    let checked = progress::watched(cx.out, "checking", check).await;
    // A panic in there was reported where it happened.
    let checked = checked.unwrap_or(Err(BackupError::Store(StoreError::Closed)));
    Ok(checked?)
}

/// Prints what a backup has in it; the exit code says whether it is as it was recorded.
fn tell(cx: Cx<'_>, summary: &BackupSummary, name: &str) -> Result<ExitCode, CliError> {
    let intact = summary.report.intact;
    let code = ExitCode::from(if intact { 0 } else { FINDINGS });
    if cx.out.is_json() {
        cx.out.answer(&document(summary), &[])?;
        return Ok(code);
    }
    let BackupSummary {
        file,
        bytes,
        position,
        report,
    } = summary;
    cx.out.line(format_args!("{name:<8} {}", file.display()))?;
    cx.out.line(format_args!(
        "content  {} events in {} sessions up to position {position}, {bytes} bytes",
        report.events, report.sessions
    ))?;
    let (look, verdict) = if intact {
        (Look::Good, "intact")
    } else {
        (Look::Bad, "changed")
    };
    cx.out
        .line(format_args!("verdict  {}", cx.out.look(look, verdict)))?;
    print_findings(cx.out, report)?;
    if !intact {
        let label = cx.out.look_aside(Look::Strong, "hint:");
        cx.out.note(format_args!(
            "{label} this backup cannot be put back; see `openclaw audit verify` for the log itself"
        ));
    }
    Ok(code)
}

fn document(summary: &BackupSummary) -> Value {
    json!({
        "file": summary.file,
        "bytes": summary.bytes,
        "position": summary.position,
        "intact": summary.report.intact,
        "events": summary.report.events,
        "sessions": summary.report.sessions,
        "first": first_finding(&summary.report),
        "findings": summary.report.findings,
    })
}

/// Returns a name that no other backup has, and makes the folder for it.
fn default_file(state: &StateDir) -> Result<PathBuf, CliError> {
    let folder = absolute(state.root())?.join("backups");
    private_dir(&folder).map_err(|source| AuditError::Write {
        path: folder.clone(),
        source,
    })?;
    let time = Clock::system().now().strftime("%Y%m%d-%H%M%S").to_string();
    let name = |n: u32| match n {
        1 => folder.join(format!("openclaw-{time}.sqlite")),
        n => folder.join(format!("openclaw-{time}-{n}.sqlite")),
    };
    // Two within the same second are both kept.
    Ok((1..100)
        .map(name)
        .find(|file| !file.exists())
        .unwrap_or_else(|| name(1)))
}

/// Returns a path that means the same in another folder, for the audit stream.
fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    let absolute = std::path::absolute(path).map_err(|source: io::Error| AuditError::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok(absolute)
}

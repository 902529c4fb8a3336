//! `openclaw backup restore`: a backup in the place of the event log.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use openclaw_core::events::{BackupError, restore_backup};
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::Held;
use serde_json::{Value, json};

use super::{absolute, checked, document, tell};
use crate::commands::Cx;
use crate::confirm::confirm;
use crate::error::CliError;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw backup restore /mnt/usb/openclaw.sqlite
  openclaw backup restore /mnt/usb/openclaw.sqlite --dry-run
  openclaw backup restore /mnt/usb/openclaw.sqlite --yes

Stop the gateway first. Only a backup that is as it was recorded is put back, and what was there is
kept beside it.";

/// The arguments of `backup restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only check the backup, and whether it could be put back
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn restore(cx: Cx<'_>, args: RestoreArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let file = absolute(&args.file)?;
    // Nobody starts a gateway while the log is being replaced.
    let _held = Held::hold(&state).await?;
    let summary = checked(cx, &file).await?;
    if !summary.report.intact {
        return Err(BackupError::Changed {
            path: file,
            report: Box::new(summary.report),
        }
        .into());
    }
    if args.dry_run {
        return tell(cx, &summary, "backup");
    }
    let log = state.event_log();
    if !args.yes {
        let question = format!(
            "put {} events in the place of {}?",
            summary.report.events,
            log.display()
        );
        confirm(cx.out, "replacing the event log", &question)?;
    }
    let (summary, kept) = restore_backup(&file, &log).await?;
    if cx.out.is_json() {
        let mut data = document(&summary);
        if let Some(members) = data.as_object_mut() {
            members.insert("log".to_owned(), json!(log));
            members.insert(
                "kept".to_owned(),
                kept.map_or(Value::Null, |kept| json!(kept)),
            );
        }
        cx.out.answer(&data, &[])?;
        return Ok(ExitCode::SUCCESS);
    }
    let code = tell(cx, &summary, "restored")?;
    if let Some(kept) = kept {
        cx.out.line(format_args!("kept     {}", kept.display()))?;
    }
    Ok(code)
}

//! `openclaw audit verify`: every hash, every number, every anchor.

use std::process::ExitCode;

use openclaw_core::events::{Position, Report, StoreError, anchors_path, inspect, inspect_deep};
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::audit::{advice, gone, verdict};
use tokio::task;

use super::log;
use super::report::print_findings;
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::progress;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw audit verify
  openclaw audit verify --json

The exit code is 0 when the log is as it was recorded, and 1 when anything was edited, moved, added
or taken out; the first bad event is named. Keep the position that --json prints somewhere else, to
notice when somebody puts an older copy of the whole state directory back.";

/// The exit code when something was found.
const FINDINGS: u8 = 1;

pub(super) async fn verify(cx: Cx<'_>, state: &StateDir) -> Result<ExitCode, CliError> {
    let path = state.event_log();
    let (report, position) = if !path.exists() && anchors_path(&path).exists() {
        (gone(), 0)
    } else {
        check(cx, state).await?
    };
    let code = ExitCode::from(if report.intact { 0 } else { FINDINGS });
    if cx.out.is_json() {
        cx.out.answer(&verdict(&path, &report, position), &[])?;
        return Ok(code);
    }
    print(cx, &report)?;
    Ok(code)
}

/// Checks the log as it lies there: opening it for writing would renew what a check should see.
async fn check(cx: Cx<'_>, state: &StateDir) -> Result<(Report, Position), CliError> {
    let path = state.event_log();
    if path.exists() {
        let log = path.clone();
        let look = |hear: progress::Hear| task::spawn_blocking(move || inspect_deep(&log, hear));
        let seen = progress::watched(cx.out, "checking", look).await;
        if let Some(report) = seen.unwrap_or(Err(StoreError::Closed))? {
            return Ok((report, inspect(&path)?.last));
        }
    }
    // A log of an earlier version gets its hashes when it is opened.
    let store = log(state)?;
    let look = |hear| store.verify(hear);
    let report = progress::watched(cx.out, "checking", look).await?;
    Ok((report, store.position()))
}

fn print(cx: Cx<'_>, report: &Report) -> Result<(), CliError> {
    let Report {
        intact,
        events,
        sessions,
        unanchored,
        renewed,
        ..
    } = report;
    let (look, verdict) = if *intact {
        (Look::Good, "intact")
    } else {
        (Look::Bad, "changed")
    };
    cx.out.line(format_args!(
        "{}  {events} events in {sessions} sessions",
        cx.out.look(look, verdict)
    ))?;
    if *unanchored > 0 {
        cx.out.note(format_args!(
            "{unanchored} of the newest events lost their anchors when the machine went down; \
             the next start of the gateway writes them again"
        ));
    }
    if *renewed > 0 {
        cx.out.note(format_args!(
            "{renewed} anchors were missing after a restart of the machine and were written again; \
             `openclaw audit list --kind anchors` says when"
        ));
    }
    print_findings(cx.out, report)?;
    if let Some(advice) = advice(report) {
        let label = cx.out.look_aside(Look::Strong, "hint:");
        cx.out.note(format_args!("{label} {advice}"));
    }
    Ok(())
}

//! `openclaw doctor`: what is wrong, why, and the command that repairs it.
//!
//! It looks at the event log and changes nothing. The ids of the findings stay as they are.

mod finding;
mod store;

use std::process::ExitCode;

use clap::Args;
use openclaw_core::state_dir::StateDir;
use serde_json::json;

use self::finding::{Finding, Severity};
use super::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::text;

const EXAMPLES: &str = "\
Examples:
  openclaw doctor
  openclaw doctor --deep                     read the whole event log, too
  openclaw doctor --json

The exit code is 0 when all is well, and 1 when there is an error or a warning. Nothing is changed.";

/// The exit code when something was found.
const FINDINGS: u8 = 1;

/// The version of the document, which TypeScript OpenClaw's `doctor --lint` has too.
const SCHEMA_VERSION: u32 = 1;

/// The arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// Read the whole event log and check every hash
    #[arg(long)]
    deep: bool,
    /// Only look; the same as without it
    #[arg(long)]
    lint: bool,
}

pub(crate) fn run(cx: Cx<'_>, args: &DoctorArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let depth = if args.deep {
        store::Depth::Everything
    } else {
        store::Depth::Glance
    };
    let (checks, findings) = runtime::block_on(Threads::One, store::check(cx, &state, depth))?;
    let ok = findings
        .iter()
        .all(|finding| finding.severity == Severity::Info);
    if cx.out.is_json() {
        cx.out.document(&json!({
            "schemaVersion": SCHEMA_VERSION,
            "ok": ok,
            "checksRun": checks.run,
            "checksSkipped": checks.skipped,
            "findings": findings,
        }))?;
    } else {
        print(cx, &findings)?;
    }
    Ok(ExitCode::from(if ok { 0 } else { FINDINGS }))
}

fn print(cx: Cx<'_>, findings: &[Finding]) -> Result<(), CliError> {
    for finding in findings {
        let look = match finding.severity {
            Severity::Info => Look::Dim,
            Severity::Warning => Look::Doubtful,
            Severity::Error => Look::Bad,
        };
        let severity = format!("{:<8}", finding.severity.as_str());
        cx.out.line(format_args!(
            "{} {}  {}",
            cx.out.look(look, &severity),
            cx.out.look(Look::Strong, finding.check_id),
            text::one_line(&finding.message)
        ))?;
        cx.out.line(format_args!(
            "         why  {}",
            text::one_line(&finding.why)
        ))?;
        if let Some(fix) = &finding.fix_hint {
            cx.out
                .line(format_args!("         fix  {}", text::one_line(fix)))?;
        }
    }
    if findings.is_empty() {
        cx.out.line(cx.out.look(Look::Good, "all is well"))?;
    }
    Ok(())
}

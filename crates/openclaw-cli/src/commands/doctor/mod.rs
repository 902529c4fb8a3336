//! `openclaw doctor`: what is wrong, why, and the command that repairs it.
//!
//! What is looked at is the gateway's to say; nothing is changed unless `--fix` asks for it.

use std::process::ExitCode;

use clap::Args;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::doctor::{Depth, Mended, Mending, Patient, Repair};
use openclaw_ipc::methods::{DoctorRunOutput, DoctorSeverity};
use serde_json::json;

use super::{Cx, usage};
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::{progress, text};

const EXAMPLES: &str = "\
Examples:
  openclaw doctor
  openclaw doctor --deep                     read the whole event log, too
  openclaw doctor --fix --dry-run            say what would be repaired
  openclaw doctor --fix                      write the config in the current form, with a backup
  openclaw doctor --json

The exit code is 0 when all is well, and 1 when there is an error or a warning. Without --fix nothing
is changed.";

/// The exit code when something was found.
const FINDINGS: u8 = 1;

/// The arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// Read the whole event log and check every hash
    #[arg(long)]
    deep: bool,
    /// Only look; the same as without it
    #[arg(long, conflicts_with = "fix")]
    lint: bool,
    #[command(flatten)]
    mending: MendingArgs,
}

/// What is repaired.
#[derive(Debug, Args)]
struct MendingArgs {
    /// Repair what can be repaired without a question
    #[arg(long)]
    fix: bool,
    /// With --fix: write nothing, say what would be done
    #[arg(long, requires = "fix")]
    dry_run: bool,
}

pub(crate) fn run(cx: Cx<'_>, args: &DoctorArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let depth = if args.deep {
        Depth::Everything
    } else {
        Depth::Glance
    };
    let examining = async { Ok(examine(cx, state, &args.mending, depth).await) };
    let (repairs, examined) = runtime::block_on(Threads::One, examining)?;
    if cx.out.is_json() {
        let mut document = json!(examined);
        if let (true, Some(members)) = (args.mending.fix, document.as_object_mut()) {
            members.insert("dryRun".to_owned(), args.mending.dry_run.into());
            members.insert("repairs".to_owned(), json!(repairs));
        }
        cx.out.document(&document)?;
    } else {
        print(cx, args, &repairs, &examined)?;
    }
    Ok(ExitCode::from(if examined.ok { 0 } else { FINDINGS }))
}

/// Returns what a glance finds; nothing is repaired.
pub(super) async fn report(cx: Cx<'_>, state: &StateDir) -> DoctorRunOutput {
    let look = MendingArgs {
        fix: false,
        dry_run: false,
    };
    examine(cx, state.clone(), &look, Depth::Glance).await.1
}

/// Repairs what is to be repaired, and returns that and what is found then.
async fn examine(
    cx: Cx<'_>,
    state: StateDir,
    args: &MendingArgs,
    depth: Depth,
) -> (Vec<Repair>, DoctorRunOutput) {
    let patient = Patient::of(state, cx.env.clone(), cx.overrides);
    let mending = if args.dry_run {
        Mending::Rehearsal
    } else {
        Mending::Really
    };
    let mended = if args.fix {
        patient.mend(mending).await
    } else {
        Mended::default()
    };
    for warning in mended.warnings {
        cx.out.warning(warning);
    }
    let work = |hear| patient.examine(depth, mended.failure, hear);
    let examined = progress::watched(cx.out, "checking", work).await;
    (mended.repairs, examined)
}

fn print(
    cx: Cx<'_>,
    args: &DoctorArgs,
    repairs: &[Repair],
    examined: &DoctorRunOutput,
) -> Result<(), CliError> {
    let done = if args.mending.dry_run {
        "would fix"
    } else {
        "fixed"
    };
    for repair in repairs {
        cx.out.line(format_args!(
            "{} {}  {}: {}",
            cx.out.look(Look::Good, &format!("{done:<9}")),
            cx.out.look(Look::Strong, repair.check_id),
            text::one_line(&repair.path.to_string_lossy()),
            text::one_line(&repair.message)
        ))?;
    }
    let findings = &examined.findings;
    for finding in findings {
        let look = match finding.severity {
            DoctorSeverity::Info => Look::Dim,
            DoctorSeverity::Warning => Look::Doubtful,
            DoctorSeverity::Error => Look::Bad,
        };
        let severity = format!("{:<8}", finding.severity.as_str());
        cx.out.line(format_args!(
            "{} {}  {}",
            cx.out.look(look, &severity),
            cx.out.look(Look::Strong, &finding.check_id),
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
    if !examined.caps.is_empty() {
        let caps = format!("caps     {}", usage::in_a_line(&examined.caps));
        cx.out.line(cx.out.look(Look::Dim, &caps))?;
    }
    if findings.is_empty() {
        cx.out.line(cx.out.look(Look::Good, "all is well"))?;
    }
    Ok(())
}

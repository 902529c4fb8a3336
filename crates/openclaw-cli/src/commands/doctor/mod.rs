//! `openclaw doctor`: what is wrong, why, and the command that repairs it.
//!
//! It looks at the config, the credential store, the sandbox and the event log, and changes nothing unless `--fix` asks for it. The ids
//! of the findings stay as they are.

mod config;
mod credentials;
mod finding;
mod sandbox;
mod sessions;
mod store;

use std::process::ExitCode;

use clap::Args;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::Home;
use openclaw_ipc::methods::CapStatus;
use serde_json::{Value, json};

use self::config::{Mending, Repair};
use self::finding::{Finding, Severity};
pub(crate) use self::store::quoted;
use super::{Cx, usage};
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::text;

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
        store::Depth::Everything
    } else {
        store::Depth::Glance
    };
    let examining = examine(cx, &state, &args.mending, depth);
    let examined = runtime::block_on(Threads::One, examining)?;
    let ok = examined.is_well();
    if cx.out.is_json() {
        let mut document = examined.document();
        if let (true, Some(members)) = (args.mending.fix, document.as_object_mut()) {
            members.insert("dryRun".to_owned(), args.mending.dry_run.into());
            members.insert("repairs".to_owned(), json!(examined.repairs));
        }
        cx.out.document(&document)?;
    } else {
        print(cx, args, &examined)?;
    }
    Ok(ExitCode::from(if ok { 0 } else { FINDINGS }))
}

/// Returns what a glance finds, as scripts read it; nothing is repaired.
pub(super) async fn report(cx: Cx<'_>, state: &StateDir) -> Result<Value, CliError> {
    let look = MendingArgs {
        fix: false,
        dry_run: false,
    };
    let examined = examine(cx, state, &look, store::Depth::Glance).await?;
    Ok(examined.document())
}

/// What was repaired, and what is found after that.
struct Examined {
    repairs: Vec<Repair>,
    checks: store::Checks,
    findings: Vec<Finding>,
    /// What models may cost; nothing where the config is broken.
    caps: Vec<CapStatus>,
}

impl Examined {
    /// Tells whether nothing has to be done.
    fn is_well(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.all(|finding| finding.severity == Severity::Info)
    }

    /// Returns what is found, as scripts read it.
    fn document(&self) -> Value {
        json!({
            "schemaVersion": SCHEMA_VERSION,
            "ok": self.is_well(),
            "checksRun": self.checks.run,
            "checksSkipped": self.checks.skipped,
            "findings": self.findings,
            "caps": self.caps,
        })
    }
}

async fn examine(
    cx: Cx<'_>,
    state: &StateDir,
    args: &MendingArgs,
    depth: store::Depth,
) -> Result<Examined, CliError> {
    let mending = if args.dry_run {
        Mending::Rehearsal
    } else {
        Mending::Really
    };
    let (repairs, failure) = if args.fix {
        config::mend(cx, state, mending).await
    } else {
        (Vec::new(), None)
    };
    let (mut checks, found) = store::check(cx, state, depth).await?;
    checks.run = checks
        .run
        .saturating_add(config::CHECKS)
        .saturating_add(credentials::CHECKS)
        .saturating_add(sandbox::CHECKS)
        .saturating_add(sessions::CHECKS);
    let mut findings: Vec<Finding> = failure.into_iter().collect();
    findings.extend(config::check(cx, state).await);
    findings.extend(credentials::check(cx, state).await);
    findings.extend(sandbox::check(cx, state).await);
    findings.extend(found);
    findings.extend(sessions::check(state).await);
    let home = Home::open(cx.env.clone(), cx.overrides).ok();
    Ok(Examined {
        repairs,
        checks,
        findings,
        caps: home.map(|home| home.caps_that_hold()).unwrap_or_default(),
    })
}

fn print(cx: Cx<'_>, args: &DoctorArgs, examined: &Examined) -> Result<(), CliError> {
    let done = if args.mending.dry_run {
        "would fix"
    } else {
        "fixed"
    };
    for repair in &examined.repairs {
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
    if !examined.caps.is_empty() {
        let caps = format!("caps     {}", usage::in_a_line(&examined.caps));
        cx.out.line(cx.out.look(Look::Dim, &caps))?;
    }
    if findings.is_empty() {
        cx.out.line(cx.out.look(Look::Good, "all is well"))?;
    }
    Ok(())
}

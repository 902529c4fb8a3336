//! `openclaw audit accept`: the owner says that the log is right as it is.

use clap::Args;
use openclaw_core::events::Report;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::Held;
use openclaw_gateway::audit::is_about_anchors;
use serde_json::json;

use super::report::print_findings;
use super::{AuditError, log};
use crate::commands::Cx;
use crate::confirm::confirm;
use crate::error::CliError;
use crate::output::Look;
use crate::progress;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw audit accept --dry-run
  openclaw audit accept --yes

The anchors are a second record of every event, beside the database. When they are lost, or when the
database was put back by hand, they do not fit the log any more and every check says so. This command
checks the hashes of the log, writes the anchors anew from them, and notes in the audit stream that
you did. It refuses when the hashes do not hold. What the old anchors would have told is lost.";

const EXPLANATION: &str = "\
The anchors do not fit the log. They will be written anew from the log as it is now, and the audit
stream will say so. Go on only if you know why they do not fit: afterwards nothing shows it any more.";

/// What the audit stream says about it.
const REASON: &str = "accepted by the owner with `openclaw audit accept`";

/// The arguments of `audit accept`.
#[derive(Debug, Args)]
pub(super) struct AcceptArgs {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Only say what would be accepted
    #[arg(long)]
    dry_run: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing had to be accepted.
    Intact,
    /// It would have been accepted.
    Acceptable,
    /// It was.
    Accepted,
}

pub(super) async fn accept(cx: Cx<'_>, state: &StateDir, args: AcceptArgs) -> Result<(), CliError> {
    if !state.event_log().exists() {
        return Err(AuditError::NoLog(state.event_log()).into());
    }
    // A gateway that runs has the old anchors open and would go on writing those.
    let _held = Held::hold(state).await?;
    let store = log(state)?;
    let report = progress::watched(cx.out, "checking", |hear| store.verify(hear)).await?;
    if report.intact {
        return done(cx, &report, Verdict::Intact);
    }
    refuse_broken(&report)?;
    if !cx.out.is_json() {
        print_findings(cx.out, &report)?;
    }
    if args.dry_run {
        return done(cx, &report, Verdict::Acceptable);
    }
    if !args.yes {
        cx.out.note(EXPLANATION);
        confirm(
            cx.out,
            "accepting the log as it is",
            "accept the log as it is?",
        )?;
    }
    let report = store.renew_anchors(REASON).await?;
    refuse_broken(&report)?;
    done(cx, &report, Verdict::Accepted)
}

/// Tells whether the log can be accepted, by what a check of it found.
fn refuse_broken(report: &Report) -> Result<(), CliError> {
    let broken = report
        .findings
        .iter()
        .find(|finding| !is_about_anchors(finding.what));
    match broken {
        Some(finding) => Err(AuditError::Broken(Box::new(finding.clone())).into()),
        None => Ok(()),
    }
}

fn done(cx: Cx<'_>, report: &Report, verdict: Verdict) -> Result<(), CliError> {
    if cx.out.is_json() {
        let data = json!({
            "accepted": verdict == Verdict::Accepted,
            "events": report.events,
            "sessions": report.sessions,
            "findings": report.findings,
        });
        return cx.out.answer(&data, &[]);
    }
    let sentence = match verdict {
        Verdict::Intact => "there is nothing to accept: the log is intact",
        Verdict::Acceptable => "the hashes of all events hold, so the log could be accepted",
        Verdict::Accepted => "accepted",
    };
    cx.out.line(format_args!(
        "{}: {} events in {} sessions",
        cx.out.look(Look::Strong, sentence),
        report.events,
        report.sessions
    ))
}

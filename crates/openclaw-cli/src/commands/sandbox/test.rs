//! `openclaw sandbox test`: what the sandbox of this machine is worth, by trying to get out of it.

use std::process::ExitCode;

use clap::Args;
use openclaw_config::SandboxNetwork;
use openclaw_gateway::containment::Containment;
use openclaw_sandbox::SandboxLevel;
use openclaw_sandbox::attempts::{Control, Finding, Group, Outcome};
use serde::Serialize;

use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::progress;
use crate::runtime::{self, Threads};
use crate::signals::Signals;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sandbox test
  openclaw sandbox test --level relaxed --json

Each attempt is made inside the sandbox and, where that harms nothing, once more without it: an
attempt that is refused there, too, proves little, and is marked so. Nothing of yours is touched;
what the attempts are after is set out for them and removed afterwards.

The exit code is 0 when nothing escaped, 1 when something did, and 6 when the sandbox cannot be had
on this machine. At level none there is no sandbox: what escapes is what any command can do there,
and the exit code is 1.";

/// The exit code when something escaped.
const ESCAPES: u8 = 1;

const SHARED: &str = "by `sandbox.network` commands share the network of this machine, with all \
                      that listens on it; the attempts were made without";

/// The arguments of `sandbox test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The level to escape from
    #[arg(long, default_value_t, value_name = "none|relaxed|strict")]
    level: SandboxLevel,
}

/// What `--json` tells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    level: SandboxLevel,
    refused: usize,
    escaped: usize,
    skipped: usize,
    /// How many were refused without the sandbox, too.
    unproven: usize,
    attempts: Vec<Entry>,
}

/// One attempt in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: &'static str,
    group: Group,
    title: &'static str,
    outcome: &'static str,
    detail: String,
    /// What came of it without the sandbox: `open`, `closed` or `untried`.
    control: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    control_detail: Option<String>,
    ms: u128,
}

pub(super) fn run(cx: Cx<'_>, args: &TestArgs) -> Result<ExitCode, CliError> {
    let level = args.level;
    let containment = Containment::by_hand(cx.env, cx.overrides)?;
    let configured = containment.policy.network.value;
    let network = match (level, configured) {
        (SandboxLevel::Relaxed, SandboxNetwork::Proxy) => SandboxNetwork::Proxy,
        // Whoever shares the network of the machine has decided that there is nothing to try.
        (SandboxLevel::Relaxed, SandboxNetwork::None | SandboxNetwork::Host)
        | (SandboxLevel::None | SandboxLevel::Strict, _) => SandboxNetwork::None,
    };
    let sandbox = containment.sandbox(network);
    let findings = runtime::block_on(Threads::Two, async {
        let mut signals = Signals::listen().map_err(CliError::Runtime)?;
        let test = progress::watched(cx.out, "trying to escape", |hear| {
            sandbox.self_test(level, hear)
        });
        // What the attempts left on their stages goes when the test is dropped.
        tokio::select! {
            () = signals.stop() => Err(CliError::Interrupted),
            findings = test => Ok(findings?),
        }
    })?;
    let report = report(level, findings);
    let code = ExitCode::from(if report.escaped == 0 { 0 } else { ESCAPES });
    let mut warnings = Vec::new();
    if level == SandboxLevel::Relaxed && configured == SandboxNetwork::Host {
        warnings.push(SHARED.to_owned());
    }
    if cx.out.is_json() {
        cx.out.answer(&report, &warnings)?;
    } else {
        print(cx, &report)?;
        for warning in warnings {
            cx.out.warning(warning);
        }
    }
    Ok(code)
}

fn report(level: SandboxLevel, findings: Vec<Finding>) -> Report {
    let attempts: Vec<Entry> = findings.into_iter().map(entry).collect();
    let count = |outcome| {
        attempts
            .iter()
            .filter(|entry| entry.outcome == outcome)
            .count()
    };
    let unproven = attempts
        .iter()
        .filter(|entry| entry.outcome == REFUSED && entry.control == "closed")
        .count();
    Report {
        level,
        refused: count(REFUSED),
        escaped: count(ESCAPED),
        skipped: count(SKIPPED),
        unproven,
        attempts,
    }
}

const REFUSED: &str = "refused";
const ESCAPED: &str = "escaped";
const SKIPPED: &str = "skipped";

fn entry(finding: Finding) -> Entry {
    let (outcome, detail) = match finding.outcome {
        Outcome::Refused(how) => (REFUSED, how),
        Outcome::Escaped(what) => (ESCAPED, what),
        Outcome::Skipped(why) => (SKIPPED, why),
    };
    let (control, control_detail) = match finding.control {
        Control::Open => ("open", None),
        Control::Closed(how) => ("closed", Some(how)),
        Control::Untried(why) => ("untried", Some(why)),
    };
    Entry {
        id: finding.id,
        group: finding.group,
        title: finding.title,
        outcome,
        detail,
        control,
        control_detail,
        ms: finding.duration.as_millis(),
    }
}

fn print(cx: Cx<'_>, report: &Report) -> Result<(), CliError> {
    let width = report.attempts.iter().map(|entry| entry.id.len()).max();
    let width = width.unwrap_or_default();
    for entry in &report.attempts {
        let (look, outcome) = match entry.outcome {
            ESCAPED => (Look::Bad, "ESCAPED"),
            REFUSED => (Look::Good, REFUSED),
            _ => (Look::Doubtful, SKIPPED),
        };
        let aside = match (entry.outcome, entry.control, &entry.control_detail) {
            (REFUSED, "closed", Some(how)) => format!(" (without the sandbox, too: {how})"),
            _ => String::new(),
        };
        // What an attempt got or was told comes from inside the sandbox.
        let detail = crate::text::one_line(&entry.detail);
        cx.out.line(format_args!(
            "{}  {:width$}  {} \u{2014} {detail}{aside}",
            cx.out.look(look, outcome),
            entry.id,
            entry.title,
        ))?;
    }
    let Report {
        level,
        refused,
        escaped,
        skipped,
        unproven,
        attempts,
    } = report;
    let (look, verdict) = match escaped {
        0 => (Look::Good, "nothing escaped"),
        _ => (Look::Bad, "SOMETHING ESCAPED"),
    };
    cx.out.line(format_args!(
        "\n{}: level {level}, {} attempts, {refused} refused, {escaped} escaped, {skipped} skipped",
        cx.out.look(look, verdict),
        attempts.len(),
    ))?;
    if *unproven > 0 && *level != SandboxLevel::None {
        cx.out.note(format_args!(
            "{unproven} of those that were refused are refused without the sandbox, too"
        ));
    }
    Ok(())
}

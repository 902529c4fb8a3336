//! `openclaw audit tail`: the entries as they come, from this process and from others.

use std::process::ExitCode;

use clap::Args;
use openclaw_core::Kind;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::audit::{is_about, latest, row};
use openclaw_ipc::methods::AuditRow;

use super::row::{About, line};
use super::{AuditError, log};
use crate::commands::Cx;
use crate::error::CliError;
use crate::signals::Signals;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw audit tail
  openclaw audit tail --kind auth --lines 0
  openclaw audit tail --jsonl

Ctrl-C ends it.";

/// The arguments of `audit tail`.
#[derive(Debug, Args)]
pub(super) struct TailArgs {
    /// Begin with the last N entries
    #[arg(long, value_name = "N", default_value_t = 10)]
    lines: usize,
    /// Show only entries about this
    #[arg(long, value_enum)]
    kind: Option<About>,
    /// Print each entry as one line of JSON
    #[arg(long)]
    jsonl: bool,
}

pub(super) async fn tail(
    cx: Cx<'_>,
    state: &StateDir,
    args: &TailArgs,
) -> Result<ExitCode, CliError> {
    if cx.out.is_json() {
        return Err(
            AuditError::Format("a stream has no end: use --jsonl instead of --json").into(),
        );
    }
    let kind = args.kind.map(About::wire);
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    let store = log(state)?;
    // Taken first, so that what comes while the last entries are read is not missed.
    let mut cursor = store.position();
    let (last, _) = latest(&store, None, kind, args.lines).await?;
    for entry in last.iter().rev() {
        print(cx, args, entry)?;
        cursor = cursor.max(entry.position);
    }
    let mut stream = store.subscribe_audit(cursor);
    loop {
        let event = tokio::select! {
            event = stream.next() => event?,
            () = signals.stop() => return Ok(ExitCode::from(Kind::Cancelled.exit_code())),
        };
        if let Some(entry) = row(&event).filter(|entry| is_about(entry, kind)) {
            print(cx, args, &entry)?;
        }
    }
}

fn print(cx: Cx<'_>, args: &TailArgs, entry: &AuditRow) -> Result<(), CliError> {
    if args.jsonl {
        cx.out.document_line(entry)
    } else {
        cx.out.line(line(entry))
    }
}

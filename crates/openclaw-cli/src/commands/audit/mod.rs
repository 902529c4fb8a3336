//! `openclaw audit`: whether the event log was changed behind our back, and what it says about itself.

mod accept;
mod error;
mod export;
mod list;
mod report;
mod row;
mod tail;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_core::EventStore;
use openclaw_core::state_dir::StateDir;

use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};

pub(crate) use error::AuditError;
pub(crate) use report::print_findings;

const EXAMPLES: &str = "\
Examples:
  openclaw audit verify                      check every event of the log
  openclaw audit list --kind auth --limit 20
  openclaw audit tail
  openclaw audit export --output audit.jsonl";

/// The arguments of `audit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that nobody changed the event log
    #[command(after_help = verify::EXAMPLES)]
    Verify,
    /// List the entries of the audit stream, the latest first
    #[command(after_help = list::EXAMPLES)]
    List(list::ListArgs),
    /// Show the entries as they come
    #[command(after_help = tail::EXAMPLES)]
    Tail(tail::TailArgs),
    /// Write all entries as lines of JSON, with their hashes
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArgs),
    /// Accept the log as it is after its anchors were lost or the file was put back by hand
    #[command(after_help = accept::EXAMPLES)]
    Accept(accept::AcceptArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: AuditArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    runtime::block_on(Threads::One, async {
        match args.command {
            AuditCommand::Verify => return verify::verify(cx, &state).await,
            AuditCommand::List(args) => list::list(cx, &state, &args).await?,
            AuditCommand::Tail(args) => return tail::tail(cx, &state, &args).await,
            AuditCommand::Export(args) => export::export(cx, &state, args).await?,
            AuditCommand::Accept(args) => accept::accept(cx, &state, args).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Opens the event log, which these commands do not make.
fn log(state: &StateDir) -> Result<EventStore, CliError> {
    let log = state.event_log();
    if !log.exists() {
        return Err(AuditError::NoLog(log).into());
    }
    Ok(EventStore::open(&log)?)
}

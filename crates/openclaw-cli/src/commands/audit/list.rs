//! `openclaw audit list`: what was decided, attempted and given away.

use clap::Args;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::audit::latest;
use openclaw_ipc::methods::AuditListOutput;

use super::log;
use super::row::{About, HEADER, cells};
use crate::commands::Cx;
use crate::error::CliError;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw audit list
  openclaw audit list --kind tool --limit 200
  openclaw audit list --before 1200 --json";

/// How many entries are listed unless asked otherwise.
const DEFAULT_LIMIT: u32 = 50;

/// The arguments of `audit list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// List at most N entries
    #[arg(
        long,
        value_name = "N",
        default_value_t = DEFAULT_LIMIT,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    limit: u32,
    /// List what came before the entry with this number
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    before: Option<u64>,
    /// List only entries about this
    #[arg(long, value_enum)]
    kind: Option<About>,
}

pub(super) async fn list(cx: Cx<'_>, state: &StateDir, args: &ListArgs) -> Result<(), CliError> {
    let store = log(state)?;
    let wanted = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let kind = args.kind.map(About::wire);
    let (entries, next_before) = latest(&store, args.before, kind, wanted).await?;
    if cx.out.is_json() {
        let data = AuditListOutput {
            entries,
            next_before,
        };
        return cx.out.answer(&data, &[]);
    }
    if entries.is_empty() {
        cx.out.note("no such entries");
        return Ok(());
    }
    let rows = entries.iter().map(|entry| cells(entry, cx.out)).collect();
    cx.out.table(&HEADER, rows)?;
    if let Some(before) = next_before {
        cx.out
            .note(format_args!("there are more; see --before {before}"));
    }
    Ok(())
}

//! `openclaw audit list`: what was decided, attempted and given away.

use clap::Args;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, SessionKey};
use serde_json::json;

use super::entry::{About, Entry, HEADER};
use super::log;
use crate::commands::Cx;
use crate::error::CliError;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw audit list
  openclaw audit list --kind tool --limit 200
  openclaw audit list --before 1200 --json";

/// How many entries are listed unless asked otherwise.
const DEFAULT_LIMIT: u32 = 50;

/// How many entries are read at a time.
const PAGE: u64 = 512;

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
    let (entries, next_before) = latest(&store, args.before, args.kind, wanted).await?;
    if cx.out.is_json() {
        let data = json!({ "entries": entries, "nextBefore": next_before });
        return cx.out.answer(&data, &[]);
    }
    if entries.is_empty() {
        cx.out.note("no such entries");
        return Ok(());
    }
    let rows = entries.iter().map(|entry| entry.row(cx.out)).collect();
    cx.out.table(&HEADER, rows)?;
    if let Some(before) = next_before {
        cx.out
            .note(format_args!("there are more; see --before {before}"));
    }
    Ok(())
}

/// Returns the times and kinds of the last entries, the latest first.
pub(crate) async fn recent_kinds(
    store: &EventStore,
    wanted: usize,
) -> Result<Vec<(String, String)>, CliError> {
    let (entries, _) = latest(store, None, None, wanted).await?;
    let kinds = entries.into_iter().map(|entry| (entry.time, entry.kind));
    Ok(kinds.collect())
}

/// Returns up to `wanted` entries before a number, the latest first, and where to go on, if there
/// are more of the stream.
pub(super) async fn latest(
    store: &EventStore,
    before: Option<u64>,
    about: Option<About>,
    wanted: usize,
) -> Result<(Vec<Entry>, Option<u64>), CliError> {
    let audit = SessionKey::audit();
    let head = match store.session(&audit).await? {
        Some(stream) => stream.head,
        None => 0,
    };
    let mut to = before.map_or(head, |before| head.min(before.saturating_sub(1)));
    let mut found = Vec::new();
    while to > 0 && found.len() < wanted {
        let from = to.saturating_sub(PAGE - 1).max(1);
        let events = store.read(&audit, from..=to).await?;
        let missing = wanted.saturating_sub(found.len());
        let entries = events.iter().rev().filter_map(Entry::of);
        found.extend(entries.filter(|entry| entry.is_about(about)).take(missing));
        to = from.saturating_sub(1);
    }
    let next = found
        .last()
        .map(|entry| entry.seq)
        .filter(|seq| found.len() == wanted && *seq > 1);
    Ok((found, next))
}

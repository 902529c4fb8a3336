//! `openclaw sessions tail`: what happens, while it happens.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Kind, SessionKey};
use openclaw_ipc::Event;
use serde_json::json;

use super::SessionsError;
use super::lookup::{existing_log, find_in};
use crate::commands::Cx;
use crate::error::CliError;
use crate::event_line;
use crate::output::{Look, Output};
use crate::signals::Signals;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions tail
  openclaw sessions tail agent:main:main --from 0 --limit 20
  openclaw sessions tail --from 1042 --jsonl

It follows until Ctrl-C, which ends it with 130, or until --limit events were shown. The first
column, `position` in JSON, is the cursor: --from with the last one that was seen misses nothing.";

/// How many columns a session's key takes when there are several sessions.
const KEY: usize = 32;

/// The arguments of `sessions tail`.
#[derive(Debug, Args)]
pub(super) struct TailArgs {
    /// Follow only this session
    key: Option<String>,
    /// Begin after this position of the log, 0 for all [default: what happens from now on]
    #[arg(long, value_name = "CURSOR")]
    from: Option<u64>,
    /// Stop after N events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Print one JSON document for each event, one a line
    #[arg(long, conflicts_with = "json")]
    jsonl: bool,
}

pub(super) async fn tail(
    cx: Cx<'_>,
    state: &StateDir,
    args: TailArgs,
) -> Result<ExitCode, CliError> {
    if cx.out.is_json() && args.limit.is_none() {
        let why = "--json needs --limit: a document has an end; take --jsonl to follow";
        return Err(SessionsError::Format(why).into());
    }
    let key = args.key.as_deref().map(SessionKey::parse).transpose()?;
    // Listened for from the start, so that a signal is never taken for a failure.
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    let store = existing_log(state)?.ok_or_else(|| SessionsError::NoLog(state.event_log()))?;
    let only = match key {
        Some(key) => Some(find_in(&store, key).await?.key),
        None => None,
    };
    let mut subscription = store.subscribe(args.from.unwrap_or_else(|| store.position()));
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut document = Vec::new();
    while left > 0 {
        let event = tokio::select! {
            event = subscription.next() => event?,
            () = signals.stop() => {
                if cx.out.is_json() {
                    return Err(CliError::Interrupted);
                }
                resume(cx, &args, subscription.cursor());
                return Ok(ExitCode::from(Kind::Cancelled.exit_code()));
            }
        };
        if only.as_ref().is_some_and(|only| *only != event.session) {
            continue;
        }
        left = left.saturating_sub(1);
        let event = Event::from(Arc::unwrap_or_clone(event));
        if args.jsonl {
            cx.out.document_line(&event)?;
        } else if cx.out.is_json() {
            document.push(event);
        } else {
            cx.out.line(line(&event, only.as_ref(), cx.out))?;
        }
    }
    let cursor = subscription.cursor();
    if cx.out.is_json() {
        let data = json!({ "events": document, "nextCursor": cursor });
        cx.out.answer(&data, &[])?;
    } else {
        resume(cx, &args, cursor);
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells a person how to go on; programs have the position of the last event.
fn resume(cx: Cx<'_>, args: &TailArgs, cursor: u64) {
    if args.jsonl {
        return;
    }
    let key = args.key.as_deref().map(|key| format!(" {key}"));
    let line = format!(
        "go on with: openclaw{} sessions tail{} --from {cursor}",
        cx.state_flags(),
        key.unwrap_or_default()
    );
    cx.out
        .note(cx.out.look_aside(Look::Dim, &text::one_line(&line)));
}

/// Returns an event in one line that fits the terminal.
fn line(event: &Event, only: Option<&SessionKey>, out: &Output) -> String {
    let key = match only {
        Some(_) => String::new(),
        None => format!("{:<KEY$}  ", event.session_key.as_str()),
    };
    let line = format!(
        "{:>8}  {}  {key}{:<15}  {}",
        event.position,
        event.time,
        event_line::kind(&event.data),
        event_line::what(event)
    );
    let line = text::one_line(&line);
    match out.stdout().width {
        Some(width) => text::shorten(&line, usize::from(width)).into_owned(),
        None => line.into_owned(),
    }
}

//! `openclaw sessions state`: what a session's events add up to, now or after any of them.

use clap::Args;
use openclaw_core::clock::rfc3339;
use openclaw_core::state_dir::StateDir;
use serde_json::{Value, json};

use super::lookup::{Parent, find};
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions state agent:main:main
  openclaw sessions state agent:main:main --at 12 --json";

/// How many columns of a terminal the keys take.
const KEYS: u16 = 28;

/// The narrowest column of values.
const NARROW: usize = 24;

/// The arguments of `sessions state`.
#[derive(Debug, Args)]
pub(super) struct StateArgs {
    /// The session's key
    key: String,
    /// Show the state after the event with this number [default: the last one]
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    at: Option<u64>,
}

pub(super) async fn state(cx: Cx<'_>, state: &StateDir, args: StateArgs) -> Result<(), CliError> {
    let (store, session) = find(state, &args.key).await?;
    // The head as it is known from here on, so that an append meanwhile changes nothing.
    let at = args.at.unwrap_or(session.head);
    let projection = store.projection(&session.key, Some(at)).await?;
    let state = projection.state();
    if cx.out.is_json() {
        let event = store.read(&session.key, at..=at).await?.pop();
        let data = json!({
            "sessionKey": session.key,
            "at": at,
            "head": session.head,
            "time": event.as_ref().map(|event| rfc3339(event.time)),
            "hash": event.as_ref().map(|event| event.hash),
            "parent": Parent::of(&session),
            "state": state,
        });
        return cx.out.answer(&data, &[]);
    }
    let title = format!("(after event {at} of {})", session.head);
    cx.out.line(cx.out.look(Look::Dim, &title))?;
    let rows = state
        .iter()
        .map(|(key, value)| vec![text::one_line(key).into_owned(), shown(cx, value)])
        .collect();
    cx.out.table(&["KEY", "VALUE"], rows)
}

/// Returns a value in one line; without a terminal nothing is cut off.
fn shown(cx: Cx<'_>, value: &Value) -> String {
    let value = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let value = text::one_line(&value);
    match cx.out.stdout().width {
        Some(width) => {
            let room = usize::from(width.saturating_sub(KEYS)).max(NARROW);
            text::shorten(&value, room).into_owned()
        }
        None => value.into_owned(),
    }
}

//! What the event log knows at the end, and what it knew at an earlier step.

use std::collections::BTreeSet;

use openclaw_core::{EventStore, SessionEvent, SessionEventKind, SessionKey, SessionProjection};
use openclaw_ipc::Event;

use super::stage::Stage;
use crate::commands::Cx;
use crate::error::CliError;
use crate::event_line;
use crate::output::Look;
use crate::text;

/// Prints the log of the session as a table, then two of the states that it adds up to.
pub(super) async fn print(cx: Cx<'_>, stage: &Stage, session: &SessionKey) -> Result<(), CliError> {
    let store = EventStore::open(&stage.home.state.event_log())?;
    let events = store.read(session, 1..=u64::MAX).await?;
    cx.out.line(cx.out.look(
        Look::Strong,
        "\nThe event log: everything that happened, in order",
    ))?;
    let rows = events
        .iter()
        .map(|event| event_line::row(&Event::from(event.clone()), cx.out));
    cx.out.table(&event_line::HEADER, rows.collect())?;

    let earlier = during_a_command(&events).unwrap_or(events.len() / 2);
    let title = "\nThe same log replayed: the state at an earlier step, and now";
    cx.out.line(cx.out.look(Look::Strong, title))?;
    let (then, now) = (states(&events, earlier), states(&events, events.len()));
    let head = [
        format!("AFTER EVENT {earlier}"),
        format!("AFTER EVENT {}", events.len()),
    ];
    let keys: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let shown = |state: Option<&String>| state.cloned().unwrap_or_default();
    let rows = keys
        .into_iter()
        .map(|key| vec![key.clone(), shown(then.get(key)), shown(now.get(key))])
        .collect();
    let [then, now] = &head;
    cx.out.table(&["STATE", then, now], rows)
}

/// Returns how many events there were while a command was still running.
fn during_a_command(events: &[SessionEvent]) -> Option<usize> {
    let running = |event: &SessionEvent| matches!(&event.kind, SessionEventKind::ToolCalled { tool, .. } if tool == "exec");
    events
        .iter()
        .position(running)
        .map(|at| at.saturating_add(1))
}

fn states(events: &[SessionEvent], count: usize) -> std::collections::BTreeMap<String, String> {
    SessionProjection::project(events.iter().take(count))
        .state()
        .into_iter()
        .map(|(key, value)| (key, text::one_line(&value.to_string()).into_owned()))
        .collect()
}

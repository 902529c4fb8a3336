//! An event of the log in one line.

use openclaw_ipc::{Event, EventData};

use crate::conversation::{arguments, outcome};
use crate::output::Output;
use crate::text;

/// The heads of the columns.
pub(crate) const HEADER: [&str; 4] = ["SEQ", "TIME", "KIND", "WHAT"];

/// How many columns of a terminal the first three take.
const BEFORE_WHAT: u16 = 52;

/// The narrowest last column.
const NARROW: usize = 24;

/// Returns the row of an event; without a terminal nothing is cut off.
pub(crate) fn row(event: &Event, out: &Output) -> Vec<String> {
    let what = what(event);
    let what = text::one_line(&what);
    let what = match out.stdout().width {
        Some(width) => {
            let room = usize::from(width.saturating_sub(BEFORE_WHAT)).max(NARROW);
            text::shorten(&what, room)
        }
        None => what,
    };
    vec![
        event.seq.to_string(),
        event.time.clone(),
        kind(&event.data).to_owned(),
        what.into_owned(),
    ]
}

/// Returns the name of what happened.
pub(crate) const fn kind(data: &EventData) -> &'static str {
    match data {
        EventData::SessionStarted { .. } => "SessionStarted",
        EventData::MessageReceived { .. } => "MessageReceived",
        EventData::MessageSent { .. } => "MessageSent",
        EventData::ToolCalled { .. } => "ToolCalled",
        EventData::ToolResult { .. } => "ToolResult",
        EventData::AgentResponse { .. } => "AgentResponse",
        EventData::SessionEnded { .. } => "SessionEnded",
        EventData::StateChanged { .. } => "StateChanged",
    }
}

fn what(event: &Event) -> String {
    match &event.data {
        EventData::SessionStarted { channel, peer_id } => format!("{channel}, with {peer_id}"),
        EventData::MessageReceived {
            content,
            attachments,
        } if attachments.is_empty() => content.clone(),
        EventData::MessageReceived {
            content,
            attachments,
        } => {
            format!("{content} (and {} attachments)", attachments.len())
        }
        EventData::MessageSent { content, .. } => content.clone(),
        EventData::ToolCalled { tool, params } => format!("{tool}  {}", arguments(params)),
        EventData::ToolResult { tool, .. } => format!("{tool}  {}", outcome(event)),
        EventData::AgentResponse {
            content,
            model,
            tokens,
        } => {
            format!("({model}, {tokens} tokens) {content}")
        }
        EventData::SessionEnded { reason } => reason.clone(),
        EventData::StateChanged { key, value } => format!("{key} = {value}"),
    }
}

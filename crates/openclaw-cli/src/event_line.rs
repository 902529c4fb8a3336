//! An event of the log in one line.

use openclaw_core::events::Change;
use openclaw_ipc::{Event, EventData};
use serde_json::{Value, json};

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

/// The names of everything that happens.
pub(crate) const KINDS: [&str; 8] = [
    "SessionStarted",
    "MessageReceived",
    "MessageSent",
    "ToolCalled",
    "ToolResult",
    "AgentResponse",
    "SessionEnded",
    "StateChanged",
];

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

/// Returns what an event tells, which is not safe for a terminal.
pub(crate) fn what(event: &Event) -> String {
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
        EventData::StateChanged { key, value } => change(key, value),
    }
}

/// Returns what a change of state says; one that this program does not know is shown as it is.
fn change(key: &str, value: &Value) -> String {
    match serde_json::from_value(json!({ "key": key, "value": value })) {
        Ok(Change::RunFailed { kind, message, .. }) => {
            format!("the run failed ({}): {message}", kind.as_str())
        }
        Ok(Change::SessionForked { from, at }) => format!("forked from {from} at event {at}"),
        Ok(Change::ModelChanged { provider, model }) => {
            format!("from here on {provider}/{model} answers")
        }
        Ok(Change::ContextCompacted {
            summary,
            first_kept,
            tokens_before,
            how,
        }) => {
            let by = how.model.map(|model| format!(" by {model}"));
            let by = by.unwrap_or_default();
            format!("{tokens_before} tokens before event {first_kept} are summed up{by}: {summary}")
        }
        Ok(Change::ApprovalDecided {
            call_id,
            allowed,
            by,
            ..
        }) => {
            let verb = if allowed { "allowed" } else { "refused" };
            format!("{by} {verb} the call {call_id}")
        }
        Ok(Change::SummaryAsked { failure }) => match failure {
            Some(why) => format!("no summary could be had: {why}"),
            None => "a summary was asked for, to be looked at".to_owned(),
        },
        Ok(Change::ContextRestored { compaction }) => {
            format!("what event {compaction} summed up is in view again")
        }
        Ok(Change::MessageTaken { message }) => {
            format!("message {message} was taken into the run that went on")
        }
        Ok(Change::ModelTold { text }) => format!("the model was told: {text}"),
        Ok(Change::RunCutOff { unknown, .. }) if unknown.is_empty() => {
            "the program stopped before anything was done about the message".to_owned()
        }
        Ok(Change::RunCutOff { unknown, .. }) => format!(
            "the program stopped in the midst of the run; whether {} took effect is not known",
            unknown
                .iter()
                .map(|call| format!("the call {call}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Ok(Change::ApprovalRequested {
            call_id, reasons, ..
        }) => format!(
            "the call {call_id} waits for approval: {}",
            reasons.join("; ")
        ),
        Ok(Change::FileWritten { path, .. }) => {
            format!("{} may carry the words of strangers", in_workspace(&path))
        }
        Ok(Change::FileCleared { path, .. }) => {
            format!(
                "{} carries no stranger's words any more",
                in_workspace(&path)
            )
        }
        Ok(Change::FilesWatched { .. }) => {
            "from here on, files of the workspace may come to carry the words of strangers"
                .to_owned()
        }
        Ok(Change::FilesSettled { .. }) => {
            "which files of the workspace do is on record".to_owned()
        }
        Ok(Change::CallsLost { calls, .. }) => {
            format!(
                "the process died during {calls} calls of a model; the most that they may have taken counts"
            )
        }
        Ok(Change::UsageCost { usd }) => format!("cost ${usd}"),
        Err(_unknown) => format!("{key} = {value}"),
    }
}

/// Returns the name of a file in a workspace; the workspace itself has none.
const fn in_workspace(path: &str) -> &str {
    if path.is_empty() {
        "the workspace"
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_changes_are_told_in_words_and_others_as_they_are() {
        for (key, value, told) in [
            (
                "run.failed",
                json!({"runId": "r", "kind": "unavailable", "message": "no answer"}),
                "the run failed (unavailable): no answer",
            ),
            (
                "session.forked",
                json!({"from": "agent:main:main", "at": 3}),
                "forked from agent:main:main at event 3",
            ),
            (
                "model.changed",
                json!({"provider": "p", "model": "m"}),
                "from here on p/m answers",
            ),
            (
                "context.compacted",
                json!({"summary": "tides", "firstKept": 9, "tokensBefore": 70}),
                "70 tokens before event 9 are summed up: tides",
            ),
            (
                "approval.decided",
                json!({"callId": "c", "allowed": false, "by": "owner"}),
                "owner refused the call c",
            ),
            (
                "file.written",
                json!({"workspace": "/w", "path": "a.txt", "marks": []}),
                "a.txt may carry the words of strangers",
            ),
            (
                "file.cleared",
                json!({"workspace": "/w", "path": ""}),
                "the workspace carries no stranger's words any more",
            ),
            ("usage.cost", json!({"usd": 0.25}), "cost $0.25"),
            ("mood", json!("calm"), r#"mood = "calm""#),
            ("usage.cost", json!({"eur": 1}), r#"usage.cost = {"eur":1}"#),
        ] {
            assert_eq!(change(key, &value), told);
        }
    }
}

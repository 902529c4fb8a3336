//! Closing what a crash cut off: no run stays open, and what nobody knows is said.
//!
//! Nothing of it runs again. A call that was under way gets a result that says that nobody knows
//! whether it took effect; one that still waited for somebody's approval is known not to have run.
//! A message that nothing was done about is closed as withdrawn: the model does not see it any
//! more, and whoever sends it again under the same name gets it answered.

use std::collections::HashMap;

use openclaw_core::approvals::ApprovalId;
use openclaw_core::events::{Change, NewEvent, Payload, StoreError, ToolPayload, by_run};
use openclaw_core::{CallId, Kind, RunId, SessionEvent, SessionEventKind};
use serde_json::Value;

use crate::transcript::{self, INTERRUPTED, OpenCall, UNAPPROVED};

/// What is said of a run that had begun.
const CUT_OFF: &str = "the program stopped in the midst of the turn; it was not taken up again";
/// What is said of a message that nothing was done about.
const UNHEARD: &str = "the program stopped before anything was done about this message";
/// Who decided about an approval that nobody can give any more.
const NOBODY: &str = "the end of the program";

/// Returns the events that close what is open in a session whose program died.
///
/// `before` is the first event that is not of that program's.
pub(crate) fn closing(events: &[SessionEvent], before: u64) -> Result<Vec<NewEvent>, StoreError> {
    let shared = shared_with_parent(events);
    let end = events.partition_point(|event| event.seq < before);
    let events = events.get(..end).unwrap_or_default();
    let taken = transcript::taken(events);
    let open = transcript::open_calls(events);
    let mut closing = Vec::new();
    for run in by_run(events) {
        let Some(first) = run.first() else { continue };
        let Some(id) = &first.run_id else { continue };
        let of_run = || open.iter().filter(|call| call.run_id == *id);
        let waited = asked_for(&run);
        for call in of_run() {
            closing.extend(result(call, &waited)?);
        }
        let begun = matches!(first.kind, SessionEventKind::MessageReceived { .. });
        let answered_elsewhere = taken.contains(&first.seq);
        if !begun || first.seq <= shared || answered_elsewhere || has_ended(&run) {
            continue;
        }
        let unknown = of_run()
            .filter(|call| !waited.contains_key(&call.call_id))
            .map(|call| call.call_id.clone())
            .collect();
        closing.extend(cut_off(id, first.seq, &run, unknown)?);
    }
    Ok(closing)
}

/// Tells whether a message was closed because a crash came before anything was done about it.
pub(crate) fn is_closed_unheard(run: &[&SessionEvent]) -> bool {
    let cut_off = run
        .iter()
        .any(|event| matches!(Change::of(event), Some(Change::RunCutOff { .. })));
    cut_off && !has_acted(run)
}

/// Returns the last event that a branch shares with the session that it branches off.
fn shared_with_parent(events: &[SessionEvent]) -> u64 {
    let fork = events
        .iter()
        .rfind(|event| matches!(Change::of(event), Some(Change::SessionForked { .. })));
    fork.map(|event| event.seq).unwrap_or_default()
}

fn has_ended(run: &[&SessionEvent]) -> bool {
    run.iter().any(|event| {
        matches!(event.kind, SessionEventKind::AgentResponse { .. })
            || matches!(Change::of(event), Some(Change::RunFailed { .. }))
    })
}

/// Tells whether a model has said anything in a run that is on record.
fn has_acted(run: &[&SessionEvent]) -> bool {
    run.iter().any(|event| {
        matches!(
            event.kind,
            SessionEventKind::ToolCalled { .. } | SessionEventKind::AgentResponse { .. }
        )
    })
}

/// Returns the calls of a run that somebody was asked about and nobody decided on.
fn asked_for(run: &[&SessionEvent]) -> HashMap<CallId, ApprovalId> {
    let mut waited = HashMap::new();
    for event in run {
        match Change::of(event) {
            Some(Change::ApprovalRequested {
                call_id, approval, ..
            }) => {
                waited.insert(call_id, approval);
            }
            Some(Change::ApprovalDecided { call_id, .. }) => {
                waited.remove(&call_id);
            }
            _ => {}
        }
    }
    waited
}

/// Returns what closes one call.
fn result(
    call: &OpenCall,
    waited: &HashMap<CallId, ApprovalId>,
) -> Result<Vec<NewEvent>, StoreError> {
    let mut events = Vec::new();
    let approval = waited.get(&call.call_id);
    if let Some(approval) = approval {
        let decided = Change::ApprovalDecided {
            approval: Some(approval.clone()),
            call_id: call.call_id.clone(),
            allowed: false,
            answer: None,
            by: NOBODY.to_owned(),
        };
        events.push(place(decided.to_event()?, call));
    }
    let unapproved = approval.is_some();
    let why = if unapproved { UNAPPROVED } else { INTERRUPTED };
    let result = NewEvent::from(SessionEventKind::ToolResult {
        tool: call.tool.clone(),
        result: Value::String(why.to_owned()),
        success: false,
    })
    .with_payload(Payload {
        tool: Some(ToolPayload {
            refused: unapproved.then(|| why.to_owned()),
            ..ToolPayload::default()
        }),
        ..Payload::default()
    });
    events.push(place(result, call));
    Ok(events)
}

fn place(event: NewEvent, call: &OpenCall) -> NewEvent {
    event
        .in_run(&call.run_id, Some(call.seq))
        .at_step(call.step)
        .about_call(&call.call_id)
}

fn cut_off(
    id: &RunId,
    message: u64,
    run: &[&SessionEvent],
    unknown: Vec<CallId>,
) -> Result<[NewEvent; 2], StoreError> {
    let (kind, said) = if has_acted(run) {
        (Kind::Unavailable, CUT_OFF)
    } else {
        // A message that was withdrawn is not shown to the model.
        (Kind::Cancelled, UNHEARD)
    };
    let cut_off = Change::RunCutOff {
        run_id: id.clone(),
        unknown,
    };
    let failed = Change::RunFailed {
        run_id: id.clone(),
        kind,
        message: said.to_owned(),
    };
    Ok([
        cut_off.to_event()?.in_run(id, Some(message)),
        failed.to_event()?.in_run(id, Some(message)),
    ])
}

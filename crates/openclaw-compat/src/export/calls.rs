//! The tool calls of a run.

use std::collections::{HashMap, HashSet};

use openclaw_core::{CallId, RunId, SessionEvent, SessionEventKind};
use serde_json::Value;

/// Names a call, as the fold of the model's transcript does.
type CallKey = (Option<RunId>, Option<u32>, CallId);

/// The calls of a run.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    called: HashMap<CallKey, (&'a str, &'a Value)>,
    written: HashSet<CallKey>,
    /// Those that are written and have no result yet, in their order.
    open: Vec<CallKey>,
    /// Whether the run began before the events that are written.
    torn: bool,
}

impl<'a> Calls<'a> {
    /// Finds the calls among a run's events.
    pub(super) fn of(run: &[&'a SessionEvent]) -> Self {
        let called = run
            .iter()
            .filter_map(|event| match &event.kind {
                SessionEventKind::ToolCalled { tool, params } => {
                    Some((key(event)?, (tool.as_str(), params)))
                }
                _ => None,
            })
            .collect();
        let whole = run.iter().any(|event| {
            matches!(
                event.kind,
                SessionEventKind::MessageReceived { .. } | SessionEventKind::ToolCalled { .. }
            )
        });
        Self {
            called,
            written: HashSet::new(),
            open: Vec::new(),
            torn: !whole,
        }
    }

    /// Writes a call of the step that `event` begins.
    pub(super) fn open(
        &mut self,
        event: &SessionEvent,
        call: &CallId,
    ) -> Option<(&'a str, &'a Value)> {
        let key = (event.run_id.clone(), event.step, call.clone());
        let called = self.called.get(&key).copied()?;
        self.written.insert(key.clone());
        self.open.push(key);
        Some(called)
    }

    /// Tells whether a call is written.
    pub(super) fn known(&self, event: &SessionEvent) -> bool {
        key(event).is_some_and(|key| self.written.contains(&key))
    }

    /// Tells whether a result belongs to a call of the model's, and notes that the call has one.
    pub(super) fn answer(&mut self, event: &SessionEvent) -> bool {
        let Some(key) = key(event) else { return false };
        if !self.written.contains(&key) {
            // The call may be among what came from OpenClaw, and was cut off there.
            return self.torn && event.step.is_some();
        }
        let before = self.open.len();
        self.open.retain(|open| *open != key);
        before > self.open.len()
    }

    /// Returns the calls that are written and have no result, which they are to get now.
    pub(super) fn take_open(&mut self) -> Vec<(CallId, String)> {
        std::mem::take(&mut self.open)
            .into_iter()
            .filter_map(|key| {
                let (tool, _) = self.called.get(&key)?;
                Some((key.2, (*tool).to_owned()))
            })
            .collect()
    }
}

fn key(event: &SessionEvent) -> Option<CallKey> {
    let call = event.call_id.clone()?;
    Some((event.run_id.clone(), event.step, call))
}

//! What is on record, told as it comes.

use openclaw_core::access::devices::Right;
use openclaw_core::events::Change;
use openclaw_core::{Kind, RunId, SessionEvent, SessionEventKind};
use serde_json::{Value, json};

use super::super::messages;
use super::super::methods::approvals;
use super::super::runs::{Calling, Running};
use super::Feed;
use super::ends::Outcome;
use super::shape::agent_event;
use crate::live::pending;

impl Feed<'_> {
    pub(super) fn tell_fact(&mut self, event: &SessionEvent, message: Option<Value>, now: i64) {
        self.seen = event.position;
        match (&event.kind, &event.run_id) {
            (SessionEventKind::MessageReceived { .. }, Some(run)) => {
                let name = messages::own_name(event).map(str::to_owned);
                let running = Running::new(run, name, event.session.clone(), now);
                self.runs.entry(run.clone()).or_insert(running);
                let active = self.gateway.shared.rpc.engine.active();
                if active.iter().any(|(_, active)| active == run) {
                    self.begin(run);
                }
                self.tell_changed(event, "send", now);
            }
            (SessionEventKind::SessionStarted { .. }, _) => self.tell_changed(event, "create", now),
            (SessionEventKind::SessionEnded { .. }, _) => self.tell_changed(event, "end", now),
            (SessionEventKind::ToolCalled { tool, params }, Some(run)) => {
                self.begin(run);
                self.tell_text(run);
                self.tell_call(event, run, (tool, params), now);
            }
            (
                SessionEventKind::ToolResult {
                    tool,
                    result,
                    success,
                },
                Some(run),
            ) => {
                self.tell_result(event, run, (tool, result, *success), now);
            }
            (SessionEventKind::AgentResponse { content, .. }, Some(run)) => {
                self.begin(run);
                let stop = event
                    .payload
                    .as_ref()
                    .and_then(|payload| payload.step.as_ref());
                let stop = stop.map_or("stop", |step| messages::stop_reason(&step.stop));
                self.tell_text(run);
                self.end(run, &Outcome::Answered(content, stop), now);
                self.tell_changed(event, "answered", now);
            }
            (SessionEventKind::StateChanged { .. }, _) => self.tell_change(event, now),
            _ => {}
        }
        if let Some(message) = message {
            let payload = json!({
                "sessionKey": event.session,
                "agentId": event.session.agent(),
                "message": message,
                "messageId": messages::id_of(event),
                "messageSeq": event.seq,
            });
            self.add("session.message", payload);
        }
        self.tell_settled(now);
    }

    pub(super) fn tell_call(
        &mut self,
        event: &SessionEvent,
        run: &RunId,
        (tool, params): (&str, &Value),
        now: i64,
    ) {
        let Some(id) = event.call_id.clone() else {
            return;
        };
        let tells = self.client.can("tool-events");
        let Some(running) = self.runs.get_mut(run) else {
            return;
        };
        let calling = Calling {
            tool: tool.to_owned(),
            started: now,
            tail: String::new(),
            news: false,
        };
        running.calls.insert(id.clone(), calling);
        let item = json!({
            "itemId": format!("tool:{id}"),
            "toolCallId": id,
            "name": tool,
            "kind": "tool",
            "phase": "start",
            "title": tool,
            "status": "running",
            "startedAt": now,
        });
        let item = agent_event(running, "item", item, now);
        let data = json!({"phase": "start", "name": tool, "toolCallId": id, "args": params});
        let call = tells.then(|| agent_event(running, "tool", data, now));
        self.add("agent", item);
        if let Some(call) = call {
            self.add("agent", call);
        }
    }

    pub(super) fn tell_result(
        &mut self,
        event: &SessionEvent,
        run: &RunId,
        (tool, result, success): (&str, &Value, bool),
        now: i64,
    ) {
        let Some(id) = &event.call_id else {
            return;
        };
        let tells = self.client.can("tool-events");
        let Some(running) = self.runs.get_mut(run) else {
            return;
        };
        let started = running.calls.remove(id).map(|call| call.started);
        let details = event
            .payload
            .as_ref()
            .and_then(|payload| payload.tool.as_ref());
        let text = messages::shown(result);
        let data = json!({
            "phase": "result",
            "name": tool,
            "toolCallId": id,
            "isError": !success,
            "result": {"content": [messages::text(&text)], "details": details},
        });
        let call = tells.then(|| agent_event(running, "tool", data, now));
        let item = json!({
            "itemId": format!("tool:{id}"),
            "toolCallId": id,
            "name": tool,
            "kind": "tool",
            "phase": "end",
            "title": tool,
            "status": if success { "completed" } else { "failed" },
            "startedAt": started,
            "endedAt": now,
        });
        let item = agent_event(running, "item", item, now);
        if let Some(call) = call {
            self.add("agent", call);
        }
        self.add("agent", item);
    }

    pub(super) fn tell_change(&mut self, event: &SessionEvent, now: i64) {
        match Change::of(event) {
            Some(Change::RunFailed {
                run_id,
                kind,
                message,
            }) => {
                self.tell_text(&run_id);
                let outcome = if kind == Kind::Cancelled {
                    Outcome::Aborted
                } else {
                    Outcome::Failed(&message, kind)
                };
                self.end(&run_id, &outcome, now);
                self.tell_changed(event, "failed", now);
            }
            Some(Change::RunCutOff { run_id, .. }) => {
                let message = "the gateway stopped before the run had ended";
                self.end(&run_id, &Outcome::Failed(message, Kind::Unavailable), now);
            }
            Some(Change::ApprovalRequested { .. }) => self.tell_question(event),
            Some(Change::ApprovalDecided {
                approval: Some(approval),
                allowed,
                answer,
                by,
                ..
            }) if self.client.rights.include(Right::Approvals) => {
                let decision = answer.map_or_else(
                    || json!(if allowed { "allow-once" } else { "deny" }),
                    |answer| json!(answer),
                );
                let payload = json!({
                    "id": approval,
                    "decision": decision,
                    "resolvedBy": by,
                    "ts": now,
                });
                // Which of the two lists it was in is not told by the decision.
                self.add("exec.approval.resolved", payload.clone());
                self.add("plugin.approval.resolved", payload);
            }
            Some(Change::ModelChanged { .. } | Change::ContextCompacted { .. }) => {
                self.tell_changed(event, "patch", now);
            }
            _ => {}
        }
    }

    pub(super) fn tell_question(&mut self, event: &SessionEvent) {
        if !self.client.rights.include(Right::Approvals) {
            return;
        }
        if let Some(asked) = pending(event) {
            let sort = approvals::Sort::of(&asked);
            self.add(sort.requested(), approvals::shown(&asked));
        }
    }

    pub(super) fn tell_changed(&mut self, event: &SessionEvent, reason: &str, now: i64) {
        if !self.client.follows.lock().sessions {
            return;
        }
        let payload = json!({
            "sessionKey": event.session,
            "agentId": event.session.agent(),
            "reason": reason,
            "ts": now,
        });
        self.add("sessions.changed", payload);
    }
}

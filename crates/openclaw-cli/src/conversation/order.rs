//! Putting the notifications of one turn into the order in which they make sense.
//!
//! Two streams arrive mixed. Pieces of text and tool output come straight from the run; facts come
//! from the event log after they are on disk, and may be late. A piece is held back until the fact
//! that it belongs behind has come.

use openclaw_core::events::Change;
use openclaw_core::{CallId, RunId, SessionKey};
use openclaw_ipc::{Event, EventData, Notification};

/// The notifications of one turn, from mixed to ordered.
#[derive(Debug)]
pub(super) struct Order {
    session: SessionKey,
    message: String,
    run: Option<RunId>,
    held: Vec<Notification>,
    /// The tool calls so far, and those of them that have no result yet.
    calls: Vec<CallId>,
    open: Vec<CallId>,
    /// The last step whose text may come: those before it have their results.
    step: u32,
    over: bool,
}

impl Order {
    /// Waits for the turn that `message` sets off in `session`.
    pub(super) fn of_turn(session: &SessionKey, message: &str) -> Self {
        Self {
            session: session.clone(),
            message: message.to_owned(),
            run: None,
            held: Vec::new(),
            calls: Vec::new(),
            open: Vec::new(),
            step: 1,
            over: false,
        }
    }

    /// Takes a notification and returns what may be shown now.
    pub(super) fn take(&mut self, notification: Notification) -> Vec<Notification> {
        let mut due = Vec::new();
        if self.concerns(&notification) {
            self.held.push(notification);
            while let Some(at) = self.held.iter().position(|held| self.is_due(held)) {
                let next = self.held.remove(at);
                self.advance(&next);
                due.push(next);
            }
        }
        due
    }

    /// Returns what is still held back of a run that has ended.
    pub(super) fn rest(&mut self, run: Option<&RunId>) -> Vec<Notification> {
        let mut rest = std::mem::take(&mut self.held);
        rest.retain(|held| run.is_some() && run_of(held) == run);
        rest
    }

    /// Tells whether the end of the turn has come.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    fn concerns(&self, notification: &Notification) -> bool {
        let session = match notification {
            Notification::SessionEvent(params) => &params.event.session_key,
            Notification::SessionDelta(params) => &params.session_key,
            Notification::ToolOutput(params) => &params.session_key,
            // What is missing shows when the answer is compared with its pieces; what waits for
            // consent is shown by who asks for it.
            Notification::StreamLagged(_) | Notification::ApprovalRequested(_) => return false,
        };
        let other_run = match (&self.run, run_of(notification)) {
            (Some(ours), Some(run)) => ours != run,
            _ => false,
        };
        *session == self.session && !other_run
    }

    fn is_due(&self, held: &Notification) -> bool {
        match held {
            Notification::SessionEvent(params) => {
                self.run.is_some() || self.begins_the_turn(&params.event)
            }
            Notification::SessionDelta(params) => {
                self.run.is_some() && self.open.is_empty() && params.step <= self.step
            }
            Notification::ToolOutput(params) => self.calls.contains(&params.call_id),
            Notification::StreamLagged(_) | Notification::ApprovalRequested(_) => true,
        }
    }

    fn begins_the_turn(&self, event: &Event) -> bool {
        matches!(&event.data, EventData::MessageReceived { content, .. } if *content == self.message)
    }

    fn advance(&mut self, shown: &Notification) {
        let Notification::SessionEvent(params) = shown else {
            return;
        };
        let event = &params.event;
        match &event.data {
            EventData::MessageReceived { .. } => {
                self.run.clone_from(&event.run_id);
                let Self { run, held, .. } = self;
                held.retain(|other| run_of(other).is_none_or(|of| Some(of) == run.as_ref()));
            }
            EventData::ToolCalled { .. } => {
                self.calls.extend(event.call_id.clone());
                self.open.extend(event.call_id.clone());
            }
            EventData::ToolResult { .. } => {
                self.open
                    .retain(|call| Some(call) != event.call_id.as_ref());
                if self.open.is_empty() {
                    self.step = event.step.unwrap_or(self.step).saturating_add(1);
                }
            }
            EventData::StateChanged { key, value }
                if matches!(Change::read(key, value), Some(Change::RunFailed { .. })) =>
            {
                self.over = true;
            }
            EventData::AgentResponse { .. } => self.over = true,
            EventData::SessionStarted { .. }
            | EventData::MessageSent { .. }
            | EventData::SessionEnded { .. }
            | EventData::StateChanged { .. } => {}
        }
    }
}

fn run_of(notification: &Notification) -> Option<&RunId> {
    match notification {
        Notification::SessionEvent(params) => params.event.run_id.as_ref(),
        Notification::SessionDelta(params) => Some(&params.run_id),
        Notification::ToolOutput(params) => params.run_id.as_ref(),
        Notification::StreamLagged(_) | Notification::ApprovalRequested(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::to_raw_value;
    use serde_json::{Value, json};

    use super::*;

    fn notification(name: &str, params: &Value) -> Notification {
        Notification::read(name, &to_raw_value(params).unwrap())
            .unwrap()
            .unwrap()
    }

    fn fact(run: &str, step: u32, kind: &str, data: &Value) -> Notification {
        let event = json!({
            "hash": "0".repeat(64),
            "sessionKey": "agent:main:main", "seq": 1, "position": 1, "time": "",
            "runId": run, "step": step, "callId": "c1", "kind": kind, "data": data,
        });
        let cursor = format!("1.{}", "0".repeat(16));
        notification(
            "session.event",
            &json!({ "cursor": cursor, "event": event }),
        )
    }

    fn delta(run: &str, step: u32) -> Notification {
        notification(
            "session.delta",
            &json!({
                "sessionKey": "agent:main:main", "runId": run, "step": step,
                "channel": "text", "text": format!("step {step}"),
            }),
        )
    }

    fn output(run: &str) -> Notification {
        notification(
            "tool.output",
            &json!({
                "sessionKey": "agent:main:main", "runId": run, "callId": "c1",
                "stream": "stdout", "text": "out",
            }),
        )
    }

    /// A turn of two steps as it has to be shown: facts and pieces.
    fn turn(run: &str) -> (Vec<Notification>, Vec<Notification>) {
        let message = json!({"content": "hi", "attachments": []});
        let called = json!({"tool": "exec", "params": {}});
        let result = json!({"tool": "exec", "result": "", "success": true});
        let answer = json!({"content": "step 2", "model": "m", "tokens": 1});
        let facts = vec![
            fact(run, 1, "MessageReceived", &message),
            fact(run, 1, "ToolCalled", &called),
            fact(run, 1, "ToolResult", &result),
            fact(run, 2, "AgentResponse", &answer),
        ];
        (facts, vec![delta(run, 1), output(run), delta(run, 2)])
    }

    fn order() -> Order {
        Order::of_turn(&SessionKey::parse("agent:main:main").unwrap(), "hi")
    }

    fn at(shown: &[Notification], wanted: &Notification) -> usize {
        shown.iter().position(|one| one == wanted).unwrap()
    }

    #[test]
    fn pieces_that_come_before_their_facts_wait_for_them() {
        let (facts, pieces) = turn("r1");
        let mut order = order();
        for piece in pieces.clone() {
            assert_eq!(order.take(piece), []);
        }
        let shown: Vec<_> = facts
            .iter()
            .flat_map(|fact| order.take(fact.clone()))
            .collect();
        let wanted = [
            &facts[0], &pieces[0], &facts[1], &pieces[1], &facts[2], &pieces[2], &facts[3],
        ];
        assert_eq!(shown.iter().collect::<Vec<_>>(), wanted);
        assert!(order.is_over());
    }

    #[test]
    fn another_run_and_another_session_are_passed_over() {
        let (facts, pieces) = turn("r1");
        let mut order = order();
        assert_eq!(order.take(delta("r0", 1)), []);
        assert_eq!(order.take(facts[0].clone()), [facts[0].clone()]);
        assert_eq!(order.take(delta("r0", 1)), []);
        assert_eq!(order.take(pieces[0].clone()), [pieces[0].clone()]);
        assert_eq!(order.rest(None), []);
        let elsewhere = SessionKey::parse("agent:main:other").unwrap();
        let mut order = Order::of_turn(&elsewhere, "hi");
        assert!(facts.into_iter().all(|fact| order.take(fact).is_empty()));
    }

    #[test]
    fn what_is_held_back_at_the_end_is_not_lost() {
        let (facts, pieces) = turn("r1");
        let mut order = order();
        order.take(facts[0].clone());
        assert_eq!(order.take(pieces[2].clone()), []);
        assert_eq!(order.rest(Some(&"r1".into())), [pieces[2].clone()]);
    }

    proptest! {
        #[test]
        fn every_way_of_mixing_the_two_streams_is_shown_in_a_sensible_order(
            picks in proptest::collection::vec(any::<bool>(), 7)
        ) {
            let (facts, pieces) = turn("r1");
            let (mut waiting_facts, mut waiting_pieces) = (facts.iter(), pieces.iter());
            let mut order = order();
            let mut shown = Vec::new();
            for pick in picks.into_iter().chain([true; 7]).chain([false; 7]) {
                let next = if pick { waiting_facts.next() } else { waiting_pieces.next() };
                shown.extend(next.into_iter().flat_map(|next| order.take(next.clone())));
            }
            prop_assert_eq!(shown.len(), 7);
            prop_assert!(at(&shown, &facts[0]) < at(&shown, &pieces[0]));
            prop_assert!(at(&shown, &facts[1]) < at(&shown, &pieces[1]));
            prop_assert!(at(&shown, &facts[2]) < at(&shown, &pieces[2]));
        }
    }
}

//! How a run ends: what it took, and what is recorded of it.

use openclaw_core::events::{
    Block, CallOutcome, CallPayload, Change, NewEvent, Payload, StepPayload, StoreError,
    Thinking as StoredThinking,
};
use openclaw_core::{Cost, Kind, ModelRef, RunId, SessionEventKind, Usage};
use openclaw_providers::{AssistantBlock, Completion};

use crate::error::AgentError;
use crate::run::{Reply, Run};
use crate::step::text_of;

impl Run {
    /// Records the answer.
    pub(crate) async fn answer(
        &self,
        completion: Completion,
        total: Total,
        steps: u32,
    ) -> Result<Reply, AgentError> {
        let content = text_of(&completion.content);
        let event = NewEvent::from(SessionEventKind::AgentResponse {
            content: content.clone(),
            model: completion.model.clone(),
            tokens: total.usage.total(),
        })
        .in_run(&self.id, Some(self.cause))
        .at_step(steps)
        .with_payload(self.wrote(&completion));
        self.append_end(vec![event]).await?;
        self.unrecorded.lock().clear();
        tracing::info!(steps, model = %completion.model, "a run has its answer");
        Ok(Reply {
            run_id: self.id.clone(),
            content,
            provider: completion.provider,
            model: completion.model,
            usage: total.usage,
            stop: completion.stop,
            steps,
            cost: total.cost(),
            fallback: None,
            before: Vec::new(),
            calls: Vec::new(),
        })
    }

    /// Returns what is recorded beside the first event of a step.
    pub(crate) fn wrote(&self, completion: &Completion) -> Payload {
        Payload {
            step: Some(step_payload(completion)),
            calls: self.unrecorded.lock().clone(),
            // Whoever reads the session later has to know of whose words the model wrote.
            marks: std::mem::take(&mut *self.given.lock()),
            ..Payload::default()
        }
    }

    /// Whoever asked hears why the turn failed, and not why that could not be recorded.
    pub(crate) async fn record_failure(&self, err: &AgentError) {
        // Whoever asked gets the error; here it only helps to read the rest of the log.
        tracing::info!(%err, "a turn failed");
        let event = match failed(&self.id, self.cause, err, self.unrecorded.lock().clone()) {
            Ok(event) => vec![event],
            Err(err) => {
                tracing::error!(%err, run = %self.id, "a failed run could not be recorded");
                return;
            }
        };
        let Err(under_lease) = self.append_end(event.clone()).await else {
            return;
        };
        // The message was recorded by this run, whoever has the session now.
        let store = self.lease.store();
        if let Err(err) = store.append(self.lease.session(), event).await {
            tracing::error!(%under_lease, %err, run = %self.id, "a failed run could not be recorded");
        }
    }

    /// Records the last events of the run, and gives the lease up unless another message waits.
    pub(crate) async fn append_end(&self, events: Vec<NewEvent>) -> Result<(), StoreError> {
        if self.place.is_wanted() {
            self.lease.append(events).await?;
        } else {
            self.lease.append_last(events).await?;
        }
        Ok(())
    }
}

/// What the calls of a run took together.
#[derive(Debug, Default)]
pub(crate) struct Total {
    pub(crate) usage: Usage,
    cost: Cost,
    /// How many calls took something of which nobody knows the price.
    unpriced: usize,
    priced: usize,
}

impl Total {
    /// Adds the cost of calls.
    pub(crate) fn add(&mut self, calls: &[CallPayload]) {
        for call in calls {
            match call.cost {
                Some(cost) => {
                    self.cost += cost;
                    self.priced = self.priced.saturating_add(1);
                }
                None if call.usage == Usage::default() => {}
                None => self.unpriced = self.unpriced.saturating_add(1),
            }
        }
    }

    /// Returns what they cost, if that is known.
    pub(crate) fn cost(&self) -> Option<Cost> {
        (self.unpriced == 0 && self.priced > 0).then_some(self.cost)
    }
}

/// Returns the model that answered in a step, if it is not the one that is asked first.
pub(crate) fn stand_in(calls: &[CallPayload], primary: &ModelRef) -> Option<ModelRef> {
    let last = calls.last()?;
    let model = ModelRef {
        provider: last.provider.clone(),
        model: last.model.clone(),
    };
    (last.outcome == CallOutcome::Ok && model != *primary).then_some(model)
}

/// Returns the event that says that a run ended without an answer, with the calls that led there.
pub(crate) fn failed(
    run: &RunId,
    cause: u64,
    err: &AgentError,
    calls: Vec<CallPayload>,
) -> Result<NewEvent, StoreError> {
    let change = Change::RunFailed {
        run_id: run.clone(),
        kind: match err {
            // What was not let through is not shown to the model later, as what was withdrawn.
            AgentError::Blocked { .. } => Kind::Cancelled,
            err => err.kind(),
        },
        message: err.to_string(),
    };
    let event = change.to_event()?.in_run(run, Some(cause));
    if calls.is_empty() {
        return Ok(event);
    }
    Ok(event.with_payload(Payload {
        calls,
        ..Payload::default()
    }))
}

/// Returns what is recorded of what the model wrote in a step.
pub(crate) fn step_payload(completion: &Completion) -> StepPayload {
    StepPayload {
        provider: completion.provider.clone(),
        model: completion.model.clone(),
        stop: completion.stop.to_string(),
        usage: completion.usage,
        blocks: completion
            .content
            .iter()
            .map(|block| match block {
                AssistantBlock::Text(text) => Block::Text(text.clone()),
                AssistantBlock::Thinking(thinking) => Block::Thinking(StoredThinking {
                    text: thinking.text.clone(),
                    signature: thinking.signature.clone(),
                    redacted: thinking.redacted.clone(),
                }),
                AssistantBlock::ToolCall(call) => Block::Call(call.id.clone()),
            })
            .collect(),
    }
}

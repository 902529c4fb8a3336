//! One turn: from the recorded message to the recorded answer.

use std::sync::Arc;

use futures_util::future::join_all;
use openclaw_core::access::Sender;
use openclaw_core::events::{
    Block, CallOutcome, CallPayload, Change, Lease, NewEvent, Payload, SessionEvent, StepPayload,
    StoreError, Thinking as StoredThinking,
};
use openclaw_core::{CallId, Cost, ModelRef, ProviderId, RunId, SessionEventKind, Usage};
use openclaw_providers::{AssistantBlock, Completion, Message, Meter, StopReason, ToolResult};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{task, time};
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::bus::{Bus, Live, Part};
use crate::calls::{Call, Gate, Record};
use crate::error::AgentError;
use crate::prompt::Scene;
use crate::step::{Asked, Brief, text_of};
use crate::tools::{ToolError, ToolRegistry, model_text};
use crate::transcript;
use crate::world::World;

/// The answer of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The run that made it.
    pub run_id: RunId,
    /// The text.
    pub content: String,
    /// The provider that was asked.
    pub provider: ProviderId,
    /// The model that wrote it.
    pub model: String,
    /// What all steps of the run used.
    pub usage: Usage,
    /// Why the model stopped.
    pub stop: StopReason,
    /// How many steps it took.
    pub steps: u32,
    /// What all calls of the run cost, failed ones too; none if the price of one is not known.
    pub cost: Option<Cost>,
    /// The model that stood in for the agent's own in the last step, if one did.
    pub fallback: Option<ModelRef>,
}

/// What one turn works with.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) agent: Arc<Agent>,
    pub(crate) tools: Arc<ToolRegistry>,
    pub(crate) lease: Lease,
    /// Who wrote the message that set the run off.
    pub(crate) sender: Sender,
    pub(crate) world: World,
    pub(crate) bus: Bus,
    pub(crate) id: RunId,
    /// The sequence number of the message that set the run off.
    pub(crate) cause: u64,
    pub(crate) stop: CancellationToken,
    /// What the run's calls are counted against.
    pub(crate) meter: Arc<dyn Meter>,
    /// The calls that are not on record yet.
    pub(crate) unrecorded: Mutex<Vec<CallPayload>>,
}

impl Run {
    /// Takes the turn to its end; a failure is on record, if it can be, when this returns it.
    pub(crate) async fn turn(self) -> Result<Reply, AgentError> {
        let limit = self.agent.limits.max_wall_time;
        let outcome = {
            let mut steps = std::pin::pin!(self.steps());
            if let Ok(outcome) = time::timeout(limit, steps.as_mut()).await {
                outcome
            } else {
                // The steps end by themselves, so that every call that was begun gets its result.
                self.stop.cancel();
                match steps.await {
                    Err(AgentError::Cancelled | AgentError::Provider(_)) => {
                        Err(AgentError::TimedOut(limit))
                    }
                    other => other,
                }
            }
        };
        if let Err(err) = &outcome {
            self.record_failure(err).await;
        }
        outcome
    }

    async fn steps(&self) -> Result<Reply, AgentError> {
        let scene = self.scene().await?;
        let brief = Brief::new(&self.agent, &self.tools, self.lease.session(), &scene)?;
        let mut messages = self.transcript().await?;
        let mut total = Total::default();
        for step in 1..=self.agent.limits.max_steps {
            let hear = |part, text| self.delta(step, part, text);
            let meter = self.meter.as_ref();
            let Asked { answer, calls } = brief.ask(&messages, meter, &self.stop, hear).await;
            total.add(&calls);
            let fallback = stand_in(&calls, brief.model());
            self.unrecorded.lock().extend(calls);
            let completion = answer?;
            total.usage += completion.usage;
            let (completion, calls) = Brief::calls(completion);
            if calls.is_empty() {
                let reply = self.answer(completion, total, step).await?;
                return Ok(Reply { fallback, ..reply });
            }
            let results = self.call_tools(&completion, calls, step).await?;
            messages.push(Message::Assistant(completion.content));
            messages.push(Message::ToolResults(results));
            if self.stop.is_cancelled() {
                return Err(AgentError::Cancelled);
            }
        }
        Err(AgentError::TooManySteps(self.agent.limits.max_steps))
    }

    /// Looks around on disk, where it holds nobody up.
    async fn scene(&self) -> Result<Scene, AgentError> {
        let (agent, session) = (Arc::clone(&self.agent), self.lease.session().clone());
        task::spawn_blocking(move || Scene::of(&agent, &session))
            .await
            .map_err(|_panicked| AgentError::Defect)
    }

    /// Closes what an earlier run left open and folds the session's events.
    async fn transcript(&self) -> Result<Vec<Message>, AgentError> {
        let store = self.lease.store();
        store.record_lost_calls().await?;
        let mut events = store.read(self.lease.session(), 1..=u64::MAX).await?;
        self.count_earlier(&events);
        let open = transcript::open_calls(&events);
        if !open.is_empty() {
            let closing = open.into_iter().map(|call| {
                NewEvent::from(SessionEventKind::ToolResult {
                    tool: call.tool,
                    result: Value::String(transcript::INTERRUPTED.to_owned()),
                    success: false,
                })
                .in_run(&call.run_id, Some(call.seq))
                .at_step(call.step)
                .about_call(&call.call_id)
            });
            events.extend(self.lease.append(closing.collect()).await?);
        }
        Ok(transcript::fold(&events, &self.id))
    }

    /// A run that goes on after its process died has spent what it spent before that.
    fn count_earlier(&self, events: &[SessionEvent]) {
        let of_run = events
            .iter()
            .filter(|event| event.run_id.as_ref() == Some(&self.id));
        for call in of_run
            .filter_map(|event| event.payload.as_ref())
            .flat_map(|payload| &payload.calls)
        {
            self.meter.count(&call.usage, call.cost);
        }
    }

    fn delta(&self, step: u32, part: Part, text: String) {
        self.bus.send(|| Live::Delta {
            session: self.lease.session().clone(),
            run: self.id.clone(),
            step,
            part,
            text,
        });
    }

    /// Runs the calls of one step side by side, after all of them are on record.
    async fn call_tools(
        &self,
        completion: &Completion,
        calls: Vec<Call>,
        step: u32,
    ) -> Result<Vec<ToolResult>, AgentError> {
        let ids: Vec<CallId> = calls.iter().map(|call| call.id.clone()).collect();
        let gate = Gate {
            agent: &self.agent,
            tools: &self.tools,
            record: Record::Leased(&self.lease),
            bus: &self.bus,
            sender: &self.sender,
            world: &self.world,
            run: &self.id,
            step: Some(step),
            stop: &self.stop,
        };
        let recorded = gate
            .record(calls, Some(self.cause), Some(self.wrote(completion)))
            .await?;
        self.unrecorded.lock().clear();
        let limit = self.agent.limits.max_calls_per_step;
        let outputs = join_all(recorded.into_iter().enumerate().map(|(index, call)| {
            let gate = &gate;
            async move {
                if index < limit {
                    gate.run(call).await
                } else {
                    gate.refuse(call, &ToolError::TooMany { limit }).await
                }
            }
        }))
        .await;
        ids.into_iter()
            .zip(outputs)
            .map(|(call_id, output)| {
                let output = output?;
                let content = model_text(&output.result);
                Ok(ToolResult {
                    call_id,
                    content,
                    is_error: !output.success,
                })
            })
            .collect()
    }

    async fn answer(
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
        self.lease.append_last(vec![event]).await?;
        self.unrecorded.lock().clear();
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
        })
    }

    /// Returns what is recorded beside the first event of a step.
    fn wrote(&self, completion: &Completion) -> Payload {
        Payload {
            step: Some(step_payload(completion)),
            calls: self.unrecorded.lock().clone(),
            ..Payload::default()
        }
    }

    /// Whoever asked hears why the turn failed, and not why that could not be recorded.
    async fn record_failure(&self, err: &AgentError) {
        // Whoever asked gets the error; here it only helps to read the rest of the log.
        tracing::info!(run = %self.id, %err, "a turn failed");
        let event = match failed(&self.id, self.cause, err, self.unrecorded.lock().clone()) {
            Ok(event) => vec![event],
            Err(err) => {
                tracing::error!(%err, run = %self.id, "a failed run could not be recorded");
                return;
            }
        };
        let Err(under_lease) = self.lease.append_last(event.clone()).await else {
            return;
        };
        // The message was recorded by this run, whoever has the session now.
        let store = self.lease.store();
        if let Err(err) = store.append(self.lease.session(), event).await {
            tracing::error!(%under_lease, %err, run = %self.id, "a failed run could not be recorded");
        }
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
        kind: err.kind(),
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

fn step_payload(completion: &Completion) -> StepPayload {
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

//! One turn: from the recorded message to the recorded answer.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use openclaw_core::access::Sender;
use openclaw_core::events::{CallPayload, Lease, SessionEvent};
use openclaw_core::provenance::Mark;
use openclaw_core::{CallId, Cost, ModelRef, ProviderId, RunId, Usage};
use openclaw_providers::{Completion, Message, Meter, ProviderError, StopReason, ToolResult};
use parking_lot::Mutex;
use tokio::task;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::approvals::Waits;
use crate::bus::{Bus, Live, Part};
use crate::calls::{Call, Gate, Record};
use crate::compaction::{self, Gauge, Room};
use crate::ending::{Total, stand_in};
use crate::error::AgentError;
use crate::hearing::EMPTY;
use crate::lanes::{self, Place};
use crate::loops::{Circle, Circles};
use crate::meters::Attended;
use crate::prompt::Scene;
use crate::step::{Asked, Brief, text_of};
use crate::terms::{ClientCall, Terms};
use crate::tools::{ToolError, ToolRegistry, model_text};
use crate::tracks;
use crate::transcript;
use crate::world::World;

/// How often handlers may have an answer written again.
const MOST_REVISIONS: u32 = 3;

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
    /// What the model wrote for the reader in the steps before the last.
    pub before: Vec<String>,
    /// The calls that the client is to run, which ended the run.
    pub calls: Vec<ClientCall>,
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
    /// Whether anybody waits for the answer.
    pub(crate) attended: Attended,
    /// What came with the message, if a program sent it.
    pub(crate) terms: Option<Arc<Terms>>,
    /// The time in which people were waited for.
    pub(crate) waits: Waits,
    /// Its place among the messages of its session.
    pub(crate) place: Place,
    pub(crate) stop: CancellationToken,
    /// What the run's calls are counted against.
    pub(crate) meter: Arc<dyn Meter>,
    /// The calls that are not on record yet.
    pub(crate) unrecorded: Mutex<Vec<CallPayload>>,
    /// The marks of what the model is given unasked, until they are on record.
    pub(crate) given: Mutex<Vec<Mark>>,
}

/// How a turn has gone so far.
#[derive(Debug, Default)]
struct Course {
    total: Total,
    circles: Circles,
    /// How often the model wrote nothing.
    silences: u32,
    /// How often it was told to write its answer again.
    revisions: u32,
    /// What it wrote for the reader beside its calls.
    before: Vec<String>,
}

impl Run {
    /// Takes the turn to its end; a failure is on record, if it can be, when this returns it.
    ///
    /// The lease comes back if another message waits for it.
    pub(crate) async fn turn(self) -> (Result<Reply, AgentError>, Option<Lease>) {
        let (limit, began) = (self.agent.limits.max_wall_time, Instant::now());
        let outcome = {
            let mut steps = std::pin::pin!(self.steps());
            tokio::select! {
                outcome = steps.as_mut() => outcome,
                // Nobody's time to think it over counts.
                () = self.waits.worked(limit) => {
                    // The steps end by themselves, so that every call that was begun gets its result.
                    self.stop.cancel();
                    match steps.await {
                        Err(AgentError::Cancelled | AgentError::Provider(_)) => {
                            Err(AgentError::TimedOut(limit))
                        }
                        other => other,
                    }
                }
                () = self.hung_up() => {
                    self.stop.cancel();
                    steps.await
                }
            }
        };
        let outcome = match outcome {
            Err(AgentError::Cancelled) if self.place.is_superseded() => Err(AgentError::Superseded),
            other => other,
        };
        if let Err(err) = &outcome {
            self.record_failure(err).await;
        }
        self.after_run(&outcome, began.elapsed()).await;
        let lease = self.lease.is_held().then_some(self.lease);
        (outcome, lease)
    }

    async fn steps(&self) -> Result<Reply, AgentError> {
        self.close_cut_off().await?;
        let scene = self.scene().await?;
        let session = self.lease.session();
        *self.given.lock() = tracks::given(&self.agent, &self.lease).await?;
        let offered = self.agent.offered(&self.tools, Some(session), &self.sender);
        let brief = Brief::new(&self.agent, &offered, session, &scene)?;
        self.begin_hearing().await?;
        let mut messages = self.transcript().await?;
        let (brief, tools) = self.before_prompt(brief, &mut messages).await?;
        let brief = brief.on(self.terms.as_deref());
        if let Some(instead) = self.before_run(&brief, &messages).await? {
            return self.answer(instead, Total::default(), 1).await;
        }
        let mut course = Course::default();
        let mut room = self.room(&brief);
        for step in 1..=self.agent.limits.max_steps {
            let hear = |part, text| self.delta(step, part, text);
            self.before_call(&brief, &messages, step).await;
            let asked = room.ask(&mut messages, hear).await;
            let fallback = stand_in(&asked.calls, brief.model());
            let Some((mut completion, mut calls)) = self
                .heard_out(asked, step, &mut messages, &mut course)
                .await?
            else {
                continue;
            };
            if calls.is_empty() {
                let reply = self.answer(completion, course.total, step).await?;
                let before = course.before;
                return Ok(Reply {
                    fallback,
                    before,
                    ..reply
                });
            }
            self.with_own_ids(&mut completion, &mut calls);
            let calling = (calls.clone(), tools.as_ref());
            let results = self.call_tools(&completion, calling, step).await?;
            if self.stop.is_cancelled() {
                return Err(AgentError::Cancelled);
            }
            if calls.iter().any(|call| self.is_clients(&call.tool)) {
                let reply = self.hand_over(&completion, course.total, step).await?;
                let before = course.before;
                return Ok(Reply {
                    fallback,
                    before,
                    ..reply
                });
            }
            let circle = self.circle(&mut course.circles, &calls, &results);
            course.before.extend(said_beside(&completion));
            messages.push(Message::Assistant(completion.content));
            messages.push(Message::ToolResults(results));
            match circle {
                Circle::None => {}
                Circle::Tell(text) => self.tell(&mut messages, text).await?,
                Circle::End { tool, times } => return Err(AgentError::Circles { tool, times }),
            }
            self.hear(&mut messages).await?;
        }
        Err(AgentError::TooManySteps(self.agent.limits.max_steps))
    }

    /// Takes what the model wrote and the calls that it wants; none when it was told to write
    /// again, because it wrote nothing or somebody does not let it be the answer.
    async fn heard_out(
        &self,
        asked: Asked,
        step: u32,
        messages: &mut Vec<Message>,
        course: &mut Course,
    ) -> Result<Option<(Completion, Vec<Call>)>, AgentError> {
        let Asked {
            answer,
            calls,
            recorded,
        } = asked;
        self.after_call(&calls, answer.as_ref(), step).await;
        course.total.add(&recorded);
        course.total.add(&calls);
        let times = calls.len();
        self.unrecorded.lock().extend(calls);
        let answer = match answer {
            // One that was asked for again and again is given up where that was done.
            Err(AgentError::Provider(ProviderError::Empty { .. })) if times < 2 => None,
            answer => Some(Brief::calls(answer?)),
        };
        let said = |(completion, calls): &(Completion, Vec<Call>)| {
            !calls.is_empty() || !text_of(&completion.content).trim().is_empty()
        };
        if let Some((completion, _)) = &answer {
            course.total.usage += completion.usage;
        }
        let Some((completion, calls)) = answer.filter(said) else {
            if course.silences > 0 {
                return Err(AgentError::NoAnswer);
            }
            course.silences = 1;
            self.tell(messages, EMPTY.to_owned()).await?;
            return Ok(None);
        };
        if calls.is_empty()
            && course.revisions < MOST_REVISIONS
            && let Some(text) = self.before_answer(&completion, course.revisions).await
        {
            course.revisions = course.revisions.saturating_add(1);
            self.tell(messages, text).await?;
            return Ok(None);
        }
        Ok(Some((completion, calls)))
    }

    fn room<'a>(&'a self, brief: &'a Brief) -> Room<'a> {
        Room {
            lease: &self.lease,
            brief,
            rules: &self.agent.rules.compaction,
            run: &self.id,
            cause: self.cause,
            meter: self.meter.as_ref(),
            stop: &self.stop,
            hooks: self.world.hooks.as_ref(),
            cx: self.hook_context(),
            gauge: Gauge::default(),
        }
    }

    /// Looks around on disk, where it holds nobody up.
    async fn scene(&self) -> Result<Scene, AgentError> {
        let (agent, session) = (Arc::clone(&self.agent), self.lease.session().clone());
        let sender = self.sender.clone();
        task::spawn_blocking(move || Scene::of(&agent, &session, &sender))
            .await
            .map_err(|_panicked| AgentError::Defect)
    }

    /// Closes what a process left open that died with the lease.
    async fn close_cut_off(&self) -> Result<(), AgentError> {
        if self.lease.is_taken_over() {
            let (store, session) = (self.lease.store(), self.lease.session());
            let events = store.read(session, 1..=u64::MAX).await?;
            self.lease
                .append(lanes::closing(&events, self.cause)?)
                .await?;
        }
        Ok(())
    }

    /// Takes note of the calls of a step, and returns what is to be done about them.
    fn circle(&self, circles: &mut Circles, calls: &[Call], results: &[ToolResult]) -> Circle {
        let rules = &self.agent.rules.loops;
        let mut worst = Circle::None;
        for (call, result) in calls.iter().zip(results) {
            let own_name = self.tools.own_name(&call.tool);
            let circle = circles.note(rules, call, own_name, &result.content);
            if !matches!(worst, Circle::End { .. }) && circle != Circle::None {
                worst = circle;
            }
        }
        worst
    }

    /// Closes what an earlier run left open and folds the session's events.
    async fn transcript(&self) -> Result<Vec<Message>, AgentError> {
        let store = self.lease.store();
        store.record_lost_calls().await?;
        let mut events = compaction::read(store, self.lease.session(), self.cause).await?;
        self.count_earlier(&events);
        let open = transcript::open_calls(&events);
        if !open.is_empty() {
            let closing = self.closing(open, &events);
            events.extend(self.lease.append(closing).await?);
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
        (calls, tools): (Vec<Call>, &ToolRegistry),
        step: u32,
    ) -> Result<Vec<ToolResult>, AgentError> {
        let ids: Vec<CallId> = calls
            .iter()
            .filter(|call| !self.is_clients(&call.tool))
            .map(|call| call.id.clone())
            .collect();
        let steered = self.place.steered();
        let gate = Gate {
            agent: &self.agent,
            tools,
            record: Record::Leased(&self.lease),
            bus: &self.bus,
            sender: &self.sender,
            world: &self.world,
            run: &self.id,
            step: Some(step),
            attended: self.attended,
            waits: &self.waits,
            stop: &self.stop,
            steered: &steered,
        };
        let recorded = gate
            .record(calls, Some(self.cause), Some(self.wrote(completion)))
            .await?;
        self.unrecorded.lock().clear();
        let limit = self.agent.limits.max_calls_per_step;
        // Looked at once for the whole step: what runs side by side begins together.
        let passed_over = steered.is_cancelled();
        // Counted before the first one begins, so that none takes the others to be over.
        let under_way: Vec<_> = recorded
            .into_iter()
            .filter(|recorded| !self.is_clients(&recorded.call.tool))
            .map(|call| (self.waits.call(), call))
            .collect();
        let outputs = join_all(under_way.into_iter().enumerate().map(
            |(index, (calling, call))| {
                let gate = &gate;
                async move {
                    let _calling = calling;
                    if passed_over {
                        gate.refuse(call, &ToolError::PassedOver).await
                    } else if index < limit {
                        gate.run(call).await
                    } else {
                        gate.refuse(call, &ToolError::TooMany { limit }).await
                    }
                }
            },
        ))
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
}

/// Returns what a model wrote for the reader beside its calls, if it wrote anything.
fn said_beside(completion: &Completion) -> Option<String> {
    Some(text_of(&completion.content)).filter(|text| !text.trim().is_empty())
}

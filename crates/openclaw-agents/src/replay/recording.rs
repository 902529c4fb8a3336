//! A session seen at one of its events: its state there, and the turn that waits for an answer.

use std::collections::BTreeMap;

use openclaw_core::ModelRef;
use openclaw_core::events::{Change, StepPayload};
use openclaw_core::{Kind, RunId, SessionEvent, SessionEventKind, SessionKey, SessionProjection};
use openclaw_providers::{AssistantBlock, Message, ToolResult, UserBlock};
use serde_json::Value;

use super::decision::Decision;
use crate::calls::Call;
use crate::step::text_of;
use crate::transcript::{self, Calls, INTERRUPTED};

/// A session seen at one of its events.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The session.
    pub session: SessionKey,
    /// The event that it is seen at.
    pub at: u64,
    /// The session's last event.
    pub head: u64,
    /// The session's state after that event.
    pub state: BTreeMap<String, Value>,
    /// The turn that waits for a model there; none if nothing waits.
    pub turn: Option<RecordedTurn>,
}

/// A turn from one of its events on.
#[derive(Clone, Debug)]
pub struct RecordedTurn {
    session: SessionKey,
    message: u64,
    model: Option<ModelRef>,
    messages: Vec<Message>,
    steps: Vec<RecordedStep>,
    next: u32,
}

/// One recorded step of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedStep {
    /// Its number in the turn, from 1.
    pub step: u32,
    /// The event that it begins with.
    pub seq: u64,
    /// What the model decided.
    pub decision: Decision,
    /// For each call, what it was answered with; none if its run was cut off before.
    results: Vec<Option<ToolResult>>,
    /// What the run heard before it, since the step before.
    heard: Vec<UserBlock>,
}

/// Why a session cannot be replayed from an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// The event does not exist.
    #[error("`{session}` has no event {at}: its events are 1 to {head}")]
    NoEvent {
        /// The session.
        session: SessionKey,
        /// The number that was asked for.
        at: u64,
        /// The session's last event.
        head: u64,
    },
    /// No event was named, and there is none to begin with.
    #[error("no message in `{session}` was answered")]
    NoAnswer {
        /// The session.
        session: SessionKey,
        /// Its last message.
        message: Option<u64>,
    },
}

impl RecordingError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoEvent { .. } | Self::NoAnswer { .. } => Kind::NotFound,
        }
    }

    /// Returns what the caller can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAnswer {
                message: Some(message),
                ..
            } => Some(format!(
                "begin with the last message all the same: --at {message}"
            )),
            Self::NoEvent { session, .. } => Some(format!(
                "list the events with `openclaw sessions events {session}`"
            )),
            Self::NoAnswer { message: None, .. } => None,
        }
    }
}

impl Recording {
    /// Looks at a session after the event `at`, or after the last message that was answered.
    ///
    /// `events` are all that the session has, in their order.
    pub fn new(
        session: SessionKey,
        events: &[SessionEvent],
        at: Option<u64>,
    ) -> Result<Self, RecordingError> {
        let head = events.last().map(|event| event.seq).unwrap_or_default();
        let turns = turns(events);
        let at = match at {
            Some(at) if (1..=head).contains(&at) => at,
            Some(at) => return Err(RecordingError::NoEvent { session, at, head }),
            None => {
                let answered = turns.iter().rfind(|turn| turn.answer().is_some());
                let Some(turn) = answered else {
                    let message = turns.last().map(TurnEvents::message);
                    return Err(RecordingError::NoAnswer { session, message });
                };
                turn.message()
            }
        };
        let seen = before(events, at.saturating_add(1));
        Ok(Self {
            state: SessionProjection::project(seen).state(),
            turn: waiting(seen, &turns, at)
                .map(|turn| RecordedTurn::new(session.clone(), events, turn, at)),
            session,
            at,
            head,
        })
    }
}

impl RecordedTurn {
    fn new(session: SessionKey, events: &[SessionEvent], turn: &TurnEvents<'_>, at: u64) -> Self {
        let (next, steps) = turn.steps_after(at, events);
        // The live run saw all that was on record before its step, also what came after `at`:
        // the rest of the step that `at` lies in, and runs that the message had to wait for.
        let end = steps
            .first()
            .map(|step| step.seq)
            .or_else(|| turn.failure())
            .or_else(|| next_start(events, at))
            .unwrap_or(u64::MAX);
        let seen = before(events, end);
        let outsider = RunId::generate();
        let first = steps.first().and_then(|step| {
            Some(ModelRef {
                provider: step.decision.provider.clone()?,
                model: step.decision.model.clone(),
            })
        });
        Self {
            session,
            message: turn.message(),
            model: first.or_else(|| seen.iter().rev().find_map(payload).map(model_of)),
            messages: transcript::fold(seen, turn.run.unwrap_or(&outsider)),
            steps,
            next,
        }
    }

    /// Returns the session that the turn is in.
    pub(super) const fn session(&self) -> &SessionKey {
        &self.session
    }

    /// Returns the message that the turn answers.
    pub const fn message(&self) -> u64 {
        self.message
    }

    /// Returns the model that wrote the recorded step, or else the last one before it.
    pub const fn model(&self) -> Option<&ModelRef> {
        self.model.as_ref()
    }

    /// Returns the conversation, the recorded steps that follow, and the number of the first.
    pub(super) fn into_parts(self) -> (Vec<Message>, Vec<RecordedStep>, u32) {
        (self.messages, self.steps, self.next)
    }
}

impl RecordedStep {
    pub(super) fn results(&self) -> &[Option<ToolResult>] {
        &self.results
    }

    pub(super) fn heard(&self) -> &[UserBlock] {
        &self.heard
    }
}

/// The events of one turn; the first is its message.
#[derive(Debug)]
struct TurnEvents<'a> {
    /// Imported sessions may have no runs.
    run: Option<&'a RunId>,
    events: Vec<&'a SessionEvent>,
}

impl TurnEvents<'_> {
    fn message(&self) -> u64 {
        self.events
            .first()
            .map(|event| event.seq)
            .unwrap_or_default()
    }

    fn answer(&self) -> Option<u64> {
        self.find(|kind| matches!(kind, SessionEventKind::AgentResponse { .. }))
    }

    fn failure(&self) -> Option<u64> {
        self.find(|kind| {
            matches!(kind, SessionEventKind::StateChanged { key, value }
                if matches!(Change::read(key, value), Some(Change::RunFailed { .. })))
        })
    }

    fn find(&self, wanted: impl Fn(&SessionEventKind) -> bool) -> Option<u64> {
        self.events
            .iter()
            .find(|event| wanted(&event.kind))
            .map(|event| event.seq)
    }

    fn has(&self, seq: u64) -> bool {
        self.events.iter().any(|event| event.seq == seq)
    }

    fn is_over(&self, at: u64) -> bool {
        [self.answer(), self.failure()]
            .into_iter()
            .flatten()
            .any(|end| end <= at)
    }

    fn has_stepped(&self, at: u64) -> bool {
        self.events
            .iter()
            .any(|event| event.seq <= at && payload(event).is_some())
    }

    /// Returns the recorded steps that the model took after `at`, and the number of the next one.
    fn steps_after(&self, at: u64, all: &[SessionEvent]) -> (u32, Vec<RecordedStep>) {
        let begun = self.events.iter().filter(|event| event.seq <= at);
        let next = begun
            .filter_map(|event| event.step)
            .max()
            .unwrap_or_default()
            .saturating_add(1);
        let calls = Calls::of(&self.events);
        let mut steps: Vec<RecordedStep> = Vec::new();
        let mut heard = Vec::new();
        for event in &self.events {
            heard.extend(transcript::heard_between(event, all));
            let number = event.step.unwrap_or(next);
            if number < next {
                continue;
            }
            if let Some(step) = calls.step(event) {
                steps.push(RecordedStep {
                    heard: std::mem::take(&mut heard),
                    ..recorded(event, step, number)
                });
            }
        }
        (next, steps)
    }
}

fn recorded(event: &SessionEvent, step: transcript::Step, number: u32) -> RecordedStep {
    let payload = payload(event);
    let named = match &event.kind {
        SessionEventKind::AgentResponse { model, .. } => model.clone(),
        _ => String::new(),
    };
    let text = text_of(&step.blocks);
    let calls = step.blocks.into_iter().filter_map(|block| match block {
        AssistantBlock::ToolCall(call) => Some(Call {
            id: call.id,
            tool: call.name,
            params: Value::Object(call.arguments.to_object()),
        }),
        AssistantBlock::Text(_) | AssistantBlock::Thinking(_) => None,
    });
    RecordedStep {
        step: number,
        seq: event.seq,
        decision: Decision {
            provider: payload.map(|step| step.provider.clone()),
            model: payload.map_or(named, |step| step.model.clone()),
            text,
            calls: calls.collect(),
            usage: payload.map(|step| step.usage),
            stop: payload.map(|step| step.stop.clone()),
        },
        heard: Vec::new(),
        // What stands in for a result is for models that go on after a crash, not a result.
        results: step
            .answers
            .into_iter()
            .map(|answer| (answer.content != INTERRUPTED).then_some(answer))
            .collect(),
    }
}

fn payload(event: &SessionEvent) -> Option<&StepPayload> {
    event.payload.as_ref()?.step.as_ref()
}

fn model_of(step: &StepPayload) -> ModelRef {
    ModelRef {
        provider: step.provider.clone(),
        model: step.model.clone(),
    }
}

/// Returns the events before a sequence number.
fn before(events: &[SessionEvent], seq: u64) -> &[SessionEvent] {
    let end = events.partition_point(|event| event.seq < seq);
    events.get(..end).unwrap_or_default()
}

fn next_start(events: &[SessionEvent], at: u64) -> Option<u64> {
    let starts = |event: &&SessionEvent| {
        event.seq > at && matches!(event.kind, SessionEventKind::SessionStarted { .. })
    };
    events.iter().find(starts).map(|event| event.seq)
}

/// Groups events by turn, in the order of the turns' messages.
fn turns(events: &[SessionEvent]) -> Vec<TurnEvents<'_>> {
    let mut turns: Vec<TurnEvents<'_>> = Vec::new();
    let taken = transcript::taken(events);
    let mut places: BTreeMap<Option<&RunId>, usize> = BTreeMap::new();
    for event in events {
        let run = event.run_id.as_ref();
        let place = places.get(&run).copied();
        // A message that a run took in is part of that run's turn.
        let begins = matches!(event.kind, SessionEventKind::MessageReceived { .. })
            && !taken.contains(&event.seq)
            && (run.is_none() || place.is_none());
        if begins {
            places.insert(run, turns.len());
            let events = vec![event];
            turns.push(TurnEvents { run, events });
            continue;
        }
        // Of what belongs to no run, only an answer is known to belong to the message before it.
        let belongs = run.is_some() || matches!(event.kind, SessionEventKind::AgentResponse { .. });
        if let Some(turn) = place
            .filter(|_| belongs)
            .and_then(|place| turns.get_mut(place))
        {
            turn.events.push(event);
        }
    }
    turns
}

/// Returns the turn whose model would be asked next after the event `at`, the last of `seen`.
///
/// That is the event's own turn. When that is over, or the event is of no turn, it is the one that
/// was under way, or the first whose message waits.
fn waiting<'t, 'a>(
    seen: &[SessionEvent],
    turns: &'t [TurnEvents<'a>],
    at: u64,
) -> Option<&'t TurnEvents<'a>> {
    let own = turns.iter().find(|turn| turn.has(at) && !turn.is_over(at));
    if own.is_some() {
        return own;
    }
    let bound = seen.iter().rev().find(|event| {
        matches!(
            event.kind,
            SessionEventKind::SessionStarted { .. } | SessionEventKind::SessionEnded { .. }
        )
    });
    let since = bound.map(|event| event.seq).unwrap_or_default();
    let known: Vec<&TurnEvents<'_>> = turns
        .iter()
        .filter(|turn| (since..=at).contains(&turn.message()))
        .collect();
    // A run before the last one that took a step is over, whether its end is on record or not.
    let from = known
        .iter()
        .rposition(|turn| turn.has_stepped(at))
        .unwrap_or_default();
    known.into_iter().skip(from).find(|turn| !turn.is_over(at))
}

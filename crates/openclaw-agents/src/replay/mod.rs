//! A recorded turn once more, from one of its events, against a model of choice.
//!
//! The model is asked what a live run would ask it, and every tool call that it makes is answered
//! with the result that is on record: no tool runs, and nothing is written to the log. What it
//! decides is held against what is recorded; a call that has no recorded result is where the
//! replay leaves the recording, and ends.
//!
//! Reading order: `recording` finds the turn and its steps in the log, `decision` compares,
//! `tape` hands out recorded results, [`Replay`] asks. How a result is shown is not decided here.

mod decision;
mod recording;
mod tape;

use openclaw_core::access::Sender;
use openclaw_core::{ModelRef, Usage};
use openclaw_providers::{Completion, Message, Request, ToolResult, Unmetered};
use tokio_util::sync::CancellationToken;

pub use decision::{CallChanges, Decision, Difference};
pub use recording::{RecordedStep, RecordedTurn, Recording, RecordingError};
pub use tape::Missing;

use self::tape::Tape;
use crate::agent::Agent;
use crate::calls::Call;
use crate::error::AgentError;
use crate::prompt::Scene;
use crate::step::{Brief, text_of};
use crate::tools::ToolRegistry;
use crate::transcript;

/// A recorded turn that a model is taken through again.
#[derive(Debug)]
pub struct Replay {
    brief: Brief,
    tape: Tape,
    messages: Vec<Message>,
    /// The number of the step that comes next.
    next: u32,
    max_steps: u32,
    /// How many of the recorded steps were compared with.
    reached: usize,
    /// Up to which of them the model was told what it heard between them.
    told: usize,
    usage: Usage,
    answer: Option<String>,
    end: Option<End>,
}

/// One step of a replay, beside the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayStep {
    /// Its number in the turn, from 1.
    pub step: u32,
    /// The recorded step that follows the same point; none if nothing more is on record.
    pub recorded: Option<RecordedStep>,
    /// What the model decided this time.
    pub replayed: Decision,
    /// In what the two differ; all of it if nothing is recorded.
    pub differences: Vec<Difference>,
}

impl ReplayStep {
    /// Tells whether the model decided the same; tokens may differ all the same, because another
    /// model counts otherwise.
    pub fn is_same(&self) -> bool {
        self.differences
            .iter()
            .all(|difference| *difference == Difference::Tokens)
    }
}

/// How a replay ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The model gave an answer.
    Answered,
    /// The model asked for something that has no recorded result.
    Diverged(Divergence),
    /// The turn has as many steps as the agent may take.
    TooManySteps(u32),
}

/// Where a replay left the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// The step that it happened in.
    pub step: u32,
    /// The call that could not be answered, and was not run.
    pub call: Call,
    /// Why it could not be answered.
    pub missing: Missing,
}

/// Tokens of the recorded and of the replayed steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What the recorded steps took: all from the replay's first on, or, when the replay did not
    /// come to an answer, those that it got to. Steps whose tokens are not on record count nothing.
    pub recorded: Usage,
    /// What the replayed steps took.
    pub replayed: Usage,
}

impl Replay {
    /// Prepares to take an agent's model through a recorded turn. Blocks on the file system.
    pub fn new(
        turn: RecordedTurn,
        agent: &Agent,
        tools: &ToolRegistry,
    ) -> Result<Self, AgentError> {
        let owner = Sender::owner("cli");
        let scene = Scene::of(agent, turn.session(), &owner);
        let offered = agent.offered(tools, Some(turn.session()), &owner);
        let brief = Brief::new(agent, &offered, turn.session(), &scene)?;
        let (messages, steps, next) = turn.into_parts();
        Ok(Self {
            brief,
            tape: Tape::new(steps),
            messages,
            next,
            max_steps: agent.limits.max_steps,
            reached: 0,
            told: 0,
            usage: Usage::default(),
            answer: None,
            end: None,
        })
    }

    /// Returns the model that is asked.
    pub fn model(&self) -> ModelRef {
        self.brief.model().clone()
    }

    /// Returns what the model is asked in the next step.
    pub fn request(&self) -> Request {
        self.brief.fitted(&self.messages)
    }

    /// Returns the number of the next step.
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// Returns the recorded steps that the replay is held against.
    pub fn recorded(&self) -> &[RecordedStep] {
        self.tape.steps()
    }

    /// Takes the next step; none is left after the [`End`].
    ///
    /// What it takes counts for no cap: caps are for what goes on while nobody looks.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection and leaves the replay before this step.
    pub async fn step(&mut self) -> Result<Option<ReplayStep>, AgentError> {
        if self.end.is_some() {
            return Ok(None);
        }
        if self.next > self.max_steps {
            self.end = Some(End::TooManySteps(self.max_steps));
            return Ok(None);
        }
        self.hear();
        let stop = CancellationToken::new();
        let asked = self
            .brief
            .ask(&self.messages, &Unmetered, &stop, |_, _| {})
            .await;
        let (completion, calls) = Brief::calls(asked.answer?);
        Ok(Some(self.take(completion, calls)))
    }

    /// Tells the model what it heard before the recorded step that comes next. Before the first
    /// one, that is part of the conversation already.
    fn hear(&mut self) {
        if let Some((place, step)) = self.tape.current()
            && place > self.told
        {
            self.told = place;
            let heard = step.heard().to_vec();
            transcript::hear(&mut self.messages, heard);
        }
    }

    /// Compares what the model said with the recording, and answers its calls from it.
    fn take(&mut self, completion: Completion, calls: Vec<Call>) -> ReplayStep {
        let step = self.next;
        self.next = step.saturating_add(1);
        self.usage += completion.usage;
        let recorded = self.tape.current().map(|(place, recorded)| {
            self.reached = self.reached.max(place.saturating_add(1));
            recorded.clone()
        });
        let replayed = Decision {
            provider: Some(completion.provider),
            model: completion.model,
            text: text_of(&completion.content),
            calls,
            usage: Some(completion.usage),
            stop: Some(completion.stop.to_string()),
        };
        let differences = match &recorded {
            Some(recorded) => recorded.decision.differences(&replayed),
            None => Difference::ALL.to_vec(),
        };
        if replayed.calls.is_empty() {
            self.answer = Some(replayed.text.clone());
            self.end = Some(End::Answered);
        } else {
            match self.results(&replayed.calls) {
                Ok(results) => {
                    self.messages.push(Message::Assistant(completion.content));
                    self.messages.push(Message::ToolResults(results));
                }
                Err((call, missing)) => {
                    let call = call.clone();
                    self.end = Some(End::Diverged(Divergence {
                        step,
                        call,
                        missing,
                    }));
                }
            }
        }
        ReplayStep {
            step,
            recorded,
            replayed,
            differences,
        }
    }

    fn results<'a>(&mut self, calls: &'a [Call]) -> Result<Vec<ToolResult>, (&'a Call, Missing)> {
        calls
            .iter()
            .map(|call| self.tape.take(call).map_err(|missing| (call, missing)))
            .collect()
    }

    /// Returns how the replay ended, once it has.
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Returns the answer that the replay came to.
    pub fn answer(&self) -> Option<&str> {
        self.answer.as_deref()
    }

    /// Returns the answer that is recorded.
    pub fn recorded_answer(&self) -> Option<&str> {
        let last = self.recorded().last()?;
        last.decision
            .calls
            .is_empty()
            .then_some(last.decision.text.as_str())
    }

    /// Returns what the steps so far took, and the recorded ones.
    pub fn totals(&self) -> Totals {
        let reached = match self.end {
            Some(End::Answered) => usize::MAX,
            Some(End::Diverged(_) | End::TooManySteps(_)) | None => self.reached,
        };
        let mut recorded = Usage::default();
        for step in self.recorded().iter().take(reached) {
            recorded += step.decision.usage.unwrap_or_default();
        }
        Totals {
            recorded,
            replayed: self.usage,
        }
    }
}

#[cfg(test)]
mod tests;

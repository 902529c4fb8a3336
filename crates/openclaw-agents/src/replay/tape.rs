//! The recorded results, each handed out once, to whichever call asks for it.

use std::fmt;

use openclaw_providers::ToolResult;

use super::decision::same;
use super::recording::RecordedStep;
use crate::calls::Call;

/// Recorded steps, and which of their results were handed out.
#[derive(Debug)]
pub(super) struct Tape {
    steps: Vec<RecordedStep>,
    /// For each step, for each of its calls.
    taken: Vec<Vec<bool>>,
}

/// Why a call has no recorded result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No such call is on record from the replay's first step on.
    Call,
    /// The run was cut off before the call's result was on record.
    Result,
    /// The call was answered already, as often as it is on record.
    Again,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "no call with these arguments is on record from here on",
            Self::Result => "the call is on record, its result is not",
            Self::Again => "the call is on record fewer times than it is made here",
        })
    }
}

impl Tape {
    pub(super) fn new(steps: Vec<RecordedStep>) -> Self {
        let taken = steps
            .iter()
            .map(|step| vec![false; step.decision.calls.len()])
            .collect();
        Self { steps, taken }
    }

    pub(super) fn steps(&self) -> &[RecordedStep] {
        &self.steps
    }

    /// Returns the first step that was not answered in full, and its place.
    ///
    /// This is the one that follows the point at which the replay is, also when the model asks for
    /// the calls of one recorded step in two.
    pub(super) fn current(&self) -> Option<(usize, &RecordedStep)> {
        let open = |taken: &Vec<bool>| taken.is_empty() || taken.contains(&false);
        let place = self.taken.iter().position(open)?;
        self.steps.get(place).map(|step| (place, step))
    }

    /// Takes the result of the first recorded call like this one that was not answered yet.
    pub(super) fn take(&mut self, call: &Call) -> Result<ToolResult, Missing> {
        let mut missing = Missing::Call;
        for (step, taken) in self.steps.iter().zip(&mut self.taken) {
            let recorded = step.decision.calls.iter().zip(step.results());
            for ((recorded, result), taken) in recorded.zip(taken) {
                if !same(recorded, call) {
                    continue;
                }
                match result {
                    _ if *taken => missing = Missing::Again,
                    None => missing = Missing::Result,
                    Some(result) => {
                        *taken = true;
                        return Ok(ToolResult {
                            call_id: call.id.clone(),
                            ..result.clone()
                        });
                    }
                }
            }
        }
        Err(missing)
    }
}
